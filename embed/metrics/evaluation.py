"""What is printed of a classifier: George, Shen and Huerta's accuracies and confusion matrix, calibration and ROC, in one result."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.errors import InputError
from embed.metrics.accuracy import (
    TOP,
    ClassScores,
    checked,
    class_scores,
    confusion_matrix,
    macro,
    top_accuracies,
    top_classes,
    true_ranks,
)
from embed.metrics.calibration import BINS, Reliability, brier_score, log_loss, reliability
from embed.metrics.intervals import LEVEL, wilson
from embed.metrics.roc import RocCurve, roc_curve
from embed.notebook import html_summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from embed.types import Codes, Floats


REPEATS = 1000
"""Resamplings behind an interval that has no formula: its ends, at 2.5 and 97.5 %, rest on 25 of them each."""


@dataclass(frozen=True)
class Evaluation:
    """One classifier judged on N glitches of K classes.

    Attributes
    ----------
    classes : tuple of str
        K names, alphabetical.
    truth : ndarray of int64, shape (N,)
    probabilities : ndarray of float64, shape (N, K)
    seed : int
        Of the bootstrap.
    bins : int
        Of the reliability.
    """

    classes: tuple[str, ...]
    truth: Codes
    probabilities: Floats
    seed: int = 0
    bins: int = BINS

    def __len__(self) -> int:
        return len(self.truth)

    def _repr_html_(self) -> str:
        low, high = self.accuracy_intervals[0]
        facts = {
            "glitches": f"{len(self):,}",
            "classes": len(self.classes),
            "accuracy": f"{100 * self.accuracies[0]:.2f} % ({100 * low:.2f} to {100 * high:.2f} %)",
        }
        scores = self.scores
        columns = ("class", "glitches", "precision", "recall", "F1")
        rows = zip(self.classes, scores.support, scores.precision, scores.recall, scores.f1, strict=True)
        shown = [(name, size, *(f"{value:.3f}" for value in values)) for name, size, *values in rows]
        return html_summary("Evaluation", facts, columns, shown)

    @cached_property
    def top(self) -> Codes:
        """Up to five classes of each glitch, the likeliest first, shape (N, min(5, K))."""
        return top_classes(self.probabilities, TOP)

    @property
    def predicted(self) -> Codes:
        """The likeliest class, shape (N,)."""
        return self.top[:, 0]

    @property
    def confidence(self) -> Floats:
        """Its probability, shape (N,)."""
        return self.probabilities.max(axis=1)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether it is the true class, shape (N,)."""
        return self.predicted == self.truth

    @cached_property
    def accuracies(self) -> Floats:
        """Top-1 to top-5 accuracy, shape (5,); with fewer classes the last ones are 1."""
        return top_accuracies(true_ranks(self.probabilities, self.truth), TOP)

    @property
    def accuracy_intervals(self) -> Floats:
        """Wilson's intervals of `accuracies`, shape (5, 2)."""
        return wilson(np.round(self.accuracies * len(self)), np.full(TOP, len(self)))

    @cached_property
    def matrix(self) -> Codes:
        """Confusion matrix, shape (K, K), true classes in rows."""
        return confusion_matrix(self.truth, self.predicted, len(self.classes))

    @cached_property
    def scores(self) -> ClassScores:
        """Precision, recall and F1 of each class."""
        return class_scores(self.matrix)

    @cached_property
    def reliability(self) -> Reliability:
        """Confidence against accuracy, and the expected calibration error."""
        return reliability(self.confidence, self.right, self.bins)

    @cached_property
    def curves(self) -> tuple[RocCurve | None, ...]:
        """ROC of each class against the others; None for a class without glitches."""
        return tuple(roc_curve(self.probabilities[:, code], self.truth == code) for code in range(len(self.classes)))

    @property
    def macro_area(self) -> float:
        """Mean area below the curves that exist; NaN without any."""
        areas = [curve.area for curve in self.curves if curve is not None]
        return float(np.mean(areas)) if areas else float("nan")

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that have glitches."""
        return macro(self.scores.f1, self.scores.support)

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that have glitches."""
        return macro(self.scores.recall, self.scores.support)

    @cached_property
    def bootstrap(self) -> dict[str, tuple[float, float]]:
        """Intervals of ``macro_f1``, ``balanced_accuracy`` and ``calibration_error`` over glitches drawn with replacement; see `bootstrap`."""
        return bootstrap(self)

    def summary(self) -> dict[str, Any]:
        """Every figure that is one number, with its interval where there is one; JSON."""
        figures: dict[str, Any] = {"glitches": len(self), "classes": int((self.scores.support > 0).sum())}
        for place in range(TOP):
            figures[f"top{place + 1}"] = float(self.accuracies[place])
            figures[f"top{place + 1}_low"], figures[f"top{place + 1}_high"] = self.accuracy_intervals[place].tolist()
        for name, value in (
            ("macro_f1", self.macro_f1),
            ("balanced_accuracy", self.balanced_accuracy),
            ("calibration_error", self.reliability.error),
        ):
            low, high = self.bootstrap[name]
            figures |= {name: value, f"{name}_low": _known(low), f"{name}_high": _known(high)}
        return figures | {
            "macro_auc": _known(self.macro_area),
            "log_loss": log_loss(self.probabilities, self.truth),
            "brier_score": brier_score(self.probabilities, self.truth),
            "mean_confidence": float(self.confidence.mean()),
        }


def evaluate(
    probabilities: ArrayLike, truth: ArrayLike, classes: Sequence[str], *, seed: int = 0, bins: int = BINS
) -> Evaluation:
    """Judge probabilities by the truth.

    Parameters
    ----------
    probabilities : array_like, shape (N, K)
        Rows sum to one.
    truth : array_like of int, shape (N,)
        Indices into `classes`.
    classes : sequence of str, length K
    seed : int
        Of the bootstrap: same seed, same intervals.
    bins : int
        Of the reliability.

    Returns
    -------
    Evaluation
        Lazy: a figure is computed when it is first read.

    Raises
    ------
    InputError
        See `embed.metrics.accuracy.checked`; or there are not as many different class names as columns.

    Examples
    --------
    >>> judged = evaluate([[0.9, 0.1], [0.6, 0.4]], [0, 1], ["Blip", "Whistle"])
    >>> judged.accuracies[:2].tolist()
    [0.5, 1.0]
    """
    table, codes = checked(probabilities, truth)
    if len(classes) != table.shape[1] or len(set(classes)) < len(classes):
        raise InputError(
            f"{len(set(classes))} different class names for {table.shape[1]} columns of probabilities; give one each"
        )
    return Evaluation(tuple(classes), codes, table, seed, bins)


def bootstrap(judged: Evaluation, repeats: int = REPEATS, level: float = LEVEL) -> dict[str, tuple[float, float]]:
    """Draw the glitches with replacement, many times, and take the spread of the figures (percentile intervals, Efron 1979).

    Parameters
    ----------
    judged : Evaluation
    repeats : int
    level : float

    Returns
    -------
    dict
        ``macro_f1``, ``balanced_accuracy``, ``calibration_error`` -> (low, high). Of the calibration error the interval is the plain percentile one:
        it is above the figure of a calibrated classifier, whose smallest gaps are noise. Where nothing was misclassified, the
        first two are NaN: glitches drawn from those are all right, too.
    """
    rng = np.random.default_rng(judged.seed)
    count, size = len(judged), len(judged.classes)
    # Only how often each cell of the confusion matrix, or each bin, is drawn matters: multinomial counts, not N rows.
    cells, number = np.unique(judged.truth * size + judged.predicted, return_counts=True)
    drawn = rng.multinomial(count, number / count, size=repeats).astype(np.float64)
    rows, columns = cells // size, cells % size
    support, said = drawn @ np.eye(size)[rows], drawn @ np.eye(size)[columns]
    hits = drawn @ (np.eye(size)[rows] * (rows == columns)[:, None])
    there = support > 0
    f1 = np.where(there, 2 * hits / np.maximum(support + said, 1), 0.0).sum(axis=1) / there.sum(axis=1)
    recall = np.where(there, hits / np.maximum(support, 1), 0.0).sum(axis=1) / there.sum(axis=1)
    error = np.empty(repeats)
    place = np.clip(np.ceil(judged.confidence * judged.bins).astype(np.int64) - 1, 0, judged.bins - 1)
    gap = judged.right - judged.confidence
    for repeat in range(repeats):
        picked = rng.integers(count, size=count)
        error[repeat] = abs(np.bincount(place[picked], weights=gap[picked])).sum() / count
    ends = ((1 - level) / 2, (1 + level) / 2)
    found = {"macro_f1": f1, "balanced_accuracy": recall, "calibration_error": error}
    spans = {name: tuple(np.quantile(values, ends).tolist()) for name, values in found.items()}
    if judged.right.all():
        spans |= {"macro_f1": (float("nan"),) * 2, "balanced_accuracy": (float("nan"),) * 2}
    return spans


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def aligned(probabilities: Floats, own: Sequence[str], classes: Sequence[str]) -> Floats:
    """Bring a model's columns into the order of other classes; a class that the model does not know has probability 0.

    Raises
    ------
    InputError
        When the model knows a class that is not among them.
    """
    unknown = sorted(set(own) - set(classes))
    if unknown:
        raise InputError(f"the model's classes {', '.join(unknown)} are not among the {len(classes)} judged; add them")
    place = {name: column for column, name in enumerate(classes)}
    table = np.zeros((len(probabilities), len(classes)))
    table[:, [place[name] for name in own]] = probabilities
    return table


def mean_probabilities(members: Sequence[Floats]) -> Floats:
    """Average the probabilities of several models of the same classes: the ensemble of the paper's section IV.

    Raises
    ------
    InputError
        When there are none, or their shapes differ.
    """
    shapes = {member.shape for member in members}
    if len(shapes) != 1:
        raise InputError(f"an ensemble of shapes {sorted(shapes)}: give one or more models of the same classes")
    return np.mean(np.stack(members), axis=0)
