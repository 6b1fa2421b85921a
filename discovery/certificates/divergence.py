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
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from embed.types import Floats, Rows, Vectors

NEIGHBOUR = 4
"""The density at a member is that within the distance to this neighbour."""
LEAST_CLASS = 5
"""Known glitches of a class that is compared with."""
MOST_OF_A_CLASS = 500
"""Glitches of a class that are compared with: a sample says as much, and takes as long for a large class as for a small one."""


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


def class_distances(unit: Vectors, rows: Rows, classes: Mapping[str, Rows]) -> Floats:
    """Return the distance of each row to the `NEIGHBOUR`-th nearest glitch of each class, itself not counted.

    Parameters
    ----------
    unit : ndarray of float32, shape (N, D)
        Normalised vectors.
    rows : ndarray of int64, shape (M,)
    classes : mapping of K names to rows
    """
    return np.column_stack([kth_distances(unit, rows, members) for members in classes.values()])


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
        What `class_distances` gives, where it is known already.
    """
    own = kth_distances(unit, rows, rows)
    apart = class_distances(unit, rows, classes) if apart is None else apart
    sizes = np.array([len(members) for members in classes.values()], float)
    nats = dimension * np.log(apart / own[:, None]) + np.log(sizes / (len(rows) - 1))
    names = np.array(list(classes))
    means = nats.mean(axis=0).round(9)
    order = np.lexsort((names, means))
    nearest = nats.round(9).argmin(axis=1)
    counts = np.bincount(nearest, minlength=len(names))
    return Divergences(
        classes=tuple(names[order].tolist()),
        nats=means[order],
        separation=float(nats.min(axis=1).mean()),
        favourite=str(names[counts.argmax()]),
        favourite_share=float(counts.max() / len(rows)),
        of_members=names[nearest],
    )


def kth_distances(unit: Vectors, rows: Rows, others: Rows) -> Floats:
    """Return the distance of each row to its `NEIGHBOUR`-th nearest among others, itself not counted; float64, shape (rows,)."""
    cosines = _taken(unit, rows) @ _taken(unit, others).T
    if rows.min() <= others.max() and others.min() <= rows.max():
        cosines[rows[:, None] == others[None, :]] = -np.inf  # a glitch is not its own neighbour
    rank = min(NEIGHBOUR, max(len(others) - 1, 1))
    kth = np.partition(cosines, len(others) - rank, axis=1)[:, len(others) - rank].astype(np.float64)
    return np.maximum(np.sqrt(np.maximum(2.0 - 2.0 * np.maximum(kth, -1.0), 0.0)), LEAST_DISTANCE)


def side_by_side(unit: Vectors, parts: Sequence[Rows]) -> tuple[Vectors, list[Rows]]:
    """Put the rows of each part together, one part after the other, so that none is copied for each comparison: the vectors, and each part's rows in them."""
    ends = np.cumsum([len(part) for part in parts])
    return unit[np.concatenate(parts)], [np.arange(end - len(part), end) for part, end in zip(parts, ends, strict=True)]


def _taken(unit: Vectors, rows: Rows) -> Vectors:
    """Return vectors without copying them where their rows follow each other."""
    follows = rows[-1] - rows[0] == len(rows) - 1 and bool((np.diff(rows) == 1).all())
    return unit[rows[0] : rows[-1] + 1] if follows else unit[rows]
