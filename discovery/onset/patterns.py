"""Regularities in time: hours and weekdays, and glitches that both detectors saw at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.stats

from discovery.onset.livetime import DAY
from discovery.pages.gpstime import LEAP_SECONDS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from discovery.onset.livetime import Livetime
    from embed.types import Codes, Floats

LIGHT_TRAVEL = 0.010
"""Seconds between Hanford and Livingston at the speed of light."""
WINDOW = 0.1
"""Seconds by which the times of one event may differ beyond that: triggers are placed at their loudest tile."""
STEP = 600.0
"""Seconds between the instants at which live time is counted."""
HOUR, WEEK = 3600.0, 604800.0


@dataclass(frozen=True)
class Pattern:
    """Glitches, or bursts of them, by hour of the day or by weekday.

    Attributes
    ----------
    counts : tuple of int
        24 hours (UTC), or 7 weekdays, Monday first.
    expected : tuple of float
        As many at a steady rate: in proportion to the live time of each.
    chance : float or None
        Of counts so uneven at a steady rate (chi-squared); None where there are fewer than five a cell, or one cell has all live time.
    """

    counts: tuple[int, ...]
    expected: tuple[float, ...]
    chance: float | None


def hours_and_weekdays(gps: Floats, livetime: Livetime) -> tuple[Pattern, Pattern]:
    """Count glitches by hour of the day and by weekday, and compare with the live time of each.

    Parameters
    ----------
    gps : ndarray of float64
        Seconds.
    livetime : Livetime
    """
    live = livetime.gps(np.arange(min(STEP, livetime.seconds) / 2, livetime.seconds, STEP))
    return _pattern(_hour(gps), _hour(live), 24), _pattern(_weekday(gps), _weekday(live), 7)


def _pattern(seen: Codes, live: Codes, cells: int) -> Pattern:
    counts = np.bincount(seen, minlength=cells)
    exposure = np.bincount(live, minlength=cells).astype(float)
    expected = exposure / exposure.sum() * counts.sum()
    on = exposure > 0
    chance = None
    if len(seen) >= 5 * on.sum() and on.sum() > 1:
        inside = counts[on]
        chance = float(scipy.stats.chisquare(inside, expected[on] * inside.sum() / counts.sum()).pvalue)
    return Pattern(tuple(counts.tolist()), tuple(expected.round(4).tolist()), chance)


def _utc_seconds(gps: Floats) -> Floats:
    return np.asarray(gps - np.searchsorted(LEAP_SECONDS, gps, side="right"))


def _hour(gps: Floats) -> Codes:
    return (_utc_seconds(gps) % DAY // HOUR).astype(np.int64)


def _weekday(gps: Floats) -> Codes:
    return ((_utc_seconds(gps) % WEEK // DAY).astype(np.int64) + 6) % 7  # GPS time began on a Sunday


def coincidences(gps: ArrayLike, ifo: ArrayLike, livetime: Livetime) -> tuple[int, float, float]:
    """Count the glitches of H1 that L1 saw too within the light-travel time and `WINDOW`.

    Parameters
    ----------
    gps : array_like of float, shape (N,)
    ifo : array_like of str, shape (N,)
    livetime : Livetime

    Returns
    -------
    seen : int
        Glitches of H1 with one of L1.
    expected : float
        By chance, if the two were independent and steady.
    chance : float
        Of at least so many.
    """
    times, names = np.asarray(gps, float), np.asarray(ifo, object)
    first = np.sort(times[(names == "H1") & np.isfinite(times)])
    second = np.sort(times[(names == "L1") & np.isfinite(times)])
    if not len(first) or not len(second):
        return 0, 0.0, 1.0
    near = LIGHT_TRAVEL + WINDOW
    seen = int((np.searchsorted(second, first + near, side="right") > np.searchsorted(second, first - near)).sum())
    expected = len(first) * len(second) * 2 * near / max(livetime.seconds, 2 * near)
    return seen, float(expected), float(scipy.stats.poisson.sf(seen - 1, expected)) if seen else 1.0
