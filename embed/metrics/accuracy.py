"""How often a classifier is right: top-k accuracy, the confusion matrix, and each class's precision, recall and F1.

Ties are settled in one way throughout: of classes with the same probability the one of lower number (alphabetical order) ranks first.
A class that was never predicted has no precision, one without glitches no recall: both are NaN, never 0 or 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from embed.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

LEVEL = 0.95
"""Confidence level of every interval."""
TOP = 5
"""The paper prints top-1 to top-5 accuracy."""
_SUM_TOLERANCE = 1e-3  # a softmax of many classes in half precision sums to one no better than that


@dataclass(frozen=True)
class ClassScores:
    """Scores of each of K classes.

    Attributes
    ----------
    support, predicted, correct : ndarray of int64, shape (K,)
        Glitches of the class, glitches said to be of it, and both.
    precision, recall, f1 : ndarray of float64, shape (K,)
        ``correct / predicted``, ``correct / support``, and their harmonic mean.
    precision_interval, recall_interval, f1_interval : ndarray of float64, shape (K, 2)
        See `wilson` and `f1_interval`.
    """

    support: Codes
    predicted: Codes
    correct: Codes
    precision: Floats
    recall: Floats
    f1: Floats
    precision_interval: Floats
    recall_interval: Floats
    f1_interval: Floats


def checked(probabilities: ArrayLike, truth: ArrayLike | None = None) -> tuple[Floats, Codes]:
    """Check a matrix of probabilities, and the true classes that go with it.

    Parameters
    ----------
    probabilities : array_like, shape (N, K)
        Rows sum to one.
    truth : array_like of int, shape (N,), optional
        Classes 0 to K - 1.

    Returns
    -------
    probabilities : ndarray of float64, shape (N, K)
    truth : ndarray of int64, shape (N,)
        Zeros where none were given.

    Raises
    ------
    InputError
        When shapes disagree, there is nothing to judge, or the values are no probabilities.
    """
    table = np.asarray(probabilities, np.float64)
    if table.ndim != 2 or 0 in table.shape:
        raise InputError(f"probabilities have shape {table.shape}; give one row a glitch, one column a class")
    broken = ~np.isfinite(table).all(axis=1) | (table < 0).any(axis=1) | (abs(table.sum(axis=1) - 1) > _SUM_TOLERANCE)
    if broken.any():
        row = int(broken.argmax())
        raise InputError(
            f"{int(broken.sum())} of {len(table)} rows are no probabilities, the first is row {row} with the sum {table[row].sum():g}; give the softmax of the logits"
        )
    codes = np.zeros(len(table), np.int64) if truth is None else np.asarray(truth)
    if codes.shape != (len(table),) or codes.dtype.kind not in "iu":
        raise InputError(f"truth is {codes.dtype} of shape {codes.shape}; give one class number for {len(table)} rows")
    if codes.min() < 0 or codes.max() >= table.shape[1]:
        raise InputError(
            f"class {int(codes.max() if codes.max() >= table.shape[1] else codes.min())} is not one of 0 to {table.shape[1] - 1}: leave out glitches of classes that the model does not know"
        )
    return table, codes.astype(np.int64)


def true_ranks(probabilities: Floats, truth: Codes) -> Codes:
    """Rank, from 1, of each glitch's true class among the K probabilities; shape (N,)."""
    own = probabilities[np.arange(len(truth)), truth][:, None]
    lower = np.arange(probabilities.shape[1]) < truth[:, None]
    return 1 + ((probabilities > own) | ((probabilities == own) & lower)).sum(axis=1)


def top_classes(probabilities: Floats, k: int = TOP) -> Codes:
    """Classes by descending probability, shape (N, min(k, K)); ties by class number."""
    return np.argsort(-probabilities, axis=1, kind="stable")[:, :k].astype(np.int64)


def top_accuracies(ranks: Codes, k: int = TOP) -> Floats:
    """Share of glitches whose true class is among the first 1, 2, ..., k; shape (k,)."""
    return np.array([(ranks <= place).mean() for place in range(1, k + 1)])


def confusion_matrix(truth: Codes, predicted: Codes, classes: int) -> Codes:
    """Count glitches by true class (rows) and predicted class (columns), shape (K, K)."""
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes).astype(np.int64)


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
    the same for large classes, but shrinks to a point where a small class has no errors, as if nothing could ever go wrong.

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


def class_scores(matrix: Codes) -> ClassScores:
    """Score each class from the confusion matrix (K, K), true classes in rows."""
    correct, support, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    return ClassScores(
        support,
        predicted,
        correct,
        _share(correct, predicted),
        _share(correct, support),
        _share(2 * correct, support + predicted),
        wilson(correct, predicted),
        wilson(correct, support),
        f1_interval(correct, support + predicted - 2 * correct),
    )


def macro(values: Floats, support: Codes) -> float:
    """Mean over the classes that have glitches; one that was never predicted counts 0, as scikit-learn's ``zero_division=0``."""
    return float(np.nan_to_num(values[support > 0]).mean())


def _share(part: Codes, whole: Codes) -> Floats:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
