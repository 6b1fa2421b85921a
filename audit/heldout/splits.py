"""Repeated train/test splits: stratified by class, groups whole, every glitch tested equally often.

A split tests one fold and trains on the others; a repeat is one partition of all rows into folds, so each row is tested
once in each repeat. Rows of one group (a glitch and its near-duplicates) share a fold. With times, a fold is a set of time
blocks, and rows within the purge gap of a tested row are left out of the training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.heldout.kinds import FOLDS, check_splits
from embed.dataset.kinds import PURGE_SECONDS
from embed.dataset.splits import checked_times, first_rows, time_gaps
from embed.errors import InputError
from embed.vectors.duplicates import merge_groups, same_pairs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from audit.heldout.kinds import SplitKind
    from embed.types import Codes, Flags, Floats, Rows

BLOCKS_PER_FOLD = 4
"""Time blocks of a fold in each repeat: enough for a class that was seen only for a while to be in training and test."""


@dataclass(frozen=True)
class SplitPlan:
    """Which rows each split trains on and tests.

    Attributes
    ----------
    fold : ndarray of int8, shape (R, N)
        Each row's fold in each repeat.
    folds : int
        Number of folds; split ``r * folds + f`` tests fold f of repeat r.
    kind : str
    testable : ndarray of bool, shape (N,)
        Rows whose class has members in at least two groups; the others are trained on, never tested.
    times : ndarray of float64, shape (N,), or None
        GPS seconds, for splits by time.
    purge : float
        Seconds, for splits by time.
    """

    fold: NDArray[np.int8]
    folds: int
    kind: str
    testable: Flags
    times: Floats | None = None
    purge: float = 0.0

    def __len__(self) -> int:
        return self.folds * len(self.fold)

    def test(self, split: int) -> Flags:
        """Rows that a split tests, shape (N,)."""
        return (self.fold[split // self.folds] == split % self.folds) & self.testable

    def train(self, split: int) -> Flags:
        """Rows that a split trains on, shape (N,)."""
        held = self.fold[split // self.folds] == split % self.folds
        if self.times is None:
            return ~held
        return ~held & (time_gaps(self.times, self.times[held]) > self.purge)


def combine_groups(*groupings: ArrayLike | None) -> Rows:
    """Merge groupings of the same rows: rows that share a group in any of them share one in the result."""
    given = [np.asarray(groups).tolist() for groups in groupings if groups is not None]
    return merge_groups(len(given[0]), *map(same_pairs, given))


def plan_splits(
    classes: Codes,
    splits: int,
    *,
    kind: SplitKind = "grouped",
    groups: Rows | None = None,
    times: Floats | None = None,
    purge: float = PURGE_SECONDS,
    folds: int = FOLDS,
    seed: int = 0,
) -> SplitPlan:
    """Draw the splits.

    Parameters
    ----------
    classes : ndarray of int64, shape (N,)
        0 to K - 1.
    splits : int
        At least `folds`; rounded up to whole repeats, so that every row is tested equally often.
    kind : {"grouped", "random", "time"}
        Respect groups; ignore them; or hold out blocks of time, with groups whole too.
    groups : ndarray of int64, shape (N,), optional
    times : ndarray of float64, shape (N,), optional
        GPS seconds; needed for ``time``.
    purge : float
        Seconds around each tested row that are left out of the training, for ``time``.
    folds : int
    seed : int

    Raises
    ------
    InputError
        Fewer splits than folds, fewer than two classes or groups, times that are missing or not finite, a negative gap.
    """
    count = len(classes)
    check_splits(splits, folds)
    if len(np.unique(classes)) < 2:
        raise InputError(
            "all labels are the same: a wrong label shows only against another class; audit two classes or more"
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


def _testable(classes: Codes, groups: Rows) -> Flags:
    pairs = np.unique(np.stack([classes, groups]), axis=1)
    return np.bincount(pairs[0], minlength=int(classes.max()) + 1)[classes] >= 2


def _stratified_folds(classes: Codes, groups: Rows, folds: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Assign groups to folds by class, large groups first, each to the fold with the fewest rows of its class, then of all."""
    number = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(number)
    kind = classes[first_rows(number)]  # a group of several classes counts as the class of its first row
    mixed = rng.permutation(len(sizes))
    order = mixed[np.lexsort((-sizes[mixed], kind[mixed]))]
    assigned = np.empty(len(sizes), np.int8)
    if (sizes == 1).all():
        # Assigned in turn, each class starting where the last one ended: classes and folds stay even.
        assigned[order] = (np.arange(len(order)) + rng.integers(folds)) % folds
        return assigned[number]
    of_class = np.zeros((int(classes.max()) + 1, folds), np.int64)
    of_all = np.zeros(folds, np.int64)
    for group in order:
        place = int(np.lexsort((of_all, of_class[kind[group]]))[0])
        assigned[group] = place
        of_class[kind[group], place] += sizes[group]
        of_all[place] += sizes[group]
    return assigned[number]


def _time_folds(times: Floats, groups: Rows, folds: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Cut time into blocks of about equal count, with a random offset, and assign the blocks to folds at random."""
    count = len(times)
    blocks = max(folds, min(folds * BLOCKS_PER_FOLD, count))
    order = np.argsort(times, kind="stable")
    position = np.empty(count)
    position[order] = (np.arange(count) / count + rng.random()) % 1.0
    block = np.minimum((position * blocks).astype(np.int64), blocks - 1)
    turn = np.concatenate([rng.permutation(folds) for _ in range(math.ceil(blocks / folds))])[:blocks]
    fold = turn[block].astype(np.int8)
    return fold[first_rows(groups)[groups]]
