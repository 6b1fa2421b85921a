"""Whether a device computes a network in bfloat16 as it should: some CPUs' libraries do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from embed.errors import TrainingError

if TYPE_CHECKING:
    from embed.detector.networks import StrainNetwork

MOST_ERROR = 0.2
"""Of features and gradients in bfloat16, relative to float32's; rounding alone gives a few per cent."""
_SEGMENTS = 8


def check_bfloat16(network: StrainNetwork, detectors: int, samples: int) -> None:
    """Refuse bfloat16 where it gives other features of white noise, or other gradients, than float32.

    oneDNN's convolutions on CPUs with AMX are wrong for some kernels of even length.

    Parameters
    ----------
    network : StrainNetwork
        On its device.
    detectors, samples : int
        Of its segments.

    Raises
    ------
    TrainingError
        The message says what to do.
    """
    strain = torch.randn((_SEGMENTS, detectors, samples), generator=torch.Generator().manual_seed(0))
    strain = strain.to(network.head.weight.device)
    training = network.training
    network.eval()
    errors = [
        float((rounded - exact).norm() / exact.norm())
        for exact, rounded in zip(
            _computed(network, strain, half=False), _computed(network, strain, half=True), strict=True
        )
    ]
    network.train(training)
    if not max(errors) < MOST_ERROR:
        raise TrainingError(
            f"bfloat16 is computed wrongly here: features and gradients differ from float32's by {errors[0]:.0%} and {errors[1]:.0%}; use --precision float32, or on a CPU set ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 in the environment"
        )


def _computed(network: StrainNetwork, strain: torch.Tensor, *, half: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of strain, and the gradient of their squares' mean with respect to all weights, as one row."""
    with torch.autocast(strain.device.type, torch.bfloat16, enabled=half):
        features = network.features(strain)
    weights = list(network.trunk.parameters())
    gradients = torch.autograd.grad(features.float().square().mean(), weights)
    return features.detach().float(), torch.cat([gradient.float().flatten() for gradient in gradients])
