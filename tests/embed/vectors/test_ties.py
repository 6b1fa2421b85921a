"""Ties and boundaries of the neighbour search that random data seldom meet."""

import numpy as np

from embed.vectors import index as index_module
from embed.vectors.graph import neighbour_graph
from embed.vectors.similarity import decode_keys, largest_keys, ranking_keys, top_k
from embed.vectors.standing import asked_digest
from embed.views.selection import LeftOut


def test_negative_zero_ranks_as_zero():
    similarities = np.array([[-0.0, 0.0, 1e-30, -1e-30, -0.0]], np.float32)
    rows, values = decode_keys(largest_keys(ranking_keys(similarities, np.arange(5)), 5))
    assert rows.tolist() == [[2, 0, 1, 4, 3]]
    assert not np.signbit(values[0, 1:4]).any()


def test_candidates_beyond_k_spare_the_comparison_with_every_row(monkeypatch):
    """FAISS proposes more than k candidates, so that a float32 boundary is seldom in doubt."""
    monkeypatch.setattr(index_module, "COMPARE_ALL_BELOW", 1)
    compared = []

    def counted(queries, *arguments, **options):
        compared.append(len(queries))
        return top_k(queries, *arguments, **options)

    monkeypatch.setattr(index_module, "top_k", counted)
    vectors = np.random.default_rng(0).normal(size=(3000, 64)).astype(np.float32)
    neighbour_graph(vectors, 10)
    assert sum(compared) <= 30


def test_what_a_store_was_asked_for_names_the_glitches_left_out():
    glitches, inputs = np.array([1, 2]), np.zeros((2, 32), np.uint8)
    with_one = asked_digest(glitches, inputs, [LeftOut(3, "no view 4.0 s")])
    assert with_one != asked_digest(glitches, inputs, [])
    assert with_one != asked_digest(glitches, inputs, [LeftOut(4, "no view 4.0 s")])
