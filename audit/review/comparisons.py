"""ClassNeighbours for and against a label: the most similar glitches that carry it, and the most similar of the class suggested instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from embed.types import Rows


WITNESSES = 3
"""For and against: what fits beside a glitch's own four views."""
_BLOCK = 4_000  # members compared at a time, in float64: the sums are exact, see `embed.vectors.similarity`


@dataclass(frozen=True)
class ClassNeighbours:
    """Rows of the witnesses, the most similar first, -1 where a class has too few.

    Attributes
    ----------
    agreeing, opposing : numpy.ndarray, shape (n, k), int64
        With the label itself, and with the suggested one.
    """

    agreeing: Rows
    opposing: Rows


def find_class_neighbours(
    vectors: ArrayLike, labels: Rows, rows: Rows, suggested: Rows, *, k: int = WITNESSES
) -> ClassNeighbours:
    """Find the witnesses of some rows among all of their classes, not just among their nearest neighbours.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        May be a memory map: it is read a block at a time.
    labels : numpy.ndarray, shape (N,), int64
    rows : numpy.ndarray, shape (n,), int64
    suggested : numpy.ndarray, shape (n,), int64
        Class suggested for each of the rows.
    k : int
    """
    return ClassNeighbours(
        _nearest(vectors, labels, rows, labels[rows], k), _nearest(vectors, labels, rows, suggested, k)
    )


def _nearest(vectors: ArrayLike, labels: Rows, rows: Rows, wanted: Rows, k: int) -> Rows:
    """Return the k nearest members of the wanted class for each row, by cosine, ties by row."""
    given = np.asanyarray(vectors)
    found = np.full((len(rows), k), -1, np.int64)
    for kind in np.unique(wanted):
        places = np.flatnonzero(wanted == kind)
        members = np.flatnonzero(labels == kind)
        asking = normalise(given[rows[places]]).astype(np.float64)
        best = np.full((len(places), k), -np.inf)
        near = np.full((len(places), k), -1, np.int64)
        for start in range(0, len(members), _BLOCK):
            block = members[start : start + _BLOCK]
            similar = asking @ normalise(given[block]).astype(np.float64).T
            similar[rows[places][:, None] == block] = -np.inf
            best = np.concatenate([best, similar], 1)
            near = np.concatenate([near, np.broadcast_to(block, similar.shape)], 1)
            order = np.argsort(-best, axis=1, kind="stable")[:, :k]
            best, near = np.take_along_axis(best, order, 1), np.take_along_axis(near, order, 1)
        found[places] = np.where(np.isfinite(best), near, -1)
    return found
