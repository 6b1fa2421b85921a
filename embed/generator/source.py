"""Where generated glitches come from: a generator of the study, or the simulator, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PIL import Image

from embed.errors import InputError
from embed.generator.model import load_generator
from embed.generator.options import DURATIONS, SIMULATOR
from embed.generator.place import class_code, generator_folder
from embed.simulator.families.catalogue import CLASSES
from embed.simulator.population import Population
from embed.simulator.simulation import simulate_batch
from embed.storage import digest

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from embed.types import Pixels


class Source(Protocol):
    """What makes glitches of a class."""

    @property
    def name(self) -> str:
        """As ``--model`` names it."""

    @property
    def classes(self) -> tuple[str, ...]:
        """That it can make."""

    @property
    def card(self) -> dict[str, Any]:
        """What it is."""

    @property
    def passport(self) -> str:
        """Hash of all that decides what it makes."""

    def sample(self, label: str, count: int, seed: int) -> Pixels:
        """Make ``count`` glitches of a class: levels at 1, 2 and 4 s, uint8 (count, 3, H, W)."""


class SimulatorSource:
    """The simulator, conditioned on the class.

    Parameters
    ----------
    device : torch.device, optional
        Where the Q-transform runs.
    """

    name = SIMULATOR
    classes = tuple(CLASSES)

    def __init__(self, device: torch.device | None = None) -> None:
        self._device = device

    @property
    def card(self) -> dict[str, Any]:
        """What it is."""
        return {
            "method": SIMULATOR,
            "classes": list(self.classes),
            "trained_on": "no glitch: waveform models in design noise",
        }

    @property
    def passport(self) -> str:
        """Hash of the card."""
        return digest(self.card)

    def sample(self, label: str, count: int, seed: int) -> Pixels:
        """Simulate glitches of a class.

        Parameters
        ----------
        label : str
        count, seed : int

        Returns
        -------
        ndarray of uint8, shape (count, 3, H, W)
            Levels at 1, 2 and 4 s.

        Raises
        ------
        InputError
            When there is no family of this name, or `count` is below 1.
        """
        code = class_code(self.classes, label, self.name)
        if count < 1:
            raise InputError(f"-n {count}: give at least 1")
        population = Population(count, seed * len(self.classes) + code, classes=(label,))
        return simulate_batch(population, durations=DURATIONS, device=self._device).levels


def open_source(study_folder: Path, name: str, device: torch.device | None = None) -> Source:
    """Load a generator of a study by its name, or the simulator.

    Raises
    ------
    InputError, StudyError
        See `embed.generator.model.load_generator`.
    """
    if name == SIMULATOR:
        return SimulatorSource(device)
    return load_generator(generator_folder(study_folder, name), device)


def resized(levels: Pixels, side: int) -> Pixels:
    """Views (N, V, H, W) at another side, uint8 (N, V, side, side), scaled as `embed.views.decoding` scales them."""
    if levels.shape[2:] == (side, side):
        return levels
    flat = levels.reshape(-1, *levels.shape[2:])
    scaled = [np.asarray(Image.fromarray(view).resize((side, side), Image.Resampling.BILINEAR)) for view in flat]
    return np.array(scaled, np.uint8).reshape(*levels.shape[:2], side, side)
