"""The context of a training, and the pictures that its network sees."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from embed.training.augmentation import augment
from embed.training.distributed import ALONE, Ranks
from embed.training.recipe import in_bfloat16
from embed.views.encoding import compose

if TYPE_CHECKING:
    from embed.dataset.dataset import TrainingSet
    from embed.network.network import Network
    from embed.training.recipe import Recipe
    from embed.training.variation import Augmentation
    from embed.views.encoding import Encoding
    from embed.views.loading import Levels


@dataclass(frozen=True)
class TrainingContext:
    """What a training works with.

    Attributes
    ----------
    training_set : TrainingSet
    levels : Levels
        Of the training set's glitches, row for row.
    network : Network
        Where training starts.
    encoding : Encoding
    recipe : Recipe
    seed : int
    device : torch.device
    ranks : Ranks
    """

    training_set: TrainingSet
    levels: Levels
    network: Network
    encoding: Encoding
    recipe: Recipe
    seed: int
    device: torch.device
    ranks: Ranks = ALONE

    def facts(self) -> dict[str, Any]:
        """What a checkpoint and its training must agree in."""
        return {
            "backbone": self.network.backbone.name,
            "weights_sha256": self.network.weights_sha256,
            "views": str(self.encoding),
            "classes": list(self.training_set.classes),
            "label_digest": self.training_set.label_digest,
            "split": self.training_set.split.kind,
            "seed": self.seed,
            "recipe": self.recipe.facts(),
        }


def pictures_of(
    context: TrainingContext, levels: torch.Tensor, augmentation: Augmentation, keys: torch.Tensor
) -> torch.Tensor:
    """The network's input, Tensor of float32, shape (B, 3, size, size), in channels-last memory."""
    spec = context.network.backbone
    durations = context.encoding.durations if context.encoding.name != "plain" else (0.0,) * levels.shape[1]
    values = augment(levels, durations, augmentation, keys)
    pictures = compose(values, context.encoding, spec.size, spec.mean, spec.std)
    return pictures.contiguous(memory_format=torch.channels_last)


def precision(context: TrainingContext) -> Any:  # noqa: ANN401 - a context manager
    """The recipe's arithmetic."""
    half = in_bfloat16(context.recipe.precision, context.device.type)
    return torch.autocast(context.device.type, torch.bfloat16) if half else nullcontext()
