"""A bank of the simulator's glitches, whitened, from which the third class is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from embed.qtransform.whitening import PASS_BAND
from embed.simulator.families.catalogue import FAMILIES
from embed.simulator.injection import BLOCK_S, detector, lay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.detector.options import SourceOptions

NOT_GLITCHES = ("Chirp", "No_Glitch")
"""Families that are signals, or nothing."""
GLITCH_FAMILIES = tuple(name for name in FAMILIES if name not in NOT_GLITCHES)
"""Those that occur, each as often as any other, where the sample rate shows them."""
BANK_BYTES = 1 << 27
MOST = 4096
"""Different waveforms of a bank at most, and bytes; each is made when it is first used."""
LEAST_SNR = 0.5
"""Of what the sample rate leaves of a glitch, relative to that of its loudest tile; of which less is left, it is not drawn."""
_BANK = 13
"""First number of the random streams of a bank."""


class GlitchBank:
    """Glitches as white noise of unit variance would show them.

    Their shapes are whitened by the simulator's design noise, in units of which most families are written; a glitch of the same
    number is the same.

    Parameters
    ----------
    options : SourceOptions
        Detectors, sample rate and length.
    seed : int
    """

    def __init__(self, options: SourceOptions, seed: int) -> None:
        self.options, self.seed = options, seed
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
        """
        place = int(rng.integers(len(self.options.ifos)))
        number = int(rng.integers(self.size))
        while np.sum(self._shape(number) ** 2) < LEAST_SNR**2:  # above the band, as 1400Ripples at 2048 Hz
            number = int(rng.integers(self.size))
        family = FAMILIES[GLITCH_FAMILIES[number % len(GLITCH_FAMILIES)]]
        snr = family.snr.draw(rng)
        sign = 1.0 if rng.random() < 0.5 else -1.0
        samples = self.options.samples
        middle = int(rng.uniform(0.1, 0.9) * samples)
        shape = self._shape(number)
        start = self._reach - middle
        return family.name, place, snr, shape[start : start + samples] * np.float32(sign * snr)

    def _shape(self, number: int) -> NDArray[np.float32]:
        """A glitch of SNR 1 with its middle in the middle of twice a segment: float32 (2 samples,)."""
        if number not in self._made:
            rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(_BANK, number)))
            family = FAMILIES[GLITCH_FAMILIES[number % len(GLITCH_FAMILIES)]]
            where = detector(self.options.ifos[number % len(self.options.ifos)])
            spectrum, injection = lay(family, where, rng, alone=True)
            size = round(BLOCK_S * self.options.sample_rate)
            white = (spectrum * where.whitening)[: size // 2 + 1] * np.sqrt(size)  # noise has 1 in each bin there
            white *= _fade(len(white))
            middle = size // 2
            whole = scipy.fft.irfft(white, size) / injection.parameters["snr"]
            self._made[number] = whole[middle - self._reach : middle + self._reach].astype(np.float32)
        return self._made[number]


def _fade(bins: int) -> NDArray[np.float64]:
    """The top of the band as the whitening filter fades it."""
    faded = bins - int(PASS_BAND * bins)
    gain = np.ones(bins)
    gain[-faded:] = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, faded + 1) / faded)
    return gain
