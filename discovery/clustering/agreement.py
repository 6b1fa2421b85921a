"""How well two labellings agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from embed.types import Codes


def adjusted_rand(labels: Codes, others: Codes) -> float:
    """Return the adjusted Rand index of two labellings of the same rows: what scikit-learn gives, which takes seconds to load.

    Parameters
    ----------
    labels, others : ndarray of int64, shape (N,)
        Any numbers; rows of one number are together.
    """
    pairs = np.unique(np.column_stack([labels, others]), axis=0, return_counts=True)[1]
    one, other = (np.unique(each, return_counts=True)[1] for each in (labels, others))
    both, first, second = (sum(count * count for count in counts.tolist()) for counts in (pairs, one, other))
    n = len(labels)  # of ordered pairs: together in both, in the first alone, in the second alone, in neither
    together, alone, other_alone = both - n, first - both, second - both
    apart = n * n - first - second + both
    if not alone and not other_alone:
        return 1.0
    chance = (together + alone) * (alone + apart) + (together + other_alone) * (other_alone + apart)
    return 2.0 * (together * apart - alone * other_alone) / chance
