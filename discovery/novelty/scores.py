"""How odd a glitch is beside known ones, as a share of known glitches that are as odd.

A glitch's distance to its nearest known neighbours says little by itself. It is compared with what the same measure gives for known
glitches, each held against all others: the share of known glitches that are at least as far from the rest. That share is a
conformal p-value (Vovk, Gammerman and Shafer 2005, "Algorithmic learning in a random world", chapter 2): among glitches that are like the
known ones, a share of at most p occurs with a probability of at most p, whatever the network and the distances are. Two shares are
given: beside all known glitches, and beside each class for itself, where the likeliest class counts. The second sees what lies
between two classes, and is not misled by a class that is scattered more widely than others.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from embed.errors import InputError
from embed.sample import at_most
from embed.vectors.similarity import mean_of_nearest, normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from embed.types import Codes, Floats, Progress, Vectors

NEIGHBOURS = 5
"""Known glitches whose mean distance is the measure: one alone may be mislabelled, and a class may have few."""
LEAST_CLASS = 10
"""Glitches of a class that is compared with by itself: fewer tell no share below one in ten."""
MOST_OF_A_CLASS = 2_000
"""Known glitches of a class that all are compared with; of a larger class a sample."""
BLOCK = 1024
"""Rows at once."""


@dataclass(frozen=True)
class Novelty:
    """How odd each of N glitches is.

    Attributes
    ----------
    distance : ndarray of float64, shape (N,)
        Mean cosine distance (0 to 2) to the `NEIGHBOURS` nearest known glitches.
    share : ndarray of float64, shape (N,)
        Of known glitches that are as odd or odder; no less than one in their number plus one.
    class_share : ndarray of float64, shape (N,)
        The same beside single classes: that of the class to which the glitch is least odd.
    nearest : tuple of N str
        That class.
    typical : float
        Median distance of known glitches.
    compared : int
        Known glitches that all were compared with.
    """

    distance: Floats
    share: Floats
    class_share: Floats
    nearest: tuple[str, ...]
    typical: float
    compared: int

    @property
    def order(self) -> Codes:
        """Rows from the oddest on: by the smaller share, then by the other, then by distance."""
        low, high = np.minimum(self.share, self.class_share), np.maximum(self.share, self.class_share)
        return np.lexsort((-self.distance, high, low)).astype(np.int64)


def measure_novelty(
    vectors: ArrayLike,
    labels: Sequence[str],
    groups: ArrayLike | None = None,
    progress: Progress | None = None,
    *,
    most: int = MOST_OF_A_CLASS,
    seed: int = 0,
) -> Novelty:
    """Measure how odd glitches are.

    Of a class of more than `most` known glitches a sample is compared with, and each of the sample counts for as many as it stands for.
    The time then grows with the rows, not with their square; the shares stay what they are, only no share of a glitch that is not
    itself compared with is below one in their number plus one.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        One row for each glitch.
    labels : sequence of N str
        The class of each known glitch; empty for the others.
    groups : array_like of int, shape (N,), optional
        Glitches of one group are copies of each other, and no neighbours; by default each is its own group.
    progress : callable, optional
        Called with (rows done, rows in all).
    most : int
        Known glitches of a class that are compared with.
    seed : int
        Of the samples.

    Raises
    ------
    InputError
        When fewer than `LEAST_CLASS` glitches of one class are known, or the lengths differ.
    """
    unit = normalise(vectors)
    names = np.asarray(labels, dtype=str)
    own = np.arange(len(unit)) if groups is None else np.asarray(groups)
    if not len(unit) == len(names) == len(own):
        raise InputError(f"{len(unit)} vectors, {len(names)} labels and {len(own)} groups: give as many of each")
    known = np.flatnonzero(names != "")
    classes, codes, counts = np.unique(names[known], return_inverse=True, return_counts=True)
    if not len(classes) or counts.max() < LEAST_CLASS:
        raise InputError(
            f"no class has {LEAST_CLASS} known glitches (the largest has {max(counts, default=0)}); label more, so that there is something to compare with"
        )
    ordered, sizes = _references(known, codes, most, seed)
    edges = np.concatenate([[0], np.cumsum(sizes)])
    usable = np.flatnonzero(counts >= LEAST_CLASS)
    distance = np.empty(len(unit))
    by_class = np.empty((len(unit), len(usable)))
    references, copies = unit[ordered], _Copies(own[ordered])
    for start in range(0, len(unit), BLOCK):
        rows = slice(start, start + BLOCK)
        alike = unit[rows] @ references.T
        alike[copies.of(own[rows])] = -np.inf
        nearest = [_nearest(alike[:, low:high]) for low, high in pairwise(edges)]
        distance[rows] = mean_of_nearest(np.hstack(nearest), NEIGHBOURS)
        for place, number in enumerate(usable):
            by_class[rows, place] = mean_of_nearest(nearest[number], NEIGHBOURS)
        if progress is not None:
            progress(min(start + BLOCK, len(unit)), len(unit))
    share = _shares(distance, ordered, np.repeat(counts / sizes, sizes))
    per_class = np.column_stack(
        [
            _shares(by_class[:, place], ordered[edges[number] : edges[number + 1]], np.ones(sizes[number]))
            for place, number in enumerate(usable)
        ]
    )
    best = _best(per_class, by_class)
    return Novelty(
        distance,
        share,
        per_class[np.arange(len(unit)), best],
        tuple(classes[usable[best]].tolist()),
        float(np.median(distance[known])),
        len(ordered),
    )


def _references(known: Codes, codes: Codes, most: int, seed: int) -> tuple[Codes, Codes]:
    """Return the known rows to compare with, a class after the other and ascending in each, and their number in each class."""
    rng = np.random.default_rng(seed)
    chosen = [at_most(known[codes == number], most, rng) for number in range(codes.max() + 1)]
    return np.concatenate(chosen), np.array([len(rows) for rows in chosen])


def _shares(scores: Floats, references: Codes, weights: Floats) -> Floats:
    """Share of the reference rows, by weight, whose score is as large as each row's: itself counted, once.

    A row that is no reference itself counts as one of mean weight.
    """
    weights = weights / weights.mean()
    order = np.argsort(scores[references], kind="stable")
    ascending = scores[references][order]
    from_here = np.append(np.cumsum(weights[order][::-1])[::-1], 0.0)  # weight of this and all larger scores
    itself = np.ones(len(scores))
    itself[references] = 0.0
    return (from_here[np.searchsorted(ascending, scores, side="left")] + itself) / (len(references) + itself)


class _Copies:
    """The columns of each group, so that a glitch is not compared with itself and its copies."""

    def __init__(self, groups: Codes) -> None:
        self.columns = np.argsort(groups, kind="stable")
        self.groups = groups[self.columns]

    def of(self, groups: Codes) -> tuple[Codes, Codes]:
        """Return the places (rows, columns) where a row's group is the column's."""
        first, end = (np.searchsorted(self.groups, groups, side=side) for side in ("left", "right"))
        counts = end - first
        rows = np.repeat(np.arange(len(groups)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return rows, self.columns[np.repeat(first, counts) + within]


def _nearest(alike: Vectors) -> Floats:
    """Return the cosine distances of the most similar columns, ascending; infinite where there is none. Only these need float64."""
    count = min(NEIGHBOURS, alike.shape[1])
    most = np.partition(alike, alike.shape[1] - count, axis=1)[:, alike.shape[1] - count :]
    return 1.0 - np.sort(most, axis=1)[:, ::-1].astype(np.float64)


def _best(shares: Floats, distances: Floats) -> Codes:
    """The class of the largest share, of equal ones the nearest."""
    largest = shares >= shares.max(axis=1, keepdims=True)
    return np.where(largest, distances, np.inf).argmin(axis=1).astype(np.int64)


def leaders(vectors: ArrayLike, order: Codes, typical: float, count: int) -> dict[int, list[int]]:
    """Choose the oddest rows that differ, so that a hundred copies of one oddity do not fill the list.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
    order : ndarray of int64, shape (M,)
        Rows, the oddest first.
    typical : float
        Cosine distance within which two glitches are alike: that of known glitches to their neighbours.
    count : int
        Leaders at most.

    Returns
    -------
    dict
        Each leader's row, the oddest first, and the rows after it in the order that are alike, the most similar first.
    """
    unit = normalise(vectors)[order]
    free = np.ones(len(order), bool)
    found: dict[int, list[int]] = {}
    for place, row in enumerate(order.tolist()):
        if len(found) == count:
            break
        if not free[place]:
            continue
        free[place] = False
        apart = 1.0 - unit @ unit[place]
        alike = np.flatnonzero(free & (apart <= typical))
        free[alike] = False
        found[row] = order[alike[np.argsort(apart[alike], kind="stable")]].tolist()
    return found
