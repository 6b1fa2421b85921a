"""Whitened noise of the detectors, block by block, and the filters that whitened it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from embed.detector.options import DESIGN
from embed.detector.spectra import curve_files, curve_noise
from embed.qtransform.whitening import FIR_SECONDS, whiten_with_filter
from embed.simulator.noise import coloured_spectrum, detector_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.detector.options import SourceOptions
    from embed.simulator.noise import Noise
    from embed.types import Floats

INNER_SECONDS = 64.0
"""Of a block, and with it the strain whose spectrum whitens it, as for views."""
SETTLING_SECONDS = FIR_SECONDS / 2
"""At each end of it, where the filter settles."""
_NOISE = 11
"""First number of the random streams of noise."""


@dataclass(frozen=True)
class WhitenedBlock:
    """Noise of all detectors over the same time, whitened by its own spectrum as `discover scan` whitens.

    Attributes
    ----------
    values : ndarray of float32, shape (D, T)
        Of unit spectral density, without `SETTLING_SECONDS` at each end: `INNER_SECONDS`.
    filters : ndarray of float64, shape (D, taps)
        Impulse responses that whitened it, time 0 first.
    curves : tuple of D str
        The spectrum of each detector: ``design``, or the file's name.
    """

    values: NDArray[np.float32]
    filters: Floats
    curves: tuple[str, ...]

    def gains(self, size: int) -> Floats:
        """The filters' transfer functions for the ``rfft`` of `size` samples, float64 (D, size // 2 + 1); they are real.

        Kept for the next call: a few sizes occur.
        """
        if size not in self._gains:
            half = self.filters.shape[1] // 2
            padded = np.zeros((len(self.filters), size))
            padded[:, :half], padded[:, size - half :] = self.filters[:, :half], self.filters[:, half:]
            self._gains[size] = scipy.fft.rfft(padded).real
        return self._gains[size]

    @cached_property
    def _gains(self) -> dict[int, Floats]:
        return {}


class NoiseSource:
    """Blocks of noise.

    Parameters
    ----------
    options : SourceOptions
        Detectors, sample rate and spectra.
    seed : int

    Raises
    ------
    InputError
        When the spectra of a detector cannot be read, or there are none.
    """

    def __init__(self, options: SourceOptions, seed: int) -> None:
        self.options, self.seed = options, seed
        self._size = round((INNER_SECONDS + 2 * SETTLING_SECONDS) * options.sample_rate)
        self._curves: dict[str, tuple[tuple[str, Noise], ...]]
        if options.noise == (DESIGN,):
            self._curves = {
                ifo: ((DESIGN, detector_noise(ifo, self._size, options.sample_rate)),) for ifo in options.ifos
            }
        else:
            files = curve_files([Path(name) for name in options.noise], options.ifos)
            self._curves = {
                ifo: tuple((path.name, curve_noise(path, self._size, options.sample_rate)) for path in files[ifo])
                for ifo in options.ifos
            }

    @property
    def curves(self) -> dict[str, list[str]]:
        """Names of each detector's spectra."""
        return {ifo: [name for name, _ in own] for ifo, own in self._curves.items()}

    def block(self, number: int) -> WhitenedBlock:
        """Make the noise of a number: it depends on that, the options and the seed alone.

        Stationary and Gaussian, of one of its detector's spectra, drawn for each block.
        """
        rate = self.options.sample_rate
        strain = np.empty((len(self.options.ifos), self._size))
        names = []
        for place, ifo in enumerate(self.options.ifos):
            rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(_NOISE, number, place)))
            name, noise = self._curves[ifo][rng.integers(len(self._curves[ifo]))]
            strain[place] = scipy.fft.irfft(coloured_spectrum(noise, rate, rng), self._size)
            names.append(name)
        whitened, filters = whiten_with_filter(strain, rate, faded=True)
        edge = round(SETTLING_SECONDS * rate)
        return WhitenedBlock(whitened[:, edge:-edge].numpy(), filters.numpy(), tuple(names))
