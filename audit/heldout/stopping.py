"""When enough splits have been run: the stability of the ranking, measured while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import rankdata

if TYPE_CHECKING:
    from numpy.typing import NDArray

STABLE = 0.99
"""Expected rank correlation of this ranking with another from as many new splits, at which more splits are of no use."""
TOP_SHARE = 0.05
"""Head of the ranking that must have settled too: about what an audit lists."""
TOP_OVERLAP = 0.9
_SMALLEST_TOP = 10


class Stability(NamedTuple):
    """The ranking after some splits.

    Attributes
    ----------
    splits : int
    correlation : float
        Spearman correlation to expect between this ranking and one from as many new splits (Spearman-Brown from halves).
    overlap : float
        Share of the head of the ranking that the two halves of the splits agree on.
    """

    splits: int
    correlation: float
    overlap: float

    @property
    def enough(self) -> bool:
        """Whether the ranking has settled."""
        return self.correlation >= STABLE and self.overlap >= TOP_OVERLAP


def stability(splits: int, first: NDArray[np.float64], second: NDArray[np.float64]) -> Stability:
    """Compare the mean margins of two halves of the splits.

    Parameters
    ----------
    splits : int
        Run so far.
    first, second : numpy.ndarray, shape (n,)
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
