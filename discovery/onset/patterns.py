"""Regularities in time: hours and weekdays, and glitches that both detectors saw at once."""

from __future__ import annotations

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


def hours_and_weekdays(gps: Floats, livetime: Livetime) -> tuple[Codes, Codes, float, float]:
    """Count glitches by hour of the day (UTC) and by weekday (Monday first), and compare with the live time of each.

    Parameters
    ----------
    gps : ndarray of float64
        Seconds.
    livetime : Livetime

    Returns
    -------
    hours : ndarray of int64, shape (24,)
    weekdays : ndarray of int64, shape (7,)
    hour_p, weekday_p : float
        Chance of counts so uneven if the rate were the same at all live times (chi-squared); 1 where there are fewer than five glitches a cell.
    """
    live = livetime.gps(np.arange(STEP / 2, livetime.seconds, STEP))
    counts, chances = [], []
    for cells, place in ((24, _hour), (7, _weekday)):
        seen = np.bincount(place(gps), minlength=cells)
        exposure = np.bincount(place(live), minlength=cells).astype(float)
        on = exposure > 0
        if len(gps) < 5 * on.sum() or on.sum() < 2:
            chances.append(1.0)
        else:
            expected = exposure[on] / exposure[on].sum() * seen[on].sum()
            chances.append(float(scipy.stats.chisquare(seen[on], expected).pvalue))
        counts.append(seen.astype(np.int64))
    return counts[0], counts[1], chances[0], chances[1]


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
