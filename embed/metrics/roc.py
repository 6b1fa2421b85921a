"""Receiver operating characteristic of one class against the others, and the area below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import sklearn.metrics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.types import Floats


@dataclass(frozen=True)
class RocCurve:
    """One curve, from (0, 0) to (1, 1), a point for each different score, so that equal scores are a slanted line.

    Attributes
    ----------
    false_positive, true_positive : ndarray of float64, shape (P,)
        Shares of the others, and of the class, whose score is at least the threshold.
    area : float
        Below the curve: the probability that a glitch of the class scores above one of the others, a tie counting half.
    """

    false_positive: Floats
    true_positive: Floats
    area: float


def roc_curve(scores: Floats, positive: NDArray[np.bool_]) -> RocCurve | None:
    """Draw the curve of scores.

    Parameters
    ----------
    scores : ndarray of float64, shape (N,)
        The probability of the class.
    positive : ndarray of bool, shape (N,)
        Whether a glitch is of the class.

    Returns
    -------
    RocCurve or None
        None where either kind is lacking: there is then no curve.
    """
    if positive.all() or not positive.any():
        return None
    false, true, _ = sklearn.metrics.roc_curve(positive, scores, drop_intermediate=False)
    up, along = np.diff(true), np.diff(false)
    bends = np.ones(len(true), bool)  # a point between two upright or two level pieces adds nothing
    bends[1:-1] = ~((up[:-1] == 0) & (up[1:] == 0) | (along[:-1] == 0) & (along[1:] == 0))
    return RocCurve(false[bends], true[bends], float(sklearn.metrics.auc(false, true)))
