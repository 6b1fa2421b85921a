"""Intervals of proportions, of their differences and of F1, of counts and of ratios of rates, and of means of repetitions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import beta, binomtest, chi2, norm, t

from embed.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from embed.types import Floats


LEVEL = 0.95
"""Confidence level of every interval."""


def wilson(successes: ArrayLike, trials: ArrayLike, level: float = LEVEL) -> Floats:
    """Give Wilson's score interval of a proportion (Wilson 1927, JASA 22, 209; Brown, Cai and DasGupta 2001, equation 4).

    Parameters
    ----------
    successes, trials : array_like, shape (...)
    level : float

    Returns
    -------
    ndarray of float64, shape (..., 2)
        Lower and upper end; NaN where there were no trials.
    """
    hits, count = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    z = norm.ppf((1 + level) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits / count
        middle = share + z**2 / (2 * count)
        half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
        ends = np.stack([middle - half, middle + half], axis=-1) / (1 + z**2 / count)[..., None]
    ends[..., 0] = np.where(hits == 0, 0.0, ends[..., 0])  # exactly, not within rounding
    ends[..., 1] = np.where(hits == count, 1.0, ends[..., 1])
    ends[count == 0] = np.nan
    return ends


def mean_share_interval(successes: ArrayLike, trials: ArrayLike, level: float = LEVEL) -> tuple[float, float, float]:
    """Give the mean of the shares of several groups, such as classes, each counted once, and an interval of it.

    It is Wilson's, of the effective number of trials: that which scatters as much as the groups do (at most all trials), less what
    few groups leave unknown of the scatter (Korn and Graubard 1998, Survey Methodology 24, 193; Dean and Pagano 2015, JSSAM 3, 484).

    Parameters
    ----------
    successes, trials : array_like, shape (N,)
        Of each group, at least one trial.
    level : float

    Returns
    -------
    mean, low, high : float
        The ends are NaN for one group.

    Raises
    ------
    InputError
        When there is no group.
    """
    hits, count = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    if not len(hits):
        raise InputError("no group to take the mean share of; give one or more")
    shares = hits / count
    mean = float(shares.mean())
    if len(shares) < 2:
        return mean, math.nan, math.nan
    variance = float(shares.var(ddof=1)) / len(shares)
    effective = min(float(count.sum()), mean * (1 - mean) / variance) if variance else float(count.sum())
    effective *= float(norm.ppf((1 + level) / 2) / t.ppf((1 + level) / 2, len(shares) - 1)) ** 2
    low, high = wilson(effective * mean, effective, level).tolist()
    return mean, low, high


def difference_interval(
    first: tuple[float, float], second: tuple[float, float], level: float = LEVEL
) -> tuple[float, float]:
    """Give an interval of the difference of two independent proportions (Newcombe 1998, Stat. Med. 17, 873, method 10).

    Parameters
    ----------
    first, second : tuple of successes and trials
    level : float

    Returns
    -------
    tuple of float
        Lower and upper end of the first less the second.
    """
    (one, low1, high1), (two, low2, high2) = (
        (hits / count, *wilson(hits, count, level).tolist()) for hits, count in (first, second)
    )
    return one - two - math.hypot(one - low1, high2 - two), one - two + math.hypot(high1 - one, two - low2)


def f1_interval(correct: ArrayLike, wrong: ArrayLike, level: float = LEVEL) -> Floats:
    """Give an interval of F1 through the share of hits among hits and errors.

    ``F1 = 2J / (1 + J)`` with ``J = TP / (TP + FP + FN)``, and among the glitches that are of a class or are said to be of it
    the hits are a binomial sample with the share J: Wilson's interval of J, carried over, is one of F1. A bootstrap gives
    the same for large classes, but shrinks to a point where a small class has no errors, as if errors were impossible.

    Parameters
    ----------
    correct : array_like, shape (...)
        TP.
    wrong : array_like, shape (...)
        FP + FN.
    level : float

    Returns
    -------
    ndarray of float64, shape (..., 2)
    """
    hits = np.asarray(correct, np.float64)
    ends = wilson(hits, hits + np.asarray(wrong, np.float64), level)
    return 2 * ends / (1 + ends)


def poisson(counts: ArrayLike, level: float = LEVEL) -> Floats:
    """Give the exact central interval of a Poisson mean (Garwood 1936, Biometrika 28, 437).

    Parameters
    ----------
    counts : array_like of int, shape (...)
    level : float

    Returns
    -------
    ndarray of float64, shape (..., 2)
        Lower and upper end; the lower end of no count is 0.
    """
    seen = np.asarray(counts, np.float64)
    tail = (1 - level) / 2
    low = np.where(seen > 0, chi2.ppf(tail, 2 * np.maximum(seen, 1)) / 2, 0.0)
    return np.stack([low, chi2.ppf(1 - tail, 2 * seen + 2) / 2], axis=-1)


def rate_ratio_interval(
    first: tuple[int, float], second: tuple[int, float], level: float = LEVEL
) -> tuple[float, float]:
    """Give an interval of the ratio of two Poisson rates: of all counts, the first's share is binomial (Przyborowski and Wilenski 1940).

    Parameters
    ----------
    first, second : tuple of count and exposure
    level : float

    Returns
    -------
    tuple of float
        Lower and upper end of the first rate over the second; 0 to infinity where nothing was counted.
    """
    (hits, time), (other, other_time) = first, second
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, hits, other + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, other)) if other else 1.0
    scale = other_time / time
    return scale * low / (1 - low), math.inf if high == 1 else scale * high / (1 - high)


def same_rate(first: tuple[int, float], second: tuple[int, float]) -> float:
    """Give the probability that equal Poisson rates differ by as much or more: the exact two-sided test of `rate_ratio_interval`.

    Parameters
    ----------
    first, second : tuple of count and exposure

    Returns
    -------
    float
        1 where nothing was counted.
    """
    (hits, time), (other, other_time) = first, second
    if not hits + other:
        return 1.0
    return float(binomtest(hits, hits + other, time / (time + other_time)).pvalue)


def mean_interval(values: ArrayLike, level: float = LEVEL) -> tuple[float, float, float, float]:
    """Give the mean of independent repetitions, Student's t interval of it (Student 1908, Biometrika 6, 1), and their spread.

    Parameters
    ----------
    values : array_like, shape (N,)
        One of each repetition, such as of each seed.
    level : float

    Returns
    -------
    mean, low, high, deviation : float
        The last is the standard deviation between repetitions (N - 1 in its denominator); of one alone all but the mean are NaN.

    Raises
    ------
    InputError
        When there is no value.
    """
    rows = np.asarray(values, np.float64)
    if not len(rows):
        raise InputError("no value to take the mean of; give one or more")
    mean = float(rows.mean())
    if len(rows) < 2:
        return mean, math.nan, math.nan, math.nan
    deviation = float(rows.std(ddof=1))
    half = float(t.ppf((1 + level) / 2, len(rows) - 1)) * deviation / math.sqrt(len(rows))
    return mean, mean - half, mean + half, deviation
