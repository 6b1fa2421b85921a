"""The pictures that a generator learns from, and batches of them drawn evenly over the classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as fn

from embed.errors import InputError
from embed.generator.layers import doubled, faded, halved
from embed.generator.options import DURATIONS, GROUP, check_enough
from embed.storage import digest
from embed.training.augmentation import augment
from embed.training.variation import NONE, Augmentation

if TYPE_CHECKING:
    from embed.types import Codes, Pixels


ENOUGH = 100
"""Pictures of a class from which it is shown as it is: of fewer the critic would learn each by heart (Karras et al. 2020, "Training
generative adversarial networks with limited data"), and moved and dimmed copies are shown."""
SHIFT = 1 / 32
"""Share of the side by which such a copy is moved, at most, besides `VARIED`."""
VARIED = Augmentation(zoom=0.04, time_offset=0.02, crop=0.02, loudness=2.0)


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures.

    Attributes
    ----------
    levels : ndarray of uint8, shape (N, 3, R, R)
        Views of 1, 2 and 4 s of N glitches.
    codes : ndarray of int64, shape (N,)
        Class of each.
    classes : tuple of K str

    Raises
    ------
    InputError
        When the shapes do not fit, or a class has fewer than two pictures.
    """

    levels: Pixels
    codes: Codes
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        shape = self.levels.shape
        if self.levels.dtype != np.uint8 or len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3]:
            raise InputError(f"pictures are {self.levels.dtype} of shape {shape}: give uint8 (N, 3, R, R)")
        counts = np.bincount(self.codes, minlength=len(self.classes))
        check_enough(dict(zip(self.classes, counts.tolist(), strict=True)))

    @property
    def digest(self) -> str:
        """Hash of the classes and all levels."""
        import hashlib  # noqa: PLC0415

        sha = hashlib.sha256(np.ascontiguousarray(self.levels).tobytes()).hexdigest()
        return digest([list(self.classes), self.codes.tolist(), sha])


class Deck:
    """Pictures on a device, from which batches are drawn.

    Parameters
    ----------
    pictures : Pictures
    device : torch.device
    """

    def __init__(self, pictures: Pictures, device: torch.device) -> None:
        self._few = torch.from_numpy(np.bincount(pictures.codes, minlength=len(pictures.classes)) < ENOUGH).to(device)
        self._varied = replace(VARIED, shift=SHIFT * pictures.levels.shape[-1]) if bool(self._few.any()) else NONE
        order = np.argsort(pictures.codes, kind="stable")
        counts = np.bincount(pictures.codes, minlength=len(pictures.classes))
        self._levels = torch.from_numpy(np.ascontiguousarray(pictures.levels[order])).to(device)
        self._counts = torch.from_numpy(counts).to(device)
        self._starts = torch.from_numpy(np.cumsum(counts) - counts).to(device)

    def draw(self, classes: torch.Tensor, places: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        """Draw a picture for each class; of a class with fewer than `ENOUGH` pictures it is a moved and dimmed copy.

        Parameters
        ----------
        classes : tensor of int64, shape (B,)
        places : tensor of float32, shape (B,)
            Which of the class's pictures, as a share of them in [0, 1).
        keys : tensor of int64, shape (B,), on the CPU
            Of the random numbers of the copies; see `embed.training.randomness.draw_keys`.

        Returns
        -------
        tensor of float32, shape (B, 3, R, R)
            -1 to 1, in channels-last memory.
        """
        counts = self._counts[classes]
        rows = self._starts[classes] + torch.minimum((places * counts).long(), counts - 1)
        levels = self._levels[rows]
        if self._varied != NONE:
            copies = augment(levels, DURATIONS, self._varied, keys)
            levels = torch.where(self._few[classes][:, None, None, None], copies, levels.float())
        return scaled(levels)


def scaled(levels: torch.Tensor) -> torch.Tensor:
    """Levels, uint8 (B, 3, R, R), as the networks see them: float32, -1 to 1, in channels-last memory.

    A level is an energy; its square root is taken, an amplitude: weak glitches, whose energies are a twentieth of the scale, then fill
    a fifth of it.
    """
    return ((levels.float() / 255.0).sqrt() * 2.0 - 1.0).contiguous(memory_format=torch.channels_last)


def levels_of(pictures: torch.Tensor) -> Pixels:
    """The reverse of `scaled`: uint8 (B, 3, R, R) from values that may leave -1 to 1."""
    amplitude = ((pictures.float() + 1.0) / 2.0).clamp(0.0, 1.0)
    return (amplitude.square() * 255.0).round().to(torch.uint8).cpu().numpy()


def at_side(pictures: torch.Tensor, side: int, alpha: float) -> torch.Tensor:
    """Real pictures at a lower resolution, blended with the next lower one as the generator's are."""
    factor = pictures.shape[-1] // side
    small = fn.avg_pool2d(pictures, factor) if factor > 1 else pictures
    return faded(small, lambda: doubled(halved(small)), alpha)


def draw_classes(count: int, classes: int, generator: torch.Generator) -> torch.Tensor:
    """Classes of a batch: int64 (count,), each drawn as often as any other, the same for `GROUP` rows in order."""
    drawn = torch.randint(classes, (count // GROUP,), generator=generator, device=generator.device)
    return drawn.repeat_interleave(GROUP)
