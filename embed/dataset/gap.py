"""How much a random split flatters: the same simple classifier, on the same vectors, judged by a random split and by an honest one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.dataset.dataset import find_groups, make_training_set
from embed.dataset.splits import LEFT_OUT, TEST, TRAIN, VALIDATION, Split, make_split
from embed.errors import InputError
from embed.metrics.baseline import fit_baseline
from embed.metrics.intervals import difference_interval, wilson
from embed.sample import at_most
from embed.vectors.principal import leading_eigenvectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.dataset.dataset import Labelled, TrainingSet
    from embed.dataset.kinds import Kind
    from embed.vectors.store import VectorStore

REPEATS = 3
"""Random splits, whose mean is taken: one alone moves by about a standard error."""
AXES = 64
"""Principal axes of the vectors that are kept: a fit takes seconds, and is as good as on all columns."""
MOST_ROWS = 4000
"""Training glitches a fit, drawn at random where there are more."""


@dataclass(frozen=True)
class Gap:
    """Accuracy of logistic regression on frozen vectors.

    Attributes
    ----------
    kind : str
        The honest split.
    honest, random : float
        Accuracy on its test part, and on those of random splits, the mean of some.
    interval : tuple of float
        Wilson's 95 % interval of `honest`.
    difference : tuple of float
        95 % interval of `random` - `honest` (Newcombe 1998, method 10), as if the random splits were one.
    tested : int
        Glitches of the honest test part.
    """

    kind: Kind
    honest: float
    random: float
    interval: tuple[float, float]
    difference: tuple[float, float]
    tested: int

    def in_words(self) -> str:
        """Describe it in one sentence."""
        low, high = self.interval
        points, least, most = (100 * value for value in (self.random - self.honest, *self.difference))
        return (
            f"logistic regression on the vectors that training starts from: {100 * self.random:.2f} % by a random split, "
            f"{100 * self.honest:.2f} % ({100 * low:.2f} to {100 * high:.2f} %) by {self.kind}, a gap of {points:+.2f} points "
            f"({least:+.2f} to {most:+.2f})"
        )


def split_gap(vectors: NDArray[np.float32], targets: NDArray[np.int64], split: Split, *, seed: int = 0) -> Gap:
    """Measure the gap.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, D)
        Of a network that saw none of the labels.
    targets : ndarray of int64, shape (N,)
        Classes.
    split : Split
        The honest one.
    seed : int
        Of the random splits.

    Raises
    ------
    InputError
        When the glitches cannot be split at random, or the training part has one class.
    """
    kept = np.flatnonzero(split.part != LEFT_OUT)
    rows, classes = _axes(vectors[kept]), targets[kept]
    rng = np.random.default_rng((seed, 31))
    right, tested = _right(rows, classes, Split(split.part[kept], split.kind, split.groups), rng)
    shares, counts = [], []
    for repeat in range(REPEATS):
        found, count = _right(rows, classes, make_split(classes, "random", seed=seed + repeat), rng)
        shares.append(found / count)
        counts.append(count)
    flattered, usual = float(np.mean(shares)), float(np.mean(counts))
    low, high = wilson(right, tested).tolist()
    difference = difference_interval((flattered * usual, usual), (right, tested))
    return Gap(split.kind, right / tested, flattered, (low, high), difference, tested)


def describe_gap(
    training_set: TrainingSet, labelled: Labelled, store: VectorStore | None, *, seed: int = 0
) -> tuple[Gap | None, str]:
    """Measure the gap of a training's split, of a random one that of the grouped split; also returns a sentence with it, or with why it was not measured.

    Parameters
    ----------
    training_set : TrainingSet
    labelled : Labelled
        The glitches of the training set.
    store : VectorStore, optional
        Of a network that saw none of the labels.
    seed : int
    """
    unmeasured = "the gap between random and honest splits was not measured"
    if store is None:
        return None, f"{unmeasured}: there are no vectors to measure it with"
    try:
        gap = _measured(training_set, labelled, store, seed)
    except InputError as error:  # the model is trained anyway
        return None, f"{unmeasured}: {error}"
    return gap, gap.in_words()


def _measured(training_set: TrainingSet, labelled: Labelled, store: VectorStore, seed: int) -> Gap:
    if training_set.split.kind == "random":
        training_set = make_training_set(labelled, "grouped", find_groups(labelled, store), seed=seed)
    if training_set.split.kind == "grouped" and training_set.split.groups == len(training_set.glitches):
        raise InputError("no near-duplicates were found, so grouped and random splits are the same")
    rows = store.rows(training_set.glitches)
    there = np.flatnonzero(rows >= 0)
    split = Split(training_set.split.part[there], training_set.split.kind, training_set.split.groups)
    return split_gap(np.asarray(store.vectors[rows[there]]), training_set.targets[there], split, seed=seed)


def _axes(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Places on the principal axes of columns of unit variance."""
    columns = vectors - vectors.mean(axis=0, dtype=np.float64)
    columns /= np.maximum(columns.std(axis=0), 1e-12)
    _, axes = leading_eigenvectors(columns.T @ columns, AXES)
    return columns @ axes


def _right(
    rows: NDArray[np.float64], classes: NDArray[np.int64], split: Split, rng: np.random.Generator
) -> tuple[int, int]:
    train, judge, test = (split.rows(part) for part in (TRAIN, VALIDATION, TEST))
    if not len(test):
        raise InputError("the split has nothing to test; give another --split")
    train = at_most(train, MOST_ROWS, rng)
    names = classes.astype(np.str_)
    fitted = fit_baseline(
        rows[train], names[train].tolist(), validation=(rows[judge], names[judge].tolist()), scale=1.0
    )
    found = np.array(fitted.classes)[fitted.probabilities(rows[test]).argmax(axis=1)]
    return int((found == names[test]).sum()), len(test)
