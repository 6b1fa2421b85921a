"""A trained generator on disk: ``generator.json``, which says what it learned from, ``weights.safetensors`` and ``critic.safetensors`` in half precision."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from embed.errors import InputError, StudyError
from embed.generator.networks import Architecture, Generator
from embed.generator.pictures import levels_of
from embed.generator.place import CARD, CRITIC, WEIGHTS, class_code, read_card
from embed.storage import canonical_json, digest, file_digest, write_bytes
from embed.sums import seal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from embed.types import Pixels

_BATCH = 64
"""Pictures made at once, always: rounding depends on it."""


@dataclass(frozen=True)
class GeneratorModel:
    """A trained generator.

    Attributes
    ----------
    folder : Path
    card : dict
        ``classes``, ``architecture``, ``resolution``, ``trained_on``, recipe, seed, versions.
    generator : Generator
        On its device.
    """

    folder: Path
    card: dict[str, Any]
    generator: Generator

    @property
    def name(self) -> str:
        """Of the folder."""
        return self.folder.name

    @property
    def classes(self) -> tuple[str, ...]:
        """That it can make."""
        return tuple(self.card["classes"])

    @cached_property
    def passport(self) -> str:
        """Hash of the card and the weights: which generator made a glitch."""
        return digest([self.card, file_digest(self.folder / WEIGHTS)])

    def sample(self, label: str, count: int, seed: int) -> Pixels:
        """Make pictures of a class.

        Parameters
        ----------
        label : str
        count, seed : int
            The first n of m pictures are those of n.

        Returns
        -------
        ndarray of uint8, shape (count, 3, R, R)
            Levels at 1, 2 and 4 s.

        Raises
        ------
        InputError
            When the generator does not know the class, or `count` is below 1.
        """
        code = class_code(self.classes, label, self.name)
        if count < 1:
            raise InputError(f"-n {count}: give at least 1")
        latents = draw_latents(self.generator.architecture.latent, count, seed, code)
        return self.decode(latents, torch.full((count,), code))

    @torch.no_grad()
    def decode(self, latents: torch.Tensor, codes: torch.Tensor) -> Pixels:
        """Turn latents, float32 (n, latent), and class numbers, int64 (n,), into levels, uint8 (n, 3, R, R)."""
        side, parts = self.generator.architecture.resolution, []
        device = next(self.generator.parameters()).device
        padding = -len(latents) % _BATCH
        latents = torch.cat([latents, torch.zeros(padding, latents.shape[1])])
        codes = torch.cat([codes, codes.new_zeros(padding)])
        for start in range(0, len(latents), _BATCH):
            some = slice(start, start + _BATCH)
            parts.append(
                torch.from_numpy(levels_of(self.generator(latents[some].to(device), codes[some].to(device), side)))
            )
        return torch.cat(parts)[: len(latents) - padding].numpy()


def draw_latents(length: int, count: int, seed: int, code: int) -> torch.Tensor:
    """Latents of a class's pictures: float32 (count, length), on the CPU."""
    generator = torch.Generator().manual_seed((seed * 1_000_003 + code) & (2**63 - 1))
    return torch.randn((count, length), generator=generator)


def save_generator(
    folder: Path,
    weights: Mapping[str, torch.Tensor],
    card: Mapping[str, Any],
    critic: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Write a generator, and the critic that it learned from where it is given; the card is written last, so that a folder with it is whole.

    Raises
    ------
    StorageError
        When the disk is full or the folder cannot be written.
    """
    for name, state in ((WEIGHTS, weights), (CRITIC, critic)):
        if state is not None:
            half = {key: value.detach().cpu().half().contiguous() for key, value in sorted(state.items())}
            write_bytes(folder / name, save(half))
    seal(folder, CARD, json.dumps(json.loads(canonical_json(card)), indent=2, ensure_ascii=False) + "\n")


def load_generator(folder: Path, device: torch.device | None = None) -> GeneratorModel:
    """Read a generator.

    Raises
    ------
    InputError
        When there is none in the folder.
    StudyError
        When it is damaged.
    """
    card = read_card(folder)
    try:
        generator = Generator(Architecture(**card["architecture"]))
        weights = {name: value.float() for name, value in load_file(folder / WEIGHTS).items()}
        generator.load_state_dict(weights)
    except (SafetensorError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise StudyError(
            f"the weights of the generator {folder} are damaged ({str(error)[:200]}); train it again with --replace"
        ) from error
    generator = generator.to(device or torch.device("cpu")).to(memory_format=torch.channels_last).eval()
    return GeneratorModel(folder, card, generator.requires_grad_(False))  # noqa: FBT003 - torch's own


def architecture_facts(architecture: Architecture) -> dict[str, int]:
    """The architecture as JSON."""
    return asdict(architecture)
