"""Near-duplicates: pictures of one glitch, found on the neighbour graph or by time, and the sets that they form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from embed.vectors.graph import NeighbourGraph
    from embed.vectors.store import VectorStore

DUPLICATE_SIMILARITY = 0.999
"""Cosine from which two glitches count as the same picture, with vectors of most networks: with ImageNet's weights almost only copies
of a picture are above it."""
BLENDED_SIMILARITY = 0.95
"""The same with the vectors that ship for glitches, which blend a network's stages. There the same real pictures kept as JPEG have 0.98
to each other in the median, made smaller 0.99, shifted by a hundredth of their width 0.94; the two most similar of 4,480 simulated glitches 0.923, of 260 real ones 0.83."""


TWIN_SECONDS = 0.5
"""Triggers of one detector nearer than this in time show the same glitch: the shortest view is as long."""


def duplicate_similarity(store: VectorStore) -> float:
    """Cosine from which two glitches count as the same picture, with the vectors of a store."""
    return BLENDED_SIMILARITY if store.passport["weights"] == "glitch" else DUPLICATE_SIMILARITY


def merge_groups(count: int, *pairs: tuple[ArrayLike, ArrayLike]) -> NDArray[np.int64]:
    """Number the sets of rows that are linked: int64 (N,), by first row; each of `pairs` lists rows linked with rows."""
    first = np.concatenate([np.asarray(rows, np.int64) for rows, _ in pairs]) if pairs else np.zeros(0, np.int64)
    second = np.concatenate([np.asarray(rows, np.int64) for _, rows in pairs]) if pairs else first
    links = scipy.sparse.coo_array((np.ones(len(first), bool), (first, second)), (count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)


def duplicate_pairs(
    graph: NeighbourGraph, rows: NDArray[np.int64], similarity: float = DUPLICATE_SIMILARITY
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of near-duplicates among chosen rows of the neighbour graph, as places in `rows` (ascending, -1 for a glitch that it lacks)."""
    place = np.full(len(graph.neighbours) + 1, -1)
    place[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
    known = np.flatnonzero(rows >= 0)
    here, column = np.nonzero(graph.similarities[rows[known]] >= similarity)
    other = place[graph.neighbours[rows[known][here], column]]
    return known[here[other >= 0]], other[other >= 0]


def twin_pairs(
    times: NDArray[np.float64], detectors: Sequence[str], seconds: float = TWIN_SECONDS
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of triggers of one detector that are nearer in time than `seconds`; a glitch without a time has no twin."""
    names = np.asarray(detectors, np.str_)
    order = np.lexsort((times, names))
    near = (np.diff(times[order]) < seconds) & (names[order][1:] == names[order][:-1])
    return order[:-1][near], order[1:][near]


def same_pairs(keys: Sequence[object]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of rows with equal keys, each with the first of its key."""
    first: dict[object, int] = {}
    return np.array([first.setdefault(key, row) for row, key in enumerate(keys)], np.int64), np.arange(len(keys))


def near_duplicates(
    graph: NeighbourGraph, similarity: float = DUPLICATE_SIMILARITY
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find sets of near-duplicates on the neighbour graph.

    Parameters
    ----------
    graph : NeighbourGraph
    similarity : float
        Cosine from which two rows are near-duplicates.

    Returns
    -------
    group : ndarray of int64, shape (N,)
        Sets closed under the relation: number of the set of each row.
    twin : ndarray of int64, shape (N,)
        The most similar row that is itself a near-duplicate of this row (no chain of others between), -1 where there is none.
    """
    count = len(graph.neighbours)
    group = merge_groups(count, duplicate_pairs(graph, np.arange(count), similarity))
    twin = np.full(count, -1, np.int64)
    if graph.k:
        near = graph.similarities[:, 0] >= similarity
        twin[near] = graph.neighbours[near, 0]
    return group, twin


def has_near_duplicate(
    store: VectorStore,
    glitches: NDArray[np.int64],
    others: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Find which glitches have a near-duplicate among others.

    Parameters
    ----------
    store : VectorStore
        Of a network that saw no label (a trained one draws whole classes together); its neighbour graph is used, in both directions.
    glitches : ndarray of int64, shape (N,)
        Row numbers in the study.
    others : ndarray of int64
        Row numbers in the study.

    Returns
    -------
    ndarray of bool, shape (N,)
        False for a glitch that has no vector.
    """
    rows, marked = store.rows(glitches), np.isin(store.glitches, others)
    close = store.graph.similarities >= duplicate_similarity(store)
    near: NDArray[np.bool_] = np.asarray((close & marked[store.graph.neighbours]).any(axis=1))
    near[store.graph.neighbours[marked][close[marked]]] = True
    return np.asarray(near[rows] & (rows >= 0))
