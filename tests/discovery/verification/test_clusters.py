"""Two tables of clusters are compared: glitches with other partners count, numbers do not."""

import pytest

from discovery.verification.clusters import compare_clusters
from embed.errors import InputError


def compared_clusters(folder, before, after):
    """What is said of two tables of clusters, mappings of id to cluster."""
    for name, clusters in (("before", before), ("after", after)):
        (folder / name).mkdir()
        rows = "".join(f"{identifier},{cluster}\n" for identifier, cluster in clusters.items())
        (folder / name / "clusters.csv").write_text("id,cluster\n" + rows)
    return compare_clusters(folder / "before", folder / "after")


def test_a_named_cluster_is_no_move_of_the_others(tmp_path):
    """Cluster 0 has a name now, and the others count from 0: their glitches have the same partners."""
    before = dict(zip("abcdefgh", (0, 0, 1, 1, 1, 2, 2, -1), strict=True))
    after = {name: number - (number > 0) for name, number in before.items() if number != 0}
    assert compared_clusters(tmp_path, before, after).differences == [
        "of the report's 8 glitches 2 no longer have the label, and 0 others have it now",
        "the other 6 glitches are in the same clusters, which have other numbers",
    ]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ((1, 1, 1, 0, 0, -1), "all 6 glitches are in the same clusters, which have other numbers"),
        ((1, 1, 0, 0, 0, -1), "1 of 6 glitches is in another cluster"),  # c
        ((1, 1, 1, 0, 0, 2), "1 of 6 glitches is in another cluster"),  # f: a cluster is no noise
        ((2, 2, 0, 1, 1, 0), "2 of 6 glitches are in another cluster"),  # c and f
        ((-1, -1, -1, 0, 0, 1), "4 of 6 glitches are in another cluster"),  # noise is matched with noise
    ],
)
def test_glitches_with_other_partners_are_counted(tmp_path, after, said):
    before = dict(zip("abcdef", (0, 0, 0, 1, 1, -1), strict=True))
    (difference,) = compared_clusters(tmp_path, before, dict(zip("abcdef", after, strict=True))).differences
    assert difference.startswith(said)


def test_others_that_have_the_label_now_leave_the_clusters(tmp_path):
    before = {"a": 0, "b": 0, "c": -1}
    assert compared_clusters(tmp_path, before, before | {"d": 0}).differences == [
        "of the report's 3 glitches 0 no longer have the label, and 1 other has it now",
        "the other 3 glitches are in the same clusters",
    ]


def test_clusters_that_moved_are_counted(tmp_path):
    compared = compared_clusters(
        tmp_path, dict(zip("abcd", (0, 0, 1, 1), strict=True)), dict(zip("abcd", (0, 0, 1, 0), strict=True))
    )
    assert not compared.is_same
    assert compared.differences == ["1 of 4 glitches is in another cluster (adjusted Rand index 0.000)"]
    assert compare_clusters(tmp_path / "before", tmp_path / "before").differences == []
    with pytest.raises(InputError, match=r"holds no clusters\.csv: name a report"):
        compare_clusters(tmp_path, tmp_path / "before")


@pytest.mark.parametrize("rows", ["a,0\na,1\n", "a,0\nb,\n", "a,0\nb,0.5\n"])
def test_a_table_that_was_edited_is_refused(tmp_path, rows):
    for name, own in (("before", rows), ("after", "a,0\nb,1\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "clusters.csv").write_text("id,cluster\n" + own)
    with pytest.raises(InputError, match=r"clusters\.csv cannot be read .*make the report again"):
        compare_clusters(tmp_path / "before", tmp_path / "after")
