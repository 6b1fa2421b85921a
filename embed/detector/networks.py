"""The networks: Gabbard et al. 2018, one with two-row kernels, and a residual network."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import conv2d

from embed.detector.options import NETWORKS
from embed.errors import InputError
from embed.training.classifier import GlitchDropout

if TYPE_CHECKING:
    from collections.abc import Sequence

LINEAR_TO = 8.0
"""Whitened strain up to about this many standard deviations is left as it is; beyond, only its logarithm grows."""
HIDDEN = 64
"""Numbers that the final layer reads."""
_STREAM = 200


class StrainNetwork(nn.Module):
    """A network that classifies whitened segments.

    Parameters
    ----------
    trunk : nn.Module
        float32 (B, D, samples) -> float32 (B, d).
    dimension, classes : int
        d and K.
    """

    def __init__(self, trunk: nn.Module, dimension: int, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(dimension, classes)

    def features(self, strain: torch.Tensor) -> torch.Tensor:
        """What the final layer reads, (B, d), of strain (B, D, samples).

        Loud glitches reach thousands of standard deviations: LINEAR_TO asinh(x / LINEAR_TO) keeps them from drowning all else.
        """
        return self.trunk(LINEAR_TO * torch.asinh(strain / LINEAR_TO))

    def forward(self, strain: torch.Tensor, keys: torch.Tensor | None = None) -> torch.Tensor:
        """Logits (B, K); `keys` (B,) of the dropout, in training."""
        for layer in self.modules():
            if isinstance(layer, GlitchDropout):
                layer.keys = keys
        return self.head(self.features(strain))


def make_network(
    name: str, detectors: int, samples: int, *, classes: int, dropout: float = 0.0, seed: int = 0
) -> StrainNetwork:
    """Build a network with fresh weights.

    Parameters
    ----------
    name : str
        ``gabbard``: six convolutions and two dense layers of 64 with ELU, as Gabbard et al. 2018 (arXiv:1712.06041, table I), whose
        detectors are channels. ``tworow``: kernels of (1, 32) on the detectors as rows, batch normalisation, max pooling, then one
        kernel over the rows and a head of 64. ``resnet``: eight residual blocks with group normalisation (He et al. 2016; Aframe,
        arXiv:2403.18661).
    detectors, samples : int
        Of a segment.
    classes : int
    dropout : float
        After hidden dense layers.
    seed : int
        Of the weights.
    """
    if name not in NETWORKS:
        raise InputError(f"no network {name!r} on strain; there are {', '.join(NETWORKS)}")
    build = {"gabbard": _gabbard, "tworow": _two_row, "resnet": _resnet}[name]
    trunk, dimension = build(detectors, samples, dropout)
    network = StrainNetwork(trunk, dimension, classes)
    _initialise(network, seed)
    return network


class _Convolution(nn.Conv1d):
    """A convolution in time, computed as one over pictures of one row with channels last: twice as fast on CPUs.

    (B, C, samples), or what another one made: (B, C, 1, samples).
    """

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        rows = values if values.ndim == 4 else values[:, :, None]
        rows = rows.contiguous(memory_format=torch.channels_last)
        return conv2d(rows, self.weight[:, :, None], self.bias, padding=(0, int(self.padding[0])))


def _gabbard(detectors: int, samples: int, dropout: float) -> tuple[nn.Module, int]:
    layers: list[nn.Module] = []
    before = detectors
    for channels, width, pool in ((8, 64, 1), (8, 32, 8), (16, 32, 1), (16, 16, 6), (32, 16, 1), (32, 16, 4)):
        layers += [_Convolution(before, channels, width, padding=width // 2), nn.ELU()]
        samples += 1
        if pool > 1:
            layers.append(nn.MaxPool2d((1, pool)))
            samples //= pool
        before = channels
    return nn.Sequential(*layers, nn.Flatten(), *_dense((before * samples, HIDDEN, HIDDEN), dropout)), HIDDEN


class _Rows(nn.Module):
    """Detectors as rows: (B, D, samples) -> (B, 1, D, samples)."""

    def forward(self, strain: torch.Tensor) -> torch.Tensor:
        return strain[:, None]


def _two_row(detectors: int, samples: int, dropout: float) -> tuple[nn.Module, int]:
    layers: list[nn.Module] = [_Rows()]
    before = 1
    for channels, pool in ((16, 4), (32, 4), (64, 4)):
        layers += [nn.Conv2d(before, channels, (1, 32), padding=(0, 16), bias=False), nn.BatchNorm2d(channels)]
        layers += [nn.ReLU(), nn.MaxPool2d((1, pool))]
        samples = (samples + 1) // pool
        before = channels
    layers += [nn.Conv2d(before, HIDDEN, (detectors, 1), bias=False), nn.BatchNorm2d(HIDDEN), nn.ReLU()]
    layers += [nn.MaxPool2d((1, 4)), nn.Flatten()]
    return nn.Sequential(*layers, *_dense((HIDDEN * (samples // 4), HIDDEN), dropout)), HIDDEN


def _dense(sizes: Sequence[int], dropout: float) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for place, (before, after) in enumerate(pairwise(sizes)):
        layers += [nn.Linear(before, after), nn.ELU(), GlitchDropout(dropout, _STREAM + place)]
    return layers


class _Block(nn.Module):
    """Two convolutions and the way past them."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv1d(before, after, 7, stride, padding=3, bias=False), nn.GroupNorm(8, after), nn.ReLU(),
            nn.Conv1d(after, after, 7, padding=3, bias=False), nn.GroupNorm(8, after),
        )  # fmt: skip
        self.past = nn.Identity() if stride == 1 and before == after else nn.Conv1d(before, after, 1, stride)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.inner(values) + self.past(values))


class _Pooled(nn.Module):
    """Mean and greatest value over the time: (B, C, T) -> (B, 2 C)."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return torch.cat([values.mean(-1), values.amax(-1)], 1)


def _resnet(detectors: int, samples: int, dropout: float) -> tuple[nn.Module, int]:  # noqa: ARG001 - any length fits
    layers: list[nn.Module] = [nn.Conv1d(detectors, 32, 31, 2, padding=15, bias=False), nn.GroupNorm(8, 32), nn.ReLU()]
    before = 32
    for channels, stride in ((32, 2), (32, 1), (48, 2), (48, 1), (64, 2), (64, 1), (96, 2), (96, 1)):
        layers.append(_Block(before, channels, stride))
        before = channels
    return nn.Sequential(*layers, _Pooled(), *_dense((2 * before, HIDDEN), dropout)), HIDDEN


@torch.no_grad()
def _initialise(network: nn.Module, seed: int) -> None:
    """He's normal weights, by a generator of its own; biases 0."""
    generator = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, generator=generator)
            if layer.bias is not None:
                layer.bias.zero_()
