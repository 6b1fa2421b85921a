"""New points on a drawn map: where they belong, one by one, and the old ones as they were."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier
from support.mixtures import mixture

from discovery.clustering.placement import lay_out, place
from discovery.clustering.projection import project
from embed.vectors.graph import neighbour_graph

METHODS = ["tsne", "umap"]


@pytest.fixture(scope="module")
def drawn():
    """A mixture of six groups, four fifths of which are laid out by each method in two and three dimensions."""
    vectors, truth = mixture([40] * 6, seed=1)
    new = np.arange(len(vectors)) % 5 == 0
    layouts = {
        (method, dims): project(vectors[~new], method=method, dims=dims) for method in METHODS for dims in (2, 3)
    }
    return vectors, truth, new, layouts


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dims", [2, 3])
def test_new_points_are_beside_their_kind_and_old_ones_stay(drawn, method, dims):
    vectors, truth, new, layouts = drawn
    layout = layouts[method, dims]
    before = layout.tobytes()
    points, far = place(vectors[new], vectors[~new], layout, method=method)
    assert layout.tobytes() == before
    assert (points.shape, points.dtype) == ((48, dims), np.float32)
    assert far.mean() < 0.1
    assert KNeighborsClassifier(5).fit(layout, truth[~new]).score(points, truth[new]) > 0.95
    whole = np.empty((len(vectors), dims))
    whole[new], whole[~new] = points, layout
    moved = whole.copy()
    moved[new] = np.random.default_rng(0).permutation(points)
    scores = [trustworthiness(vectors, each, n_neighbors=8, metric="cosine") for each in (whole, moved)]
    assert scores[0] > 0.93 > scores[1] + 0.02


@pytest.mark.parametrize("method", METHODS)
def test_a_point_does_not_depend_on_the_others(drawn, method):
    vectors, _, new, layouts = drawn
    old, layout = vectors[~new], layouts[method, 2]
    points, far = place(vectors[new], old, layout, method=method, seed=3)
    back, far_back = place(vectors[new][::-1], old, layout, method=method, seed=3)
    assert back[::-1].tobytes() == points.tobytes()
    assert (far_back[::-1] == far).all()
    assert place(vectors[new][:1], old, layout, method=method, seed=3)[0].tobytes() == points[:1].tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_a_twin_is_on_its_twin(drawn, method):
    vectors, _, new, layouts = drawn
    layout = layouts[method, 2]
    points, _ = place(vectors[~new][:20], vectors[~new], layout, method=method)
    width = np.ptp(layout, axis=0).max()
    assert np.linalg.norm(points - layout[:20], axis=1).max() < 0.1 * width


def test_a_strange_family_is_far():
    vectors, truth = mixture([60] * 6, seed=2)
    strange = truth == 5
    layout = project(vectors[~strange])
    assert place(vectors[strange], vectors[~strange], layout)[1].all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("old", [2, 5, 9, 16])
def test_few_old_points_are_no_obstacle(method, old):
    vectors, _ = mixture([10, 10], seed=4)
    layout = np.random.default_rng(0).normal(size=(old, 3)).astype(np.float32)
    points, _ = place(vectors[old:], vectors[:old], layout, method=method)
    assert np.isfinite(points).all()
    assert np.abs(points).max() < 10


@pytest.mark.parametrize("method", METHODS)
def test_of_many_rows_some_are_laid_out_and_the_others_placed_among_them(drawn, method, monkeypatch):
    vectors, truth, _, _ = drawn
    graph = neighbour_graph(vectors)
    (solid, flat), placed = lay_out(vectors, graph, (3, 2), method=method, landmarks=150, seed=2)
    assert (solid.shape, flat.shape, placed.sum()) == ((240, 3), (240, 2), 90)
    kept = np.flatnonzero(~placed)
    for points in (solid, flat):
        alone = project(vectors[kept], method=method, dims=points.shape[1], seed=2)
        np.testing.assert_array_equal(points[kept], alone)
        assert KNeighborsClassifier(5).fit(points[kept], truth[kept]).score(points[placed], truth[placed]) > 0.95
    said = []
    monkeypatch.setattr("discovery.clustering.placement.BLOCK", 40)
    again, _ = lay_out(vectors, graph, (3, 2), method=method, landmarks=150, seed=2, step=said.append)
    assert said == ["place 0 of 90 among 150", "place 40 of 90 among 150", "place 80 of 90 among 150"]
    if method == "tsne":  # umap draws anew in each block
        np.testing.assert_allclose(again[0], solid, rtol=0, atol=1e-4 * np.ptp(solid))


def test_few_rows_are_laid_out_as_ever(drawn):
    vectors = drawn[0]
    graph = neighbour_graph(vectors)
    (points,), placed = lay_out(vectors, graph, (2,), landmarks=240)
    np.testing.assert_array_equal(points, project(vectors, graph, dims=2))
    assert not placed.any()
