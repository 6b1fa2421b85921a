"""One step of the training of a GAN: the critic's, then the generator's, then the mean of the generators so far."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from embed.generator.critics import build_critic
from embed.generator.growth import Growth
from embed.generator.losses import Shown
from embed.generator.networks import Generator
from embed.generator.options import GROUP, OWN
from embed.generator.pictures import Deck, at_side, draw_classes
from embed.training.checkpoint import optimizer_tensors, restore_optimizer
from embed.training.distributed import ALONE, Ranks
from embed.training.randomness import draw_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embed.generator.networks import Architecture
    from embed.generator.pictures import Pictures

BETAS = (0.0, 0.99)
"""Of Adam (Karras et al. 2018, appendix A.1)."""
EPSILON = 1e-8
HALF_LIFE = 10_000
"""Pictures after which a generator counts half in the mean of all; at the start a twentieth of those shown, if that is less
(Karras et al. 2020, "Training GANs with limited data", section 4)."""
RAMP = 0.05
LOSSES = ("critic", "distance", "penalty", "generator")
"""Columns of a step's losses: the critic's, the difference of its scores of real and generated pictures, the gradient penalty (or the
pretrained critic's error in naming the classes of real ones), the generator's."""
_WORD = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Recipe:
    """How the networks are trained.

    Attributes
    ----------
    batch : int
        Pictures a step.
    learning_rate : float
    half : bool
        Convolutions in bfloat16; the gradient penalty stays in float32.
    critic : str
        One of `embed.generator.options.CRITICS`.
    """

    batch: int = 64
    learning_rate: float = 0.001
    half: bool = False
    critic: str = OWN


class Training:
    """Both networks, their optimizers, and the mean generator, on a device.

    Parameters
    ----------
    pictures : Pictures
    architecture : Architecture
    recipe : Recipe
    seed : int
        What a step draws depends on it and on the step's number alone.
    device : torch.device
    ranks : Ranks
        Processes that share each batch.
    """

    def __init__(
        self,
        pictures: Pictures,
        architecture: Architecture,
        recipe: Recipe,
        *,
        seed: int,
        device: torch.device,
        ranks: Ranks = ALONE,
    ) -> None:
        self.architecture, self.recipe, self.seed, self.device, self.ranks = architecture, recipe, seed, device, ranks
        self.deck = Deck(pictures, device)
        self.generator = self._placed(Generator(architecture, seed))
        self.critic = self._placed(build_critic(recipe.critic, architecture, seed, device))
        self.mean = copy.deepcopy(self.generator).requires_grad_(False)  # noqa: FBT003 - torch's own
        self.growth = Growth(architecture.sides if self.critic.grows else architecture.sides[-1:])
        rate = recipe.learning_rate
        self.optimizers = tuple(
            torch.optim.Adam(module.parameters(), lr=own, betas=BETAS, eps=EPSILON, fused=device.type == "cuda")
            for module, own in ((self.generator, rate), (self.critic, rate * self.critic.pace))
        )

    def _placed(self, module: Any) -> Any:  # noqa: ANN401 - a Generator or a Critic
        return module.to(self.device).to(memory_format=torch.channels_last)

    def step(self, number: int, share: float) -> torch.Tensor:
        """Train both networks on one batch.

        Parameters
        ----------
        number : int
            Of the step, from 0.
        share : float
            Of the whole training that is done before it, 0 to 1: it decides the resolution.

        Returns
        -------
        tensor of float32, shape (4,), on the device
            See `LOSSES`; nothing here waits for the device.
        """
        side, alpha = self.growth.at(share)
        real, classes, latents, places = self._batch(number)
        with torch.no_grad():
            real = at_side(real, side, alpha)
        first, second = latents.unbind()
        critic, distance, penalty = self._critic_step(real, classes, first, places, alpha)
        loss = self._generator_step(classes, second, side, alpha)
        self._average(number)
        return self.ranks.summed(torch.stack([critic, distance, penalty, loss]))

    def _batch(self, number: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Real pictures, classes, two sets of latents and places between real and generated: this process's share."""
        count = self.recipe.batch
        generator = step_generator(self.seed, number, self.device)
        classes = draw_classes(count, self.architecture.classes, generator)
        spots = torch.rand((2, count), generator=generator, device=self.device)
        latents = torch.randn((2, count, self.architecture.latent), generator=generator, device=self.device)
        groups = self.ranks.own(count // GROUP)
        own = slice(GROUP * groups.start, GROUP * groups.stop)
        keys = draw_keys(self.seed, number, np.arange(own.start, own.stop), np.zeros(own.stop - own.start, np.int64))
        return self.deck.draw(classes[own], spots[0, own], keys), classes[own], latents[:, own], spots[1, own]

    def _critic_step(
        self, real: torch.Tensor, classes: torch.Tensor, latents: torch.Tensor, places: torch.Tensor, alpha: float
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        with self._precision(), torch.no_grad():
            fake = self.generator(latents, classes, real.shape[-1], alpha).float()
        found = self.critic.losses(Shown(real, fake, classes, places), alpha, self._precision)
        loss, distance, penalty = (value * (len(real) / self.recipe.batch) for value in found)
        self._descend(1, loss)
        return loss.detach(), distance, penalty

    def _generator_step(self, classes: torch.Tensor, latents: torch.Tensor, side: int, alpha: float) -> torch.Tensor:
        self.critic.requires_grad_(False)  # noqa: FBT003 - torch's own
        with self._precision():
            loss = self.critic.generator_loss(self.generator(latents, classes, side, alpha), classes, alpha)
        loss = loss * (len(classes) / self.recipe.batch)
        self._descend(0, loss)
        self.critic.requires_grad_(True)  # noqa: FBT003 - torch's own
        return loss.detach()

    def _descend(self, which: int, loss: torch.Tensor) -> None:
        optimizer = self.optimizers[which]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.ranks.world > 1:
            for group in optimizer.param_groups:
                for weight in group["params"]:
                    if weight.grad is not None:
                        self.ranks.summed(weight.grad)
        optimizer.step()

    @torch.no_grad()
    def _average(self, number: int) -> None:
        batch = self.recipe.batch
        keep = 0.5 ** (batch / max(min(HALF_LIFE, RAMP * (number + 1) * batch), 1.0))
        torch._foreach_lerp_(list(self.mean.parameters()), list(self.generator.parameters()), 1.0 - keep)

    def _precision(self) -> Any:  # noqa: ANN401 - a context manager
        return torch.autocast(self.device.type, torch.bfloat16) if self.recipe.half else nullcontext()

    @torch.no_grad()
    def sample(self, classes: torch.Tensor, seed: int, side: int, alpha: float) -> torch.Tensor:
        """Make pictures, float32 (B, 3, side, side), by the mean generator; classes are int64 (B,) on the device."""
        generator = torch.Generator(self.device).manual_seed(seed)
        latents = torch.randn((len(classes), self.architecture.latent), generator=generator, device=self.device)
        with self._precision():
            return self.mean(latents, classes, side, alpha).float()

    def state(self) -> dict[str, torch.Tensor]:
        """All that a resumed training needs, as named tensors."""
        named = {f"{part}/{name}": value for part, own in self._parts().items() for name, value in own.items()}
        for part, optimizer in zip(("generator", "critic"), self.optimizers, strict=True):
            named |= {f"{part}-adam/{name}": value for name, value in optimizer_tensors(optimizer).items()}
        return named

    def _parts(self) -> dict[str, dict[str, torch.Tensor]]:
        modules = {"generator": self.generator, "critic": self.critic, "mean": self.mean}
        return {part: module.state_dict() for part, module in modules.items()}

    def restore(self, named: Mapping[str, torch.Tensor]) -> None:
        """Take over what `state` gave."""
        parts: dict[str, dict[str, torch.Tensor]] = {}
        for key, value in named.items():
            part, name = key.split("/", 1)
            parts.setdefault(part, {})[name] = value
        for part, module in (("generator", self.generator), ("critic", self.critic), ("mean", self.mean)):
            module.load_state_dict(parts[part])
        for part, optimizer in zip(("generator", "critic"), self.optimizers, strict=True):
            restore_optimizer(optimizer, parts.get(f"{part}-adam", {}))


def step_generator(seed: int, number: int, device: torch.device) -> torch.Generator:
    """The random numbers of one step, by the seed and the step's number alone: a resumed training needs no state of them."""
    mixed = ((seed + 1) * _WORD + (number + 1) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    mixed = ((mixed ^ (mixed >> 31)) * 0x94D049BB133111EB) & (2**64 - 1)
    return torch.Generator(device).manual_seed(mixed ^ (mixed >> 32))
