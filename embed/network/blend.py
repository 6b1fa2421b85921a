"""A network whose vector blends its last stages: what it was trained to tell apart, and what it saw before it decided.

A network that was trained on known classes pulls each of them together, and with them what it never saw: a new class lies inside a
known one. The stages before the last keep more of what a picture shows (Yosinski et al. 2014, "How transferable are features in
deep neural networks?"). So the pooled last two stages stand beside the final features, and all principal axes are brought nearer to one
length: a direction in which few glitches differ counts, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import normalize

if TYPE_CHECKING:
    from embed.types import Floats

BLEND = "blend."
"""How the names of its own weights begin."""
STAGES = 2
"""Stages, from the last, that are pooled beside the final features."""
EVENNESS = 0.5
"""Power of an axis' deviation by which it is divided: 0 leaves the axes, 1 makes all alike."""
LEAST_DEVIATION = 1e-3
"""Of an axis, as a share of the largest: what hardly varies among known glitches is noise."""


class Blended(nn.Module):
    """One of timm's EfficientNets with a linear layer over its final features and its last stages.

    Parameters
    ----------
    network : nn.Module
        Truncated, as `embed.network.network.truncated` makes it; its layers keep their names.
    """

    def __init__(self, network: Any) -> None:  # noqa: ANN401 - timm's networks have no common type
        super().__init__()
        for name, layer in network.named_children():
            self.add_module(name, layer)
        final = int(network.num_features)
        norms = [[layer for layer in stage.modules() if isinstance(layer, nn.BatchNorm2d)] for stage in network.blocks]
        self.blend = nn.Linear(final + sum(found[-1].num_features for found in norms[-STAGES:]), final)

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """What is blended, float32 (B, F): the final features at unit length, and each stage's mean over the picture."""
        own: Any = self
        values = own.bn1(own.conv_stem(pictures))
        pooled = []
        for stage in own.blocks:
            values = stage(values)
            pooled.append(values.mean((2, 3)))
        final = own.global_pool(own.bn2(own.conv_head(values)))
        return torch.cat([normalize(final.float()), *(stage.float() for stage in pooled[-STAGES:])], dim=1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures (B, 3, size, size) to vectors (B, dimension)."""
        blended: torch.Tensor = self.blend(self.features(pictures).to(self.blend.weight.dtype))
        return blended


def fit_blend(features: Floats, final: int, length: float = 1.0) -> tuple[Floats, Floats]:
    """Measure the linear layer on the features of known glitches.

    The stages are standardised, and together as long as the final features; then the principal axes of all are divided by their
    deviation to the power `EVENNESS`, the shortest left out.

    Parameters
    ----------
    features : ndarray of float32, shape (N, F)
        See `Blended.features`.
    final : int
        How many of the F, the first, are final features; as many numbers a blended vector has.
    length : float
        Mean length of the blended vectors.

    Returns
    -------
    weight : ndarray of float32, shape (final, F)
    bias : ndarray of float32, shape (final,)
    """
    values = np.asarray(features, np.float64)
    mean, deviation = values.mean(axis=0), np.maximum(values.std(axis=0), np.finfo(np.float32).eps)
    scale = np.where(np.arange(values.shape[1]) < final, 1.0, 1.0 / (deviation * np.sqrt(values.shape[1] - final)))
    centred = (values - mean) * scale
    variance, axes = np.linalg.eigh(centred.T @ centred / len(values))
    size = np.sqrt(np.maximum(variance[::-1][:final], 0.0))
    size = np.maximum(size, LEAST_DEVIATION * size[0])
    weight = (axes[:, ::-1][:, :final] / size**EVENNESS).T * scale
    mean_length = np.linalg.norm((values - mean) @ weight.T, axis=1).mean()
    weight *= length / mean_length
    return weight.astype(np.float32), (-weight @ mean).astype(np.float32)
