"""Options of a detector and their defaults; nothing heavy is imported, so that a command line can read them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from embed.errors import InputError
from embed.simulator.options import DESIGN
from embed.training.recipe import PRECISIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

IFOS: Final = ("H1", "L1")
"""Detectors that a network can read, in this order."""
RATES: Final = (2048, 4096)
"""Sample rates, Hz."""
SHORTEST_S, LONGEST_S = 1.0, 4.0
"""Lengths of a segment, s."""
NETWORKS: Final = ("gabbard", "tworow", "resnet")
"""See `embed.detector.networks`."""
IMR, BUNDLED = "IMRPhenomD", "bundled"
WAVEFORMS: Final = ("auto", IMR, BUNDLED)
"""``IMRPhenomD`` needs lalsuite, ``bundled`` is the model of Ajith et al. 2008 without spins; ``auto`` takes the first one where it can."""
NOISE, SIGNAL, GLITCH = "noise", "signal", "glitch"
"""Classes, in the order of a network's outputs."""
LIGHTEST, HEAVIEST = 3.0, 200.0
"""Solar masses."""


@dataclass(frozen=True)
class SourceOptions:
    """What examples are made of: an example depends on these, the seed and its number alone.

    Attributes
    ----------
    ifos : tuple of str
        Of `IFOS`: one, or both.
    sample_rate : int
        Hz, of `RATES`.
    seconds : float
        Length of a segment, `SHORTEST_S` to `LONGEST_S` s.
    noise : tuple of str
        ``("design",)``, or files or folders of measured spectra (``data`` with ``delta_f``) or of strain, for every detector of `ifos`.
    glitches : bool
        Whether the simulator's glitches are a third class.
    masses : tuple of 2 float
        Least and greatest component mass in the detector frame, solar masses; each is drawn uniformly.
    spin : float
        Greatest aligned spin of each component, drawn uniformly from -spin to spin; 0 to 0.99.
    snr : tuple of 2 float
        Least and greatest network SNR of signals, drawn uniformly.
    placement : tuple of 2 float
        Where in the segment the merger arrives at the first detector, as shares of its length, drawn uniformly.
    waveform : str
        Of `WAVEFORMS`.
    """

    ifos: tuple[str, ...] = IFOS
    sample_rate: int = 2048
    seconds: float = 1.0
    noise: tuple[str, ...] = (DESIGN,)
    glitches: bool = False
    masses: tuple[float, float] = (5.0, 95.0)
    spin: float = 0.0
    snr: tuple[float, float] = (5.0, 20.0)
    placement: tuple[float, float] = (0.75, 0.95)
    waveform: str = "auto"

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of a network's outputs."""
        return (NOISE, SIGNAL, GLITCH) if self.glitches else (NOISE, SIGNAL)

    @property
    def samples(self) -> int:
        """Of a segment."""
        return round(self.seconds * self.sample_rate)


@dataclass(frozen=True)
class DetectorOptions:
    """Options of a detector's training.

    Attributes
    ----------
    out : Path
        The detector's folder.
    source : SourceOptions
    network : str
        Of `NETWORKS`.
    examples : int
        That are shown at most; none is shown twice.
    batch : int
        Examples a step, over all processes together.
    learning_rate : float
        Of Adam, falling as a half cosine.
    dropout : float
        Before each hidden dense layer's successor.
    curriculum : float
        Share of the training over which the least SNR falls from the greatest to its own.
    patience : int
        Checks without improvement on fixed fresh examples after which the training ends; 0 never ends it.
    precision : str
        ``auto`` is bfloat16 on a GPU and float32 on a CPU; ``float32``; ``bfloat16``.
    seed : int
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    replace : bool
        Replace the detector, or a stopped training of another one, in the folder.
    """

    out: Path
    source: SourceOptions = field(default_factory=SourceOptions)
    network: str = NETWORKS[0]
    examples: int = 1_000_000
    batch: int = 128
    learning_rate: float = 1e-3
    dropout: float = 0.5
    curriculum: float = 0.3
    patience: int = 10
    precision: str = "auto"
    seed: int = 0
    device: str = "auto"
    replace: bool = False
