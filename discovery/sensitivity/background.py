"""What a search finds where there is no signal: its triggers over a livetime, from time slides or from noise alone, as a false-alarm rate.

A rate is stated from counts alone, and never beyond the livetime: nothing is fitted and nothing extrapolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.errors import InputError
from embed.metrics.intervals import poisson, same_rate
from embed.strain.detection import loudest_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike

    from embed.types import Floats

MONTH, DAY = 30.0 * 86400.0, 86400.0
"""s; MLGWSC-1's month has 30 days."""


@dataclass(frozen=True)
class Triggers:
    """The loudest of a series of the statistic, one of those that are near in time.

    Attributes
    ----------
    times : ndarray of float64, shape (M,)
        s, ascending.
    statistic : ndarray of float64, shape (M,)
    """

    times: Floats
    statistic: Floats

    def __len__(self) -> int:
        return len(self.times)


def find_peaks(times: ArrayLike, statistic: ArrayLike, *, apart: float, above: float = -np.inf) -> Triggers:
    """Make triggers of a series: the loudest, then the loudest of those that are not nearer to it than `apart`, and so on.

    Parameters
    ----------
    times : array_like, shape (N,)
        s.
    statistic : array_like, shape (N,)
        NaN where there is none.
    apart : float
        s.
    above : float
        The statistic must exceed it.

    Returns
    -------
    Triggers

    Raises
    ------
    InputError
        When lengths differ, or `apart` is not positive.
    """
    when, loud = np.asarray(times, np.float64), np.asarray(statistic, np.float64)
    if when.shape != loud.shape or when.ndim != 1:
        raise InputError(f"{when.shape} times for {loud.shape} values of the statistic; give one time a value")
    if not apart > 0:
        raise InputError(f"triggers {apart:g} s apart; give a positive time")
    there = loud > above
    rows = loudest_rows(when[there], loud[there], apart)
    return Triggers(when[there][rows], loud[there][rows])


@dataclass(frozen=True)
class Background:
    """Triggers without signals.

    Attributes
    ----------
    statistic : ndarray of float64, shape (M,)
        Descending.
    livetime : float
        s that were searched, all slides together.
    how : str
        ``time slides`` or ``noise alone``.
    quietest : float
        Triggers below it are not kept, so that nothing is known of their rate.
    """

    statistic: Floats
    livetime: float
    how: str
    quietest: float = -np.inf

    def count(self, statistic: ArrayLike) -> Floats:
        """Number of triggers at least as loud: ndarray of float64, of the statistic's shape."""
        found = np.searchsorted(-self.statistic, -np.asarray(statistic, np.float64), side="right")
        return np.asarray(found, np.float64)

    def rate(self, statistic: ArrayLike) -> Floats:
        """False-alarm rate, 1/s: triggers at least as loud over the livetime (MLGWSC-1, arXiv:2209.11146, equation 1)."""
        return self.count(statistic) / self.livetime

    def interval(self, statistic: ArrayLike) -> Floats:
        """Ends of the false-alarm rate, 1/s, shape (..., 2): Garwood's, of the count."""
        return poisson(self.count(statistic)) / self.livetime

    def least_rate(self) -> float:
        """Lowest rate that the livetime supports, 1/s: one trigger in all of it."""
        return 1.0 / self.livetime

    def threshold(self, rate: float) -> float:
        """Return the value that triggers of at most this rate, 1/s, exceed; NaN where the livetime does not support the rate."""
        allowed = int(np.floor(rate * self.livetime * (1 + 1e-12)))
        if allowed < 1:
            return float("nan")
        return float(self.statistic[allowed]) if allowed < len(self.statistic) else -np.inf


def make_background(parts: Iterable[Triggers], livetime: float, how: str) -> Background:
    """Put triggers of several slides, or of several stretches, together.

    Raises
    ------
    InputError
        When there is no livetime.
    """
    if not livetime > 0:
        raise InputError(f"a livetime of {livetime:g} s: nothing was searched; give longer strain or more slides")
    loud = np.concatenate([np.empty(0), *(part.statistic for part in parts)])
    return Background(np.sort(loud)[::-1], livetime, how)


@dataclass(frozen=True)
class Agreement:
    """Two backgrounds at one threshold.

    Attributes
    ----------
    threshold : float
    first, second : tuple of int and float
        Triggers above it, and livetime in s.
    chance : float
        Probability that equal rates differ as much, see `embed.metrics.intervals.same_rate`.
    """

    threshold: float
    first: tuple[int, float]
    second: tuple[int, float]
    chance: float


def compare(first: Background, second: Background, rates: Sequence[float]) -> list[Agreement]:
    """Compare two backgrounds at the thresholds at which the second has each rate, 1/s; unsupported rates are left out.

    Both have fluctuations, and in slides the same stretch of one detector is used again and again: where glitches rule, the exact
    test takes the slides for more independent than they are.
    """
    found = []
    for rate in rates:
        threshold = second.threshold(rate)
        if not np.isfinite(threshold):
            continue
        counts = [(int((one.statistic > threshold).sum()), one.livetime) for one in (first, second)]
        found.append(Agreement(threshold, counts[0], counts[1], same_rate(*counts)))
    return found


def slide_turns(seconds: float, step: float, most: int, *, light_travel: float) -> Floats:
    """Choose by how much one detector's strain is turned against the other's, s.

    Parameters
    ----------
    seconds : float
        Length of the stretch, which is turned as a ring.
    step : float
        Between two slides.
    most : int
        Slides wanted.
    light_travel : float
        Between the detectors; slides are longer, forwards and backwards.

    Returns
    -------
    ndarray of float64, shape (S,)
        Multiples of the step from one step on, all a step or more short of the whole ring, S at most `most`, spread evenly over them.

    Raises
    ------
    InputError
        When the step is within ten times the light-travel time, where noise that both detectors have could still be coincident.
    """
    if not step > 10 * light_travel:
        raise InputError(
            f"slides of {step:g} s are too near to the light-travel time of {light_travel:g} s; give {20 * light_travel:.1g} s or more"
        )
    count = int(np.floor(seconds / step + 1e-9)) - 1
    if count <= 0 or most <= 0:
        return np.empty(0)
    chosen = np.unique(np.linspace(1, count, min(most, count)).round())
    return np.asarray(chosen * step, np.float64)
