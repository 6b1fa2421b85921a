"""The density tree: spanning trees against brute force, branches on planted groups, and what must hold for any data."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist
from support.mixtures import mixture

from discovery.clustering import prepared as prepared_module
from discovery.clustering.clustering import hdbscan_clusters, spectral_clusters
from discovery.clustering.hierarchy import Branch, DensitySettings, DensityTree, density_tree
from discovery.clustering.prepared import NEIGHBOURS, NOISY_DIMENSIONS, dimension_of, intrinsic_dimension, prepare
from embed.vectors.graph import neighbour_graph
from embed.vectors.similarity import normalise


def groups(n, noise, seed, count=30, width=1280):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, count, n)
    return rng.normal(size=(count, width))[truth] + noise * rng.normal(size=(n, width)), truth


def branch(rows, contrast, firmness, parent):
    return Branch(np.array(rows), 1.0, contrast, firmness, contrast, parent)


@pytest.mark.parametrize("dims", [1, 2, 5, 10])
def test_the_dimension_of_a_cube(dims):
    points = np.random.default_rng(dims).random((2000, dims))
    apart = np.sort(cdist(points, points), axis=1)[:, 1:16]
    assert intrinsic_dimension(apart) == pytest.approx(dims, rel=0.2)


def test_the_tree_spans_as_brute_force_does():
    """With all neighbours in the graph, the root's passes have the lengths of the dense minimum spanning tree."""
    unit = normalise(mixture([12, 9, 9], seed=2)[0])
    graph = neighbour_graph(unit, 29)
    apart = cdist(unit.astype(float), unit.astype(float))
    core = np.sort(apart, axis=1)[:, 4]
    reach = np.maximum(np.maximum(core[:, None], core[None, :]), apart)
    np.fill_diagonal(reach, 0.0)
    dense = np.sort(minimum_spanning_tree(reach).data)
    settings_ = DensitySettings(neighbours=29, contrast=0.0, firmness=0.0, least=1)
    tree = density_tree(prepare(unit, graph, 29), settings_)
    met = np.sort([child.distance for child in tree.branches if child.parent >= 0])[::2]
    assert set(met.round(4)) <= set(dense.round(4))
    assert met.max() == pytest.approx(dense.max(), abs=1e-4)


def test_clusters_are_the_finest_branches_that_hold_by_hand():
    """Branch 2 is made of 0 and 1, branch 4 of 2 and 3; 1 holds only by loose settings."""
    branches = [
        branch([0, 1], 2.0, 9.0, 2),
        branch([2, 3], 1.0, 4.0, 2),
        branch([0, 1, 2, 3], 2.0, 9.0, 4),
        branch([4, 5], 2.0, 9.0, 4),
        branch([0, 1, 2, 3, 4, 5], 9.0, 9.0, -1),
    ]
    tree = DensityTree(branches, 3.0)
    assert tree.children() == [[], [], [0, 1], [], [2, 3]]
    assert tree.clusters(DensitySettings(least=2)) == [2, 3]
    assert tree.clusters(DensitySettings(least=2, contrast=0.8, firmness=3.0)) == [0, 1, 3]
    assert tree.clusters(DensitySettings(least=3)) == [4]


def test_a_split_below_one_that_does_not_hold_is_found():
    """Branch 3 is too weak against 2, which splits for sure: its two parts are the clusters, and 3 is left over."""
    branches = [
        branch([0, 1], 2.0, 9.0, 2),
        branch([2, 3], 2.0, 9.0, 2),
        branch([0, 1, 2, 3], 2.0, 9.0, 4),
        branch([4, 5], 1.0, 3.5, 4),
        branch([0, 1, 2, 3, 4, 5], 9.0, 9.0, -1),
    ]
    assert DensityTree(branches, 3.0).clusters(DensitySettings(least=2)) == [0, 1]


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    seed=st.integers(0, 1000),
    neighbours=st.integers(2, 20),
)
def test_branches_nest_and_clusters_do_not_overlap(sizes, seed, neighbours):
    unit = normalise(mixture([*sizes, 2], seed=seed)[0])
    graph = neighbour_graph(unit, neighbours)
    tree = density_tree(prepare(unit, graph, max(neighbours, NEIGHBOURS)), DensitySettings(neighbours=neighbours))
    assert tree.branches[-1].rows.tolist() == list(range(len(unit)))
    for number, own in enumerate(tree.branches[:-1]):
        assert number < own.parent
        assert set(own.rows.tolist()) < set(tree.branches[own.parent].rows.tolist())
    clusters = tree.clusters(DensitySettings())
    rows = np.concatenate([tree.branches[cluster].rows for cluster in clusters])
    assert len(rows) == len(set(rows.tolist()))


def test_a_family_of_ten_among_thousands_is_a_cluster():
    vectors, truth = mixture([3000, 1000, 10], seed=3, dims=12)
    found = hdbscan_clusters(vectors)
    assert found.clusters == 3
    assert (found.labels == truth).all()


@pytest.mark.parametrize("method", [hdbscan_clusters, spectral_clusters])
@pytest.mark.parametrize("noise", [1.0, 3.5])
def test_thirty_groups_are_thirty_clusters(method, noise):
    """With more noise the distances of all rows are nearly equal, and single rows say little."""
    vectors, truth = groups(1500, noise, seed=1)
    found = method(vectors)
    assert found.clusters == 30
    assert (np.bincount(found.labels) == np.sort(np.bincount(truth))[::-1]).all()


def test_rows_are_averaged_only_where_distances_say_little():
    noisy, _ = groups(600, 1.0, seed=2, count=4)
    clear = mixture([300, 300], seed=4, dims=12)[0]
    for vectors, is_noisy in ((noisy, True), (clear, False)):
        unit = normalise(vectors)
        graph = neighbour_graph(unit, 15)
        assert (intrinsic_dimension(graph.distances().astype(float)) > NOISY_DIMENSIONS) is is_noisy
        assert density_tree(prepare(unit, graph)).dimension < NOISY_DIMENSIONS


def test_a_sample_says_the_dimension_of_many_rows(monkeypatch):
    monkeypatch.setattr(prepared_module, "DIMENSION_SAMPLE", 500)
    unit = normalise(mixture([600, 600], seed=4, dims=12)[0])
    whole = prepare(unit, neighbour_graph(unit, NEIGHBOURS)).dimension
    assert dimension_of(unit, 3) == pytest.approx(whole, rel=0.1)
    assert dimension_of(unit, 3) != whole
    monkeypatch.setattr(prepared_module, "DIMENSION_SAMPLE", 1200)
    assert dimension_of(unit, 3) == whole


def test_the_dimension_of_noisy_rows_is_that_of_all_by_the_seed_s_graph(monkeypatch):
    monkeypatch.setattr(prepared_module, "DIMENSION_SAMPLE", 500)
    by_cells = partial(neighbour_graph, exact_limit=1000)
    monkeypatch.setattr(prepared_module, "neighbour_graph", by_cells)
    unit = normalise(groups(1500, 3.5, seed=2, count=4)[0])
    found = {seed: prepare(unit, by_cells(unit, NEIGHBOURS, seed=seed)).dimension for seed in (0, 7)}
    assert found[0] != found[7]
    assert {seed: dimension_of(unit, seed) for seed in found} == found
