"""Generator and critic of a progressive GAN, conditioned on the class.

The generator follows table 2 of Karras et al. 2018. Its latent is joined by a learned vector of the class, and the class scales and
shifts every feature map (Dumoulin et al. 2017, "A learned representation for artistic style", equation 5); the critic scores a picture
for a class by projection (Miyato and Koyama 2018, "cGANs with projection discriminator", equation 3).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from embed.generator.layers import (
    EqualConv,
    EqualLinear,
    Style,
    activate,
    deviation_map,
    doubled,
    draw_weights,
    faded,
    halved,
    pixel_norm,
)
from embed.generator.losses import PENALTY, critic_loss, gradient_penalty
from embed.generator.options import DURATIONS, FIRST_SIDE

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from embed.generator.losses import Shown

VIEWS = len(DURATIONS)


@dataclass(frozen=True)
class Architecture:
    """The size of both networks.

    Attributes
    ----------
    classes : int
        How many.
    resolution : int
        Side of the finished pictures, a power of two.
    channels : int
        Most feature maps of a layer.
    latent, label : int
        Length of the latent, and of the class's vector that joins it.
    base : int
        A layer has at most ``base`` / side feature maps.
    styled : bool
        Whether the class scales and shifts every feature map of the generator, rather than joining the latent alone.
    """

    classes: int
    resolution: int = 64
    channels: int = 256
    latent: int = 128
    label: int = 32
    base: int = 4096
    styled: bool = False

    @property
    def sides(self) -> tuple[int, ...]:
        """The resolutions, from 4 on."""
        return tuple(FIRST_SIDE << step for step in range((self.resolution // FIRST_SIDE).bit_length()))

    def maps(self, side: int) -> int:
        """Feature maps at a resolution."""
        return max(1, min(self.channels, self.base // side))


def make_architecture(classes: int, resolution: int, channels: int) -> Architecture:
    """The architecture of a new generator of so many classes: the class shapes every layer, and every doubling beyond 8 pixels halves the feature maps."""
    return Architecture(classes, resolution, channels, label=128, base=8 * channels, styled=True)


class Generator(nn.Module):
    """Pictures of glitches from latents and classes.

    Parameters
    ----------
    architecture : Architecture
    seed : int
        Of the weights.
    """

    def __init__(self, architecture: Architecture, seed: int = 0) -> None:
        super().__init__()
        self.architecture = architecture
        first = architecture.maps(FIRST_SIDE)
        self.label = nn.Embedding(architecture.classes, architecture.label)
        # the paper's gain for this layer: sqrt(2) / 4
        self.dense = EqualLinear(architecture.latent + architecture.label, first * FIRST_SIDE**2, gain=2**0.5 / 4)
        self.start = EqualConv(first, first, 3)
        sides = architecture.sides
        maps = [architecture.maps(side) for side in sides]
        self.blocks = nn.ModuleList(
            nn.ModuleList([EqualConv(before, after, 3), EqualConv(after, after, 3)])
            for before, after in itertools.pairwise(maps)
        )
        self.to_views = nn.ModuleList(EqualConv(count, VIEWS, 1, gain=1.0) for count in maps)
        styled = [maps[0], *(count for count in maps[1:] for _ in range(2))] if architecture.styled else []
        self.styles = nn.ModuleList(Style(architecture.classes, count) for count in styled)
        draw_weights(self, seed)

    def forward(self, latents: torch.Tensor, classes: torch.Tensor, side: int, alpha: float = 1.0) -> torch.Tensor:
        """Make pictures.

        Parameters
        ----------
        latents : tensor of float32, shape (B, latent)
            N(0, 1).
        classes : tensor of int64, shape (B,)
        side : int
            One of the architecture's.
        alpha : float
            How far this resolution is faded in, 0 to 1.

        Returns
        -------
        tensor, shape (B, 3, side, side)
            Levels of the three durations, about -1 to 1.
        """
        joined = torch.cat([pixel_norm(latents), pixel_norm(self.label(classes))], dim=1)
        maps = self.architecture.maps(FIRST_SIDE)
        values = self.dense(joined).view(-1, maps, FIRST_SIDE, FIRST_SIDE)
        values = pixel_norm(activate(values).contiguous(memory_format=torch.channels_last))
        values = before = self._styled(0, pixel_norm(activate(self.start(values))), classes)
        steps = self.architecture.sides.index(side)
        for place, block in enumerate(self.blocks[:steps]):
            before = values
            values = doubled(values)
            for number, layer in enumerate(cast("nn.ModuleList", block), 2 * place + 1):
                values = self._styled(number, pixel_norm(activate(layer(values))), classes)
        if steps == 0:
            return self.to_views[0](values)
        return faded(self.to_views[steps](values), lambda: doubled(self.to_views[steps - 1](before)), alpha)

    def _styled(self, layer: int, values: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.styles[layer](values, classes)) if self.architecture.styled else values


class Critic(nn.Module):
    """Scores of pictures for classes: higher for real ones.

    Parameters
    ----------
    architecture : Architecture
    seed : int
        Of the weights.
    """

    pace = 1.0
    """Its learning rate, as a share of the generator's."""
    grows = True
    """Whether it begins with small pictures."""

    def __init__(self, architecture: Architecture, seed: int = 0) -> None:
        super().__init__()
        self.architecture = architecture
        maps = [architecture.maps(side) for side in architecture.sides]
        first = maps[0]
        self.from_views = nn.ModuleList(EqualConv(VIEWS, count, 1) for count in maps)
        self.blocks = nn.ModuleList(
            nn.ModuleList([EqualConv(after, after, 3), EqualConv(after, before, 3)])
            for before, after in itertools.pairwise(maps)
        )
        self.end = EqualConv(first + 1, first, 3)
        self.dense = EqualLinear(first * FIRST_SIDE**2, first)
        self.score = EqualLinear(first, 1, gain=1.0)
        self.label = nn.Embedding(architecture.classes, first)
        draw_weights(self, seed + 1)

    def forward(self, pictures: torch.Tensor, classes: torch.Tensor, alpha: float = 1.0) -> torch.Tensor:
        """Score pictures.

        Parameters
        ----------
        pictures : tensor, shape (B, 3, side, side)
            The side is one of the architecture's; rows in groups for `embed.generator.layers.deviation_map`.
        classes : tensor of int64, shape (B,)
        alpha : float
            How far this resolution is faded in.

        Returns
        -------
        tensor of float32, shape (B,)
        """
        features = self._features(pictures, alpha)
        with torch.autocast(
            pictures.device.type, enabled=False
        ):  # eight bits of mantissa are too few for a difference of scores
            features = features.float()
            projected = (self.label(classes) * features).sum(dim=1) / features.shape[1] ** 0.5
            return self.score(features)[:, 0] + projected

    def class_scores(self, pictures: torch.Tensor) -> torch.Tensor:
        """Score pictures, (B, 3, side, side), for every class: float32 (B, classes)."""
        features = self._features(pictures, 1.0)
        return cast("torch.Tensor", self.score(features) + features @ self.label.weight.T / features.shape[1] ** 0.5)

    def _features(self, pictures: torch.Tensor, alpha: float) -> torch.Tensor:
        steps = self.architecture.sides.index(pictures.shape[-1])
        values = activate(self.from_views[steps](pictures))
        for place in reversed(range(steps)):
            for layer in cast("nn.ModuleList", self.blocks[place]):
                values = activate(layer(values))
            values = halved(values)
            if place == steps - 1:
                values = faded(values, lambda: activate(self.from_views[steps - 1](halved(pictures))), alpha)
        values = activate(self.end(deviation_map(values)))
        return activate(self.dense(values.flatten(1)))

    def losses(
        self, shown: Shown, alpha: float, precision: Callable[[], AbstractContextManager[Any]]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What it learns from: its loss, the distance in it, and the gradient penalty.

        Parameters
        ----------
        shown : Shown
        alpha : float
        precision : callable
            Gives the context in which scores are computed; the penalty is computed in float32.
        """
        with precision():
            both = torch.cat([shown.real, shown.fake]).contiguous(memory_format=torch.channels_last)
            scores = self(both, torch.cat([shown.classes, shown.classes]), alpha).chunk(2)
        penalty = gradient_penalty(lambda spot: self(spot, shown.classes, alpha), shown.real, shown.fake, shown.places)
        distance = (scores[0].mean() - scores[1].mean()).detach()
        return critic_loss(*scores) + PENALTY * penalty, distance, penalty.detach()

    def generator_loss(self, pictures: torch.Tensor, classes: torch.Tensor, alpha: float) -> torch.Tensor:
        """What the generator learns from: the less, the better its pictures, (B, 3, side, side), score."""
        return -cast("torch.Tensor", self(pictures, classes, alpha)).mean()
