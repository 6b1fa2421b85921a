"""One epoch of a training: seeded batches, a step each, and how the classifier does after them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.parallel import DistributedDataParallel

from embed.dataset.splits import TRAIN, VALIDATION
from embed.errors import InputError, TrainingError
from embed.training.classifier import Classifier, choose_trained, set_mode, summed_contrast, summed_cross_entropy
from embed.training.context import TrainingContext, pictures_of, precision
from embed.training.distributed import parallel
from embed.training.randomness import draw_keys
from embed.training.schedule import learning_rate, trained_share
from embed.training.scoring import scores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from embed.types import Progress, Rows

_CHECK_STEPS = 50
"""Steps between two checks of the loss on a GPU, which has to wait for them."""


@dataclass(frozen=True)
class _Batch:
    """The process's share of a batch, or of a part of one.

    Attributes
    ----------
    pictures : Tensor of float32, shape (b, 3, size, size)
    targets : Tensor of int64, shape (b,)
    keys : Tensor of int64, shape (b,)
        See `embed.training.randomness.draw_keys`.
    classes : ndarray of int64, shape (B,)
        Of the glitches of all processes.
    """

    pictures: torch.Tensor
    targets: torch.Tensor
    keys: torch.Tensor
    classes: Rows


def check_processes(context: TrainingContext) -> None:
    """Refuse more processes than the smallest part of a step has glitches.

    Raises
    ------
    InputError
        The message gives both numbers.
    """
    smallest = min(len(part) for step in _steps(context) for part in _parts(step, context.recipe.accumulate))
    if smallest < context.ranks.world:
        raise InputError(
            f"{context.ranks.world} processes for steps of {smallest} glitches; give fewer processes, or a larger --batch"
        )


def epoch_rows(targets: Rows, rows: Rows, *, balanced: bool, seed: int, epoch: int) -> tuple[Rows, Rows]:
    """Which rows an epoch draws, in order, and how often each was drawn before.

    Parameters
    ----------
    targets : ndarray of int64, shape (N,)
        Class of each row.
    rows : ndarray of int64, shape (M,)
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


def run_epoch(
    context: TrainingContext,
    classifier: Classifier,
    optimizer: torch.optim.Optimizer,
    history: list[dict[str, Any]],
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train for one epoch.

    Parameters
    ----------
    context : TrainingContext
    classifier : Classifier
    optimizer : torch.optim.Optimizer
    history : list of dict
        A row for each epoch before this one.
    progress : callable, optional
        Called with (glitches seen, glitches in all epochs).

    Returns
    -------
    dict
        The epoch's row of the history: ``epoch`` (from 1), ``learning_rate``, ``training_loss`` and the validation part's scores.

    Raises
    ------
    TrainingError
        When the loss is not finite.
    """
    recipe, training_set, ranks = context.recipe, context.training_set, context.ranks
    epoch = len(history)
    rows, before = epoch_rows(
        training_set.targets, training_set.split.rows(TRAIN), balanced=recipe.balanced, seed=context.seed, epoch=epoch
    )
    steps = _steps(context)
    choose_trained(classifier, trained_share(recipe, epoch), recipe.freeze)
    set_mode(classifier, frozen_statistics=recipe.batch_norm == "frozen")
    wrapped = parallel(classifier, context.device, ranks)
    total = torch.zeros((), dtype=torch.float64, device=context.device)
    rate = 0.0
    parts = [part for step in steps for part in _parts(step, recipe.accumulate)]
    batches = _batches(context, rows, before, parts, epoch)
    for number, step in enumerate(steps):
        rate = learning_rate(recipe, epoch + (number + 0.5) / len(steps), history)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        pieces = len(_parts(step, recipe.accumulate))
        for place in range(pieces):
            batch = next(batches)
            last = place == pieces - 1
            quiet = wrapped.no_sync() if isinstance(wrapped, DistributedDataParallel) and not last else nullcontext()
            with quiet:
                loss = _loss(context, wrapped, batch)
                (loss * (ranks.world / len(step))).backward()
            total += loss.detach()
        if context.device.type == "cpu" or number % _CHECK_STEPS == _CHECK_STEPS - 1:
            _check_loss(float(total), epoch, rate)
        optimizer.step()
        if progress is not None:
            progress(epoch * len(rows) + int(step[-1]) + 1, recipe.epochs * len(rows))
    training_loss = float(ranks.summed(total)) / len(rows)
    _check_loss(training_loss, epoch, rate)
    judged = scores(context, classifier, training_set.split.rows(VALIDATION))
    _check_loss(judged["loss"], epoch, rate)
    return {
        "epoch": epoch + 1,
        "learning_rate": rate,
        "training_loss": training_loss,
        **{f"validation_{name}": value for name, value in judged.items()},
    }


def _steps(context: TrainingContext) -> list[Rows]:
    """Places in an epoch's order, an array a step; their sizes differ by one at most."""
    count = len(context.training_set.split.rows(TRAIN))
    return np.array_split(np.arange(count), -(-count // context.recipe.batch))


def _parts(step: Rows, accumulate: int) -> list[Rows]:
    return np.array_split(step, max(1, min(accumulate, len(step) // 2)))


def _check_loss(loss: float, epoch: int, rate: float) -> None:
    if not np.isfinite(loss):
        kept = f"--resume continues from the checkpoint after epoch {epoch}" if epoch else "nothing was finished before"
        raise TrainingError(
            f"the loss became {loss} in epoch {epoch + 1}, at a learning rate of {rate:.3g}; give a lower --lr ({kept})"
        )


def _batches(context: TrainingContext, rows: Rows, before: Rows, parts: list[Rows], epoch: int) -> Iterator[_Batch]:
    """The process's share of each part; views are read one part ahead."""
    targets = context.training_set.targets

    def read(part: Rows) -> tuple[torch.Tensor, Rows, torch.Tensor]:
        own = part[context.ranks.own(len(part))]
        keys = draw_keys(context.seed, epoch, context.training_set.glitches[rows[own]], before[own])
        return context.levels.batch(rows[own]), rows[own], keys

    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(read, parts[0])
        for number, part in enumerate(parts):
            levels, own, keys = ahead.result()
            if number + 1 < len(parts):
                ahead = pool.submit(read, parts[number + 1])
            pictures = pictures_of(context, levels, context.recipe.augmentation, keys)
            yield _Batch(pictures, torch.from_numpy(targets[own]).to(context.device), keys, targets[rows[part]])


def _loss(context: TrainingContext, wrapped: nn.Module, batch: _Batch) -> torch.Tensor:
    """The loss of the process's share of a batch, summed over its glitches."""
    recipe, ranks = context.recipe, context.ranks
    with precision(context):
        vectors, logits = wrapped(batch.pictures, batch.keys)
    loss = summed_cross_entropy(logits.float(), batch.targets, recipe.label_smoothing)
    if recipe.contrastive:
        count = len(batch.classes)
        everybody = ranks.joined(vectors.float(), count)
        place = torch.arange(count, device=context.device)[ranks.own(count)]
        classes = torch.from_numpy(batch.classes).to(context.device)
        loss = loss + recipe.contrastive * summed_contrast(vectors, place, everybody, classes, recipe.temperature)
    return loss
