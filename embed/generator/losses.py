"""The losses of a Wasserstein GAN with gradient penalty, and the hinge loss.

Gulrajani et al. 2017, "Improved training of Wasserstein GANs", equation 3, with the drift term of Karras et al. 2018, appendix A.1; Lim
and Ye 2017, "Geometric GAN", equation 15.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import relu

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Shown:
    """What a critic is shown in a step.

    Attributes
    ----------
    real, fake : tensor of float32, shape (B, 3, side, side)
        Real and generated pictures.
    classes : tensor of int64, shape (B,)
        Of both.
    places : tensor of float32, shape (B,)
        See `gradient_penalty`.
    """

    real: torch.Tensor
    fake: torch.Tensor
    classes: torch.Tensor
    places: torch.Tensor


PENALTY = 10.0
"""Weight of the gradient penalty."""
DRIFT = 0.001
"""Weight of the mean square of the real pictures' scores."""


def gradient_penalty(
    critic: Callable[[torch.Tensor], torch.Tensor], real: torch.Tensor, fake: torch.Tensor, places: torch.Tensor
) -> torch.Tensor:
    """Mean of (|gradient of the score| - 1)^2 between real and generated pictures, without its weight.

    Parameters
    ----------
    critic : callable
        Pictures (B, ...) to scores (B,).
    real, fake : tensor, shape (B, ...)
    places : tensor, shape (B,)
        Where between the two, 0 (real) to 1.
    """
    spot = torch.lerp(real, fake, places.view(-1, *[1] * (real.ndim - 1))).detach().requires_grad_(True)  # noqa: FBT003 - torch's own
    (gradient,) = torch.autograd.grad(critic(spot).sum(), spot, create_graph=True)
    return (gradient.float().flatten(1).norm(dim=1) - 1.0).square().mean()


def critic_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """The critic's loss without the gradient penalty, from scores (B,) of real and of generated pictures."""
    return fake.mean() - real.mean() + DRIFT * real.square().mean()


def hinge_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """The critic's loss that stops where scores (B,) are beyond 1 and -1."""
    return relu(1.0 - real).mean() + relu(1.0 + fake).mean()
