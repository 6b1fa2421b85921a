"""Cross-fitting: the network is fine-tuned for every fold and predicts the glitches of the fold that it did not see.

George, Shen and Huerta (2018) found mislabelled glitches this way: networks trained on random splits got them wrong repeatedly. It also
serves labels that the network of the vectors was trained on.
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
from embed.network.model import load_model
from embed.network.names import WEIGHT_SOURCES
from embed.network.network import load_network
from embed.network.sources import is_model, model_folder
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
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.heldout.refitting import Refitting
    from audit.heldout.splits import SplitPlan
    from embed.types import Codes, Floats, Rows, Step

_INNER_FOLDS = 10
"""One fold in ten of the training rows chooses the epoch."""


@dataclass(frozen=True)
class _Fold:
    """The input of one process: one split to train on."""

    study: Path
    folder: Path
    number: int
    glitches: Rows
    codes: Codes
    classes: tuple[str, ...]
    part: NDArray[np.int8]
    refitting: Refitting


def unseen_start(folder: Path, weights: str, *, trust: bool = False) -> tuple[str, str | None, str | None]:
    """Weights, backbone and views that cross-fitting starts from, for vectors of these weights.

    Parameters
    ----------
    folder : Path
        The study's.
    weights : str
        As on the command line. ``model:NAME`` stands for the weights that this model was fine-tuned from.
    trust : bool
        Accept weights of unknown origin.

    Returns
    -------
    weights : str
    backbone, views : str or None
        Of the model; None where the weights are not of a model.

    Raises
    ------
    InputError
        When the weights may have seen these labels and their origin is unknown.
    """
    if not is_model(weights):
        if trust or weights in WEIGHT_SOURCES:
            return weights, None, None
        raise InputError(
            f"--refit needs a start that saw none of these labels, and the origin of {weights!r} is unknown; give --weights {' or '.join(WEIGHT_SOURCES)}, a model of the study, or --trust-vectors"
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
    glitches: Rows,
    codes: Codes,
    classes: tuple[str, ...],
    plan: SplitPlan,
    *,
    refitting: Refitting,
    step: Step = lambda _: None,
) -> HeldOut:
    """Fine-tune the network for every split, and predict the rows that the split tests.

    An interrupted call resumes: finished splits are kept in the study until all are finished.

    Parameters
    ----------
    study : Study
    glitches : ndarray of int64, shape (N,)
        Row numbers in the study.
    codes : ndarray of int64, shape (N,)
        Their labels, 0 to K - 1.
    classes : tuple of str, length K
    plan : SplitPlan
    refitting : Refitting
    step : callable
        Receives a line after each split.

    Returns
    -------
    HeldOut
        Of one labelling.

    Raises
    ------
    InputError, WeightsError, TrainingError
        See `embed.training.loop.fit` and `embed.network.network.load_network`.
    """
    described = {**vars(refitting), "processes": 0, "classes": list(classes), "codes": codes.tolist()}
    folder = study.folder / "refit" / digest([described, glitches.tolist(), plan.fold.tolist()])[:12]
    folds = [
        _Fold(
            study.folder,
            folder,
            split,
            glitches,
            codes,
            classes,
            split_parts(plan, split, codes, refitting.seed),
            refitting,
        )
        for split in range(len(plan))
    ]
    held_out = HeldOut.empty(1, len(codes), len(classes))
    for done, (fold, logs) in enumerate(zip(folds, _predict_all(folds, refitting.processes), strict=True), start=1):
        rows = np.flatnonzero(fold.part == TEST)
        held_out.add(0, rows, logs, codes[rows])
        step(f"network refitted for {done} of {len(folds)} splits")
    drop_checkpoints(folder)
    return held_out


def split_parts(plan: SplitPlan, split: int, codes: Codes, seed: int) -> NDArray[np.int8]:
    """Parts of a split: one fold in ten of the training rows, stratified by class, becomes the validation part."""
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


def _predict_all(folds: list[_Fold], processes: int) -> Iterator[Floats]:
    if processes <= 1:
        yield from map(_predict, folds)
        return
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=torch.set_num_threads,
        initargs=(max(1, (os.cpu_count() or 1) // processes),),
    ) as pool:
        yield from pool.map(_predict, folds)


def _predict(fold: _Fold) -> Floats:
    """Logarithms of the probabilities of the n rows that a split tests, shape (n, K)."""
    kept = fold.folder / f"split-{fold.number:04d}.npy"
    if kept.exists():
        return np.asarray(np.load(kept))
    if not (fold.part == TEST).any():
        return np.empty((0, len(fold.classes)))
    context = _context(fold)
    own = fold.folder / f"split-{fold.number:04d}.training"
    fitted = fit(context, own, resume=True)
    classifier = make_classifier(context)
    classifier.load_weights(fitted.weights)
    logits = torch.from_numpy(judge(context, classifier, context.training_set.split.rows(TEST)))
    logs = torch.log_softmax(logits, dim=1).numpy()
    write_atomic(kept, lambda file: np.save(file, logs))
    drop_checkpoints(own)
    return logs


def _context(fold: _Fold) -> TrainingContext:
    refitting = fold.refitting
    device = torch.device(refitting.device)
    if device.type == "cuda":
        device = torch.device("cuda", fold.number % torch.cuda.device_count())
    network = load_network(refitting.backbone, refitting.weights)
    encoding = parse_encoding(refitting.views)
    recipe = make_recipe(encoding=encoding.name, normalised=network.normalised, epochs=refitting.epochs)
    with Study(fold.study) as study:
        ids = study.glitches().loc[fold.glitches, "id"]
        levels, kept, broken = read_levels(study, fold.glitches, encoding, network.backbone.size, device=device)
    if len(kept) < len(fold.glitches):
        raise InputError(
            f"{len(broken)} glitches cannot be read any more, the first: {ids.loc[broken[0].glitch]}: {broken[0].reason}; restore their files, or embed again with --retry"
        )
    split = Split(fold.part, "grouped", len(fold.part))
    training_set = TrainingSet(fold.glitches, tuple(ids), fold.classes, fold.codes, split)
    return TrainingContext(training_set, levels, network, encoding, recipe, refitting.seed, device)
