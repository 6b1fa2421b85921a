"""Recursive training: a model's most confident predictions on unlabelled glitches become labels of its next training.

After Khan et al. (2019, Phys. Lett. B 795, 248), who add the N most confident predictions on unlabelled galaxies, train again, and
plot accuracy against N. By default the N are shared out over the predicted classes: the most confident of all are soon of one easy class,
which then grows at the others' cost (on planted classes accuracy fell to a half). Each round starts again from the labelled glitches, chooses by the model of the round before, and is judged on
glitches that no round ever trains on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.dataset.dataset import find_groups, labelled_glitches
from embed.dataset.kinds import PURGE_SECONDS
from embed.dataset.splits import time_gaps
from embed.errors import InputError
from embed.training.abstention import Abstention, find_far, known_glitches
from embed.training.place import check_place
from embed.training.prediction import predict
from embed.training.rounds import Classify, Round, checked_sizes, run_rounds
from embed.training.trainer import Trained, train
from embed.vectors.options import EmbeddingOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from embed.network.model import Model
    from embed.study.study import Study
    from embed.training.options import TrainingOptions
    from embed.training.trainer import Fill
    from embed.vectors.store import VectorStore


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
    confidence : tuple of dict
        Their probabilities, row number -> the probability of that class.
    pool : int
        Unlabelled glitches to choose from.
    left_out : int
        Unlabelled glitches outside the pool: they lack the views, are none of the classes, or duplicate held-out ones.
    abstention : Abstention
        Which of them are none of the classes, by the first model.
    """

    rounds: tuple[Round, ...]
    models: tuple[Model, ...]
    first: Trained
    labels: tuple[dict[int, str], ...]
    confidence: tuple[dict[int, float], ...]
    pool: int
    left_out: int
    abstention: Abstention


def recursive_training(
    study: Study,
    options: TrainingOptions,
    counts: Sequence[int],
    *,
    changes: Mapping[str, Any] | None = None,
    store: VectorStore | None = None,
    truth: Mapping[int, str] | None = None,
    by_class: bool = True,
    fill: Fill | None = None,
    report_round: Callable[[Round], None] = lambda _: None,
    progress: Callable[[str, int, int], None] | None = None,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> Recursion:
    """Train a network, and again with its most confident predictions on the study's unlabelled glitches.

    Parameters
    ----------
    study : Study
        With labelled and unlabelled glitches.
    options : TrainingOptions
        The model of the given labels alone has its name; that of N pseudo-labels ``<name>-N``. With `resume`, rounds that are
        finished are kept, and the one that was stopped is resumed.
    counts : sequence of int
        See `embed.training.rounds.run_rounds`.
    changes, store, fill, progress, report
        See `embed.training.trainer.train`. Unlabelled glitches that duplicate a held-out glitch (see `embed.dataset.dataset.find_groups`), or for the
        split by time within its purge gap, are not learnt from.
    truth : mapping of int to str, optional
        Row number -> class of unlabelled glitches, where it is known.
    by_class : bool
        See `embed.training.rounds.most_confident`.
    report_round : callable
        Receives each finished round.

    Raises
    ------
    InputError
        When there are fewer unlabelled glitches than a round needs, or a round's name is taken; and see `embed.training.trainer.train`.
    """
    table = study.glitches()
    unlabelled = table.index[table["label"] == ""].to_numpy(np.int64)
    if not len(unlabelled):
        raise InputError("every glitch of the study has a given label: recursive training has nothing to add")
    for count in checked_sizes(counts, len(unlabelled)):  # before the work begins
        check_place(study, f"{options.name}-{count}", resume=options.resume, replace=options.replace)
    trained: list[Trained] = []
    embedding = EmbeddingOptions(device=options.device, seed=options.seed, cache=options.cache)

    def fit(extra: Mapping[int, str]) -> Classify:
        if extra or not trained:
            name = f"{options.name}-{len(extra)}" if extra else options.name
            named = replace(options, name=name)
            trained.append(
                train(
                    study, named, changes=changes, store=store, extra=extra, fill=fill, progress=progress, report=report
                )
            )
        model = trained[-1].model
        return lambda glitches: predict(study, model, glitches, options=embedding).of(glitches)

    fit({})
    first = trained[0].model
    part = table["id"].map(first.parts)
    held = table.index[part == "test"].to_numpy(np.int64)
    apart = table.index[part.isin(["validation", "test"])].to_numpy(np.int64)
    known = known_glitches(first, table).glitches
    asked = predict(study, first, unlabelled, beside=known, options=embedding)
    abstention = find_far(asked, first, table)
    readable = asked.glitches[~abstention.far]  # what is none of the classes teaches nothing about them
    pool = _apart_from(study, first, readable, apart, store)
    judged = held, table.loc[held, "label"].tolist()
    rounds, labels, confidence = run_rounds(
        fit, pool, counts, first.classes, judged=judged, truth=truth, by_class=by_class, report_round=report_round
    )
    models = tuple(item.model for item in trained)
    counted = len(pool), len(unlabelled) - len(pool)
    return Recursion(tuple(rounds), models, trained[0], tuple(labels), tuple(confidence), *counted, abstention)


def _apart_from(
    study: Study, model: Model, unlabelled: NDArray[np.int64], held: NDArray[np.int64], store: VectorStore | None
) -> NDArray[np.int64]:
    """The unlabelled glitches that duplicate no held-out one, and may be learnt from."""
    everything = labelled_glitches(study, model.encoding, extra=dict.fromkeys(unlabelled.tolist(), "unlabelled"))
    groups, judged = find_groups(everything, store), np.isin(everything.glitches, held)
    tied = np.isin(groups, groups[judged])
    if model.card["split"] == "time":
        tied |= ~(time_gaps(everything.times, everything.times[judged]) > PURGE_SECONDS)
    return np.setdiff1d(unlabelled, everything.glitches[tied])
