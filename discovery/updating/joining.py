"""New rows join the clusters that their nearest old rows are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from discovery.clustering.density import ASKED_NEIGHBOURS, MAJORITY
from discovery.clustering.result import NOISE
from embed.vectors.index import exact_index, search_unit
from embed.vectors.similarity import mean_of_nearest

if TYPE_CHECKING:
    from embed.types import Codes, Floats, Rows, Vectors

NEAREST = 5
"""Members whose mean distance says whether a glitch is within reach of a cluster."""
REACH = 0.99
"""Quantile of the members' own such distances that a new member may have."""
MOST_MEMBERS = 500
"""Members of a cluster that the reach is measured on."""


def join(new: Vectors, old: Vectors, numbers: Codes) -> tuple[Codes, Floats, Floats]:
    """Give new rows to the cluster of most of their nearest old rows, if they are within its reach.

    Parameters
    ----------
    new : ndarray of float32, shape (M, D)
        Normalised vectors.
    old : ndarray of float32, shape (N, D)
    numbers : ndarray of int64, shape (N,)
        Clusters of the old rows; -1 is noise.

    Returns
    -------
    labels : ndarray of int64, shape (M,)
        -1 where no cluster fits.
    share, distance : ndarray of float64, shape (M,)
        Of the nearest neighbours in the favourite cluster, and the mean cosine distance to its nearest members.
    """
    clusters = np.unique(numbers[numbers != NOISE])
    if not clusters.size:
        return np.full(len(new), NOISE), np.zeros(len(new)), np.full(len(new), np.nan)
    asked = min(ASKED_NEIGHBOURS, len(old))
    nearest = numbers[search_unit(exact_index(old), new, asked, None)[0]]
    sizes = np.array([(numbers == number).sum() for number in clusters])
    votes = np.column_stack([(nearest == number).sum(axis=1) for number in clusters]) / np.minimum(asked, sizes)
    best = votes.argmax(axis=1)
    likely = votes.max(axis=1) >= MAJORITY
    distance, reach = np.empty(len(new)), np.zeros(len(new))
    for place in np.unique(best).tolist():  # a cluster that is nobody's costs nothing
        members, own = np.flatnonzero(numbers == clusters[place]), best == place
        distance[own] = _mean_nearest(_apart_from(new[own], old[members]))
        if likely[own].any():
            reach[own] = _reach(old, members)
    fits = likely & (distance <= reach)
    return np.where(fits, clusters[best], NOISE), votes.max(axis=1), distance


def _reach(old: Vectors, members: Rows) -> float:
    """Return the distance to its nearest members that a new member of a cluster may have: what its own have among themselves."""
    sample = members[:: max(1, len(members) // MOST_MEMBERS)]
    apart = _apart_from(old[sample], old[members])
    apart[sample[:, None] == members[None, :]] = np.inf  # a member is not its own neighbour
    return float(np.quantile(_mean_nearest(apart), REACH))


def _apart_from(some: Vectors, others: Vectors) -> Floats:
    """Return cosine distances, to six decimals: what linear algebra gives with any number of threads."""
    return 1.0 - (some @ others.T).astype(np.float64).round(6)


def _mean_nearest(apart: Floats) -> Floats:
    return mean_of_nearest(apart, min(NEAREST, max(1, apart.shape[1] - 1)))
