"""Binary black holes: drawn, projected on the detectors, whitened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from embed.detector.geometry import antenna_response, arrival_delay
from embed.detector.waveforms import duration, waveform
from embed.qtransform.whitening import FIR_SECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.detector.noise import WhitenedBlock
    from embed.detector.options import SourceOptions
    from embed.types import Floats

SHORTEST_GRID_S = 4.0
"""Of the transforms of a signal."""


@dataclass(frozen=True)
class Binary:
    """A binary black hole.

    Attributes
    ----------
    masses : tuple of 2 float
        Solar masses in the detector frame, the heavier first.
    spins : tuple of 2 float
        Along the orbital momentum.
    latitude, longitude : float
        Of the point on the Earth above which the source stands, radians; longitude east of Greenwich.
    inclination, polarisation, phase : float
        Radians.
    merger : float
        When the merger arrives at the first detector, s after the segment's start.
    """

    masses: tuple[float, float]
    spins: tuple[float, float]
    latitude: float
    longitude: float
    inclination: float
    polarisation: float
    phase: float
    merger: float


class SignalSource:
    """Whitened signals.

    Parameters
    ----------
    options : SourceOptions
        Detectors, sample rate, length, masses, spin, placement and waveform.

    Raises
    ------
    InputError
        When lalsuite is asked for and absent.
    """

    def __init__(self, options: SourceOptions) -> None:
        self.options = options
        self.waveform = options.chosen_waveform

    def draw(self, rng: np.random.Generator) -> Binary:
        """Draw a binary: masses and spins uniform, sky position isotropic, inclination uniform in its cosine."""
        options = self.options
        masses = rng.uniform(*options.masses, 2)
        spins = rng.uniform(-options.spin, options.spin, 2)
        first, last = (share * options.seconds for share in options.placement)
        return Binary(
            masses=(float(masses.max()), float(masses.min())),
            spins=(float(spins[0]), float(spins[1])),
            latitude=float(np.arcsin(rng.uniform(-1.0, 1.0))),
            longitude=float(rng.uniform(-np.pi, np.pi)),
            inclination=float(np.arccos(rng.uniform(-1.0, 1.0))),
            polarisation=float(rng.uniform(0.0, np.pi)),
            phase=float(rng.uniform(0.0, 2.0 * np.pi)),
            merger=float(rng.uniform(first, last)),
        )

    def strain(self, binary: Binary, size: int) -> NDArray[np.complex128]:
        """A binary at 1 Mpc as each detector receives it.

        Parameters
        ----------
        binary : Binary
        size : int
            Samples of the grid, from the segment's start on; what was before it is at the grid's end.

        Returns
        -------
        ndarray of complex128, shape (D, size // 2 + 1)
            ``rfft`` of the strain.
        """
        rate = self.options.sample_rate
        bins, step = size // 2 + 1, rate / size
        mode = waveform(self.waveform, binary.masses, binary.spins, bins, step) * (rate * np.exp(2j * binary.phase))
        cosine = np.cos(binary.inclination)
        delays = [arrival_delay(ifo, binary.latitude, binary.longitude) for ifo in self.options.ifos]
        found = np.empty((len(delays), bins), np.complex128)
        for place, (ifo, delay) in enumerate(zip(self.options.ifos, delays, strict=True)):
            plus, cross = antenna_response(ifo, binary.latitude, binary.longitude, binary.polarisation)
            factor = plus * 0.5 * (1.0 + cosine**2) - 1j * cross * cosine
            time = binary.merger + delay - min(delays)
            found[place] = factor * mode * _powers(-2.0 * np.pi * time * step, bins)
        return found

    def whitened(self, binary: Binary, block: WhitenedBlock) -> tuple[NDArray[np.float64], Floats]:
        """A binary at 1 Mpc through the filters that whitened a block of noise.

        Parameters
        ----------
        binary : Binary
        block : WhitenedBlock

        Returns
        -------
        strain : ndarray of float64, shape (D, samples)
            The segment, whitened; divide by a luminosity distance in Mpc.
        snr : ndarray of float64, shape (D,)
            Optimal SNR of the whole signal above 20 Hz in each detector at 1 Mpc; the network's is their root sum of squares.
        """
        options = self.options
        seconds = (
            SHORTEST_GRID_S  # the inspiral, which wraps round to the grid's end, must not reach back into the segment
        )
        while seconds < options.seconds + FIR_SECONDS + duration(binary.masses):
            seconds *= 2.0
        size = round(seconds * options.sample_rate)
        spectra = self.strain(binary, size) * block.gains(size)
        snr = np.sqrt(2.0 * np.sum(np.abs(spectra) ** 2, axis=1) / size)
        return scipy.fft.irfft(spectra, size)[:, : options.samples], snr


def _powers(angle: float, count: int) -> NDArray[np.complex128]:
    """exp(1j k angle) for k from 0, complex128 (count,): products of two short tables, which are quicker than exponentials."""
    width = int(np.sqrt(count)) + 1
    short = np.exp(1j * angle * np.arange(width))
    return np.multiply.outer(np.exp(1j * angle * width * np.arange(width)), short).ravel()[:count]
