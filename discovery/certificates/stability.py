"""Whether clusters come back when a part of the glitches is missing (Hennig 2007, "Cluster-wise assessment of cluster stability")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from discovery.clustering.clustering import cluster
from discovery.clustering.density import density_clusters
from discovery.clustering.hierarchy import DensitySettings
from discovery.clustering.prepared import NEIGHBOURS, prepare
from discovery.clustering.result import NOISE
from embed.vectors.graph import NeighbourGraph, neighbour_graph
from embed.vectors.index import DEFAULT_K

if TYPE_CHECKING:
    from discovery.clustering.hierarchy import DensityTree
    from discovery.clustering.result import Clustering
    from embed.types import Codes, Floats, Progress, Rows, Vectors

RESAMPLINGS = 10
"""Random parts of the glitches that are clustered anew."""
KEPT = 0.8
"""Share of the glitches in each."""
FOUND_AGAIN = 0.75
"""Jaccard index from which Hennig calls a cluster valid and stable."""


def jaccard(labels: Codes, others: Codes) -> Floats:
    """Return for each cluster the largest Jaccard index (members in both / in either) with a cluster of another labelling.

    Parameters
    ----------
    labels, others : ndarray of int64, shape (N,)
        Of the same rows; -1 is in no cluster.

    Returns
    -------
    ndarray of float64, shape (clusters of `labels`,)
        NaN for a cluster none of whose rows is there.
    """
    count, other_count = int(labels.max(initial=-1)) + 1, int(others.max(initial=-1)) + 1
    both = np.zeros((count, other_count + 1))
    held = labels != NOISE
    np.add.at(both, (labels[held], others[held]), 1)  # the last column takes -1
    sizes, shared = both.sum(axis=1), both[:, :other_count]
    other_sizes = np.bincount(others[others != NOISE], minlength=other_count)
    if not other_count:
        return np.where(sizes > 0, 0.0, np.nan)
    best = (shared / np.maximum(sizes[:, None] + other_sizes[None, :] - shared, 1)).max(axis=1)
    return np.where(sizes > 0, best, np.nan)


def branch_jaccard(labels: Codes, tree: DensityTree) -> Floats:
    """Return the largest Jaccard index of each cluster with a branch of a tree of the same rows, those that hold loosely too."""
    count = int(labels.max(initial=-1)) + 1
    sizes = np.bincount(labels[labels != NOISE], minlength=count)
    best = np.where(sizes > 0, 0.0, np.nan)
    for branch in tree.branches:
        inside = labels[branch.rows]
        shared = np.bincount(inside[inside != NOISE], minlength=count)
        best = np.fmax(best, np.where(sizes > 0, shared / np.maximum(sizes + len(branch.rows) - shared, 1), np.nan))
    return best


def resampled(
    unit: Vectors, clustering: Clustering, k: int | None, seed: int, *, progress: Progress = lambda *_: None
) -> Floats:
    """Cluster random parts of the rows anew.

    Parameters
    ----------
    unit : ndarray of float32, shape (N, D)
        Normalised vectors of the rows that were clustered and, after them, of the background, which stays.
    clustering : Clustering
        Of the first M rows. Its graph is thinned: of `DEFAULT_K` neighbours nearly always as many as are needed are among the kept.
    k, seed
        As for `discovery.clustering.clustering.cluster`.
    progress : callable, optional
        Receives how many parts are done, of how many.

    Returns
    -------
    ndarray of float64, shape (clusters, `RESAMPLINGS`)
        Jaccard index of each cluster with the most similar one in each part; NaN where none of its rows is in the part.
    """
    labels, graph = clustering.labels, clustering.graph
    if graph is None or graph.k < min(DEFAULT_K, len(unit) - 1):
        graph = neighbour_graph(unit, seed=seed)
    rng = np.random.default_rng(seed)
    columns = []
    n = len(labels)
    part_of_unit = np.empty((max(2, round(KEPT * n)) + len(unit) - n, unit.shape[1]), unit.dtype)
    progress(0, RESAMPLINGS)
    for done in range(1, RESAMPLINGS + 1):
        rows = np.sort(rng.permutation(n)[: max(2, round(KEPT * n))])
        kept = np.concatenate([rows, np.arange(n, len(unit))])
        part = thinned(graph, kept)
        np.take(unit, kept, axis=0, out=part_of_unit, mode="clip")
        if clustering.method == "hdbscan":
            found, tree = density_clusters(prepare(part_of_unit, part), part, DensitySettings(), len(rows))
            here = np.fmax(jaccard(labels[rows], found), branch_jaccard(labels[rows], tree))
        else:
            here = jaccard(labels[rows], cluster(part_of_unit, part, method="spectral", k=k, seed=seed).labels)
        own = np.full(int(labels.max()) + 1, np.nan)
        own[: len(here)] = here
        columns.append(own)
        progress(done, RESAMPLINGS)
    return np.column_stack(columns)


def thinned(graph: NeighbourGraph, rows: Rows) -> NeighbourGraph:
    """Return the graph of some of its rows, numbered within `rows`: their neighbours among each other, nearest first.

    A row with too few of them repeats its last one.
    """
    place = np.full(len(graph.neighbours), -1, np.int64)
    place[rows] = np.arange(len(rows))
    neighbours = place[graph.neighbours[rows]]
    kept = min(NEIGHBOURS, len(rows) - 1, graph.k)
    order = np.argsort(neighbours < 0, axis=1, kind="stable")[:, :kept]
    there = (neighbours >= 0).sum(axis=1)
    if (there == 0).any():
        raise ValueError("a row has no neighbour left: search for more neighbours before thinning")
    order = np.where(
        np.arange(kept) < there[:, None], order, np.take_along_axis(order, np.minimum(there, kept)[:, None] - 1, 1)
    )
    return NeighbourGraph(
        np.take_along_axis(neighbours, order, 1),
        np.take_along_axis(graph.similarities[rows], order, 1),
        kept,
        kept,
        graph.exact,
        graph.recall,
        graph.metric,
    )
