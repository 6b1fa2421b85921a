"""Jaccard indices by hand, thinned graphs against graphs of the part alone, and clusters that come back or do not."""

from dataclasses import replace

import numpy as np
import pytest
from support.mixtures import mixture

from discovery.certificates.stability import FOUND_AGAIN, branch_jaccard, jaccard, resampled, thinned
from discovery.clustering.clustering import cluster
from discovery.clustering.hierarchy import Branch, DensityTree
from embed.vectors.graph import neighbour_graph
from embed.vectors.similarity import normalise


def test_jaccard_by_hand():
    """{0, 1, 2} meets {1, 2, 3}: two of four; {3, 4} is {4} and noise: one of two; no row of cluster 2 is there."""
    found = jaccard(np.array([0, 0, 0, 1, 1, -1]), np.array([-1, 1, 1, 1, 0, 0]))
    assert found.tolist() == pytest.approx([2 / 4, 1 / 3])
    assert jaccard(np.array([0, 1]), np.array([-1, -1])).tolist() == [0.0, 0.0]
    assert np.isnan(jaccard(np.array([1, 1]), np.array([0, 0]))[0])


def test_branches_count_too():
    tree = DensityTree(
        [Branch(np.array([0, 1]), 1.0, 1.0, 1.0, 1.0, 1), Branch(np.arange(6), 2.0, 1.0, 1.0, 1.0, -1)], 2.0
    )
    assert branch_jaccard(np.array([0, 0, 1, 1, 1, -1]), tree).tolist() == pytest.approx([1.0, 3 / 6])


def test_a_thinned_graph_is_the_graph_of_the_part():
    vectors, _ = mixture([60, 60], seed=1)
    rows = np.sort(np.random.default_rng(0).permutation(120)[:90])
    part = thinned(neighbour_graph(vectors, 60), rows)
    alone = neighbour_graph(vectors[rows], 15)
    np.testing.assert_array_equal(part.neighbours, alone.neighbours)
    np.testing.assert_allclose(part.similarities, alone.similarities, atol=1e-6)


def test_a_row_with_few_neighbours_left_repeats_its_last():
    graph = neighbour_graph(mixture([30], seed=2)[0], 12)
    rows = np.sort(np.random.default_rng(1).permutation(30)[:16])
    part = thinned(graph, rows)
    own = np.isin(graph.neighbours[rows], rows).sum(axis=1)
    for place, there in enumerate(own):
        assert len(set(part.neighbours[place].tolist())) == there
        assert (part.neighbours[place, there:] == part.neighbours[place, there - 1]).all()


def test_a_row_without_a_neighbour_is_an_error():
    graph = neighbour_graph(np.eye(2).repeat(10, axis=0) + 0.01 * np.arange(20)[:, None], 3)
    with pytest.raises(ValueError, match="a row has no neighbour left"):
        thinned(graph, np.array([0, 19]))


@pytest.mark.parametrize("method", ["hdbscan", "spectral"])
def test_clear_clusters_come_back_and_arbitrary_ones_do_not(method):
    vectors, truth = mixture([60, 40, 40], seed=3)
    unit = normalise(vectors)
    found = cluster(vectors, method=method)
    clear = resampled(unit, found, None, 0)
    assert clear.shape == (3, 10)
    assert clear.mean(axis=1).min() >= FOUND_AGAIN
    arbitrary = np.where(truth == 0, np.arange(140) % 3, truth + 2)
    again = resampled(unit, replace(found, labels=arbitrary), None, 0).mean(axis=1)
    assert again[:3].max() < 0.6 < FOUND_AGAIN <= again[3:].min()
