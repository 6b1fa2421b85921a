"""Repeated train/test splits: stratified by class, groups whole, every glitch tested equally often.

A split tests one fold and trains on the others; a repeat is one partition of all rows into folds, so each row is tested
once a repeat. Rows of one group (a glitch and its near-duplicates) share their fold. With times, a fold is a set of time
blocks, and rows within the purge gap of a tested row are left out of the training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from embed.dataset.kinds import PURGE_SECONDS
from embed.dataset.splits import checked_times, first_rows, time_gaps
from embed.errors import InputError
from embed.vectors.duplicates import merge_groups, same_pairs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


Kind = Literal["grouped", "random", "time"]

FOLDS = 5
"""Four fifths train, one fifth is tested, as in cleanlab's default."""
BLOCKS_PER_FOLD = 4
"""Time blocks of one fold in a repeat: enough that a class which came and went is in training and test alike."""


@dataclass(frozen=True)
class SplitPlan:
    """Which rows each split trains on and tests.

    Attributes
    ----------
    fold : numpy.ndarray, shape (R, N), int8
        Each row's fold in each repeat.
    folds : int
        Folds a repeat; split ``r * folds + f`` tests fold f of repeat r.
    kind : str
    testable : numpy.ndarray, shape (N,), bool
        Rows whose class has members in two groups or more; the others are trained on, never tested.
    times, purge : numpy.ndarray or None, float
        GPS seconds and gap, for ``time``.
    """

    fold: NDArray[np.int8]
    folds: int
    kind: str
    testable: NDArray[np.bool_]
    times: NDArray[np.float64] | None = None
    purge: float = 0.0

    def __len__(self) -> int:
        return self.folds * len(self.fold)

    def test(self, split: int) -> NDArray[np.bool_]:
        """Rows that a split tests, shape (N,)."""
        return (self.fold[split // self.folds] == split % self.folds) & self.testable

    def train(self, split: int) -> NDArray[np.bool_]:
        """Rows that a split trains on, shape (N,)."""
        held = self.fold[split // self.folds] == split % self.folds
        if self.times is None:
            return ~held
        return ~held & (time_gaps(self.times, self.times[held]) > self.purge)


def combine_groups(*groupings: ArrayLike | None) -> NDArray[np.int64]:
    """Merge groupings of the same rows: rows that share a group in any of them share one in the result."""
    given = [np.asarray(groups).tolist() for groups in groupings if groups is not None]
    return merge_groups(len(given[0]), *map(same_pairs, given))


def plan_splits(
    classes: NDArray[np.int64],
    splits: int,
    *,
    kind: Kind = "grouped",
    groups: NDArray[np.int64] | None = None,
    times: NDArray[np.float64] | None = None,
    purge: float = PURGE_SECONDS,
    folds: int = FOLDS,
    seed: int = 0,
) -> SplitPlan:
    """Draw the splits.

    Parameters
    ----------
    classes : numpy.ndarray, shape (N,), int64
        0 to K - 1.
    splits : int
        At least `folds`; rounded up to whole repeats, so that every row is tested equally often.
    kind : {"grouped", "random", "time"}
        Respect groups; ignore them; or hold out blocks of time, with groups whole too.
    groups : numpy.ndarray, shape (N,), int64, optional
    times : numpy.ndarray, shape (N,), float64, optional
        GPS seconds; needed for ``time``.
    purge : float
        Seconds around each tested row in which nothing is trained on, for ``time``.
    folds : int
    seed : int

    Raises
    ------
    InputError
        Fewer splits than folds, fewer than two classes or groups, times that are missing or not finite, a negative gap.
    """
    count = len(classes)
    if splits < folds:
        raise InputError(
            f"{splits} splits are fewer than the {folds} that test every glitch once; give --splits {folds} or more"
        )
    if len(np.unique(classes)) < 2:
        raise InputError(
            "all labels are the same: a wrong label shows only against another class; audit a study with two or more"
        )
    own = np.arange(count) if groups is None or kind == "random" else groups
    repeats = math.ceil(splits / folds)
    rng = np.random.default_rng((seed, 11))
    if kind == "time":
        when = checked_times(times, count, purge)
        fold = np.stack([_time_folds(when, own, folds, rng) for _ in range(repeats)])
        return SplitPlan(fold, folds, kind, _testable(classes, own), when, purge)
    if kind not in ("grouped", "random"):
        raise InputError(f"no kind of split {kind!r}; give grouped, random or time")
    fold = np.stack([_stratified_folds(classes, own, folds, rng) for _ in range(repeats)])
    return SplitPlan(fold, folds, kind, _testable(classes, own))


def _testable(classes: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    pairs = np.unique(np.stack([classes, groups]), axis=1)
    return np.bincount(pairs[0], minlength=int(classes.max()) + 1)[classes] >= 2


def _stratified_folds(
    classes: NDArray[np.int64], groups: NDArray[np.int64], folds: int, rng: np.random.Generator
) -> NDArray[np.int8]:
    """Deal groups to folds class by class, large groups first, each to the fold that has least of its class, then of all."""
    number = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(number)
    kind = classes[first_rows(number)]  # a group of several classes is dealt as its first row's
    mixed = rng.permutation(len(sizes))
    order = mixed[np.lexsort((-sizes[mixed], kind[mixed]))]
    dealt = np.empty(len(sizes), np.int8)
    if (sizes == 1).all():
        # Dealt in turn, each class beginning where the last one ended: classes and folds stay even.
        dealt[order] = (np.arange(len(order)) + rng.integers(folds)) % folds
        return dealt[number]
    of_class = np.zeros((int(classes.max()) + 1, folds), np.int64)
    of_all = np.zeros(folds, np.int64)
    for group in order:
        place = int(np.lexsort((of_all, of_class[kind[group]]))[0])
        dealt[group] = place
        of_class[kind[group], place] += sizes[group]
        of_all[place] += sizes[group]
    return dealt[number]


def _time_folds(
    times: NDArray[np.float64], groups: NDArray[np.int64], folds: int, rng: np.random.Generator
) -> NDArray[np.int8]:
    """Cut time into blocks of about equal count, with a random offset, and deal the blocks to folds at random."""
    count = len(times)
    blocks = max(folds, min(folds * BLOCKS_PER_FOLD, count))
    order = np.argsort(times, kind="stable")
    position = np.empty(count)
    position[order] = (np.arange(count) / count + rng.random()) % 1.0
    block = np.minimum((position * blocks).astype(np.int64), blocks - 1)
    turn = np.concatenate([rng.permutation(folds) for _ in range(math.ceil(blocks / folds))])[:blocks]
    fold = turn[block].astype(np.int8)
    return fold[first_rows(groups)[groups]]
