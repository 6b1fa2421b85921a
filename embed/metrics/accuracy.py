"""How often a classifier is right: top-k accuracy, the confusion matrix, and each class's precision, recall and F1.

Ties are broken in the same way everywhere: of classes with the same probability the one of lower number (alphabetical order) ranks first.
A class that was never predicted has no precision, one without glitches no recall: both are NaN, never 0 or 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.errors import InputError
from embed.metrics.intervals import f1_interval, wilson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from embed.types import Codes, Floats


TOP = 5
"""The paper prints top-1 to top-5 accuracy."""
_SUM_TOLERANCE = 1e-3
"""A softmax of many classes in half precision sums to one no better than that."""


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
