"""When to stop: the stability of the ranking, measured while the splits run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import rankdata

if TYPE_CHECKING:
    from embed.types import Floats

STABLE = 0.99
"""Expected rank correlation with a ranking from as many other splits, from which more splits change little."""
TOP_SHARE = 0.05
"""Share of the ranking, from the top, that must be stable too: about as many rows as an audit lists."""
TOP_OVERLAP = 0.9
"""Share of the top rows that both halves of the splits must have in common."""
_SMALLEST_TOP = 10


class Stability(NamedTuple):
    """The ranking after some splits.

    Attributes
    ----------
    splits : int
    correlation : float
        Expected Spearman correlation of this ranking with one from as many other splits (Spearman-Brown formula from two halves).
    overlap : float
        Share of the top rows that the two halves of the splits have in common.
    """

    splits: int
    correlation: float
    overlap: float

    @property
    def enough(self) -> bool:
        """Whether the ranking is stable."""
        return self.correlation >= STABLE and self.overlap >= TOP_OVERLAP


def stability(splits: int, first: Floats, second: Floats) -> Stability:
    """Compare the mean margins of two halves of the splits.

    Parameters
    ----------
    splits : int
        Splits run so far.
    first, second : ndarray, shape (n,)
        Mean margins of the rows that both halves tested.
    """
    if len(first) < 2:
        return Stability(splits, 1.0, 1.0)
    ranks = rankdata(first), rankdata(second)
    spread = ranks[0].std() * ranks[1].std()
    halves = float(np.cov(*ranks, bias=True)[0, 1] / spread) if spread > 0 else 1.0
    top = min(len(first), max(_SMALLEST_TOP, round(TOP_SHARE * len(first))))
    heads = [set(np.argsort(half, kind="stable")[:top].tolist()) for half in (first, second)]
    return Stability(
        splits, max(0.0, 2 * halves / (1 + halves)) if halves > -1 else 0.0, len(heads[0] & heads[1]) / top
    )
