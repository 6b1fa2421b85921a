"""The history of a training: losses, and how different generated glitches are from each other, against real ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from embed.errors import TrainingError
from embed.generator.pictures import at_side, levels_of, scaled
from embed.generator.steps import LOSSES, Training

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embed.generator.pictures import Pictures
    from embed.types import Pixels

COMPARED = 8
"""Glitches of a class whose distances are measured."""
COLLAPSED = 0.3
"""A class counts as collapsed where generated glitches are less than this share as far from each other as real ones."""
_REMEDY = "the last checkpoint is kept: give a lower --lr with --replace, or --precision float32"
COLUMNS = ("step", "images", "resolution", "alpha", *LOSSES, "diversity", "collapsed")


class History:
    """Rows of a training's history; losses are summed on the device, which is asked once a row.

    Parameters
    ----------
    training : Training
    pictures : Pictures
        That it learns from.
    rows : sequence of dict
        Of a training that is resumed.
    """

    def __init__(self, training: Training, pictures: Pictures, rows: Sequence[Mapping[str, Any]] = ()) -> None:
        self.rows: list[dict[str, Any]] = [{name: row[name] for name in COLUMNS} for row in rows]
        self._training = training
        self._real = _some_of_each(pictures)
        self._classes = pictures.classes
        self._sum: torch.Tensor | None = None
        self._count = 0

    def add(self, losses: torch.Tensor) -> None:
        """Take up a step's losses."""
        self._sum = losses.double() if self._sum is None else self._sum + losses
        self._count += 1

    def row(self, step: int, share: float) -> dict[str, Any]:
        """Append the row after `step` steps: means of the losses since the last one, and the diversity.

        Raises
        ------
        TrainingError
            When a loss is not finite.
        """
        if self._sum is None:
            raise ValueError("a row needs a step since the last one")
        training = self._training
        side, alpha = training.growth.at(share)
        means = [float(f"{value / self._count:.6g}") for value in self._sum.tolist()]
        _check(means, step)
        ratios = diversity(training, self._real, side, alpha, step)
        collapsed = [name for name, ratio in zip(self._classes, ratios, strict=True) if ratio < COLLAPSED]
        values = (
            step,
            step * training.recipe.batch,
            side,
            round(alpha, 4),
            *means,
            round(float(np.mean(ratios)), 4),
            " ".join(collapsed),
        )
        self.rows.append(dict(zip(COLUMNS, values, strict=True)))
        self._sum, self._count = None, 0
        return self.rows[-1]


def _check(means: Sequence[float], step: int) -> None:
    wrong = [f"{name} {value}" for name, value in zip(LOSSES, means, strict=True) if not math.isfinite(value)]
    if wrong:
        raise TrainingError(f"a loss is no number any more near step {step} ({', '.join(wrong)}); {_REMEDY}")


def check_weights(state: Mapping[str, torch.Tensor], step: int) -> None:
    """Refuse a state that is not worth keeping: a step's losses are finite where it is the step that spoils the weights.

    Parameters
    ----------
    state : mapping of str to tensor
        See `embed.generator.steps.Training.state`.
    step : int
        Steps done.

    Raises
    ------
    TrainingError
        When a value is not finite.
    """
    wrong = next((name for name, value in state.items() if not bool(value.isfinite().all())), None)
    if wrong:
        raise TrainingError(f"a weight is no number any more after step {step} ({wrong}); {_REMEDY}")


def _some_of_each(pictures: Pictures) -> list[Pixels]:
    rows = [np.flatnonzero(pictures.codes == code)[:COMPARED] for code in range(len(pictures.classes))]
    return [pictures.levels[own] for own in rows]


def diversity(training: Training, real: Sequence[Pixels], side: int, alpha: float, seed: int) -> list[float]:
    """How different generated glitches of each class are from each other: mean pairwise distance over that of real ones.

    Parameters
    ----------
    training : Training
    real : sequence of ndarray of uint8, shape (n, 3, R, R)
        Of each class.
    side, alpha
        The resolution at which both are compared.
    seed : int

    Returns
    -------
    list of float
        For each class; 1 is as different as real ones, 0 all alike.
    """
    codes = torch.arange(len(real), device=training.device).repeat_interleave(COMPARED)
    made = training.sample(codes, seed, side, alpha).reshape(len(real), COMPARED, -1)
    ratios = []
    for code, levels in enumerate(real):
        some = at_side(scaled(torch.from_numpy(levels).to(training.device)), side, alpha)
        ratios.append(_mean_distance(made[code]) / max(_mean_distance(some.flatten(1)), 1e-6))
    return ratios


def _mean_distance(rows: torch.Tensor) -> float:
    return float(torch.pdist(rows.float()).mean())


def sample_grid(training: Training, count: int, share: float) -> Pixels:
    """Generated glitches, `count` of each class, by the same latents at any time: uint8 (K, count, 3, R, R), small ones enlarged."""
    side, alpha = training.growth.at(share)
    classes = training.architecture.classes
    codes = torch.arange(classes, device=training.device).repeat_interleave(count)
    levels = levels_of(training.sample(codes, training.seed, side, alpha)).reshape(classes, count, 3, side, side)
    factor = training.architecture.resolution // side
    return levels.repeat(factor, axis=-1).repeat(factor, axis=-2)
