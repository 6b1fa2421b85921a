"""Whether a classifier's probabilities mean what they say: reliability, calibration error, proper scores and temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.special
from scipy.optimize import minimize_scalar

from embed.errors import InputError
from embed.metrics.intervals import wilson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from embed.types import Codes, Floats


BINS = 15
"""Equal bins of confidence, as in Guo et al. (2017, arXiv:1706.04599)."""
SMALLEST = 1e-12
"""A probability below this counts as this in logarithms: float32 softmax gives exact zeros."""
TEMPERATURES = (0.05, 20.0)
"""Where a temperature is sought: past these ends the probabilities are all one class, or all equal."""


@dataclass(frozen=True)
class Reliability:
    """Confidence and accuracy in bins of confidence; the bin b is ``(b / B, (b + 1) / B]``.

    Attributes
    ----------
    count : ndarray of int64, shape (B,)
        Glitches in each bin.
    confidence, accuracy : ndarray of float64, shape (B,)
        Mean largest probability, and share of right predictions; NaN in empty bins.
    interval : ndarray of float64, shape (B, 2)
        Wilson's, of the accuracy.
    error : float
        Expected calibration error: mean over the glitches of the gap of their bin (Guo et al. 2017, equation 3).
    """

    count: Codes
    confidence: Floats
    accuracy: Floats
    interval: Floats
    error: float


def reliability(confidence: Floats, right: NDArray[np.bool_], bins: int = BINS) -> Reliability:
    """Compare confidence with accuracy.

    Parameters
    ----------
    confidence : ndarray of float64, shape (N,)
        The largest probability of each glitch.
    right : ndarray of bool, shape (N,)
        Whether its class is the true one.
    bins : int

    Returns
    -------
    Reliability

    Raises
    ------
    InputError
        When there are no bins.
    """
    if bins < 1:
        raise InputError(f"{bins} bins of confidence; give 1 or more")
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins).astype(np.int64)
    hits = np.bincount(place, weights=right, minlength=bins)
    total = np.bincount(place, weights=confidence, minlength=bins)
    filled = np.where(count > 0, count, np.nan)
    gap = float(np.abs(hits - total).sum() / len(confidence))
    return Reliability(count, total / filled, hits / filled, wilson(hits, count), gap)


def softmax(logits: ArrayLike) -> Floats:
    """Turn logits, shape (N, K), into probabilities, ndarray of float64, shape (N, K)."""
    return scipy.special.softmax(np.asarray(logits, np.float64), axis=1)


def log_loss(probabilities: Floats, truth: Codes) -> float:
    """Mean negative logarithm of the true class's probability, nats."""
    own = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(own, SMALLEST)).mean())


def brier_score(probabilities: Floats, truth: Codes) -> float:
    """Mean squared distance to the truth's indicator, summed over the classes: 0 to 2 (Brier 1950, equation 2)."""
    return float((np.square(probabilities).sum(axis=1) - 2 * probabilities[np.arange(len(truth)), truth] + 1).mean())


def tempered(probabilities: Floats, temperature: float) -> Floats:
    """Divide the logits by a temperature: above 1 the probabilities come closer to each other; the ranking stays.

    Raises
    ------
    InputError
        When the temperature is not positive.
    """
    if not temperature > 0:
        raise InputError(f"temperature {temperature}: give a positive number")
    return softmax(np.log(np.maximum(probabilities, SMALLEST)) / temperature)


def fit_temperature(probabilities: Floats, truth: Codes) -> float:
    """Find the temperature of least log loss (Guo et al. 2017, section 4.2), on glitches that are not those it is judged by.

    Returns
    -------
    float
        Within `TEMPERATURES`.
    """
    low, high = np.log(TEMPERATURES)
    found = minimize_scalar(
        lambda power: log_loss(tempered(probabilities, float(np.exp(power))), truth),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(found.x))
