"""A sample of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from embed.types import Rows


def at_most(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """Return the rows, or of more than `most` a sample of so many, ascending; `rng` is drawn from only then.

    Parameters
    ----------
    rows : ndarray of int64, shape (N,)
    most : int
    rng : Generator

    Returns
    -------
    ndarray of int64, shape (min(N, most),)
    """
    return np.sort(rng.choice(rows, most, replace=False)) if len(rows) > most else rows


def evenly(count: int, most: int) -> Rows:
    """Return at most so many of `count` rows, evenly spread, ascending."""
    return np.arange(0, count, max(1, -(-count // most)))
