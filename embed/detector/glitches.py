"""A bank of the simulator's glitches, whitened, from which the third class is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from embed.detector.thirdclass import GLITCH_FAMILIES, shown_families
from embed.errors import InputError
from embed.qtransform.whitening import PASS_BAND
from embed.simulator.families.catalogue import FAMILIES
from embed.simulator.injection import BLOCK_S, detector, lay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.detector.options import SourceOptions
    from embed.simulator.families.family import Family

BANK_BYTES = 1 << 27
MOST = 4096
"""Different waveforms of a bank at most, and bytes; each is made when it is first used."""
LEAST_SNR = 0.5
"""Of what the sample rate leaves of a glitch, relative to that of its loudest tile; of which less is left, it is not drawn."""
TRIES = 4096
"""Draws after which there is none that can be shown."""
_BANK = 13
"""First number of the random streams of a bank."""


class GlitchBank:
    """Glitches as white noise of unit variance would show them.

    Their shapes are whitened by the simulator's design noise, in units of which most families are written; a glitch of the same
    number is the same.

    Parameters
    ----------
    options : SourceOptions
        Detectors, sample rate, length, and classes that are left out.
    seed : int

    Raises
    ------
    InputError
        As of `shown_families`.
    """

    def __init__(self, options: SourceOptions, seed: int) -> None:
        self.options, self.seed = options, seed
        self._shown = frozenset(shown_families(options.without))
        self._reach = options.samples
        size = min(MOST, BANK_BYTES // (4 * 2 * self._reach))
        self.size = max(1, size // len(GLITCH_FAMILIES)) * len(GLITCH_FAMILIES)
        self._made: dict[int, NDArray[np.float32]] = {}

    def draw(self, rng: np.random.Generator) -> tuple[str, int, float, NDArray[np.float32]]:
        """Draw a glitch.

        Parameters
        ----------
        rng : numpy.random.Generator

        Returns
        -------
        family : str
        place : int
            Of the detector that it is in.
        snr : float
            Of its loudest tile, as the family has it.
        strain : ndarray of float32, shape (samples,)
            The middle of the glitch is anywhere in the inner four fifths.

        Raises
        ------
        InputError
            When the sample rate shows none of the classes that are left.
        """
        place = int(rng.integers(len(self.options.ifos)))
        number = self._number(rng)
        family = _family(number)
        snr = family.snr.draw(rng)
        sign = 1.0 if rng.random() < 0.5 else -1.0
        samples = self.options.samples
        middle = int(rng.uniform(0.1, 0.9) * samples)
        shape = self._shape(number)
        start = self._reach - middle
        return family.name, place, snr, shape[start : start + samples] * np.float32(sign * snr)

    def _number(self, rng: np.random.Generator) -> int:
        """Of a shown family, in the band: 1400Ripples are above that of 2048 Hz."""
        for _ in range(TRIES):
            number = int(rng.integers(self.size))
            if _family(number).name in self._shown and np.sum(self._shape(number) ** 2) >= LEAST_SNR**2:
                return number
        raise InputError(
            f"a sample rate of {self.options.sample_rate} Hz shows no {', '.join(sorted(self._shown))}; leave fewer classes out by --without, or take a higher --rate"
        )

    def _shape(self, number: int) -> NDArray[np.float32]:
        """A glitch of SNR 1 with its middle in the middle of twice a segment: float32 (2 samples,)."""
        if number not in self._made:
            rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(_BANK, number)))
            family = _family(number)
            where = detector(self.options.ifos[number % len(self.options.ifos)])
            spectrum, injection = lay(family, where, rng, alone=True)
            size = round(BLOCK_S * self.options.sample_rate)
            white = (spectrum * where.whitening)[: size // 2 + 1] * np.sqrt(size)  # noise has 1 in each bin there
            white *= _fade(len(white))
            middle = size // 2
            whole = scipy.fft.irfft(white, size) / injection.parameters["snr"]
            self._made[number] = whole[middle - self._reach : middle + self._reach].astype(np.float32)
        return self._made[number]


def _family(number: int) -> Family:
    return FAMILIES[GLITCH_FAMILIES[number % len(GLITCH_FAMILIES)]]


def _fade(bins: int) -> NDArray[np.float64]:
    """The top of the band as the whitening filter fades it."""
    faded = bins - int(PASS_BAND * bins)
    gain = np.ones(bins)
    gain[-faded:] = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, faded + 1) / faded)
    return gain
