"""A critic that sees pictures through a frozen network: few steps and few examples teach it.

Sauer, Chitta, Müller and Geiger 2021, "Projected GANs converge faster": small critics on several stages of EfficientNet-Lite0, each after
a fixed random mixing of its feature maps, with the hinge loss. One more layer names the class of real pictures, and the generator is
asked for pictures whose class it names (Odena, Olah and Shlens 2017, "Conditional image synthesis with auxiliary classifier GANs"), and
that differ within a class as real ones do: else few glitches teach it one picture a class (Mao et al. 2019, "Mode seeking generative
adversarial networks", has the like without a measure).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from torch.nn import functional as fn
from torch.nn.utils.parametrizations import spectral_norm

from embed.generator.layers import activate, deviation_map
from embed.generator.losses import hinge_loss
from embed.generator.options import GROUP
from embed.network.backbones import DEFAULT_BACKBONE
from embed.network.network import load_network

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from embed.generator.losses import Shown
    from embed.generator.networks import Architecture

WEIGHTS = "bundled"
"""Of the frozen network: see `embed.network.network.load_network`."""
NAMING = 2.0
"""Weight of the generator's loss by the named classes."""
SPREAD = 1.0
"""Weight of the generator's loss by what its pictures of a class lack in differences."""
LEAST_SIDE = 64
"""Smaller pictures are enlarged to it: the frozen network's last stage is a thirty-second of the side."""
_STAGES = (1, 2, 4, 6)
"""Blocks of EfficientNet-Lite0 after which a critic looks: a quarter, an eighth, a sixteenth and a thirty-second of the side."""
_MAPS = (24, 40, 112, 320)
_STRIDES = (4, 8, 16, 32)
_TYPICAL = (9.0, 7.4, 5.9, 2.9)
"""Standard deviations of the maps of glitches there."""
_WIDTH = 64
_PLACES = 4
_TINY = 1e-6


class Sight:
    """What a frozen EfficientNet-Lite0 sees at several stages; it is no part of what is trained or kept.

    Parameters
    ----------
    device : torch.device
    """

    def __init__(self, device: torch.device) -> None:
        module = load_network(DEFAULT_BACKBONE, WEIGHTS).module.requires_grad_(False)  # noqa: FBT003 - torch's own
        self._module: Any = module.to(device).to(memory_format=torch.channels_last).eval()

    def __call__(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Pictures (B, 3, side, side), -1 to 1, to the maps of each stage."""
        if pictures.shape[-1] < LEAST_SIDE:
            pictures = fn.interpolate(pictures, LEAST_SIDE, mode="nearest")
        seen: list[torch.Tensor] = []
        values = self._module.bn1(self._module.conv_stem(pictures.contiguous(memory_format=torch.channels_last)))
        for number, block in enumerate(self._module.blocks):
            values = block(values)
            if number in _STAGES:
                seen.append(values / _TYPICAL[len(seen)])
        return seen


class _Stage(nn.Module):
    """The critic of one stage: a fixed mixing, down to four by four places, what a group has in common, a score and its part for the class."""

    def __init__(self, maps: int, side: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("mixing", torch.randn(_WIDTH, maps, 1, 1) / maps**0.5)
        steps = max(0, (side // 4).bit_length() - 1)
        self.down = nn.ModuleList(spectral_norm(nn.Conv2d(_WIDTH, _WIDTH, 4, 2, 1)) for _ in range(steps))
        self.end = spectral_norm(nn.Conv2d(_WIDTH + 1, _WIDTH, 3, padding=1))
        self.score = spectral_norm(nn.Conv2d(_WIDTH, 1, 1))
        self.places = min(_PLACES, side)
        self.label = nn.Embedding(classes, _WIDTH * self.places**2)
        nn.init.normal_(self.label.weight, std=0.1 / self.places)

    def forward(self, values: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """(B, maps, H, W) and classes (B,) to scores (B,)."""
        values = fn.conv2d(values, cast("torch.Tensor", self.mixing))
        for layer in self.down:
            values = activate(layer(values))
        values = activate(self.end(deviation_map(values)))
        projected = (_placed(values, self.places) * self.label(classes)).sum(dim=1)
        return cast("torch.Tensor", self.score(values)).float().mean(dim=(1, 2, 3)) + projected


class PretrainedCritic(nn.Module):
    """Scores of pictures for classes by what a frozen network sees, and the classes that it names.

    Parameters
    ----------
    architecture : Architecture
    device : torch.device
        Of the frozen network.
    """

    pace = 0.25
    """Its learning rate, as a share of the generator's."""
    grows = False
    """Whether it begins with small pictures."""

    def __init__(self, architecture: Architecture, device: torch.device) -> None:
        super().__init__()
        self.architecture = architecture
        side = max(LEAST_SIDE, architecture.resolution)
        self.stages = nn.ModuleList(
            _Stage(maps, side // stride, architecture.classes) for maps, stride in zip(_MAPS, _STRIDES, strict=True)
        )
        self._places = [min(_PLACES, side // stride) for stride in _STRIDES[2:]]
        named = sum(maps * places**2 for maps, places in zip(_MAPS[2:], self._places, strict=True))
        self.naming = nn.Linear(named, architecture.classes)
        self._sight = Sight(device)
        self._spread: torch.Tensor | None = None

    def forward(self, pictures: torch.Tensor, classes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Score pictures.

        Parameters
        ----------
        pictures : tensor, shape (B, 3, side, side)
            Rows in groups for `embed.generator.layers.deviation_map`.
        classes : tensor of int64, shape (B,)

        Returns
        -------
        tensor of float32, shape (4, B)
            The score of each stage's critic.
        tensor of float32, shape (B, classes)
            Logits of the classes.
        tensor of float32, shape (4, B / GROUP)
            How much the pictures of each group differ, at each stage: the root of the mean variance of its maps.
        """
        seen = self._sight(pictures)
        scores = torch.stack([stage(values, classes) for stage, values in zip(self.stages, seen, strict=True)])
        return scores, self._named(seen), torch.stack([_spread(values) for values in seen])

    def class_scores(self, pictures: torch.Tensor) -> torch.Tensor:
        """Score pictures, (B, 3, side, side), for every class by the layer that names them: float32 (B, classes), logits."""
        return self._named(self._sight(pictures))

    def _named(self, seen: list[torch.Tensor]) -> torch.Tensor:
        placed = torch.cat(
            [_placed(values, count) for values, count in zip(seen[2:], self._places, strict=True)], dim=1
        )
        return cast("torch.Tensor", self.naming(fn.layer_norm(placed, placed.shape[1:]))).float()

    def losses(
        self, shown: Shown, alpha: float, precision: Callable[[], AbstractContextManager[Any]]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What it learns from: its loss, the difference of the scores of real and generated pictures, and the error in naming real ones.

        Parameters as `embed.generator.networks.Critic.losses` has them; there is no gradient penalty and nothing is faded in, so that
        `alpha` changes nothing.
        """
        del alpha
        with precision():
            scores, named, spread = self(torch.cat([shown.real, shown.fake]), torch.cat([shown.classes, shown.classes]))
        self._spread = spread.chunk(2, dim=1)[0].detach()
        one, other = scores.chunk(2, dim=1)
        error = fn.cross_entropy(named[: len(shown.real)], shown.classes)
        loss = torch.stack([hinge_loss(*pair) for pair in zip(one, other, strict=True)]).sum() + error
        return loss, (one.mean() - other.mean()).detach(), error.detach()

    def generator_loss(self, pictures: torch.Tensor, classes: torch.Tensor, alpha: float) -> torch.Tensor:
        """What the generator learns from: the less, the better its pictures, (B, 3, side, side), score, are named, and differ.

        The real pictures that they are to differ like are those of the last `losses`, of the same classes.
        """
        del alpha
        if self._spread is None:
            raise ValueError("the critic must have seen real pictures of these classes first")
        scores, named, spread = self(pictures, classes)
        lack = fn.relu(1.0 - spread / self._spread.clamp(min=_TINY)).mean(dim=1).sum()
        return -scores.mean(dim=1).sum() + NAMING * fn.cross_entropy(named, classes) + SPREAD * lack


def _placed(values: torch.Tensor, places: int) -> torch.Tensor:
    """Means of the maps (B, C, H, W) over places x places parts: float32 (B, C * places**2). Where a glitch is in frequency tells its class."""
    return fn.adaptive_avg_pool2d(values.float(), places).flatten(1)


def _spread(values: torch.Tensor) -> torch.Tensor:
    """How much the rows of each group of maps (B, C, H, W) differ: float32 (B / GROUP,)."""
    groups = values.float().reshape(-1, GROUP, values[0].numel())
    return (groups.var(dim=1, unbiased=False).mean(dim=1) + _TINY).sqrt()


def make_critic(architecture: Architecture, seed: int, device: torch.device) -> PretrainedCritic:
    """Build the critic; its weights follow from the seed, and torch's own random numbers are as they were before.

    Raises
    ------
    WeightsError
        When the frozen network's weights are not on this machine.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        return PretrainedCritic(architecture, device)
