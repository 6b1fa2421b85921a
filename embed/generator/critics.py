"""The critic of a generator, by its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.generator.networks import Critic
from embed.generator.options import PRETRAINED
from embed.generator.pretrained import make_critic

if TYPE_CHECKING:
    import torch

    from embed.generator.networks import Architecture
    from embed.generator.pretrained import PretrainedCritic


def build_critic(kind: str, architecture: Architecture, seed: int, device: torch.device) -> Critic | PretrainedCritic:
    """Build a critic of a kind, `embed.generator.options.CRITICS`, on a device; its weights follow from the seed.

    Raises
    ------
    WeightsError
        When the frozen network's weights are not on this machine.
    """
    critic = make_critic(architecture, seed, device) if kind == PRETRAINED else Critic(architecture, seed)
    return critic.to(device)
