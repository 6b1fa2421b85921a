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
    make_task,
    untested_classes,
)
from embed.errors import InputError
from embed.network.backbones import DEFAULT_BACKBONE
from embed.network.devices import choose_device
from embed.network.model import Model, is_model, load_model, model_folder, save_model
from embed.network.names import WEIGHT_SOURCES
from embed.network.network import Network, load_network
from embed.training.checkpoint import drop_checkpoints, latest_checkpoint, training_folder
from embed.training.context import TrainingContext
from embed.training.distributed import Ranks, join_ranks, leave_ranks
from embed.training.loop import Fitted, check_same, fit
from embed.training.options import TrainingOptions
from embed.training.recipe import PRESET_VIEWS, Recipe, differences, make_recipe
from embed.vectors.plan import default_weights
from embed.views.encoding import Encoding, parse_encoding
from embed.views.loading import read_levels
from embed.views.selection import richest_encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from embed.study.study import Study
    from embed.vectors.store import VectorStore


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes
    ----------
    model : Model
        In the study.
    task : TrainingSet
        What it learned from.
    labelled : Labelled
        The same glitches, with those that were left out.
    fitted : Fitted or None
        How it went; None where the model was there already.
    notes : tuple of str
        What the reader should know.
    """

    model: Model
    task: TrainingSet
    labelled: Labelled
    fitted: Fitted | None
    notes: tuple[str, ...]


def train(
    study: Study,
    request: TrainingOptions | None = None,
    *,
    changes: Mapping[str, Any] | None = None,
    store: VectorStore | None = None,
    extra: Mapping[int, str] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> Trained:
    """Fine-tune a network and keep it as a model of the study.

    Under torchrun every process calls this; the first one writes.

    Parameters
    ----------
    study : Study
    request : TrainingOptions, optional
    changes : mapping, optional
        Fields of `embed.training.recipe.Recipe` that are to be other than the preset's.
    store : VectorStore, optional
        Vectors whose near-duplicates stay in one part.
    extra : mapping, optional
        Row number -> label of glitches that people have not labelled; they are trained on, never tested.
    progress : callable, optional
        Called with (what, done, in all).
    report : callable, optional
        Called with each epoch's row of the history.

    Raises
    ------
    InputError
        When there is too little to learn from, or the request contradicts itself or the study.
    TrainingError, WeightsError, DeviceError, StorageError
        See `embed.training.loop.fit` and the modules of these names.
    """
    request = request or TrainingOptions()
    folder = model_folder(study.folder, request.name)
    check_place(study, request)
    ranks, device = join_ranks(choose_device(request.device))
    told = {"model": request.name, "preset": request.preset, "split": request.split, "labels": list(request.labels)}
    try:
        with study.run("train", told) if ranks.lead else nullcontext():
            return _train(study, request, folder, ranks, device, changes or {}, store, extra or {}, progress, report)
    finally:
        leave_ranks(ranks)


def check_place(study: Study, request: TrainingOptions) -> None:
    """Refuse a name that is taken.

    Raises
    ------
    InputError
        When there is a model, or a stopped training, of the name, and the request neither goes on with it nor replaces it.
    """
    folder = model_folder(study.folder, request.name)
    if request.resume and request.replace:
        raise InputError("--resume goes on with a training, --replace begins it anew; give one of them")
    if request.resume or request.replace:
        return
    if folder.exists():
        raise InputError(
            f"there is a model {request.name!r} already; give another --name, or --replace to train it anew"
        )
    if training_folder(folder).exists():
        raise InputError(
            f"the training of {request.name!r} was stopped; give --resume to go on, or --replace to begin anew"
        )


def _train(
    study: Study,
    request: TrainingOptions,
    folder: Path,
    ranks: Ranks,
    device: torch.device,
    changes: Mapping[str, Any],
    store: VectorStore | None,
    extra: Mapping[int, str],
    progress: Callable[[str, int, int], None] | None,
    report: Callable[[dict[str, Any]], None] | None,
) -> Trained:
    network, before = starting_network(study, request)
    encoding = choose_encoding(study, request, before)
    recipe = make_recipe(request.preset, encoding=encoding.name, normalised=network.normalised, **changes)
    labelled = labelled_glitches(study, encoding, request.labels or None, extra)
    if not ranks.lead:
        ranks.wait()  # the first process decodes, the others find it done
    levels, kept, broken = read_levels(
        study,
        labelled.glitches,
        encoding,
        network.backbone.size,
        device=device,
        cache=request.cache,
        progress=_named(progress, "decode"),
    )
    if ranks.lead:
        ranks.wait()
    labelled = labelled.only(kept, broken)
    given = labelled.only(np.setdiff1d(labelled.glitches, list(extra)))
    groups = ranks.told(find_groups(given, store))
    task = make_task(labelled, choose_kind(given, request.split), groups, seed=request.seed, always_train=list(extra))
    setup = TrainingContext(task, levels, network, encoding, recipe, request.seed, device, ranks)
    if request.resume and folder.exists() and latest_checkpoint(training_folder(folder)) is None:
        model = load_model(folder)
        check_same(dict(model.card), setup.facts())
        return Trained(model, task, labelled, None, (_finished(model, recipe),))
    if ranks.lead and not request.resume:
        drop_checkpoints(training_folder(folder))
    ranks.wait()
    fitted = fit(
        setup, training_folder(folder), resume=request.resume, progress=_named(progress, "train"), report=report
    )
    if ranks.lead:
        _save(folder, setup, fitted, before)
        drop_checkpoints(training_folder(folder))
    ranks.wait()
    return Trained(load_model(folder), task, labelled, fitted, tuple(_notes(task, labelled)))


def _finished(model: Model, recipe: Recipe) -> str:
    changed = differences(model.card["recipe"], recipe.facts())
    if not changed:
        return "the model was finished already"
    return (
        f"the model was finished already, with {'; '.join(changed)}: nothing was trained; "
        f"to train on, give --weights model:{model.name} and another --name"
    )


def _named(progress: Callable[[str, int, int], None] | None, what: str) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, whole: progress(what, done, whole)


def starting_network(study: Study, request: TrainingOptions) -> tuple[Network, Model | None]:
    """Load the network that training starts from, and the model of the study that it is from, if it is."""
    if request.weights and is_model(request.weights):
        model = load_model(model_folder(study.folder, request.weights))
        own = model.network.backbone.name
        if request.backbone and request.backbone != own:
            raise InputError(f"--backbone {request.backbone} does not go with model {model.name!r}, which is {own}")
        return model.network, model
    return load_network(request.backbone or DEFAULT_BACKBONE, starting_weights(study, request)), None


def starting_weights(study: Study, request: TrainingOptions) -> str:
    """The weights that were asked for; else ImageNet's for a paper's preset, and what `discover embed` takes for any other."""
    if request.weights:
        return request.weights
    if request.preset != "default":
        return "bundled"
    return default_weights(request.backbone or DEFAULT_BACKBONE, choose_encoding(study, request))


def choose_encoding(study: Study, request: TrainingOptions, before: Model | None = None) -> Encoding:
    """The views that were asked for; else the starting model's, the preset's, or the richest that every glitch has."""
    if request.views:
        return parse_encoding(request.views)
    if before is not None:
        return before.encoding
    if request.preset in PRESET_VIEWS:
        return parse_encoding(PRESET_VIEWS[request.preset])
    return richest_encoding(study)


def _save(folder: Path, setup: TrainingContext, fitted: Fitted, before: Model | None) -> Model:
    task, weights = setup.task, dict(fitted.weights)
    head, bias, mean = weights.pop("head.weight"), weights.pop("head.bias"), weights.pop("mean_image", None)
    origin = setup.network.weights
    known = origin in WEIGHT_SOURCES or (before is not None)
    trained_on = f"labels {task.label_digest[:12]} of {task.seen} glitches (models/{folder.name}/parts.csv)"
    if before is not None:
        trained_on += f", and before that on {before.trained_on}"
    elif not known:
        trained_on += f", from weights {origin} that may have seen more"
    card = setup.facts() | {
        "weights": origin,
        "trained_on": trained_on,
        "counts": task.partition.counts(),
        "groups": task.partition.groups,
        "metric": setup.recipe.metric,
        "epoch": fitted.epoch,
        "history": fitted.history,
        "test": fitted.test,
        "device": setup.device.type,
        "processes": setup.ranks.world,
        "versions": {"timm": timm.__version__, "torch": torch.__version__, "torchvision": torchvision.__version__},
    }
    return save_model(folder, weights, head, bias, card=card, parts=task.parts, before=before, mean_image=mean)


def _notes(task: TrainingSet, labelled: Labelled) -> list[str]:
    notes = []
    if labelled.left_out:
        first = labelled.left_out[0]
        notes.append(f"left out {len(labelled.left_out)} labelled glitches, the first: {first.glitch}: {first.reason}")
    gap = task.partition.counts()["left_out"]
    if gap and task.partition.kind == "time":
        notes.append(f"left out {gap} glitches within the gap between the parts")
    elif gap:
        notes.append(f"left out {gap} glitches without a sample type")
    untested = untested_classes(task)
    if untested:
        notes.append(f"nothing to test of {', '.join(untested)}")
    return notes
