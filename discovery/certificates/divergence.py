"""How far a group of glitches is from each known class, in nats.

The divergence of a group from a class is estimated from nearest neighbours (Wang, Kulkarni and Verdu 2009, "Divergence estimation
for multidimensional densities via k-nearest-neighbor distances", equation 5): for each member the log ratio of the group's density
to the class's at the same place, in which the dimension of the data and the two sizes enter. It is about 0 where the members are as
good as drawn from the class, and grows with the gap between them.

Separation asks each member for the class to which it is nearest, and takes the mean: a mixture of known classes is far from each of
them, and yet its members are not apart from known glitches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.clustering.prepared import LEAST_DISTANCE
from embed.sample import at_most

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from embed.types import Floats, Rows, Similarities, Vectors

NEIGHBOUR = 4
"""The density at a member is that within the distance to this neighbour."""
LEAST_CLASS = 5
"""Known glitches of a class that is compared with."""
MOST_OF_A_CLASS = 500
"""Glitches of a class that are compared with: a sample says as much, and takes as long for a large class as for a small one."""

ROWS_AT_ONCE = 1024
"""Rows that are compared with all classes together: 64 MB with 16,000 known glitches."""


@dataclass(frozen=True)
class Divergences:
    """A group beside known classes.

    Attributes
    ----------
    classes : tuple of K str
        Nearest first.
    nats : ndarray of float64, shape (K,)
        Divergence of the group from each class, ascending.
    separation : float
        Mean over the members of the log density ratio to the class where it is least, in nats.
    favourite : str
        The class that is nearest to most members.
    favourite_share : float
        Share of members for which it is.
    of_members : ndarray of str, shape (M,)
        The class that is nearest to each member.
    """

    classes: tuple[str, ...]
    nats: Floats
    separation: float
    favourite: str
    favourite_share: float
    of_members: NDArray[np.str_]


def sampled_classes(names: Mapping[str, Rows], seed: int) -> dict[str, Rows]:
    """Return the classes with enough rows to compare with, of large ones a sample; in alphabetical order.

    Parameters
    ----------
    names : mapping of str to ndarray of int64
        The rows of each known class.
    seed : int
    """
    rng = np.random.default_rng(seed)
    return {
        name: at_most(rows, MOST_OF_A_CLASS, rng) for name, rows in sorted(names.items()) if len(rows) >= LEAST_CLASS
    }


class ClassVectors:
    """Known classes whose vectors lie together, so that rows are compared with all of them in one product.

    Parameters
    ----------
    unit : ndarray of float32, shape (N, D)
        Normalised vectors.
    classes : mapping of K names to ndarray of int64
        Their rows; a row is in one class at most.

    Attributes
    ----------
    names : list of K str
    sizes : ndarray of float64, shape (K,)
    """

    def __init__(self, unit: Vectors, classes: Mapping[str, Rows]) -> None:
        self.unit, self.names = unit, list(classes)
        self.sizes = np.array([len(members) for members in classes.values()], float)
        self._order = np.argsort(self.sizes, kind="stable")  # those of one size are looked through together
        parts = list(classes.values())
        rows = np.concatenate([parts[place] for place in self._order])
        self._vectors = unit[rows]
        self._column = np.full(len(unit), -1)
        self._column[rows] = np.arange(len(rows))

    def distances(self, rows: Rows, without: Rows | None = None) -> Floats:
        """Return the distance of each row to the `NEIGHBOUR`-th nearest glitch of each class, itself not counted; float64, shape (rows, K).

        Parameters
        ----------
        rows : ndarray of int64
        without : ndarray of int64, shape (rows, M), optional
            For each row, glitches of the classes that do not count either; more than `NEIGHBOUR` of each class are left.
        """
        blocks = [slice(start, start + ROWS_AT_ONCE) for start in range(0, len(rows), ROWS_AT_ONCE)]
        return np.concatenate(
            [self._block(rows[block], None if without is None else without[block]) for block in blocks]
        )

    def _block(self, rows: Rows, without: Rows | None) -> Floats:
        cosines = self.unit[rows] @ self._vectors.T
        own = self._column[rows]
        cosines[np.flatnonzero(own >= 0), own[own >= 0]] = -np.inf  # a glitch is not its own neighbour
        if without is not None:
            np.put_along_axis(cosines, self._column[without], -np.inf, axis=1)
        found, start = [], 0
        for size, count in zip(*np.unique(self.sizes.astype(int), return_counts=True), strict=True):
            part = cosines[:, start : start + size * count].reshape(len(rows), count, size)
            found.append(_kth(part, size))
            start += size * count
        apart = np.empty((len(rows), len(self.names)))
        apart[:, self._order] = np.concatenate(found, axis=1)
        return apart


def diverge(
    unit: Vectors, rows: Rows, classes: Mapping[str, Rows], dimension: float, apart: Floats | None = None
) -> Divergences:
    """Measure how far a group is from known classes.

    Parameters
    ----------
    unit : ndarray of float32, shape (N, D)
        Normalised vectors.
    rows : ndarray of int64, shape (M,)
        The group, of two members at least.
    classes : mapping of K names to rows
        The known classes, none of whose rows is in the group.
    dimension : float
        Of the data: see `discovery.clustering.prepared.intrinsic_dimension`.
    apart : ndarray of float64, shape (M, K), optional
        What `ClassVectors.distances` gives, where it is known already.
    """
    apart = ClassVectors(unit, classes).distances(rows) if apart is None else apart
    sizes = np.array([len(members) for members in classes.values()], float)
    nats = log_ratios(kth_distances(unit, rows, rows), apart, sizes, dimension)
    names = np.array(list(classes))
    means = nats.mean(axis=0).round(9)
    order = np.lexsort((names, means))
    nearest = nats.round(9).argmin(axis=1)
    counts = np.bincount(nearest, minlength=len(names))
    return Divergences(
        classes=tuple(names[order].tolist()),
        nats=means[order],
        separation=separation(nats),
        favourite=str(names[counts.argmax()]),
        favourite_share=float(counts.max() / len(rows)),
        of_members=names[nearest],
    )


def log_ratios(own: Floats, apart: Floats, sizes: Floats, dimension: float) -> Floats:
    """Return the log ratio of a group's density to that of each class at each of its members, shape (M, K).

    Parameters
    ----------
    own : ndarray of float64, shape (M,)
        Distance of each member to the `NEIGHBOUR`-th nearest of the group.
    apart : ndarray of float64, shape (M, K)
        The same to each class.
    sizes : ndarray of float64, shape (K,)
        Of the classes.
    dimension : float
    """
    return np.asarray(dimension * np.log(apart / own[:, None]) + np.log(sizes / (len(own) - 1)))


def separation(nats: Floats) -> float:
    """Return the mean over the members of the log density ratio to the class where it is least."""
    return float(nats.min(axis=1).mean())


def kth_distances(unit: Vectors, rows: Rows, others: Rows) -> Floats:
    """Return the distance of each row to its `NEIGHBOUR`-th nearest among others, itself not counted; float64, shape (rows,)."""
    cosines = unit[rows] @ unit[others].T
    if rows.min() <= others.max() and others.min() <= rows.max():
        cosines[rows[:, None] == others[None, :]] = -np.inf  # a glitch is not its own neighbour
    return _kth(cosines, len(others))


def _kth(cosines: Similarities, count: int) -> Floats:
    """Return the distance that belongs to the `NEIGHBOUR`-th largest of `count` cosines, along the last axis."""
    place = count - min(NEIGHBOUR, max(count - 1, 1))
    kth = np.partition(cosines, place, axis=-1)[..., place].astype(np.float64)
    return np.maximum(np.sqrt(np.maximum(2.0 - 2.0 * np.maximum(kth, -1.0), 0.0)), LEAST_DISTANCE)
