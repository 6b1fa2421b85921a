"""Live time: the seconds during which a detector could have shown a glitch, as intervals of GPS time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from embed.digits import significant
from embed.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from embed.types import Floats

DAY = 86400.0
"""Seconds."""
LONGEST_PAUSE = 6 * 3600.0
"""Seconds between two glitches of any class above which nothing was recorded in between: detectors show several an hour."""

SMALL_SHARE = 0.25
"""Of the time between the first and the last glitch: a guessed live time below it is doubtful. In steady streams thinned to it, the interval of
an onset holds the true time in 70 % of 40 cases instead of 85 % and more."""
MANY = 20
"""Glitches between two pauses, on average, from which a small share is a study of runs that lie far apart."""


@dataclass(frozen=True)
class Livetime:
    """Intervals of GPS time, ascending and apart from each other.

    Attributes
    ----------
    starts, ends : ndarray of float64, shape (S,)
        Seconds.
    caution : str
        Why the live time tells no rate, and what to do; empty where it was given, or guessed from enough glitches.
    """

    starts: Floats
    ends: Floats
    caution: str = ""

    @property
    def seconds(self) -> float:
        """All live time."""
        return float((self.ends - self.starts).sum())

    def elapsed(self, gps: ArrayLike) -> Floats:
        """Return the live seconds before each GPS time."""
        times = np.asarray(gps, float)
        lengths = self.ends - self.starts
        before = np.concatenate([[0.0], np.cumsum(lengths)])
        place = np.searchsorted(self.starts, times, side="right") - 1
        inside = np.clip(times - self.starts[np.maximum(place, 0)], 0.0, lengths[np.maximum(place, 0)])
        return np.where(place < 0, 0.0, before[np.maximum(place, 0)] + inside)

    def gps(self, elapsed: ArrayLike) -> Floats:
        """Return the GPS time at which so many live seconds have passed: the inverse of `elapsed`."""
        wanted = np.clip(np.asarray(elapsed, float), 0.0, self.seconds)
        before = np.concatenate([[0.0], np.cumsum(self.ends - self.starts)])
        place = np.clip(np.searchsorted(before, wanted, side="right") - 1, 0, len(self.starts) - 1)
        return self.starts[place] + wanted - before[place]

    def moved_inside(self, gps: Floats) -> Floats:
        """Move GPS times at which nothing was recorded to the live moment before them, or to the first there is."""
        place = np.searchsorted(self.starts, gps, side="right") - 1
        return np.where(place < 0, self.starts[0], np.minimum(gps, self.ends[np.maximum(place, 0)]))

    def trimmed(self, start: float, end: float) -> tuple[float, float]:
        """Return the first and the last live moment between two GPS times, or the same time twice where there is none."""
        place = int(np.searchsorted(self.ends, start, side="right"))
        first = max(start, float(self.starts[place])) if place < len(self.starts) else end
        place = int(np.searchsorted(self.starts, end, side="left")) - 1
        last = min(end, float(self.ends[place])) if place >= 0 else start
        return (first, last) if first < last else (start, start)

    def longest_pause(self, start: float, end: float, *, least: float) -> tuple[float, float] | None:
        """Return the longest of the pauses that share a moment with an interval; None if none lasts `least` seconds."""
        begins, ends = self.ends[:-1], self.starts[1:]
        lengths = np.where((begins <= end) & (ends >= start), ends - begins, 0.0)
        if not lengths.size or lengths.max() < least:
            return None
        longest = int(lengths.argmax())
        return float(begins[longest]), float(ends[longest])


def segments(starts: ArrayLike, ends: ArrayLike) -> Livetime:
    """Build live time from segments, which may overlap.

    Raises
    ------
    InputError
        No segment, a segment that ends before it starts, or a time that is not finite.
    """
    first, last = np.asarray(starts, float), np.asarray(ends, float)
    if not first.size or first.shape != last.shape:
        raise InputError(
            f"{first.size} starts and {last.size} ends of segments: give at least one of each, and as many"
        )
    if not (np.isfinite(first).all() and np.isfinite(last).all()):
        raise InputError("a segment has a time that is not finite; correct it")
    if (last <= first).any():
        wrong = int(np.flatnonzero(last <= first)[0])
        raise InputError(f"segment {wrong + 1} ends at {last[wrong]:.3f}, not after its start {first[wrong]:.3f}")
    order = np.argsort(first, kind="stable")
    joined: list[list[float]] = []
    for start, end in zip(first[order].tolist(), last[order].tolist(), strict=True):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    both = np.array(joined)
    return Livetime(both[:, 0], both[:, 1])


def livetime_of(times: ArrayLike) -> Livetime:
    """Estimate live time from the times of all glitches, whatever their class: pauses above `LONGEST_PAUSE` are not live.

    Raises
    ------
    InputError
        Fewer than two different times.
    """
    known = np.unique(np.asarray(times, float))
    known = known[np.isfinite(known)]
    if len(known) < 2:
        raise InputError(
            f"{len(known)} different times of glitches are known: at least 2 are needed to tell when the detector was on; `discover ingest CSV` adds those of a table, such as the metadata.csv of `discover simulate`"
        )
    breaks = np.flatnonzero(np.diff(known) > LONGEST_PAUSE)
    starts = known[np.concatenate([[0], breaks + 1])]
    ends = known[np.concatenate([breaks, [len(known) - 1]])]
    kept = ends > starts
    if not kept.any():
        return Livetime(known[:1], known[-1:])
    found = Livetime(starts[kept], ends[kept])
    span = float(known[-1] - known[0])
    if found.seconds >= SMALL_SHARE * span or len(known) >= MANY * len(starts):
        return found
    caution = (
        f"The live time, {significant(found.seconds / DAY, 2)} of {significant(span / DAY)} days, is guessed from {len(known):,} glitches. "
        "They are too few to tell when a detector was on, so that changes of rates are not looked for: "
        "give the times when it was on with `discover onset --segments FILE`"
    )
    return replace(found, caution=caution)
