"""Glitches to compare a doubtful one with: the most similar of its own label, and the most similar of the suggested class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from embed.types import Rows


NEIGHBOURS = 3
"""Glitches of each class: as many as the page has room for beside a glitch's four views."""
_BLOCK = 4_000
"""Members compared together, in float64: the sums are exact, see `embed.vectors.similarity`."""


@dataclass(frozen=True)
class ClassNeighbours:
    """Rows of the most similar glitches of two classes, the most similar first; -1 where a class has too few.

    Attributes
    ----------
    agreeing, opposing : ndarray of int64, shape (n, k)
        Of the label, and of the suggested class.
    """

    agreeing: Rows
    opposing: Rows


def find_class_neighbours(
    vectors: ArrayLike, labels: Rows, rows: Rows, suggested: Rows, *, k: int = NEIGHBOURS
) -> ClassNeighbours:
    """Find the most similar members of the label's class and of the suggested class, among all of their members.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        May be a memory map: it is read in blocks.
    labels : ndarray of int64, shape (N,)
    rows : ndarray of int64, shape (n,)
    suggested : ndarray of int64, shape (n,)
        Class suggested for each of the rows.
    k : int
        Members of each class.
    """
    return ClassNeighbours(
        _nearest(vectors, labels, rows, labels[rows], k), _nearest(vectors, labels, rows, suggested, k)
    )


def _nearest(vectors: ArrayLike, labels: Rows, rows: Rows, wanted: Rows, k: int) -> Rows:
    """Return the k nearest members of the wanted class for each row, by cosine, ties by row; -1 where there are fewer."""
    given = np.asanyarray(vectors)
    found = np.full((len(rows), k), -1, np.int64)
    for kind in np.unique(wanted):
        places = np.flatnonzero(wanted == kind)
        members = np.flatnonzero(labels == kind)
        own = normalise(given[rows[places]]).astype(np.float64)
        best = np.full((len(places), k), -np.inf)
        near = np.full((len(places), k), -1, np.int64)
        for start in range(0, len(members), _BLOCK):
            block = members[start : start + _BLOCK]
            similar = own @ normalise(given[block]).astype(np.float64).T
            similar[rows[places][:, None] == block] = -np.inf
            best = np.concatenate([best, similar], 1)
            near = np.concatenate([near, np.broadcast_to(block, similar.shape)], 1)
            order = np.argsort(-best, axis=1, kind="stable")[:, :k]
            best, near = np.take_along_axis(best, order, 1), np.take_along_axis(near, order, 1)
        found[places] = np.where(np.isfinite(best), near, -1)
    return found
