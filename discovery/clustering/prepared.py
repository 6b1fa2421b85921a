"""Rows made ready for the density tree: their neighbours by distance, averaged where the data are noisy, and the dimension of the data.

The dimension is the maximum-likelihood one of Levina and Bickel (2004), averaged as MacKay and Ghahramani advise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse

from embed.vectors.graph import NeighbourGraph, neighbour_graph
from embed.vectors.index import exact_index, search_unit

if TYPE_CHECKING:
    from embed.types import Floats, Rows, Vectors

NEIGHBOURS = 15
"""Of the graph that are used."""
LEAST_DISTANCE = 3e-4
"""Between unit vectors; float32 cosines tell nothing smaller apart."""
MOST_DIMENSIONS = 1000.0
"""Of rows whose neighbours are all equally far."""
NOISY_DIMENSIONS = 50.0
"""Above this the distances of all rows are nearly equal and hide the groups (glitches have 10 to 25): rows are averaged first."""
AVERAGED_NEIGHBOURS = 10
"""With which a row is averaged, as in a step of mean shift."""
COSINE_DECIMALS = 6
"""Of cosines between averaged rows, which linear algebra computes with any number of threads."""
DIMENSION_SAMPLE = 2000
"""Rows whose neighbours say the dimension of many: known to about 1 % (each row's neighbours give about 14 distances)."""
ROWS_PER_NEIGHBOUR = 8
"""The dimension is measured among the nearest eighth of the rows at most: further ones are of other groups, and hide how far apart these
are. With a quarter, six classes of six real glitches each were one cluster (AMI 0.00), with an eighth they are told apart (0.57); of single
classes of 10 to 32 glitches, 3 of 552 are split."""


@dataclass(frozen=True)
class Prepared:
    """Rows whose neighbours are near by distance, and the dimension of the data; the same for all settings.

    Attributes
    ----------
    unit : ndarray of float32, shape (N, D)
        The vectors, averaged with their neighbours where the data are noisy.
    neighbours : ndarray of int64, shape (N, k)
    distances : ndarray of float64, shape (N, k)
        Ascending, no less than `LEAST_DISTANCE`.
    dimension : float
    """

    unit: Vectors
    neighbours: Rows
    distances: Floats
    dimension: float


def prepare(unit: Vectors, graph: NeighbourGraph, neighbours: int = NEIGHBOURS) -> Prepared:
    """Estimate the dimension of the data from so many neighbours, and average noisy rows."""
    near = graph.nearest(neighbours)
    distances = np.maximum(near.distances().astype(np.float64), LEAST_DISTANCE)
    dimension = intrinsic_dimension(distances)
    if dimension <= NOISY_DIMENSIONS:
        return Prepared(unit, near.neighbours, distances, dimension)
    averaged = _averaged(unit, graph.neighbours[:, :AVERAGED_NEIGHBOURS])
    found, distances = _second_neighbours(averaged, near.neighbours)
    return Prepared(averaged, found, distances, intrinsic_dimension(distances))


def _averaged(unit: Vectors, neighbours: Rows) -> Vectors:
    """Replace each row by the mean of itself and its nearest neighbours, at unit length."""
    n, k = neighbours.shape
    starts = np.arange(0, n * (k + 1) + 1, k + 1)
    members = np.column_stack([np.arange(n), neighbours]).ravel()
    means = scipy.sparse.csr_array((np.ones(len(members), np.float32), members, starts), shape=(n, n)) @ unit
    return means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), np.finfo(np.float32).tiny)


def _second_neighbours(unit: Vectors, neighbours: Rows) -> tuple[Rows, Floats]:
    """Search the nearest neighbours of each row among the neighbours of its neighbours; returns rows and ascending distances."""
    n, k = neighbours.shape
    found, apart = np.empty((n, k), np.int64), np.empty((n, k))
    for row in range(n):
        near = np.unique(neighbours[neighbours[row]])
        near = near[near != row]
        if len(near) < k:
            near = neighbours[row]
        cosines = (unit[near] @ unit[row]).round(COSINE_DECIMALS)
        order = np.lexsort((near, -cosines))[:k]
        found[row], apart[row] = near[order], np.sqrt(np.maximum(2.0 - 2.0 * cosines[order].astype(np.float64), 0.0))
    return found, np.maximum(apart, LEAST_DISTANCE)


def dimension_of(unit: Vectors, seed: int) -> float:
    """Return the dimension of the data as `prepare` finds it, of many rows from the neighbours of a sample.

    Parameters
    ----------
    unit : ndarray of float32, shape (N, D)
        Normalised vectors.
    seed : int
        Of the sample, and of an approximate graph.
    """
    if len(unit) > DIMENSION_SAMPLE:
        rows = np.sort(np.random.default_rng(seed).choice(len(unit), DIMENSION_SAMPLE, replace=False))
        near = NeighbourGraph(
            *search_unit(exact_index(unit), unit[rows], NEIGHBOURS, rows),
            NEIGHBOURS,
            NEIGHBOURS,
            exact=True,
            recall=1.0,
        )
        dimension = intrinsic_dimension(np.maximum(near.distances().astype(np.float64), LEAST_DISTANCE))
        if dimension <= NOISY_DIMENSIONS:
            return dimension
    return prepare(unit, neighbour_graph(unit, NEIGHBOURS, seed=seed)).dimension


def intrinsic_dimension(distances: Floats) -> float:
    """Return the dimension of data from the ascending distances of each row to its neighbours, shape (N, k)."""
    k = min(distances.shape[1], max(2, len(distances) // ROWS_PER_NEIGHBOUR))
    if k < 2:
        return 1.0
    inverse = float(np.log(distances[:, k - 1 : k] / distances[:, : k - 1]).mean())
    return min(MOST_DIMENSIONS, 1.0 / max(inverse, 1.0 / MOST_DIMENSIONS))
