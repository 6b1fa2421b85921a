"""The loudest Q-transform tile of a noiseless glitch: what a trigger generator such as Omicron would report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
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
    spectrum : ndarray of complex128, shape (m,)
        One-sided spectrum of the block, scaled so that noise would have mean square one in every bin.
    duration : float
        Length of the block, s.

    Returns
    -------
    Tile
        Its SNR is sqrt(2) |c|, with c the projection on the normalised bisquare tile (Chatterji 2005, thesis, eq. 5.78
        without the noise term): a sine-Gaussian that fills the tile has its matched-filter SNR.

    Notes
    -----
    By Cauchy and Schwarz no tile exceeds the energy of its band, so rows are taken by falling energy of their bands until
    the rest cannot win.
    """
    rows = _rows(len(spectrum), duration)
    scale = float(np.abs(spectrum).max())
    if not scale > 0:
        return Tile(0.0, 0.0, LOW_HZ, QS[0])
    spectrum = spectrum / scale
    energy = np.concatenate([[0.0], np.cumsum(np.abs(spectrum) ** 2)])
    bounds = energy[[row.high for row in rows]] - energy[[row.low for row in rows]]
    single = spectrum.astype(np.complex64)
    loudest, best = 0.0, Tile(0.0, 0.0, LOW_HZ, QS[0])
    for k in np.argsort(-bounds, kind="stable"):
        if bounds[k] <= loudest:
            break
        row = rows[k]
        # Twice the critical rate, or the crest falls between samples.
        length = scipy.fft.next_fast_len(2 * len(row.window))
        amplitude = np.abs(scipy.fft.ifft(single[row.low : row.high] * row.window, length, norm="forward"))
        when = int(amplitude.argmax())
        height = float(amplitude[when])
        if height**2 > loudest:
            loudest = height**2
            time = when / length * duration - duration / 2
            best = Tile(float(np.sqrt(2.0)) * height * scale, time, row.frequency, row.q)
    return best


@dataclass(frozen=True)
class _Row:
    q: float
    frequency: float
    low: int
    high: int
    window: NDArray[np.float32]


@lru_cache(maxsize=4)
def _rows(bins: int, duration: float) -> tuple[_Row, ...]:
    rows = []
    for q in QS:
        per_octave = max(2, round(0.45 * q))  # rows overlap to a mismatch of about 30 %
        count = int(per_octave * np.log2(HIGH_HZ / LOW_HZ)) + 1
        for frequency in LOW_HZ * 2.0 ** (np.arange(count) / per_octave):
            centre, reach = round(frequency * duration), max(2, int(frequency * np.sqrt(11.0) / q * duration))
            low, high = max(0, centre - reach), min(bins, centre + reach + 1)
            window = (1.0 - ((np.arange(low, high) - centre) / (reach + 1.0)) ** 2) ** 2
            unit = (window / np.sqrt(np.sum(window**2))).astype(np.float32)
            rows.append(_Row(q, float(frequency), low, high, unit))
    return tuple(rows)
