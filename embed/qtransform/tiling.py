"""The tiling of the Q-transform: which Q planes, and in each which rows of tiles, cover the time-frequency plane.

Plain numbers, no data. A tile is a bisquare window in frequency, an approximate Gaussian in time; neighbouring tiles
lose at most ``mismatch`` of a signal's energy. Source: S. Chatterji, PhD thesis (MIT, 2005), chapter 5; the roundings
are gwpy's (``gwpy.signal.qtransform``), so that the tiles are the same ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from embed.errors import InputError

MISMATCH = 0.2
"""Largest fractional energy loss between neighbouring tiles; gwpy's and Omicron's usual value."""
Q_RANGE = (4.0, 64.0)
"""Gravity Spy's."""
FREQUENCY_RANGE = (10.0, 2048.0)
"""Hz, Gravity Spy's."""
ROUNDING = 1e-6
"""Bins: a window's end that falls on a bin stays there in spite of rounding."""


@dataclass(frozen=True, eq=False)  # compared and hashed by identity: `q_tiling` returns the same one again
class QPlane:
    """One Q: rows of tiles, each at one frequency.

    Attributes
    ----------
    q : float
        Quality factor: centre frequency over bandwidth, times sqrt(2) pi.
    frequencies : tuple of float
        Centre of each row, Hz, ascending, multiples of ``1 / duration``.
    tiles : tuple of int
        Tiles in each row over the whole block, powers of two.
    duration : float
        Of the block, s.
    """

    q: float
    frequencies: tuple[float, ...]
    tiles: tuple[int, ...]
    duration: float

    def half_width(self, row: int) -> float:
        """Half width of a row's window, Hz: outside it the window is zero."""
        return self.frequencies[row] * math.sqrt(11) / self.q

    def window_bins(self, row: int, span: float) -> tuple[int, int, float, float]:
        """Place a row's window, (1 - x^2)^2, on the spectrum of ``span`` seconds of strain.

        Returns
        -------
        first, last : int
            Bins, at multiples of ``1 / span`` Hz, that the window begins and ends at; it may pass Nyquist.
        centre, half : float
            Where x is 0, and how far from there it is 1, in bins.
        """
        half = self.half_width(row) * span
        centre = (self.frequencies[row] + 1 / self.duration) * span  # one bin high, as gwpy's
        return math.ceil(centre - half - ROUNDING), math.floor(centre + half + ROUNDING), centre, half


@lru_cache(maxsize=32)
def q_tiling(
    duration: float,
    q_range: tuple[float, float] = Q_RANGE,
    frequency_range: tuple[float, float] = FREQUENCY_RANGE,
    mismatch: float = MISMATCH,
) -> tuple[QPlane, ...]:
    """Q planes that cover a block.

    Parameters
    ----------
    duration : float
        Of the block, s.
    q_range, frequency_range : tuple of float
        Q, and Hz.
    mismatch : float
        Largest fractional energy loss between neighbouring tiles.

    Returns
    -------
    tuple of QPlane
        In ascending Q, geometrically spaced.

    Raises
    ------
    InputError
        Ranges that are empty or not positive, or frequencies that the block is too short to resolve.
    """
    (q_low, q_high), (f_low, f_high) = q_range, frequency_range
    if not 0 < q_low <= q_high:
        raise InputError(f"Q range {q_range} is not an ascending pair of positive numbers")
    if not 0 < f_low < f_high:
        raise InputError(f"frequency range {frequency_range} Hz is not an ascending pair of positive numbers")
    step = 2 * math.sqrt(mismatch / 3)
    span = math.log(q_high / q_low) / math.sqrt(2)
    count = max(math.ceil(span / step), 1)
    qs = [q_low * math.exp(math.sqrt(2) * span / count * (i + 0.5)) for i in range(count)]
    return tuple(_plane(q, duration, frequency_range, step) for q in qs)


def gwpy_upper_frequency(
    sample_rate: float, q_range: tuple[float, float] = Q_RANGE, mismatch: float = MISMATCH
) -> float:
    """Highest frequency, Hz, at which the widest window of the tiling still ends below Nyquist: where gwpy clamps."""
    lowest = q_tiling(1.0, q_range, (1.0, 2.0), mismatch)[0].q
    return sample_rate / 2 / (1 + math.sqrt(11) / lowest)


def _plane(q: float, duration: float, frequency_range: tuple[float, float], step: float) -> QPlane:
    """Rows of one plane (Chatterji 2005, chapter 5, with gwpy's roundings)."""
    low, high = frequency_range
    span = math.log(high / low) * math.sqrt(2 + q**2) / 2
    rows = max(1, math.ceil(span / step))
    stride = span / rows
    ladder = [low * math.exp(2 / math.sqrt(2 + q**2) * (i + 0.5) * stride) for i in range(rows)]
    resolution = 1 / duration
    frequencies = tuple(sorted({f // resolution * resolution for f in ladder}))
    if frequencies[0] <= 0:
        raise InputError(
            f"a block of {duration:g} s cannot resolve {low:g} Hz; give a longer block or raise the lowest frequency"
        )
    tiles = tuple(1 << max(0, math.ceil(math.log2(duration * 2 * math.pi * f / q / step))) for f in frequencies)
    return QPlane(q, frequencies, tiles, duration)
