"""The networks in whose vectors generated and real glitches are compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torchvision

from embed.errors import WeightsError
from embed.generator.examples import VIEWS
from embed.generator.options import FEATURES
from embed.generator.source import resized
from embed.network.backbones import DEFAULT_BACKBONE
from embed.network.network import load_network
from embed.network.runtime import make_runtime
from embed.views.encoding import network_input

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from embed.types import Floats, Pixels

_BATCH = 64
_INCEPTION = 299


def make_features(name: str, device: torch.device) -> Callable[[Pixels], Floats]:
    """Load a network, nothing is downloaded.

    Parameters
    ----------
    name : str
        ``glitch``: our backbone; ``bundled``: the same network with ImageNet's weights, the stand-in for Inception; ``inception``:
        torchvision's Inception v3, if its weights are on this machine.
    device : torch.device

    Returns
    -------
    callable
        Levels at 1, 2 and 4 s, uint8 (N, 3, R, R), to vectors, float64 (N, D).

    Raises
    ------
    WeightsError
        When the weights are not here.
    """
    mean: tuple[float, ...]
    std: tuple[float, ...]
    run: Callable[[torch.Tensor], NDArray[np.float32]]
    if name == "inception":
        run, size = _inception(device), _INCEPTION
        mean = std = (0.5, 0.5, 0.5)
    elif name in FEATURES:
        network = load_network(DEFAULT_BACKBONE, name)
        size, mean, std = network.backbone.size, network.backbone.mean, network.backbone.std
        run = make_runtime(network, device)
    else:
        raise WeightsError(f"no features {name!r}; give {', '.join(FEATURES)}")

    def features(levels: Pixels) -> Floats:
        parts = []
        for start in range(0, len(levels), _BATCH):
            views = resized(levels[start : start + _BATCH], size)
            pictures = network_input(views, VIEWS, size, mean=mean, std=std, device=device)
            parts.append(run(pictures))
        return np.concatenate(parts).astype(np.float64)

    return features


def _inception(device: torch.device) -> Callable[[torch.Tensor], NDArray[np.float32]]:
    weights = torchvision.models.Inception_V3_Weights.IMAGENET1K_V1
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
    if not path.is_file():
        raise WeightsError(
            f"the weights of Inception v3 are not on this machine: put {weights.url} at {path}, or give --features bundled"
        )
    module = torchvision.models.inception_v3(weights=weights)
    module.fc = torch.nn.Identity()
    module = module.to(device).eval()

    def run(pictures: torch.Tensor) -> NDArray[np.float32]:
        with torch.inference_mode():
            return np.asarray(module(pictures).cpu())

    return run
