"""Options of a generator and their defaults; nothing heavy is imported, so that a command line can read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from embed.errors import InputError
from embed.training.recipe import PRECISIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

RESOLUTIONS = (8, 16, 32, 64, 128, 256)
"""Sides of the pictures that a generator makes, pixels."""
FIRST_SIDE = 4
"""Where growing starts (Karras et al. 2018)."""
DURATIONS = (1.0, 2.0, 4.0)
"""Seconds of the three views of one glitch, the three channels of its picture."""
GROUP = 4
"""Glitches of one class that are shown together, whose spread the critic sees (Karras et al. 2018, section 3)."""
FEWEST = 2
"""Examples of a class from which it can be learned: of one alone no spread is known."""
OWN, PRETRAINED = "own", "pretrained"
CRITICS = (PRETRAINED, OWN)
"""The critic of a GAN: small ones on what a frozen network of ImageNet's sees, or a network that is trained with the generator."""
SIMULATOR = "simulator"
"""The name of the generator that is no network: the simulator, conditioned on the class."""

FEATURES = ("glitch", "bundled", "inception")
"""Networks in whose vectors generated and real glitches are compared."""


@dataclass(frozen=True)
class GeneratorOptions:
    """Options of a generator's training.

    Attributes
    ----------
    name : str
        Of the generator.
    classes : tuple of str
        Only these; by default every class with enough examples. One alone is allowed.
    resolution : int
        Side of the pictures, one of `RESOLUTIONS`.
    images : int
        Real pictures that are shown, all resolutions together; see `embed.generator.growth.Growth`.
    batch : int
        Pictures a step, a multiple of `GROUP`.
    learning_rate : float
        Of Adam, for both networks.
    channels : int
        Most feature maps of a layer.
    critic : str
        One of `CRITICS`.
    precision : str
        ``auto`` is bfloat16 on a GPU and float32 on a CPU; ``float32``; ``bfloat16``.
    seed : int
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    replace : bool
        Replace a generator, or a stopped training, of the name.
    """

    name: str = "progan"
    classes: tuple[str, ...] = ()
    resolution: int = 64
    images: int = 50_000
    batch: int = 16
    learning_rate: float = 0.002
    channels: int = 64
    critic: str = PRETRAINED
    precision: str = "auto"
    seed: int = 0
    device: str = "auto"
    replace: bool = False

    def __post_init__(self) -> None:
        if self.name == SIMULATOR:
            raise InputError(f"--name {SIMULATOR} is the name of the simulator itself; give another")
        if self.resolution not in RESOLUTIONS:
            raise InputError(f"--resolution {self.resolution} is none of {', '.join(map(str, RESOLUTIONS))}")
        if self.batch < GROUP or self.batch % GROUP:
            raise InputError(
                f"--batch {self.batch} is no multiple of {GROUP}; give {GROUP * max(1, self.batch // GROUP)}"
            )
        if self.images < self.batch:
            raise InputError(f"--images {self.images} is less than one batch of {self.batch}; give more")
        if not 0 < self.learning_rate < 1:
            raise InputError(
                f"--lr {self.learning_rate} is not between 0 and 1; {GeneratorOptions.learning_rate} is usual"
            )
        if self.channels < 1:
            raise InputError(f"--channels {self.channels}: give at least 1; {GeneratorOptions.channels} is usual")
        if self.critic not in CRITICS:
            raise InputError(f"--critic {self.critic!r} is none of {', '.join(CRITICS)}")
        if self.precision not in PRECISIONS:
            raise InputError(f"--precision {self.precision!r} is none of {', '.join(PRECISIONS)}")


def check_enough(counts: Mapping[str, int], labelled: Mapping[str, int] | None = None) -> None:
    """Refuse classes from which nothing can be learned.

    Parameters
    ----------
    counts : mapping of str to int
        Class -> glitches to learn from.
    labelled : mapping of str to int, optional
        Class -> glitches, those that are held out among them, where `counts` are of the training part.

    Raises
    ------
    InputError
        When one has fewer than two.
    """
    of = {name: f" of {labelled[name]}" if labelled else "" for name in counts}
    few = [f"{name} ({count}{of[name]})" for name, count in counts.items() if count < FEWEST]
    if few:
        where = " in the training part" if labelled else ""
        raise InputError(
            f"a class needs {FEWEST} glitches with views of 1, 2 and 4 s{where} to be learned, too few have {', '.join(few)}; label more, or name the others with --classes"
        )
