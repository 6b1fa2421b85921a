"""Fine-tuning a network on a study's labels: from the study to a model in it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import timm
import torch
import torchvision

from embed.dataset.dataset import (
    Labelled,
    TrainingSet,
    choose_kind,
    find_groups,
    labelled_glitches,
    make_training_set,
    untested_classes,
)
from embed.dataset.made import with_made
from embed.digits import counted
from embed.network.devices import choose_device
from embed.network.model import load_model, save_model
from embed.network.names import WEIGHT_SOURCES
from embed.network.sources import model_folder
from embed.notebook import html_summary
from embed.training.checkpoint import drop_checkpoints, latest_checkpoint
from embed.training.context import TrainingContext
from embed.training.distributed import Ranks, join_ranks, leave_ranks
from embed.training.loop import Fitted, check_same, fit
from embed.training.options import TrainingOptions
from embed.training.place import check_place, training_folder
from embed.training.recipe import Recipe, differences, make_recipe
from embed.training.start import choose_encoding, starting_network
from embed.views.loading import read_levels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from embed.dataset.made import Made
    from embed.network.model import Model
    from embed.study.study import Study
    from embed.types import Progress
    from embed.vectors.store import VectorStore
    from embed.views.encoding import Encoding

    NamedProgress = Callable[[str, int, int], None]
    Fill = Callable[[TrainingSet, Encoding, int, torch.device], Made]


_NOT_ASKED = (
    "generated glitches of the study are trained on, and the model may be tested on what their generators learned from: "
    "give fill=lambda *_: made_before(study) of embed.generator.filling"
)


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes
    ----------
    model : Model
        In the study.
    training_set : TrainingSet
        What it learned from.
    labelled : Labelled
        The same glitches, with those that were left out.
    fitted : Fitted or None
        The result; None where the model existed already.
    notes : tuple of str
        Remarks for the user.
    """

    model: Model
    training_set: TrainingSet
    labelled: Labelled
    fitted: Fitted | None
    notes: tuple[str, ...]

    def _repr_html_(self) -> str:
        card = self.model.card
        keys = ("backbone", "weights", "views", "split", "epoch")
        facts = {key: card[key] for key in keys} | {"classes": ", ".join(self.model.classes)}
        history = [
            [f"{value:.4g}" if isinstance(value, float) else value for value in row.values()] for row in card["history"]
        ]
        return html_summary(f"Model {self.model.name}", facts, tuple(card["history"][0]), history)


def train(
    study: Study,
    options: TrainingOptions | None = None,
    *,
    changes: Mapping[str, Any] | None = None,
    store: VectorStore | None = None,
    extra: Mapping[int, str] | None = None,
    fill: Fill | None = None,
    progress: NamedProgress | None = None,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> Trained:
    """Fine-tune a network and keep it as a model of the study.

    Under torchrun every process calls this; the first one writes.

    Parameters
    ----------
    study : Study
    options : TrainingOptions, optional
    changes : mapping, optional
        Fields of `embed.training.recipe.Recipe` that are to be other than the preset's.
    store : VectorStore, optional
        Vectors whose near-duplicates stay in one part.
    extra : mapping, optional
        Row number -> label of glitches that people have not labelled; they are trained on, never tested.
    fill : callable, optional
        Given the training set, the encoding, the side of its views and the device, returns generated glitches for the training part, and
        what their generator learned from. Of the generated glitches of the study itself `embed.generator.filling.made_before` tells it.
    progress : callable, optional
        Called with (what, done, in all).
    report : callable, optional
        Called with each epoch's row of the history.

    Raises
    ------
    InputError
        When there is too little to learn from, or the options contradict each other or the study.
    TrainingError, WeightsError, DeviceError, StorageError
        See `embed.training.loop.fit` and the modules of these names.
    """
    options = options or TrainingOptions()
    check_place(study, options.name, resume=options.resume, replace=options.replace)
    ranks, device = join_ranks(choose_device(options.device))
    given = {"model": options.name, "preset": options.preset, "split": options.split, "labels": list(options.labels)}
    try:
        with study.run("train", given) if ranks.lead else nullcontext():
            prepared = _prepare(
                study,
                options,
                ranks,
                device,
                changes=changes or {},
                store=store,
                extra=extra or {},
                fill=fill,
                progress=progress,
            )
            return _train(study, options, prepared, progress=progress, report=report)
    finally:
        leave_ranks(ranks)


@dataclass(frozen=True)
class _Prepared:
    """What a training works with, the glitches it was made from, the model of the study that it starts from, if any, and remarks."""

    context: TrainingContext
    labelled: Labelled
    before: Model | None
    notes: tuple[str, ...]


def _prepare(
    study: Study,
    options: TrainingOptions,
    ranks: Ranks,
    device: torch.device,
    *,
    changes: Mapping[str, Any],
    store: VectorStore | None,
    extra: Mapping[int, str],
    fill: Fill | None,
    progress: NamedProgress | None,
) -> _Prepared:
    network, before = starting_network(study, options)
    encoding = choose_encoding(study, options, before)
    recipe = make_recipe(options.preset, encoding=encoding.name, normalised=network.normalised, **changes)
    labelled = labelled_glitches(study, encoding, options.labels or None, extra)
    with ranks.lead_first():
        levels, kept, broken = read_levels(
            study,
            labelled.glitches,
            encoding,
            network.backbone.size,
            device=device,
            cache=options.cache,
            progress=_named(progress, "decode"),
        )
    labelled = labelled.only(kept, broken)
    trained_only = [*extra, *study.generated_ids()]
    given = labelled.only(np.setdiff1d(labelled.glitches, trained_only))
    groups = ranks.broadcast(find_groups(given, store))
    kind = choose_kind(given, options.split)
    training_set = make_training_set(labelled, kind, groups, seed=options.seed, always_train=trained_only)
    notes: tuple[str, ...] = ()
    if fill is not None:
        made = fill(training_set, encoding, encoding.side(network.backbone.size), device)
        notes = (made.caution,) if made.caution else ()
        whole = -1 - np.arange(len(labelled.glitches))  # what is always trained on is in no group
        whole[np.isin(labelled.glitches, given.glitches)] = groups
        training_set = with_made(training_set, made, whole)
        levels = levels.joined(made.levels) if len(made.levels) else levels
    elif np.isin(labelled.glitches, list(study.generated_ids())).any():
        notes = (_NOT_ASKED,)
    context = TrainingContext(training_set, levels, network, encoding, recipe, options.seed, device, ranks)
    return _Prepared(context, labelled, before, notes)


def _train(
    study: Study,
    options: TrainingOptions,
    prepared: _Prepared,
    *,
    progress: NamedProgress | None,
    report: Callable[[dict[str, Any]], None] | None,
) -> Trained:
    context, labelled = prepared.context, prepared.labelled
    training_set, ranks = context.training_set, context.ranks
    folder = model_folder(study.folder, options.name)
    checkpoints = training_folder(folder)
    if options.resume and folder.exists() and latest_checkpoint(checkpoints) is None:
        model = load_model(folder)
        check_same(dict(model.card), context.facts())
        return Trained(model, training_set, labelled, None, (_finished(model, context.recipe),))
    if ranks.lead and not options.resume:
        drop_checkpoints(checkpoints)
    ranks.wait()
    fitted = fit(context, checkpoints, resume=options.resume, progress=_named(progress, "train"), report=report)
    if ranks.lead:
        _save(folder, context, fitted, prepared.before)
        drop_checkpoints(checkpoints)
    ranks.wait()
    notes = (*prepared.notes, *_notes(training_set, labelled))
    return Trained(load_model(folder), training_set, labelled, fitted, notes)


def _finished(model: Model, recipe: Recipe) -> str:
    changed = differences(model.card["recipe"], recipe.facts())
    if not changed:
        return "the model was finished already"
    return (
        f"the model was finished already, with {'; '.join(changed)}: nothing was trained; "
        f"to train on, give --weights model:{model.name} and another --name"
    )


def _named(progress: NamedProgress | None, what: str) -> Progress | None:
    return None if progress is None else lambda done, whole: progress(what, done, whole)


def _save(folder: Path, context: TrainingContext, fitted: Fitted, before: Model | None) -> Model:
    training_set, weights = context.training_set, dict(fitted.weights)
    head, bias, mean = weights.pop("head.weight"), weights.pop("head.bias"), weights.pop("mean_image", None)
    origin = context.network.weights
    known = origin in WEIGHT_SOURCES or (before is not None)
    trained_on = (
        f"labels {training_set.label_digest[:12]} of {training_set.seen} glitches (models/{folder.name}/parts.csv)"
    )
    if before is not None:
        trained_on += f", and before that on {before.trained_on}"
    elif not known:
        trained_on += f", from weights {origin} that may have seen more"
    card = context.facts() | {
        "weights": origin,
        "trained_on": trained_on,
        "counts": training_set.split.counts(),
        "groups": training_set.split.groups,
        "metric": context.recipe.metric,
        "epoch": fitted.epoch,
        "history": fitted.history,
        "test": fitted.test,
        "device": context.device.type,
        "processes": context.ranks.world,
        "versions": {"timm": timm.__version__, "torch": torch.__version__, "torchvision": torchvision.__version__},
    }
    return save_model(folder, weights, head, bias, card=card, parts=training_set.parts, before=before, mean_image=mean)


def _notes(training_set: TrainingSet, labelled: Labelled) -> list[str]:
    notes = []
    made = sum(glitch < 0 for glitch in training_set.glitches.tolist())
    if made:
        notes.append(
            f"{made} of the {training_set.split.counts()['train']} glitches of the training part are generated"
        )
    if labelled.left_out:
        first = labelled.left_out[0]
        notes.append(
            f"left out {counted(len(labelled.left_out), 'labelled glitch', 'labelled glitches')}, the first: {first.glitch}: {first.reason}"
        )
    gap = training_set.split.counts()["left_out"]
    if gap and training_set.split.kind == "time":
        notes.append(f"left out {counted(gap, 'glitch', 'glitches')} within the gap between the parts")
    elif gap:
        notes.append(f"left out {counted(gap, 'glitch', 'glitches')} without a sample type")
    untested = untested_classes(training_set)
    if untested:
        notes.append(f"nothing to test of {', '.join(untested)}")
    return notes
