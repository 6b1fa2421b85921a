"""A graph made from one that is there equals the one made afresh, byte for byte."""

import numpy as np
import pytest
from support.mixtures import mixture

from embed.vectors import regraph
from embed.vectors.graph import neighbour_graph
from embed.vectors.regraph import extended, graph_among
from embed.vectors.similarity import normalise

K = 15


@pytest.fixture(scope="module")
def unit():
    """Families, twins among them."""
    vectors, _ = mixture([80] * 6, dims=8, seed=3)
    vectors[40:60] = vectors[5]
    return normalise(vectors)


@pytest.mark.parametrize("count", [480, 450, 120, 20, 10])
def test_the_graph_of_some_rows(unit, count):
    rows = np.random.default_rng(count).permutation(len(unit))[:count]
    found, fresh = graph_among(neighbour_graph(unit), unit[rows], rows, K), neighbour_graph(unit[rows], K)
    assert found.k == fresh.k == min(K, count - 1)
    np.testing.assert_array_equal(found.neighbours, fresh.neighbours)
    np.testing.assert_array_equal(found.similarities, fresh.similarities)


def test_only_rows_that_list_too_few_are_compared(unit, monkeypatch):
    asked = []

    def search(index, queries, *rest):
        asked.append(len(queries))
        return found(index, queries, *rest)

    found = regraph.search_unit
    monkeypatch.setattr(regraph, "search_unit", search)
    rows = np.arange(80, 440)
    graph_among(neighbour_graph(unit), unit[rows], rows, K)
    assert sum(asked) < len(rows) / 10


@pytest.mark.parametrize("first", [400, 100, 12])
def test_rows_after_others_whose_graph_is_known(unit, first):
    """The rest lists fifteen: so many of each of its rows are right, and all of the first rows."""
    rest = neighbour_graph(unit[first:], K)
    found, fresh = extended(neighbour_graph(unit[:first]), unit, rest=rest), neighbour_graph(unit)
    assert found.neighbours.shape == fresh.neighbours.shape
    np.testing.assert_array_equal(found.neighbours[:first], fresh.neighbours[:first])
    np.testing.assert_array_equal(found.neighbours[:, :K], fresh.neighbours[:, :K])
    np.testing.assert_array_equal(found.similarities[:, :K], fresh.similarities[:, :K])
    assert (np.diff(found.similarities, axis=1) <= 0).all()
