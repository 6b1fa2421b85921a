"""The rounds of recursive training, for any classifier: train, add the most confident predictions, train again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from embed.errors import InputError
from embed.metrics.accuracy import top_classes
from embed.metrics.intervals import wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.types import Codes, Floats

Classify = Callable[["NDArray[np.int64]"], "NDArray[np.float64]"]
"""Glitches (N,) -> probabilities (N, K)."""
Fit = Callable[[Mapping[int, str]], Classify]
"""Pseudo-labels, glitch -> class, trained on beside the given labels -> the model."""


@dataclass(frozen=True)
class Round:
    """One round.

    Attributes
    ----------
    added : int
        N, pseudo-labels that were trained on.
    judged, right : int
        Glitches judged, and how many of them are recognised.
    known, pure : int
        Pseudo-labels whose truth is known, and how many of them are right.
    least : float
        Confidence of the least confident one; NaN when none was added.
    """

    added: int
    judged: int
    right: int
    known: int
    pure: int
    least: float

    @property
    def accuracy(self) -> float:
        """Share of the judged glitches that are recognised."""
        return self.right / self.judged

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, of the accuracy."""
        low, high = wilson(self.right, self.judged).tolist()
        return low, high

    @property
    def purity(self) -> float:
        """Share of right pseudo-labels; NaN when no truth is known."""
        return self.pure / self.known if self.known else float("nan")


def most_confident(probabilities: Floats, count: int, *, by_class: bool) -> tuple[Codes, Codes, Floats]:
    """Choose the rows whose likeliest class is most probable.

    Parameters
    ----------
    probabilities : ndarray of float64, shape (N, K)
    count : int
        How many; all when there are fewer.
    by_class : bool
        Choose the same share of each predicted class (class-balanced self-training, Zou et al. 2018, arXiv:1810.07911) rather than the most
        confident of all, among which easy classes crowd out the others.

    Returns
    -------
    rows : ndarray of int64, shape (min(count, N),)
        The most confident first (within each class); ties by row.
    codes : ndarray of int64
        Their likeliest classes.
    confidence : ndarray of float64
    """
    best = top_classes(probabilities, 1)[:, 0]
    sure = probabilities.max(axis=1)
    place = np.argsort(-sure, kind="stable")
    if by_class:
        within = np.empty(len(place))  # rank within the predicted class, as a share of it
        for code in np.unique(best):
            members = place[best[place] == code]
            within[members] = (np.arange(len(members)) + 0.5) / len(members)
        place = np.lexsort((np.arange(len(place)), -sure, within))
    rows = place[:count]
    return rows.astype(np.int64), best[rows], sure[rows]


def run_rounds(
    fit: Fit,
    pool: NDArray[np.int64],
    counts: Sequence[int],
    classes: Sequence[str],
    *,
    judged: tuple[NDArray[np.int64], Sequence[str]],
    truth: Mapping[int, str] | None = None,
    by_class: bool = True,
    report_round: Callable[[Round], None] = lambda _: None,
) -> tuple[list[Round], list[dict[int, str]], list[dict[int, float]]]:
    """Train, add the most confident predictions, train again.

    Parameters
    ----------
    fit : callable
        Trains a model on the given labels and on pseudo-labels, from the start each time.
    pool : ndarray of int64, shape (P,)
        Unlabelled glitches.
    counts : sequence of int
        N of each round, ascending; the round of N = 0, the given labels alone, is always the first.
    classes : sequence of str
        What the columns of the probabilities are.
    judged : tuple of glitches and labels
        Held out: none of them in the pool.
    truth : mapping of int to str, optional
        Glitch of the pool -> its class, where that is known.
    by_class : bool
        See `most_confident`.
    report_round : callable
        Receives each finished round.

    Returns
    -------
    rounds : list of Round
        The first is that of N = 0.
    labels : list of dict
        The pseudo-labels of each round, glitch -> class.
    confidence : list of dict
        Their probabilities.

    Raises
    ------
    InputError
        When the counts do not ascend from 1 to the pool's size, or a judged glitch is in the pool.
    """
    sizes = checked_sizes(counts, len(pool))
    glitches, labels = np.asarray(judged[0], np.int64), np.asarray(judged[1], np.str_)
    if not len(glitches) or np.isin(glitches, pool).any():
        raise InputError(
            "the rounds need glitches to be judged on, none of them among the unlabelled ones that are trained on"
        )
    names = np.asarray(classes, np.str_)
    chosen: dict[int, str] = {}
    confidence: dict[int, float] = {}
    rounds: list[Round] = []
    history: list[dict[int, str]] = []
    confidences: list[dict[int, float]] = []
    for size in [*sizes, 0]:
        classify = fit(chosen)
        right = int((names[top_classes(classify(glitches), 1)[:, 0]] == labels).sum())
        known = [(name, truth[glitch]) for glitch, name in chosen.items() if truth is not None and glitch in truth]
        least = min(confidence.values(), default=float("nan"))
        rounds.append(Round(len(chosen), len(glitches), right, len(known), sum(a == b for a, b in known), least))
        history.append(chosen)
        confidences.append(confidence)
        report_round(rounds[-1])
        if size:
            rows, codes, sure = most_confident(classify(pool), size, by_class=by_class)
            chosen = {int(pool[row]): str(names[code]) for row, code in zip(rows, codes, strict=True)}
            confidence = dict(zip(pool[rows].tolist(), sure.tolist(), strict=True))
    return rounds, history, confidences


def checked_sizes(counts: Sequence[int], most: int) -> list[int]:
    """Check the sizes of the rounds.

    Raises
    ------
    InputError
        When they do not ascend from 1 to `most`.
    """
    sizes = [int(count) for count in counts]
    if not sizes or sizes[0] < 1 or any(after <= before for before, after in pairwise(sizes)) or sizes[-1] > most:
        raise InputError(
            f"rounds of {sizes} predictions among {most} unlabelled glitches: give ascending numbers from 1 to {most}"
        )
    return sizes
