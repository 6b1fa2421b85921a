"""Splits: which labelled glitches are trained on, which choose the epoch, and which are held out, class by class.

A random split flatters: two triggers of one glitch, or one whistle seen a hundred times in a night, are on both sides of it. The
honest ones keep near-duplicates together, or whole blocks of time; Gravity Spy's own split is read from the metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.dataset.kinds import KINDS, PART_NAMES, PURGE_SECONDS
from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from embed.dataset.kinds import Kind

    Parts = NDArray[np.int8]

TRAIN, VALIDATION, TEST, LEFT_OUT = 0, 1, 2, -1

SHARES = (0.7, 0.15, 0.15)
"""Of training, validation and test: near Gravity Spy's own 70, 15 and 15 %."""
BLOCKS = 40
"""Time blocks that are assigned to the parts: enough that a class which occurs for some weeks only is in all parts."""
_ASSIGNMENTS = 200
"""Random assignments of the time blocks, of which the best for the classes is used."""
_OFFICIAL = {"train": TRAIN, "validation": VALIDATION, "test": TEST}


@dataclass(frozen=True)
class Split:
    """A part for each glitch.

    Attributes
    ----------
    part : ndarray of int8, shape (N,)
        0 train, 1 validation, 2 test, -1 left out (within the purge gap, or without a sample type).
    kind : str
        random, grouped, time or sample-type.
    groups : int
        Sets of glitches that were kept together.
    """

    part: Parts
    kind: Kind
    groups: int

    def rows(self, part: int) -> NDArray[np.int64]:
        """Rows of a part, ascending."""
        return np.flatnonzero(self.part == part)

    def counts(self) -> dict[str, int]:
        """Glitches of each part, and those left out."""
        named = {name: int((self.part == number).sum()) for number, name in enumerate(PART_NAMES)}
        return named | {"left_out": int((self.part == LEFT_OUT).sum())}


def make_split(
    classes: NDArray[np.int64],
    kind: Kind,
    *,
    groups: NDArray[np.int64] | None = None,
    times: NDArray[np.float64] | None = None,
    sample_types: Sequence[str] | None = None,
    purge: float = PURGE_SECONDS,
    shares: tuple[float, float, float] = SHARES,
    seed: int = 0,
) -> Split:
    """Assign glitches to training, validation and test.

    Parameters
    ----------
    classes : ndarray of int64, shape (N,)
        0 to K - 1.
    kind : {"random", "grouped", "time", "sample-type"}
        Ignore groups; keep them whole; assign whole blocks of time too; or read Gravity Spy's own split.
    groups : ndarray of int64, shape (N,), optional
        Sets to keep together, see `merge_groups`; for grouped and time.
    times : ndarray of float64, shape (N,), optional
        GPS seconds, for time.
    sample_types : sequence of N str, optional
        train, validation, test or something else (left out), for sample-type.
    purge : float
        Seconds: a glitch nearer than this to one of a later part is left out, for time.
    shares : tuple of 3 float
        Of the parts; they sum to 1.
    seed : int

    Raises
    ------
    InputError
        With fewer than two classes; when a part would be empty; when times or sample types are missing.
    """
    if len(classes) == 0 or classes.min() == classes.max():
        raise InputError(
            f"{'all labels are the same' if len(classes) else 'no glitch is labelled'}: a network needs glitches of two classes or more; label them"
        )
    own = np.arange(len(classes)) if groups is None or kind == "random" else groups
    rng = np.random.default_rng((seed, 23))
    if kind == "sample-type":
        part = _official(sample_types, len(classes))
    elif kind == "time":
        part = _by_time(classes, own, checked_times(times, len(classes), purge), purge=purge, shares=shares, rng=rng)
    elif kind in ("random", "grouped"):
        part = _stratified(classes, own, shares, rng)
    else:
        raise InputError(f"no kind of split {kind!r}; give {', '.join(KINDS)}")
    for number, name in enumerate(PART_NAMES):
        if not (part == number).any():
            raise InputError(
                f"no glitch is left for the {name} part of the split {kind!r} ({len(classes)} glitches in {len(np.unique(own))} groups); label more, or give another --split"
            )
    return Split(part, kind, len(np.unique(own)))


def _stratified(
    classes: NDArray[np.int64], groups: NDArray[np.int64], shares: tuple[float, ...], rng: np.random.Generator
) -> Parts:
    """Assign groups class by class, large ones first, each to the part that lacks most of its share; the first of a class trains.

    A class of three groups or more is in every part.
    """
    number = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(number)
    kind = classes[first_rows(number)]  # a group of several classes counts as its first row's
    assigned = np.empty(len(sizes), np.int8)
    for label in np.unique(kind):
        members = rng.permutation(np.flatnonzero(kind == label))
        members = members[np.argsort(-sizes[members], kind="stable")]
        wanted = np.array(shares) * sizes[members].sum()
        have = np.zeros(3)
        for place, group in enumerate(members):
            lacks = wanted - have
            empty = np.flatnonzero(have == 0)
            left = len(members) - place
            # Training first; then, while groups last, no part stays empty.
            target = TRAIN if place == 0 else int(empty[-1]) if left <= len(empty) else int(np.argmax(lacks))
            assigned[group] = target
            have[target] += sizes[group]
    return assigned[number]


def checked_times(times: ArrayLike | None, count: int, purge: float) -> NDArray[np.float64]:
    """Check what a split by time needs.

    Parameters
    ----------
    times : array_like, shape (N,), or None
        GPS seconds.
    count : int
        N.
    purge : float
        Gap, s.

    Returns
    -------
    ndarray of float64, shape (N,)

    Raises
    ------
    InputError
        When times are missing, not finite or not N, or the gap is negative.
    """
    if times is None:
        raise InputError("splits by time need the glitches' GPS times; give times, or --split grouped")
    known = np.asarray(times, np.float64)
    if len(known) != count:
        raise InputError(f"{len(known)} times for {count} labels: give one each")
    broken = int((~np.isfinite(known)).sum())
    if broken:
        raise InputError(
            f"{broken} of {count} glitches have no GPS time; ingest their metadata, or give --split grouped"
        )
    if not purge >= 0:
        raise InputError(f"a purge gap of {purge} s: give 0 or more")
    return known


def first_rows(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """First row of each group 0 to G - 1, ndarray of int64, shape (G,); the number of rows for a group without any."""
    first = np.full(int(groups.max()) + 1, len(groups), np.int64)
    np.minimum.at(first, groups, np.arange(len(groups)))
    return first


def _by_time(
    classes: NDArray[np.int64],
    groups: NDArray[np.int64],
    times: NDArray[np.float64],
    *,
    purge: float,
    shares: tuple[float, ...],
    rng: np.random.Generator,
) -> Parts:
    """Cut time into blocks of equal count, assign the blocks, and leave out what is too near to a later part."""
    count = len(times)
    blocks = min(BLOCKS, count)
    order = np.argsort(times, kind="stable")
    block = np.empty(count, np.int64)
    block[order] = np.arange(count) * blocks // count
    block = block[first_rows(groups)[groups]]
    table = np.zeros((blocks, int(classes.max()) + 1))
    np.add.at(table, (block, classes), 1)
    sizes = np.maximum(np.round(np.array(shares) * blocks), 1).astype(np.int64)
    sizes[TRAIN] = blocks - sizes[1:].sum()
    turn = np.repeat(np.arange(3, dtype=np.int8), np.maximum(sizes, 0))
    part = min(
        (rng.permutation(turn) for _ in range(_ASSIGNMENTS)), key=lambda assigned: _unfairness(assigned, table, shares)
    )[block]
    for later in (TEST, VALIDATION):
        near = time_gaps(times, times[part == later]) <= purge
        part[near & (part < later)] = LEFT_OUT
    return part


def _unfairness(assigned: Parts, table: NDArray[np.float64], shares: tuple[float, ...]) -> tuple[int, float]:
    """How many classes an assignment leaves without a part, those without training first, and how far it is from the shares."""
    have = np.stack([table[assigned == number].sum(axis=0) for number in range(3)])
    total = table.sum(axis=0)
    lacking = (have == 0) & (total > 0)
    off = np.abs(have / np.maximum(total, 1) - np.array(shares)[:, None]).sum()
    return int(1000 * lacking[TRAIN].sum() + lacking[1:].sum()), float(off)


def time_gaps(times: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Time from each of `times` to the nearest of `others`, shape (N,); infinite where there are none."""
    if not len(others):
        return np.full(len(times), np.inf)
    others = np.sort(others)
    after = np.searchsorted(others, times)
    before = np.abs(times - others[np.maximum(after - 1, 0)])
    return np.minimum(before, np.abs(others[np.minimum(after, len(others) - 1)] - times))


def _official(sample_types: Sequence[str] | None, count: int) -> Parts:
    part = np.array([_OFFICIAL.get(name, LEFT_OUT) for name in sample_types or [""] * count], np.int8)
    if not (part >= 0).any():
        raise InputError(
            "no labelled glitch has Gravity Spy's sample_type (train, validation, test); ingest the training set or its metadata, or give --split grouped"
        )
    return part
