"""Recursive training: a model's most confident predictions on unlabelled glitches become labels of its next training.

After Khan et al. (2019, Phys. Lett. B 795, 248), who add the N most confident predictions on unlabelled galaxies, train again, and
plot accuracy against N. By default the N are shared out over the predicted classes: the most confident of all are soon of one easy class,
which then grows at the others' cost (on planted classes accuracy fell to a half). Each round starts from the labelled glitches anew, chooses by the model of the round before, and is judged on
glitches that no round ever trains on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.dataset.dataset import find_groups, labelled_glitches
from embed.dataset.kinds import PURGE_SECONDS
from embed.dataset.splits import time_gaps
from embed.errors import InputError
from embed.metrics.accuracy import top_classes
from embed.metrics.intervals import wilson
from embed.training.prediction import predict
from embed.training.trainer import Trained, check_place, train
from embed.vectors.options import EmbeddingOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.network.model import Model
    from embed.study.study import Study
    from embed.training.options import TrainingOptions
    from embed.types import Codes, Floats
    from embed.vectors.store import VectorStore


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


def recurse(
    fit: Fit,
    pool: NDArray[np.int64],
    counts: Sequence[int],
    classes: Sequence[str],
    *,
    judged: tuple[NDArray[np.int64], Sequence[str]],
    truth: Mapping[int, str] | None = None,
    by_class: bool = True,
    tell: Callable[[Round], None] = lambda _: None,
) -> tuple[list[Round], list[dict[int, str]]]:
    """Train, add the most confident predictions, train again.

    Parameters
    ----------
    fit : callable
        Trains a model on the given labels and on pseudo-labels, from the start each time.
    pool : ndarray of int64, shape (P,)
        Unlabelled glitches.
    counts : sequence of int
        N of each round, ascending; the round of N = 0, the given labels alone, comes first by itself.
    classes : sequence of str
        What the columns of the probabilities are.
    judged : tuple of glitches and labels
        Held out: none of them in the pool.
    truth : mapping of int to str, optional
        Glitch of the pool -> its class, where that is known.
    by_class : bool
        See `most_confident`.
    tell : callable
        Told each finished round.

    Returns
    -------
    rounds : list of Round
        The first is that of N = 0.
    labels : list of dict
        The pseudo-labels of each round, glitch -> class.

    Raises
    ------
    InputError
        When the counts do not ascend from 1 to the pool's size, or a judged glitch is in the pool.
    """
    sizes = _checked(counts, len(pool))
    glitches, labels = np.asarray(judged[0], np.int64), np.asarray(judged[1], np.str_)
    if not len(glitches) or np.isin(glitches, pool).any():
        raise InputError(
            "the glitches that the rounds are judged on must be some, and none of them unlabelled ones that are trained on"
        )
    names = np.asarray(classes, np.str_)
    chosen: dict[int, str] = {}
    least = float("nan")
    rounds: list[Round] = []
    history: list[dict[int, str]] = []
    for size in [*sizes, 0]:
        classify = fit(chosen)
        right = int((names[top_classes(classify(glitches), 1)[:, 0]] == labels).sum())
        told = [(name, truth[glitch]) for glitch, name in chosen.items() if truth is not None and glitch in truth]
        rounds.append(Round(len(chosen), len(glitches), right, len(told), sum(a == b for a, b in told), least))
        history.append(dict(chosen))
        tell(rounds[-1])
        if size:
            rows, codes, sure = most_confident(classify(pool), size, by_class=by_class)
            chosen = {int(pool[row]): str(names[code]) for row, code in zip(rows, codes, strict=True)}
            least = float(sure.min())
    return rounds, history


def _checked(counts: Sequence[int], most: int) -> list[int]:
    sizes = [int(count) for count in counts]
    if not sizes or sizes[0] < 1 or any(after <= before for before, after in pairwise(sizes)) or sizes[-1] > most:
        raise InputError(
            f"rounds of {sizes} predictions among {most} unlabelled glitches: give ascending numbers from 1 to {most}"
        )
    return sizes


@dataclass(frozen=True)
class Recursion:
    """A finished recursive training.

    Attributes
    ----------
    rounds : tuple of Round
        The first is that of the given labels alone.
    models : tuple of Model
        One a round, in the study.
    first : Trained
        The training on the given labels alone.
    labels : tuple of dict
        The pseudo-labels of each round, row number -> class.
    pool : int
        Unlabelled glitches to choose from.
    left_out : int
        Unlabelled glitches that were no part of the pool: they lack the views, or are one with held-out ones.
    """

    rounds: tuple[Round, ...]
    models: tuple[Model, ...]
    first: Trained
    labels: tuple[dict[int, str], ...]
    pool: int
    left_out: int


def recursive_training(
    study: Study,
    request: TrainingOptions,
    counts: Sequence[int],
    *,
    changes: Mapping[str, Any] | None = None,
    store: VectorStore | None = None,
    truth: Mapping[int, str] | None = None,
    by_class: bool = True,
    tell: Callable[[Round], None] = lambda _: None,
    **options: Any,  # noqa: ANN401 - progress and report of `embed.training.trainer.train`
) -> Recursion:
    """Train a network, and again with its most confident predictions on the study's unlabelled glitches.

    Parameters
    ----------
    study : Study
        With labelled and unlabelled glitches.
    request : TrainingOptions
        The model of the given labels alone has its name; that of N pseudo-labels ``<name>-N``. With `resume`, rounds that are
        finished are taken as they are, and the one that was stopped goes on.
    counts : sequence of int
        See `recurse`.
    changes, store, **options
        See `embed.training.trainer.train`. Unlabelled glitches that are one with a held-out glitch (see `embed.dataset.dataset.find_groups`), or for the
        split by time within its purge gap, are not learnt from.
    truth : mapping of int to str, optional
        Row number -> class of unlabelled glitches, where it is known.
    by_class : bool
        See `most_confident`.
    tell : callable
        Told each finished round.

    Raises
    ------
    InputError
        When there are fewer unlabelled glitches than asked for, or a round's name is taken; and see `embed.training.trainer.train`.
    """
    frame = study.glitches()
    unlabelled = frame.index[frame["label"] == ""].to_numpy(np.int64)
    if not len(unlabelled):
        raise InputError("every glitch of the study has a given label: there is nothing to learn recursively from")
    for count in _checked(counts, len(unlabelled)):  # before the work begins
        check_place(study, replace(request, name=f"{request.name}-{count}"))
    trained: list[Trained] = []
    settings = EmbeddingOptions(device=request.device, seed=request.seed, cache=request.cache)

    def fit(extra: Mapping[int, str]) -> Classify:
        if extra or not trained:
            name = f"{request.name}-{len(extra)}" if extra else request.name
            asked = replace(request, name=name)
            trained.append(train(study, asked, changes=changes, store=store, extra=extra, **options))
        model = trained[-1].model
        return lambda glitches: predict(study, model, glitches, settings=settings).of(glitches)

    fit({})
    first = trained[0].model
    part = frame["id"].map(first.parts)
    held = frame.index[part == "test"].to_numpy(np.int64)
    apart = frame.index[part.isin(["validation", "test"])].to_numpy(np.int64)
    readable = predict(study, first, unlabelled, settings=settings).glitches
    pool = _apart_from(study, first, readable, apart, store)
    judged = held, frame.loc[held, "label"].tolist()
    rounds, labels = recurse(fit, pool, counts, first.classes, judged=judged, truth=truth, by_class=by_class, tell=tell)
    models = tuple(item.model for item in trained)
    return Recursion(tuple(rounds), models, trained[0], tuple(labels), len(pool), len(unlabelled) - len(pool))


def _apart_from(
    study: Study, model: Model, unlabelled: NDArray[np.int64], held: NDArray[np.int64], store: VectorStore | None
) -> NDArray[np.int64]:
    """Those of the unlabelled glitches that may be learnt from without having seen a held-out one."""
    everything = labelled_glitches(study, model.encoding, extra=dict.fromkeys(unlabelled.tolist(), "unlabelled"))
    groups, judged = find_groups(everything, store), np.isin(everything.glitches, held)
    tied = np.isin(groups, groups[judged])
    if model.card["split"] == "time":
        tied |= ~(time_gaps(everything.times, everything.times[judged]) > PURGE_SECONDS)
    return np.setdiff1d(unlabelled, everything.glitches[tied])
