"""Strain that is a number for want of data: the same value again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from embed.types import Flags, Floats

LEAST_SECONDS = 1 / 8
"""Noise of a detector does not repeat a value so long: 32 samples at the lowest rate."""


def dead_samples(strain: Floats, sample_rate: float) -> Flags:
    """Return which samples are of a stretch of one value for `LEAST_SECONDS` or more, such as the zeros that fill a gap.

    Parameters
    ----------
    strain : ndarray of float64, shape (T,)
    sample_rate : float
        Hz.

    Returns
    -------
    ndarray of bool, shape (T,)
    """
    dead, least = np.zeros(len(strain), dtype=bool), round(LEAST_SECONDS * sample_rate)
    same = np.flatnonzero(strain[1:] == strain[:-1])
    if same.size < least - 1:
        return dead
    breaks = np.flatnonzero(np.diff(same) != 1) + 1
    first, last = same[np.append(0, breaks)], same[np.append(breaks - 1, same.size - 1)] + 2
    for begin, end in zip(first.tolist(), last.tolist(), strict=True):
        if end - begin >= least:
            dead[begin:end] = True
    return dead
