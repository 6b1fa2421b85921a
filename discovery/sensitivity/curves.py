"""Sensitivity of a statistic on arrays: thresholds at false-alarm probabilities, and what they find of signals of each loudness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.errors import InputError
from embed.metrics.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from embed.types import Floats

PROBABILITIES = (1e-2, 1e-3, 1e-4)
"""False-alarm probabilities of one window: those of Gabbard et al. 2018 (arXiv:1712.06041), figure 3, are 1e-1 to 1e-4."""
LEAST_ALARMS = 10
"""False alarms that must be above a threshold: their relative error is then a third."""


@dataclass(frozen=True)
class Threshold:
    """Where a statistic has a false-alarm probability.

    Attributes
    ----------
    probability : float
        As asked.
    value : float
        Windows whose statistic exceeds it are found; NaN where there are too few noise windows to say.
    alarms, noise : int
        Noise windows above it, and all of them.
    low, high : float
        Wilson's interval of the probability.
    """

    probability: float
    value: float
    alarms: int
    noise: int
    low: float
    high: float

    @property
    def supported(self) -> bool:
        """Whether there are enough noise windows."""
        return bool(np.isfinite(self.value))


def threshold_at(noise: ArrayLike, probability: float, least: int = LEAST_ALARMS) -> Threshold:
    """Find the threshold of a false-alarm probability from noise windows.

    Parameters
    ----------
    noise : array_like, shape (N,)
        The statistic of windows without signals.
    probability : float
        Between 0 and 1.
    least : int
        False alarms that must be above.

    Returns
    -------
    Threshold
        Its value is a noise window's own, so that ``floor(N probability)`` exceed it, fewer where values are equal. NaN where these
        would be fewer than `least`.

    Raises
    ------
    InputError
        Without noise windows, with values that are not finite, or with no probability.
    """
    loud = np.sort(np.asarray(noise, np.float64))[::-1]
    if not len(loud) or not np.isfinite(loud).all():
        raise InputError(
            f"{len(loud)} noise windows, {int((~np.isfinite(loud)).sum())} of them not finite; give finite values"
        )
    if not 0 < probability < 1:
        raise InputError(f"a false-alarm probability of {probability:g}: give a number between 0 and 1")
    allowed = int(np.floor(len(loud) * probability * (1 + 1e-12)))
    if allowed < least:
        return Threshold(probability, float("nan"), 0, len(loud), float("nan"), float("nan"))
    value = float(loud[allowed])
    alarms = int((loud > value).sum())
    low, high = wilson(alarms, len(loud)).tolist()
    return Threshold(probability, value, alarms, len(loud), low, high)


@dataclass(frozen=True)
class SensitivityCurve:
    """The share of signals found, by their loudness.

    Attributes
    ----------
    threshold : Threshold
    snr : ndarray of float64, shape (P,)
        Optimal network signal-to-noise ratio, ascending.
    found, signals : ndarray of int64, shape (P,)
    share : ndarray of float64, shape (P,)
    interval : ndarray of float64, shape (P, 2)
        Wilson's.
    """

    threshold: Threshold
    snr: Floats
    found: np.ndarray
    signals: np.ndarray
    share: Floats
    interval: Floats


def sensitivity_curve(snr: ArrayLike, statistic: ArrayLike, threshold: Threshold) -> SensitivityCurve:
    """Measure how many signals of each loudness exceed a threshold.

    Parameters
    ----------
    snr : array_like, shape (N,)
        Of each signal; those of equal value are one point.
    statistic : array_like, shape (N,)
    threshold : Threshold
        One without support finds nothing to say: shares are NaN.

    Raises
    ------
    InputError
        When lengths differ.
    """
    loud, values = np.asarray(snr, np.float64), np.asarray(statistic, np.float64)
    if loud.shape != values.shape or loud.ndim != 1:
        raise InputError(f"{loud.shape} ratios for {values.shape} values of the statistic; give one a signal")
    points, place = np.unique(loud, return_inverse=True)
    signals = np.bincount(place, minlength=len(points)).astype(np.int64)
    found = np.bincount(place, weights=values > threshold.value, minlength=len(points)).astype(np.int64)
    if not threshold.supported:
        nothing = np.full(len(points), np.nan)
        return SensitivityCurve(threshold, points, found, signals, nothing, np.full((len(points), 2), np.nan))
    return SensitivityCurve(threshold, points, found, signals, found / signals, wilson(found, signals))


def snr_at_share(curve: SensitivityCurve, share: float = 0.5) -> float:
    """Return the ratio at which the curve first reaches a share, by straight lines between its points; NaN where it does not."""
    reached = np.flatnonzero(curve.share >= share)
    if not len(reached) or not reached[0]:
        return float("nan")
    low, high = reached[0] - 1, reached[0]
    part = (share - curve.share[low]) / (curve.share[high] - curve.share[low])
    return float(curve.snr[low] + part * (curve.snr[high] - curve.snr[low]))


@dataclass(frozen=True)
class Gain:
    """False alarms of one class of glitch with two models.

    Attributes
    ----------
    label : str
    glitches : int
    first, second : int
        Windows above each model's own threshold.
    factor, low, high : float
        First over second, and its interval; NaN or infinite where nothing was found.
    """

    label: str
    glitches: int
    first: int
    second: int
    factor: float
    low: float
    high: float


def alarms_by_class(labels: Sequence[str], statistic: ArrayLike, value: float) -> dict[str, tuple[int, int]]:
    """Count the glitches of each class above a threshold: label -> (above it, all), in alphabetical order."""
    names, loud = np.asarray(labels, np.str_), np.asarray(statistic, np.float64)
    return {
        str(name): (int((loud[names == name] > value).sum()), int((names == name).sum())) for name in np.unique(names)
    }
