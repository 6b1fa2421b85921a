"""Options of a detector and their defaults; nothing heavy is imported, so that a command line can read them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from embed.errors import InputError
from embed.simulator.options import DESIGN
from embed.training.recipe import PRECISIONS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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
LOUDEST = 1000.0
"""Network SNR."""
MOST_SPIN = 0.99
CHECKS = 50
"""Checks of a whole training on fixed fresh examples; a checkpoint is written with each."""


def _check_rising(name: str, given: tuple[float, float], bounds: tuple[float, float], unit: str) -> None:
    """Refuse two numbers that do not rise within the bounds."""
    if not bounds[0] <= given[0] <= given[1] <= bounds[1]:
        raise InputError(
            f"{name} {given[0]:g} {given[1]:g}: give two rising numbers from {bounds[0]:g} to {bounds[1]:g} {unit}".rstrip()
        )


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
    without : tuple of str
        Classes of glitches that are never drawn, so that they can be asked about later as unknown ones.
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
    without: tuple[str, ...] = ()
    masses: tuple[float, float] = (5.0, 95.0)
    spin: float = 0.0
    snr: tuple[float, float] = (5.0, 20.0)
    placement: tuple[float, float] = (0.75, 0.95)
    waveform: str = "auto"

    def __post_init__(self) -> None:
        if not self.ifos or any(ifo not in IFOS for ifo in self.ifos) or len(set(self.ifos)) < len(self.ifos):
            raise InputError(f"--ifos {' '.join(self.ifos)}: give {' or '.join(IFOS)}, or both")
        if self.sample_rate not in RATES:
            raise InputError(f"--rate {self.sample_rate} is none of {', '.join(map(str, RATES))} Hz")
        if not SHORTEST_S <= self.seconds <= LONGEST_S:
            raise InputError(f"--seconds {self.seconds:g}: give {SHORTEST_S:g} to {LONGEST_S:g}")
        if (self.seconds * self.sample_rate) % 1:
            raise InputError(f"--seconds {self.seconds:g} is no whole number of samples at {self.sample_rate} Hz")
        if not self.noise or (len(self.noise) > 1 and DESIGN in self.noise):
            raise InputError(f"--noise {' '.join(self.noise)}: give {DESIGN}, or files or folders of measured noise")
        if self.without and not self.glitches:
            raise InputError(f"--without {' '.join(self.without)}: no glitches are shown anyway; add --glitches")
        for name, given, bounds, unit in (
            ("--masses", self.masses, (LIGHTEST, HEAVIEST), "solar masses"),
            ("--snr", self.snr, (0.0, LOUDEST), ""),
            ("--placement", self.placement, (0.0, 1.0), "of the segment"),
        ):
            _check_rising(name, given, bounds, unit)
        if not self.snr[1]:
            raise InputError("--snr 0 0: signals of no loudness are noise; give a greatest one above 0")
        self._check_signals()

    def _check_signals(self) -> None:
        """Refuse spins and waveforms that there are not."""
        if not 0.0 <= self.spin <= MOST_SPIN:
            raise InputError(f"--spin {self.spin:g}: give 0 to {MOST_SPIN:g}")
        if self.waveform not in WAVEFORMS:
            raise InputError(f"--waveform {self.waveform!r} is none of {', '.join(WAVEFORMS)}")
        if self.waveform == BUNDLED and self.spin:
            raise InputError(f"--spin {self.spin:g}: the {BUNDLED} waveform has no spins; use --waveform {IMR}")

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of a network's outputs."""
        return (NOISE, SIGNAL, GLITCH) if self.glitches else (NOISE, SIGNAL)

    @property
    def samples(self) -> int:
        """Of a segment."""
        return round(self.seconds * self.sample_rate)

    @property
    def chosen_waveform(self) -> str:
        """The model of the signals: ``auto`` takes the one that this installation has.

        Raises
        ------
        InputError
            When lalsuite is asked for and absent.
        """
        there = find_spec("lalsimulation") is not None
        if self.waveform == "auto":
            return IMR if there else BUNDLED
        if self.waveform == IMR and not there:
            raise InputError(
                f"{IMR} needs lalsuite: `pip install glitch-discovery[strain]`, or use --waveform {BUNDLED}"
            )
        return self.waveform

    def facts(self) -> dict[str, Any]:
        """The options as JSON values."""
        given = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return given if self.without else {name: value for name, value in given.items() if name != "without"}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> SourceOptions:
        """The options of what `facts` gave.

        Raises
        ------
        InputError, TypeError
            When they are no options.
        """
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()
        }
        return cls(**plain)


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
        Of AdamW, falling as a half cosine.
    dropout : float
        After hidden dense layers.
    curriculum : float
        Share of the training over which the least SNR falls from the greatest to its own; 0 to 1.
    patience : int
        Checks (`CHECKS` in all) without improvement, after the curriculum, after which the training ends; 0 never ends it.
    precision : str
        ``auto`` is bfloat16 on a GPU and float32 on a CPU; ``float32``; ``bfloat16``.
    seed : int
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    replace : bool
        Replace the detector, or a stopped training of another one, in the folder.
    workers : int, optional
        Processes that make examples, beside those that train; by default one on a CPU and all cores but one on a GPU. They do not
        change the result.
    """

    out: Path
    source: SourceOptions = field(default_factory=SourceOptions)
    network: str = NETWORKS[0]
    examples: int = 1_000_000
    batch: int = 64
    learning_rate: float = 1e-3
    dropout: float = 0.5
    curriculum: float = 0.3
    patience: int = 10
    precision: str = "auto"
    seed: int = 0
    device: str = "auto"
    replace: bool = False
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise InputError(f"--network {self.network!r} is none of {', '.join(NETWORKS)}")
        if self.batch < 2:
            raise InputError(f"--batch {self.batch}: give at least 2")
        if self.examples < self.batch:
            raise InputError(f"--examples {self.examples} is less than one batch of {self.batch}; give more")
        if not 0 < self.learning_rate < 1:
            raise InputError(
                f"--lr {self.learning_rate} is not between 0 and 1; {DetectorOptions.learning_rate} is usual"
            )
        if not 0 <= self.dropout < 1:
            raise InputError(f"--dropout {self.dropout} is not from 0 to below 1; {DetectorOptions.dropout} is usual")
        if not 0 <= self.curriculum <= 1:
            raise InputError(f"--curriculum {self.curriculum} is not from 0 to 1")
        if not 0 <= self.patience <= CHECKS:
            raise InputError(f"--patience {self.patience}: give 0 to {CHECKS}, the checks of a training")
        if self.precision not in PRECISIONS:
            raise InputError(f"--precision {self.precision!r} is none of {', '.join(PRECISIONS)}")

    def facts(self) -> dict[str, Any]:
        """Everything that the result depends on, as JSON values, but the number format, which depends on the device."""
        return {
            "network": self.network,
            "classes": list(self.source.classes),
            "source": self.source.facts(),
            "waveform": self.source.chosen_waveform,
            "examples": self.examples,
            "batch": self.batch,
            "learning_rate": self.learning_rate,
            "dropout": self.dropout,
            "curriculum": self.curriculum,
            "patience": self.patience,
            "seed": self.seed,
        }
