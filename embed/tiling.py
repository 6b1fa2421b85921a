"""The tiling of the Q-transform: which Q planes, and in each which rows of tiles, cover the time-frequency plane.

Plain numbers, no data. A tile is a bisquare window in frequency, an approximate Gaussian in time; neighbouring tiles
lose at most ``mismatch`` of a signal's energy. Source: S. Chatterji, PhD thesis (MIT, 2005), chapter 5; the roundings
are gwpy's (``gwpy.signal.qtransform``), so that the tiles are the same ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from embed.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISMATCH = 0.2  # largest fractional energy loss between neighbouring tiles; gwpy's and Omicron's usual value
Q_RANGE = (4.0, 64.0)  # Gravity Spy's
FREQUENCY_RANGE = (10.0, 2048.0)  # Hz, Gravity Spy's


@dataclass(frozen=True)
class QPlane:
    """One Q: rows of tiles, each at one frequency.

    Attributes
    ----------
    q : float
        Quality factor: centre frequency over bandwidth, times sqrt(2) pi.
    frequency_range : tuple of float
        Hz, the range that the rows cover.
    frequencies : ndarray, float64, shape (R,)
        Centre of each row, Hz, ascending.
    tiles : ndarray, int64, shape (R,)
        Tiles in each row over the whole block, a power of two.
    first_bin, bins : ndarray, int64, shape (R,)
        The slice of the block's one-sided spectrum under each row's window. A bin may lie above Nyquist.
    """

    q: float
    frequency_range: tuple[float, float]
    frequencies: NDArray[np.float64]
    tiles: NDArray[np.int64]
    first_bin: NDArray[np.int64]
    bins: NDArray[np.int64]


def window(plane: QPlane, row: int, duration: float) -> NDArray[np.float32]:
    """Bisquare window of one row over its spectrum bins, float32, shape (bins,); peak 1."""
    half = int(plane.bins[row]) // 2
    x = np.arange(-half, half + 1) / duration * (plane.q / math.sqrt(11)) / plane.frequencies[row]
    return ((1 - x**2) ** 2).astype(np.float32)


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
        msg = f"Q range {q_range} is not an ascending pair of positive numbers"
        raise InputError(msg)
    if not 0 < f_low < f_high:
        msg = f"frequency range {frequency_range} Hz is not an ascending pair of positive numbers"
        raise InputError(msg)
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
    frequencies = np.array(sorted({f // resolution * resolution for f in ladder}))
    if frequencies[0] <= 0:
        msg = f"a block of {duration:g} s cannot resolve {low:g} Hz; give a longer block or raise the lowest frequency"
        raise InputError(msg)
    tiles = [1 << max(0, math.ceil(math.log2(duration * 2 * math.pi * f / q / step))) for f in frequencies]
    half = np.array([int(f / (q / math.sqrt(11)) * duration) for f in frequencies], dtype=np.int64)
    centre = np.round(1 + frequencies * duration).astype(np.int64)  # one bin high, as gwpy's; the mismatch is nil
    return QPlane(q, frequency_range, frequencies, np.array(tiles, dtype=np.int64), centre - half, 2 * half + 1)
