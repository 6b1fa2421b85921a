"""The training loop: epochs with a checkpoint after each, until the best epoch's weights are returned."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from embed.dataset.splits import TEST, TRAIN
from embed.errors import TrainingError
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
from embed.training.classifier import Classifier, Headed, choose_trained
from embed.training.distributed import share_batch_norm
from embed.training.epoch import check_processes, run_epoch
from embed.training.recipe import ADAGRAD_EPSILON, BETAS, Recipe, differences
from embed.training.schedule import best_epoch, should_stop
from embed.training.scoring import scores
from embed.views.encoding import compose

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from embed.training.context import TrainingContext
    from embed.types import Progress


MAY_CHANGE = ("epochs", "learning_rate", "patience")
"""What may change when a training is resumed; anything else would make it another training."""


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
    context: TrainingContext,
    folder: Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> Fitted:
    """Train.

    Parameters
    ----------
    context : TrainingContext
    folder : Path
        Of the checkpoints.
    resume : bool
        Resume from the latest checkpoint where there is one.
    progress : callable, optional
        Called with (glitches seen, glitches in all epochs).
    report : callable, optional
        Called with each epoch's row of the history.

    Raises
    ------
    TrainingError
        When the loss is not finite, or a checkpoint is damaged or another training's; finished checkpoints are kept.
    InputError
        When the batch is too small for so many processes, or a name to freeze is no weight's.
    """
    recipe, ranks = context.recipe, context.ranks
    check_processes(context)
    classifier = make_classifier(context)
    optimizer = make_optimizer(classifier, recipe)
    history: list[dict[str, Any]] = []
    checkpoint = latest_checkpoint(folder) if resume else None
    if checkpoint is not None:
        check_same(checkpoint.facts, context.facts())
        classifier.load_weights(checkpoint.weights)
        restore_optimizer(optimizer, checkpoint.optimizer)
        history = list(checkpoint.facts["history"])
        if ranks.lead and best_epoch(history, recipe.metric) == len(history) - 1:
            write_best(folder, checkpoint)  # a kill between the two writes
    ranks.wait()
    while len(history) < recipe.epochs and not should_stop(recipe, history):
        with torch.backends.cudnn.flags(benchmark=True):  # two sizes of batch an epoch: kernels are tried once
            row = run_epoch(context, classifier, optimizer, history, progress)
        history.append(row)
        if ranks.lead:
            done = Checkpoint(
                classifier.weights(), optimizer_tensors(optimizer), context.facts() | {"history": history}
            )
            write_checkpoint(folder, done, best=best_epoch(history, recipe.metric) == len(history) - 1)
        if report is not None:
            report(row)
        ranks.wait()
    weights, epoch = read_best(folder)
    classifier.load_weights(weights)
    return Fitted(weights, epoch, history, scores(context, classifier, context.training_set.split.rows(TEST)))


def make_classifier(context: TrainingContext) -> Classifier:
    """Put the network and a new final layer on the device, a copy of the network that it starts from."""
    spec, recipe = context.network.backbone, context.recipe
    trunk = context.network.module
    trunk = copy.deepcopy(trunk.network if isinstance(trunk, Centred) else trunk)
    mean = None
    if recipe.mean_image:
        levels = context.levels.mean(context.training_set.split.rows(TRAIN))
        mean = compose(levels, context.encoding, spec.size, spec.mean, spec.std)[0].clone()
    classifier = Classifier(
        trunk,
        spec.dimension,
        len(context.training_set.classes),
        dropout=recipe.dropout,
        seed=context.seed,
        mean_image=mean,
    )
    classifier = classifier.to(context.device).to(memory_format=torch.channels_last)
    share_batch_norm(classifier, context.device, context.ranks)
    return classifier


def make_optimizer(classifier: Headed, recipe: Recipe) -> torch.optim.Optimizer:
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
    """Refuse to resume from another training's checkpoint.

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
