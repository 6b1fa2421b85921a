"""The points of a map page: samples keep what matters, the flat map is what it says, neighbours stay neighbours."""

import base64

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from support.explorer import coordinates, data_of, table

from discovery.explorer.explorer import embedding_html
from discovery.explorer.mapdata import MAX_LINKS, BesideMap, Served, chosen_rows, flat_map, packed_neighbours
from embed.errors import InputError
from embed.vectors.graph import NeighbourGraph, neighbour_graph


def test_a_sample_keeps_what_must_stay_and_spreads_the_rest_over_the_classes():
    column = pd.Series(np.repeat(["a", "b"], [800, 200]), name="label")
    keep = np.zeros(1000, bool)
    keep[[3, 500, 999]] = True
    rows = chosen_rows(column, keep, 103)
    assert len(rows) == len(set(rows)) == 103
    assert {3, 500, 999} <= set(rows)
    assert (np.diff(rows) > 0).all()
    others = column[np.setdiff1d(rows, [3, 500, 999])]
    assert abs((others == "a").sum() - 80) <= 1
    assert chosen_rows(column, keep, 1000) is None
    assert len(chosen_rows(column, np.ones(1000, bool), 10)) == 10  # all are to be kept, and there is no room


def served(count):
    """What a page of the review app has beside a file's: odd glitches have both views, even ones the first."""
    present = np.column_stack([np.ones(count, bool), np.arange(count) % 2 == 1])
    return Served(100 + np.arange(count), (1.0, 4.0), present, plain=False, event=7)


def test_a_sampled_page_says_so_and_its_neighbours_name_the_rows_that_are_left():
    keep = np.zeros(24, bool)
    keep[5] = True
    graph = neighbour_graph(coordinates(), 6)
    html = embedding_html(
        table(),
        coordinates(),
        None,
        color="ifo",
        title="t",
        beside=BesideMap(neighbours=graph, keep=keep, served=served(24)),
        max_points=10,
    )
    data = data_of(html)
    assert "10 of 24 glitches are in this page" in html
    assert data["n"] == 10
    assert "H1_0005" in data["ids"]
    whole = [f"H1_{row:04d}" for row in range(24)]
    numbers = np.frombuffer(base64.b64decode(data["served"]["glitches"]), "<i4")
    assert [whole[number - 100] for number in numbers] == data["ids"]
    slots = np.frombuffer(base64.b64decode(data["pictures"]["slots"]), "<i4").reshape(10, 2)
    assert slots.tolist() == [[0, (number - 100) % 2 - 1] for number in numbers]  # -1: the study has no such view
    assert "img-src &#39;self&#39; data: blob:" in html
    rows = np.frombuffer(base64.b64decode(data["neighbours"]["rows"]), "<i4").reshape(10, 6)
    for own, found in zip(data["ids"], rows, strict=True):
        near = [whole[row] for row in graph.neighbours[whole.index(own)]]
        assert [data["ids"][row] for row in found if row >= 0] == [name for name in near if name in data["ids"]]


def test_without_a_flat_map_of_its_own_it_is_the_principal_plane():
    points = (coordinates(200) * [1, 5, 3] + 7).astype(np.float32)
    flat, about = flat_map(points, None, "UMAP")
    expected = PCA(2).fit(points)
    for k, axis in enumerate(expected.transform(points).T):
        assert abs(np.corrcoef(axis, flat[:, k])[0, 1]) == pytest.approx(1)
    assert f"with {100 * expected.explained_variance_ratio_.sum():.0f} % of its spread" in about
    own, about = flat_map(points, coordinates(200, 2), "UMAP")
    np.testing.assert_array_equal(own, coordinates(200, 2))
    assert "laid out by UMAP on its own" in about
    still, _ = flat_map(np.zeros((4, 3), np.float32), None, "")
    assert not still.any()


def test_a_large_page_carries_few_neighbours_or_none():
    def packed(n):
        rows = np.broadcast_to(np.zeros(1, np.int64), (n, 30))
        return packed_neighbours(
            NeighbourGraph(rows, np.broadcast_to(np.float32(0.5), (n, 30)), 30, 30, exact=True, recall=1.0)
        )

    assert packed(1000)["k"] == 20
    assert packed(MAX_LINKS // 8)["k"] == 8
    assert packed(MAX_LINKS // 4) is None
    assert packed_neighbours(None) is None


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        (BesideMap(flat=np.zeros((3, 2))), r"shape \(3, 2\)"),
        (BesideMap(neighbours=neighbour_graph(coordinates(9), 2)), "the neighbour graph has 9 rows and the table 24"),
        (BesideMap(served=served(5)), "5 numbers of glitches are given and the table has 24 rows"),
        (BesideMap(keep=np.ones(3, bool)), r"the rows to keep have shape \(3,\)"),
    ],
)
def test_parts_of_other_rows_are_refused(beside, message):
    with pytest.raises(InputError, match=message):
        embedding_html(table(), coordinates(), None, color="ifo", title="t", beside=beside)
