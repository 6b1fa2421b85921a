"""Held-out predictions of the network itself: fine-tuned anew for every fold, and asked about the fold that it did not see.

George, Shen and Huerta (2018) found mislabelled glitches so: by what networks trained on random splits get wrong again and again.
It is also how labels are audited whose own network has learnt them: cross-fitting.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from audit.heldout.crossfit import HeldOut
from audit.heldout.splits import plan_splits
from embed.dataset.dataset import TrainingSet
from embed.dataset.splits import TEST, TRAIN, VALIDATION, Split
from embed.errors import InputError
from embed.network.model import is_model, load_model, model_folder
from embed.network.names import WEIGHT_SOURCES
from embed.network.network import load_network
from embed.storage import digest, write_atomic
from embed.study.study import Study
from embed.training.checkpoint import drop_checkpoints
from embed.training.context import TrainingContext
from embed.training.loop import fit, make_classifier
from embed.training.recipe import make_recipe
from embed.training.scoring import judge
from embed.views.encoding import parse_encoding
from embed.views.loading import read_levels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.heldout.splits import SplitPlan

EPOCHS = 8
"""A network that trains for long learns wrong labels by heart, and then agrees with their like."""
_INNER_FOLDS = 10
"""A tenth of the training part chooses the epoch."""


@dataclass(frozen=True)
class Refitting:
    """How the network is refitted.

    Attributes
    ----------
    backbone, weights, views : str
        Where every fold starts, and what it sees; weights that saw none of the labels.
    epochs : int
    seed : int
    device : str
        ``cpu`` or ``cuda``.
    processes : int
        Folds trained at a time; on a machine with several GPUs each process has one.
    """

    backbone: str
    weights: str
    views: str
    epochs: int = EPOCHS
    seed: int = 0
    device: str = "cpu"
    processes: int = 1


@dataclass(frozen=True)
class _Fold:
    """What one process needs to train on one split."""

    study: Path
    folder: Path
    number: int
    glitches: NDArray[np.int64]
    codes: NDArray[np.int64]
    classes: tuple[str, ...]
    part: NDArray[np.int8]
    refitting: Refitting


def untaught_start(folder: Path, weights: str, *, trust: bool = False) -> tuple[str, str | None, str | None]:
    """Weights, backbone and views that cross-fitting starts from, for vectors of these weights.

    Parameters
    ----------
    folder : Path
        The study's.
    weights : str
        As on the command line. ``model:NAME`` gives what that model was itself fine-tuned from.
    trust : bool
        Take weights of which nothing is known.

    Returns
    -------
    weights : str
    backbone, views : str or None
        The model's own; None where the weights are no model's.

    Raises
    ------
    InputError
        When the weights may have seen these labels and nothing is known of what they were before.
    """
    if not is_model(weights):
        if trust or weights in WEIGHT_SOURCES:
            return weights, None, None
        raise InputError(
            f"--refit needs a start that saw none of these labels, and nothing is known of {weights!r}; give --weights {' or '.join(WEIGHT_SOURCES)}, a model of the study, or --trust-vectors"
        )
    model = load_model(model_folder(folder, weights))
    origin = str(model.card["weights"])
    if not trust and origin not in WEIGHT_SOURCES:
        raise InputError(
            f"model {model.name!r} was fine-tuned from {origin!r}, which may have seen these labels too; give --weights {' or '.join(WEIGHT_SOURCES)}"
        )
    return origin, model.network.backbone.name, str(model.encoding)


def refit_network(
    study: Study,
    glitches: NDArray[np.int64],
    codes: NDArray[np.int64],
    classes: tuple[str, ...],
    plan: SplitPlan,
    refitting: Refitting,
    *,
    step: Callable[[str], None] = lambda _: None,
) -> HeldOut:
    """Fine-tune the network for every split, and ask each about the rows that it tests.

    Stopped, it goes on where it was: what is finished lies in the study until all of it is.

    Parameters
    ----------
    study : Study
    glitches : int64 (N,)
        Row numbers in the study.
    codes : int64 (N,)
        Their labels, 0 to K - 1.
    classes : tuple of K str
    plan : SplitPlan
    refitting : Refitting
    step : callable
        Told what is being done.

    Returns
    -------
    HeldOut
        Of one labelling.

    Raises
    ------
    InputError, WeightsError, TrainingError
        See `embed.training.loop.fit` and `embed.network.network.load_network`.
    """
    told = {**vars(refitting), "processes": 0, "classes": list(classes), "codes": codes.tolist()}
    folder = study.folder / "refit" / digest([told, glitches.tolist(), plan.fold.tolist()])[:12]
    folds = [
        _Fold(
            study.folder, folder, split, glitches, codes, classes, _parts(plan, split, codes, refitting.seed), refitting
        )
        for split in range(len(plan))
    ]
    held_out = HeldOut.empty(1, len(codes), len(classes))
    for done, (fold, logs) in enumerate(zip(folds, _answers(folds, refitting.processes), strict=True), start=1):
        rows = np.flatnonzero(fold.part == TEST)
        held_out.add(0, rows, logs, codes[rows])
        step(f"network refitted for {done} of {len(folds)} splits")
    drop_checkpoints(folder)
    return held_out


def _parts(plan: SplitPlan, split: int, codes: NDArray[np.int64], seed: int) -> NDArray[np.int8]:
    """Train, validation and test rows of a split; a tenth of the training part, by class, chooses the epoch."""
    train = np.flatnonzero(plan.train(split))
    part = np.full(len(codes), -1, np.int8)
    part[train] = TRAIN
    seen = np.bincount(codes[train], minlength=codes.max() + 1)
    part[plan.test(split) & (seen[codes] > 0)] = TEST
    inner = plan_splits(np.unique(codes[train], return_inverse=True)[1], _INNER_FOLDS, folds=_INNER_FOLDS, seed=seed)
    for fold in range(_INNER_FOLDS):
        judged = train[inner.test(fold)]
        left = seen - np.bincount(codes[judged], minlength=len(seen))
        judged = judged[left[codes[judged]] > 0]
        if len(judged):
            part[judged] = VALIDATION
            return part
    raise InputError(
        f"split {split + 1} leaves {len(train)} glitches to train on, no two of one class; label more, or give --split random"
    )


def _answers(folds: list[_Fold], processes: int) -> Iterator[NDArray[np.float64]]:
    if processes <= 1:
        yield from map(_answer, folds)
        return
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=torch.set_num_threads,
        initargs=(max(1, (os.cpu_count() or 1) // processes),),
    ) as pool:
        yield from pool.map(_answer, folds)


def _answer(fold: _Fold) -> NDArray[np.float64]:
    """Logarithms of the probabilities of the rows that a split tests, float64 (n, K)."""
    kept = fold.folder / f"split-{fold.number:04d}.npy"
    if kept.exists():
        return np.asarray(np.load(kept))
    if not (fold.part == TEST).any():
        return np.empty((0, len(fold.classes)))
    setup = _setup(fold)
    own = fold.folder / f"split-{fold.number:04d}.training"
    fitted = fit(setup, own, resume=True)
    classifier = make_classifier(setup)
    classifier.load_weights(fitted.weights)
    logits = torch.from_numpy(judge(setup, classifier, setup.training_set.split.rows(TEST)))
    logs = torch.log_softmax(logits, dim=1).numpy()
    write_atomic(kept, lambda file: np.save(file, logs))
    drop_checkpoints(own)
    return logs


def _setup(fold: _Fold) -> TrainingContext:
    asked = fold.refitting
    device = torch.device(asked.device)
    if device.type == "cuda":
        device = torch.device("cuda", fold.number % torch.cuda.device_count())
    network = load_network(asked.backbone, asked.weights)
    encoding = parse_encoding(asked.views)
    recipe = make_recipe(encoding=encoding.name, normalised=network.normalised, epochs=asked.epochs)
    with Study(fold.study) as study:
        ids = study.glitches().loc[fold.glitches, "id"]
        levels, kept, broken = read_levels(study, fold.glitches, encoding, network.backbone.size, device=device)
    if len(kept) < len(fold.glitches):
        raise InputError(
            f"{len(broken)} glitches cannot be read any more, the first: {ids.loc[broken[0].glitch]}: {broken[0].reason}; bring their files back, or embed again with --retry"
        )
    partition = Split(fold.part, "grouped", len(fold.part))
    task = TrainingSet(fold.glitches, tuple(ids), fold.classes, fold.codes, partition)
    return TrainingContext(task, levels, network, encoding, recipe, asked.seed, device)
