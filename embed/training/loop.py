"""The training loop: epochs of seeded batches, a checkpoint after each, and the best epoch's weights as a model."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.parallel import DistributedDataParallel

from embed.dataset.splits import TEST, TRAIN, VALIDATION
from embed.errors import InputError, TrainingError
from embed.network.model import Centred
from embed.training.checkpoint import (
    Checkpoint,
    latest_checkpoint,
    optimizer_tensors,
    read_best,
    restore_optimizer,
    write_best,
    write_checkpoint,
)
from embed.training.classifier import Classifier, choose_trained, set_mode, summed_contrast, summed_cross_entropy
from embed.training.context import TrainingContext, pictures_of, precision
from embed.training.distributed import parallel, share_batch_norm
from embed.training.randomness import draw_keys
from embed.training.recipe import ADAGRAD_EPSILON, BETAS, Recipe, differences
from embed.training.schedule import best_epoch, learning_rate, should_stop, trained_share
from embed.training.scoring import scores
from embed.views.encoding import compose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from torch import nn

    from embed.types import Rows


MAY_CHANGE = ("epochs", "learning_rate", "patience")
"""What may be another when a training goes on; everything else would make another training of it."""
_CHECK_STEPS = 50
"""Steps between looks at the loss on a GPU, which must wait for them."""


@dataclass(frozen=True)
class Fitted:
    """A finished training.

    Attributes
    ----------
    weights : dict of str to tensor
        Of the best epoch, as `embed.training.classifier.Classifier.weights` names them.
    epoch : int
        Which that was, from 1.
    history : list of dict
        One an epoch.
    test : dict
        Accuracies of the test part, see `scores`.
    """

    weights: dict[str, torch.Tensor]
    epoch: int
    history: list[dict[str, Any]]
    test: dict[str, float]


def fit(
    setup: TrainingContext,
    folder: Path,
    *,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> Fitted:
    """Train.

    Parameters
    ----------
    setup : TrainingContext
    folder : Path
        Of the checkpoints.
    resume : bool
        Go on from the latest checkpoint where there is one.
    progress : callable, optional
        Called with (glitches seen, glitches in all epochs).
    report : callable, optional
        Called with each epoch's row of the history.

    Raises
    ------
    TrainingError
        When the loss is no number any more, or a checkpoint is damaged or another training's; finished checkpoints are kept.
    InputError
        When the batch is too small for so many processes, or a name to freeze is no weight's.
    """
    recipe, ranks = setup.recipe, setup.ranks
    smallest = min(len(part) for step in _steps(setup) for part in _parts(step, recipe.accumulate))
    if smallest < ranks.world:
        raise InputError(
            f"{ranks.world} processes for steps of {smallest} glitches; give fewer processes, or a larger --batch"
        )
    classifier = make_classifier(setup)
    optimizer = make_optimizer(classifier, recipe)
    history: list[dict[str, Any]] = []
    checkpoint = latest_checkpoint(folder) if resume else None
    if checkpoint is not None:
        check_same(checkpoint.facts, setup.facts())
        classifier.load_weights(checkpoint.weights)
        restore_optimizer(optimizer, checkpoint.optimizer)
        history = list(checkpoint.facts["history"])
        if ranks.lead and best_epoch(history, recipe.metric) == len(history) - 1:
            write_best(folder, checkpoint)  # a kill between the two writes
    ranks.wait()
    while len(history) < recipe.epochs and not should_stop(recipe, history):
        with torch.backends.cudnn.flags(benchmark=True):  # two sizes of batch an epoch: kernels are tried once
            row = _epoch(setup, classifier, optimizer, history, progress)
        history.append(row)
        if ranks.lead:
            done = Checkpoint(classifier.weights(), optimizer_tensors(optimizer), setup.facts() | {"history": history})
            write_checkpoint(folder, done, best=best_epoch(history, recipe.metric) == len(history) - 1)
        if report is not None:
            report(row)
        ranks.wait()
    weights, epoch = read_best(folder)
    classifier.load_weights(weights)
    return Fitted(weights, epoch, history, scores(setup, classifier, setup.task.partition.rows(TEST)))


def make_classifier(setup: TrainingContext) -> Classifier:
    """Put the network and a new final layer on the device, a copy of the network that it starts from."""
    spec, recipe = setup.network.backbone, setup.recipe
    trunk = setup.network.module
    trunk = copy.deepcopy(trunk.network if isinstance(trunk, Centred) else trunk)
    mean = None
    if recipe.mean_image:
        levels = setup.levels.mean(setup.task.partition.rows(TRAIN))
        mean = compose(levels, setup.encoding, spec.size, spec.mean, spec.std)[0].clone()
    classifier = Classifier(
        trunk, spec.dimension, len(setup.task.classes), dropout=recipe.dropout, seed=setup.seed, mean_image=mean
    )
    classifier = classifier.to(setup.device).to(memory_format=torch.channels_last)
    share_batch_norm(classifier, setup.device, setup.ranks)
    return classifier


def make_optimizer(classifier: Classifier, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer; scales, shifts and biases are not decayed."""
    choose_trained(classifier, 1.0, recipe.freeze)
    weights = list(classifier.parameters())
    groups = [
        {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    if recipe.optimizer == "adagrad":
        return torch.optim.Adagrad(groups, lr=recipe.learning_rate, eps=ADAGRAD_EPSILON)
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=recipe.learning_rate, betas=BETAS)


def check_same(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Refuse to go on from another training's checkpoint.

    Raises
    ------
    TrainingError
        The message says what differs.
    """
    if old["classes"] != new["classes"]:
        gone = sorted(set(old["classes"]) - set(new["classes"]))
        come = sorted(set(new["classes"]) - set(old["classes"]))
        raise TrainingError(
            f"the classes have changed since the training was stopped (gone: {', '.join(gone) or 'none'}; new: {', '.join(come) or 'none'}); train again with --replace"
        )
    changed = ["the labels or the split"] if old["label_digest"] != new["label_digest"] else []
    plain = [key for key in new if key not in ("recipe", "label_digest", "classes")]
    changed += [f"{key} {old[key]} and now {new[key]}" for key in plain if old[key] != new[key]]
    allowed = {key: old["recipe"][key] for key in MAY_CHANGE}
    changed += differences(old["recipe"], new["recipe"] | allowed)
    if changed:
        raise TrainingError(
            f"the training that was stopped was another: {'; '.join(changed)}; ask for the same, or train again with --replace"
        )


def epoch_rows(targets: Rows, rows: Rows, *, balanced: bool, seed: int, epoch: int) -> tuple[Rows, Rows]:
    """Which rows an epoch draws, in order, and how often each was drawn before.

    Parameters
    ----------
    targets : int64 (N,)
        Class of each row.
    rows : int64 (M,)
        Those to be trained on.
    balanced : bool
        Draw M times, each class as probable as any other; else each row once.
    seed, epoch : int
    """
    rng = np.random.default_rng((seed, 29, epoch))
    if not balanced:
        return rng.permutation(rows), np.zeros(len(rows), np.int64)
    own = np.bincount(targets[rows])[targets[rows]]
    drawn = rng.choice(rows, len(rows), p=(1 / own) / (1 / own).sum())
    order = np.argsort(drawn, kind="stable")
    ordered = drawn[order]
    first = np.searchsorted(ordered, ordered)
    before = np.empty(len(rows), np.int64)
    before[order] = np.arange(len(rows)) - first
    return drawn, before


def _epoch(
    setup: TrainingContext,
    classifier: Classifier,
    optimizer: torch.optim.Optimizer,
    history: list[dict[str, Any]],
    progress: Callable[[int, int], None] | None,
) -> dict[str, Any]:
    recipe, task, ranks = setup.recipe, setup.task, setup.ranks
    epoch = len(history)
    rows, before = epoch_rows(
        task.targets, task.partition.rows(TRAIN), balanced=recipe.balanced, seed=setup.seed, epoch=epoch
    )
    steps = _steps(setup)
    choose_trained(classifier, trained_share(recipe, epoch), recipe.freeze)
    set_mode(classifier, frozen_statistics=recipe.batch_norm == "frozen")
    wrapped = parallel(classifier, setup.device, ranks)
    total = torch.zeros((), dtype=torch.float64, device=setup.device)
    rate = 0.0
    parts = [part for step in steps for part in _parts(step, recipe.accumulate)]
    batches = _batches(setup, rows, before, parts, epoch)
    for number, step in enumerate(steps):
        rate = learning_rate(recipe, epoch + (number + 0.5) / len(steps), history)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        pieces = _parts(step, recipe.accumulate)
        for place, piece in enumerate(pieces):
            pictures, targets, keys = next(batches)
            last = place == len(pieces) - 1
            quiet = wrapped.no_sync() if isinstance(wrapped, DistributedDataParallel) and not last else nullcontext()
            with quiet:
                loss = _loss(setup, wrapped, pictures, targets, keys, task.targets[rows[piece]])
                (loss * (ranks.world / len(step))).backward()
            total += loss.detach()
        if setup.device.type == "cpu" or number % _CHECK_STEPS == _CHECK_STEPS - 1:
            _check_loss(float(total), epoch, rate)
        optimizer.step()
        if progress is not None:
            progress(epoch * len(rows) + int(step[-1]) + 1, recipe.epochs * len(rows))
    training_loss = float(ranks.summed(total)) / len(rows)
    _check_loss(training_loss, epoch, rate)
    judged = scores(setup, classifier, task.partition.rows(VALIDATION))
    _check_loss(judged["loss"], epoch, rate)
    return {
        "epoch": epoch + 1,
        "learning_rate": rate,
        "training_loss": training_loss,
        **{f"validation_{name}": value for name, value in judged.items()},
    }


def _steps(setup: TrainingContext) -> list[Rows]:
    """Places in an epoch's order, a step each, of equal size but for one."""
    count = len(setup.task.partition.rows(TRAIN))
    return np.array_split(np.arange(count), -(-count // setup.recipe.batch))


def _parts(step: Rows, accumulate: int) -> list[Rows]:
    return np.array_split(step, max(1, min(accumulate, len(step) // 2)))


def _check_loss(loss: float, epoch: int, rate: float) -> None:
    if not np.isfinite(loss):
        kept = f"--resume goes on from the checkpoint after epoch {epoch}" if epoch else "nothing was finished before"
        raise TrainingError(
            f"the loss became {loss} in epoch {epoch + 1}, at a learning rate of {rate:.3g}; give a lower --lr ({kept})"
        )


def _batches(
    setup: TrainingContext, rows: Rows, before: Rows, parts: list[Rows], epoch: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Pictures, targets and keys of the process's share of each part; views are read one part ahead."""

    def read(part: Rows) -> tuple[torch.Tensor, Rows, torch.Tensor]:
        own = part[setup.ranks.own(len(part))]
        keys = draw_keys(setup.seed, epoch, setup.task.glitches[rows[own]], before[own])
        return setup.levels.batch(rows[own]), rows[own], keys

    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(read, parts[0])
        for number in range(len(parts)):
            levels, own, keys = ahead.result()
            if number + 1 < len(parts):
                ahead = pool.submit(read, parts[number + 1])
            targets = torch.from_numpy(setup.task.targets[own]).to(setup.device)
            yield pictures_of(setup, levels, setup.recipe.augmentation, keys), targets, keys


def _loss(
    setup: TrainingContext,
    wrapped: nn.Module,
    pictures: torch.Tensor,
    targets: torch.Tensor,
    keys: torch.Tensor,
    whole: Rows,
) -> torch.Tensor:
    """The loss of the process's share of a batch, summed over its glitches; `whole` (B,) are the classes of all processes' glitches."""
    recipe, ranks = setup.recipe, setup.ranks
    with precision(setup):
        vectors, logits = wrapped(pictures, keys)
    loss = summed_cross_entropy(logits.float(), targets, recipe.label_smoothing)
    if recipe.contrastive:
        everybody = ranks.joined(vectors.float(), len(whole))
        place = torch.arange(len(whole), device=setup.device)[ranks.own(len(whole))]
        classes = torch.from_numpy(whole).to(setup.device)
        loss = loss + recipe.contrastive * summed_contrast(vectors, place, everybody, classes, recipe.temperature)
    return loss
