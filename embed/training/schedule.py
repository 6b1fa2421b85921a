"""What changes over the epochs, as plain functions of the history: a resumed run needs nothing else.

A history is a list of one mapping an epoch, with ``validation_loss`` and, for the metric macro-F1, ``validation_macro_f1`` at least.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embed.training.recipe import Recipe

    History = Sequence[Mapping[str, Any]]

PLATEAU_EPOCHS = 3
"""Epochs without improvement after which the learning rate is halved: with the papers' hundreds of steps an epoch, fewer are noise."""


def quality(row: Mapping[str, Any], metric: str) -> tuple[float, float]:
    """How good an epoch is, to be compared: the metric, and for equal macro-F1 the loss."""
    loss = -float(row["validation_loss"])
    return (loss, 0.0) if metric == "loss" else (float(row["validation_macro_f1"]), loss)


def best_epoch(history: History, metric: str) -> int:
    """The best epoch's place in the history; of equals, the first."""
    return max(range(len(history)), key=lambda place: (quality(history[place], metric), -place))


def stale(history: History, metric: str) -> int:
    """Epochs since the best one."""
    return len(history) - 1 - best_epoch(history, metric) if history else 0


def should_stop(recipe: Recipe, history: History) -> bool:
    """Whether training ends early; not before the whole network is being trained."""
    if not recipe.patience:
        return False
    open_since = recipe.unfreezing[-1][0] if recipe.unfreezing else 0
    had_its_time = len(history) - open_since > recipe.patience
    return had_its_time and stale(history, recipe.metric) >= recipe.patience


def learning_rate(recipe: Recipe, time: float, history: History) -> float:
    """Learning rate at one time of the training.

    Parameters
    ----------
    recipe : Recipe
    time : float
        In epochs from the start, fractions being steps.
    history : sequence
        Of the epochs before.
    """
    rate = recipe.learning_rate
    if recipe.warmup > 0 and time < recipe.warmup:
        rate *= time / recipe.warmup
    elif recipe.schedule == "cosine" and recipe.epochs > recipe.warmup:
        rate *= 0.5 * (1.0 + math.cos(math.pi * (time - recipe.warmup) / (recipe.epochs - recipe.warmup)))
    if recipe.schedule == "plateau":
        rate *= 0.5 ** _halvings(recipe, history)
    return rate


def _halvings(recipe: Recipe, history: History) -> int:
    halvings = waited = 0
    for place in range(1, len(history)):
        improved = best_epoch(history[: place + 1], recipe.metric) == place
        waited = 0 if improved else waited + 1
        if waited == PLATEAU_EPOCHS:
            halvings, waited = halvings + 1, 0
    return halvings


def trained_share(recipe: Recipe, epoch: int) -> float:
    """Which share of the network's weights, counted from its end, is trained in an epoch; the final layer always is."""
    return max((share for start, share in recipe.unfreezing if start <= epoch), default=1.0)
