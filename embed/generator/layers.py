"""Layers of a progressive GAN (Karras, Aila, Laine and Lehtinen 2018, "Progressive growing of GANs", sections 3 and 4)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as fn

from embed.generator.options import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable

GAIN = math.sqrt(2.0)
"""He's initialiser before a leaky ReLU."""
SLOPE = 0.2
"""Of the leaky ReLU."""


class EqualConv(nn.Module):
    """A convolution whose learning rate is equalised: weights are N(0, 1) and scaled by gain / sqrt(fan-in) whenever used (section 4.1).

    Parameters
    ----------
    inputs, outputs, size : int
        Feature maps, and the side of the kernel; the picture's size is kept.
    gain : float
    """

    def __init__(self, inputs: int, outputs: int, size: int, *, gain: float = GAIN) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / math.sqrt(inputs * size**2)
        self.padding = size // 2

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        return fn.conv2d(values, self.weight * self.scale, self.bias, padding=self.padding)


class EqualLinear(nn.Module):
    """A dense layer whose learning rate is equalised, as in `EqualConv`."""

    def __init__(self, inputs: int, outputs: int, *, gain: float = GAIN) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / math.sqrt(inputs)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(B, inputs) to (B, outputs)."""
        return fn.linear(values, self.weight * self.scale, self.bias)


class Style(nn.Module):
    """Scales and shifts feature maps by the class; nothing changes before it has learned.

    Parameters
    ----------
    classes, maps : int
    """

    def __init__(self, classes: int, maps: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(classes, maps))
        self.shift = nn.Parameter(torch.zeros(classes, maps))

    def forward(self, values: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """(B, maps, H, W) and classes, int64 (B,), to (B, maps, H, W)."""
        scale, shift = (part[classes][:, :, None, None] for part in (self.scale, self.shift))
        return values * (1.0 + scale) + shift


def pixel_norm(values: torch.Tensor) -> torch.Tensor:
    """Scale each pixel's vector of features to a mean square of one (section 4.2); shape (B, C, ...) is kept."""
    return values * torch.rsqrt(values.square().mean(dim=1, keepdim=True) + 1e-8)


def activate(values: torch.Tensor) -> torch.Tensor:
    """Leaky ReLU."""
    return fn.leaky_relu(values, SLOPE)


def deviation_map(values: torch.Tensor) -> torch.Tensor:
    """Append the minibatch standard deviation as one more feature map (section 3).

    Parameters
    ----------
    values : tensor, shape (B, C, H, W)
        B is a multiple of `GROUP`, or below it; each `GROUP` rows in order are compared with each other.

    Returns
    -------
    tensor, shape (B, C + 1, H, W)
        In the last map: the standard deviation over the group of every feature at every place, averaged over both.
    """
    count, maps, height, width = values.shape
    group = min(GROUP, count)
    grouped = values.float().view(count // group, group, maps, height, width)
    spread = (grouped.var(dim=1, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    whole = spread.to(values.dtype).repeat_interleave(group).view(count, 1, 1, 1).expand(-1, 1, height, width)
    return torch.cat([values, whole], dim=1)


def doubled(values: torch.Tensor) -> torch.Tensor:
    """Twice the side, by the nearest pixel."""
    return fn.interpolate(values, scale_factor=2, mode="nearest")


def halved(values: torch.Tensor) -> torch.Tensor:
    """Half the side, by the mean of four pixels."""
    return fn.avg_pool2d(values, 2)


def faded(new: torch.Tensor, old: Callable[[], torch.Tensor], alpha: float) -> torch.Tensor:
    """Blend in what a new resolution adds: ``alpha`` of it, the rest of the old one (figure 2); at 1 the old one is not computed."""
    return new if alpha >= 1 else torch.lerp(old().to(new.dtype), new, alpha)


def draw_weights(module: nn.Module, seed: int) -> None:
    """Draw the weights of a network, N(0, 1), in the order of their names; biases stay 0. The same on every device."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(module.named_parameters()):
            if name.endswith("weight"):
                weight.copy_(torch.randn(weight.shape, generator=generator))
