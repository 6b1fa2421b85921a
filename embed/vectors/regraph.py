"""The neighbour graph of more rows, or of fewer, than a graph that is there has: only what it cannot tell is compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from embed.vectors.graph import NeighbourGraph
from embed.vectors.index import DEFAULT_K, checked_k, exact_index, search_unit
from embed.vectors.similarity import decode_keys, largest_keys, ranking_keys

if TYPE_CHECKING:
    from embed.types import Rows, Similarities, Vectors


def extended(
    graph: NeighbourGraph, unit: Vectors, k: int = DEFAULT_K, *, rest: NeighbourGraph | None = None
) -> NeighbourGraph:
    """Return the graph of more rows than a graph has, from that of the first: the same bytes as one made afresh.

    Parameters
    ----------
    graph : NeighbourGraph
        Of the first N rows, with no fewer neighbours than `k`, or with all other rows.
    unit : ndarray of float32, shape (M, D)
        Output of `normalise`, M greater than N.
    k : int
        Neighbours a row, clamped to M - 1.
    rest : NeighbourGraph, optional
        Of the other rows among themselves; computed when absent. Where it has fewer neighbours than `k`, as many of each of these rows
        are those of a graph made afresh; after them come the nearest of the first rows, the last one repeated.
    """
    first = len(graph.neighbours)
    kept = min(checked_k(k), len(unit) - 1)
    rows, similarities = search_unit(exact_index(unit[first:]), unit[:first], min(kept, len(unit) - first), None)
    old = _nearest_of(graph, (rows + first, similarities), kept)
    if rest is None:
        new = search_unit(exact_index(unit), unit[first:], kept, np.arange(first, len(unit)))
    else:
        moved = replace(rest, neighbours=rest.neighbours + first)
        new = _nearest_of(moved, search_unit(exact_index(unit[:first]), unit[first:], min(kept, first), None), kept)
    return NeighbourGraph(
        np.concatenate([old[0], new[0]]), np.concatenate([old[1], new[1]]), kept, k, graph.exact, graph.recall
    )


def _nearest_of(graph: NeighbourGraph, found: tuple[Rows, Similarities], k: int) -> tuple[Rows, Similarities]:
    """Return the k nearest of the neighbours that a graph lists and those found beside; where there are fewer, the last one again."""
    keys = np.concatenate(
        [ranking_keys(graph.similarities, graph.neighbours), ranking_keys(found[1], found[0])], axis=1
    )
    best = largest_keys(keys, min(k, keys.shape[1]))
    return decode_keys(np.take(best, np.minimum(np.arange(k), best.shape[1] - 1), axis=1))


def graph_among(graph: NeighbourGraph, unit: Vectors, rows: Rows, k: int) -> NeighbourGraph:
    """Return the graph of some rows of an exact graph among each other: the same bytes as one made afresh.

    Only rows that do not list enough of the others are compared with all of them.

    Parameters
    ----------
    graph : NeighbourGraph
        Exact.
    unit : ndarray of float32, shape (M, D)
        Output of `normalise` of the rows.
    rows : ndarray of int64, shape (M,)
        Rows of the graph.
    k : int
        Neighbours a row, clamped to M - 1.
    """
    place = np.full(len(graph.neighbours), -1, np.int64)
    place[rows] = np.arange(len(rows))
    kept = min(checked_k(k), len(rows) - 1, graph.k)
    listed = place[graph.neighbours[rows]]
    keys = ranking_keys(graph.similarities[rows], np.maximum(listed, 0))
    keys[listed < 0] = np.iinfo(np.int64).min
    keys = largest_keys(keys, kept)
    neighbours, similarities = decode_keys(keys)
    # what the graph does not list is no nearer than the last that it lists
    sure = (keys[:, -1] > np.iinfo(np.int64).min) & (similarities[:, -1] > graph.similarities[rows, -1])
    if not sure.all():
        lacking = np.flatnonzero(~sure)
        neighbours[lacking], similarities[lacking] = search_unit(exact_index(unit), unit[lacking], kept, lacking)
    return NeighbourGraph(neighbours, similarities, kept, k, graph.exact, graph.recall)
