"""What a family of glitches is: a waveform model, the ranges of its parameters, their units and where they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Parameters = Mapping[str, float]
Waveform = Callable[[Array, Parameters, np.random.Generator], Array]


@dataclass(frozen=True)
class Range:
    """The spread from which one parameter is drawn.

    Parameters
    ----------
    low, high : float
        The ends; both can occur.
    unit : str
        Unit of the parameter: ``Hz``, ``s``, ``m`` or ``1``.
    law : {"uniform", "log", "integer"}
        Uniform, uniform in the logarithm, or whole numbers with the ends included.
    """

    low: float
    high: float
    unit: str = "1"
    law: Literal["uniform", "log", "integer"] = "uniform"

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one value."""
        if self.law == "integer":
            return float(rng.integers(int(self.low), int(self.high) + 1))
        if self.law == "log":
            return float(np.exp(rng.uniform(np.log(self.low), np.log(self.high))))
        return float(rng.uniform(self.low, self.high))


O1_TABLE = "SNR and frequency as of Gravity Spy's glitches of O1"
O4_EXAMPLES = "the examples of Zooniverse's list of O4"
"""Sources that many families share."""

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Shares of a class that lie below the quantiles of a `Spread`."""


@dataclass(frozen=True)
class Spread:
    """A measured distribution, from which one parameter is drawn: its logarithm is interpolated between quantiles.

    Parameters
    ----------
    quantiles : tuple of float
        At the shares `QUANTILES`, positive and rising. Nothing beyond the outermost is drawn.
    unit : str
        As of `Range`.
    """

    quantiles: tuple[float, ...]
    unit: str = "1"

    @property
    def low(self) -> float:
        """The least value that is drawn."""
        return self.quantiles[0]

    @property
    def high(self) -> float:
        """The largest value that is drawn."""
        return self.quantiles[-1]

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one value."""
        share = rng.uniform(QUANTILES[0], QUANTILES[-1])
        return float(np.exp(np.interp(share, QUANTILES, np.log(self.quantiles))))


@dataclass(frozen=True)
class Family:
    """One class of glitches.

    Parameters
    ----------
    name : str
        The label, spelt as Gravity Spy spells it.
    look : str
        How the class looks in the four views: frequency band, duration, structure in time, loudness.
    source : str
        Where the model and its ranges come from.
    waveform : callable
        ``waveform(t, parameters, rng)``, with ``t`` (n,) float64 in seconds about the trigger; returns (n,) float64
        of any scale, since the glitch is scaled to its SNR afterwards.
    parameters : mapping of str to Range or Spread
        The spread of every parameter of the waveform.
    snr : Range or Spread
        Signal-to-noise ratio of the loudest Q-transform tile, which is what Omicron reports.
    domain : {"whitened", "strain"}
        Whether the waveform is written in units of the noise (its spectrum is then multiplied by the smooth amplitude
        spectral density of the detector) or as strain, as the physical models are.
    share_h1 : float
        Fraction of the class seen at Hanford; the rest is Livingston's.
    rate : float
        Relative rate; only ratios matter.
    jitter : float
        Standard deviation, in seconds, of the picture's centre about the loudest tile (or the middle, if not centred).
    centred : bool
        Whether the picture is centred on the loudest tile. Not so for what lasts longer than the view, where the trigger
        can be anywhere.
    catalogued : bool
        False for the morphologies that belong under None_of_the_Above.
    """

    name: str
    look: str
    source: str
    waveform: Waveform
    parameters: Mapping[str, Range | Spread]
    snr: Range | Spread
    domain: Literal["whitened", "strain"] = "whitened"
    share_h1: float = 0.5
    rate: float = 1.0
    jitter: float = 0.004
    centred: bool = True
    catalogued: bool = True

    def draw(self, rng: np.random.Generator) -> dict[str, float]:
        """Draw the parameters, in the order in which they are declared, and the SNR last."""
        drawn = {name: spread.draw(rng) for name, spread in self.parameters.items()}
        drawn["snr"] = self.snr.draw(rng)
        return drawn
