"""The loudest Q-transform tile of a noiseless glitch: what a trigger generator such as Omicron would report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

QS = (4.8, 9.0, 18.0, 40.0)
"""Four planes across 4-64: coarse, since neighbouring planes differ by a few per cent in SNR."""

LOW_HZ, HIGH_HZ = 10.0, 2048.0


@dataclass(frozen=True)
class Tile:
    """A tile: SNR, time (s from the middle of the block), frequency (Hz) and Q."""

    snr: float
    time: float
    frequency: float
    q: float


def loudest_tile(spectrum: NDArray[np.complex128], duration: float) -> Tile:
    """Find the loudest tile of a whitened signal.

    Parameters
    ----------
    spectrum : ndarray (m,) complex128
        One-sided spectrum of the block, scaled so that noise would have mean square one in every bin.
    duration : float
        Length of the block, s.

    Returns
    -------
    Tile
        Its SNR is sqrt(2) |c|, with c the projection on the normalised bisquare tile (Chatterji 2005, thesis, eq. 5.78
        without the noise term): a sine-Gaussian that fills the tile has its matched-filter SNR.
    """
    best = Tile(0.0, 0.0, LOW_HZ, QS[0])
    single = spectrum.astype(np.complex64)
    for q in QS:
        # Rows of tiles overlap to a mismatch of about 30 %; the rows of one octave share one FFT length.
        per_octave = max(2, round(0.45 * q))
        rows = LOW_HZ * 2.0 ** (np.arange(int(per_octave * np.log2(HIGH_HZ / LOW_HZ)) + 1) / per_octave)
        for group in np.array_split(rows, 8):
            best = max(best, _loudest_of(single, duration, q, group), key=lambda tile: tile.snr)
    return best


def _loudest_of(spectrum: NDArray[np.complex64], duration: float, q: float, rows: NDArray[np.float64]) -> Tile:
    half = max(2, int(rows[-1] * np.sqrt(11.0) / q * duration))
    length = scipy.fft.next_fast_len(4 * half + 2)  # twice critical, or the crest falls between samples
    band = np.zeros((len(rows), length), dtype=np.complex64)
    for row, frequency in enumerate(rows):
        centre, reach = round(frequency * duration), int(frequency * np.sqrt(11.0) / q * duration)
        low, high = max(0, centre - reach), min(len(spectrum), centre + reach + 1)
        x = (np.arange(low, high) - centre) / (reach + 1.0)
        window = (1.0 - x**2) ** 2
        band[row, : high - low] = spectrum[low:high] * (window / np.sqrt(np.sum(window**2)))
    energy = np.abs(scipy.fft.ifft(band, axis=1, norm="forward"))
    loudest, when = divmod(int(energy.argmax()), length)
    time = when / length * duration
    return Tile(float(np.sqrt(2.0) * energy[loudest, when]), time - duration / 2, float(rows[loudest]), q)
