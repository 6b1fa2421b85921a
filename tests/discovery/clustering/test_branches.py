"""Branches within clusters: by hand, their persistence against brute force, and what must hold for any data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from support.mixtures import mixture

from discovery.clustering.branches import branch_paths, nested_branches, own_branches
from discovery.clustering.clustering import hdbscan_clusters
from discovery.clustering.hierarchy import Branch, DensitySettings, DensityTree, density_tree
from discovery.clustering.prepared import prepare
from embed.vectors.graph import neighbour_graph
from embed.vectors.similarity import normalise


def branch(rows, distance, persistence, parent):
    return Branch(np.array(rows), distance, 1.0, 1.0, persistence, parent)


def by_hand():
    """Rows 0 to 3 and 4 to 9 meet at 0.5; together they meet rows 10 to 15 at 1; two dimensions."""
    return DensityTree(
        [
            branch(range(4), 0.5, 1.0, 2),
            branch(range(4, 10), 0.5, 0.4, 2),
            branch(range(10), 1.0, 3.0, 4),
            branch(range(10, 16), 1.0, 2.0, 4),
            branch(range(16), 2.0, 9.0, -1),
        ],
        2.0,
    )


def test_nested_branches_by_hand():
    labels = np.repeat([0, 1], [10, 6])
    tree = by_hand()
    assert own_branches(labels, tree) == {0: 2, 1: 3}
    found = nested_branches(labels, tree, least=4)
    assert [(own.path, own.parent, len(own.rows)) for own in found] == [("0", "", 10), ("0.0", "0", 6), ("0.1", "0", 4), ("1", "", 6)]  # fmt: skip
    step = 2.0 * np.log(2.0)  # from 1 to 0.5 in two dimensions
    assert [own.low for own in found] == pytest.approx([0.0, step, step, 0.0])
    assert [own.high for own in found] == pytest.approx([step, step + 0.4, step + 1.0, 2.0])
    assert branch_paths(labels, found) == ["0.1"] * 4 + ["0.0"] * 6 + ["1"] * 6
    assert [own.path for own in nested_branches(labels, tree, least=5)] == ["0", "1"]  # four are too few to be a part


def test_members_and_clusters_without_a_branch_have_no_path():
    labels = np.repeat(
        [0, 0, -1, 1], [10, 1, 3, 2]
    )  # row 10 joined cluster 0 later; cluster 1 is a part of a branch of six
    found = nested_branches(labels, by_hand(), least=4)
    paths = branch_paths(labels, found)
    assert paths[10:] == [""] * 6
    assert all(path.startswith("0") for path in paths[:10])


def test_a_part_of_known_glitches_alone_is_passed_over():
    """Rows from 8 on are a background: what splits them off is no split of the cluster."""
    tree = by_hand().among(4)
    found = nested_branches(np.zeros(4, int), tree, least=2)
    assert [own.path for own in found] == ["0"]


def test_the_whole_is_drawn_from_its_first_split():
    """One cluster meets nothing: its own branch has no height, and its parts begin at 0."""
    found = nested_branches(np.zeros(16, int), by_hand(), least=4)
    assert [(own.path, own.low) for own in found[:2]] == [("0", 0.0), ("0.0", 0.0)]
    assert found[0].high == 0.0


def test_persistence_is_that_of_the_densest_row_above_the_pass():
    """The least core distance and the pass between two groups, by brute force over all pairs."""
    unit = normalise(mixture([25, 35], seed=4)[0])
    apart = cdist(unit.astype(float), unit.astype(float))
    core = np.sort(apart, axis=1)[:, 4]
    loose = DensitySettings(neighbours=59, contrast=0.5, firmness=2.3)
    tree = density_tree(prepare(unit, neighbour_graph(unit, 59), 59), loose)
    one, other = (tree.branches[number] for number in tree.children()[-1])
    reach = np.maximum(np.maximum(core[:, None], core[None, :]), apart)
    assert one.distance == pytest.approx(reach[np.ix_(one.rows, other.rows)].min(), abs=1e-4)
    for own in (one, other):
        assert own.persistence == pytest.approx(tree.dimension * np.log(own.distance / core[own.rows].min()), abs=1e-3)
        assert own.persistence > own.contrast > 0


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(5, 40), min_size=1, max_size=5), seed=st.integers(0, 1000))
def test_parts_lie_in_their_branch_and_persist_less(sizes, seed):
    vectors = mixture([*sizes, 6], seed=seed, stray=4)[0]
    found = hdbscan_clusters(vectors)
    if found.tree is None:
        return
    nested = {own.path: own for own in nested_branches(found.labels, found.tree)}
    paths = branch_paths(found.labels, list(nested.values()))
    for own in nested.values():
        assert (found.labels[own.rows] == own.cluster).all()
        assert own.low <= own.high
        if own.parent:
            around = nested[own.parent]
            assert set(own.rows.tolist()) < set(around.rows.tolist())
            assert own.persistence <= around.persistence + 1e-9
            assert around.high == pytest.approx(own.low)
    for row, path in enumerate(paths):
        assert path == "" or (row in nested[path].rows and path.split(".")[0] == str(found.labels[row]))
        assert path != "" or not any(row in own.rows for own in nested.values())
