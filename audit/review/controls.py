"""Which rows volunteers are asked: the head of the list, and blind controls among them whose answer is known.

Half of the controls carry a label that is right beyond doubt, half a planted wrong one, confused as the study's own errors
are. They are drawn like the list's labels and shuffled in among them; nothing that leaves the study tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.result import AuditResult

CONTROL_SHARE = 0.2
"""Controls for each row asked in earnest: 20 of them show an accuracy to about 9 points."""
MIN_CONTROLS = 8
SURE = 0.02
"""Upper bound of `p_wrong` up to which a label counts as right beyond doubt."""
RIGHT, PLANTED = "right", "planted"


@dataclass(frozen=True)
class ReviewItem:
    """One row for volunteers: the glitch, the label (class number) that they are asked about, and whether it is a control."""

    row: int
    shown: int
    control: str


def choose_asked(result: AuditResult, usable: NDArray[np.bool_], first: int, seed: int) -> list[ReviewItem]:
    """Choose rows and controls, and shuffle them.

    Parameters
    ----------
    result : AuditResult
        Of N glitches.
    usable : numpy.ndarray, shape (N,), bool
        Glitches that have the pictures.
    first : int
        How many of the list's rows at most.
    seed : int

    Returns
    -------
    list of ReviewItem
        Fewer controls than `CONTROL_SHARE` where few labels are beyond doubt.
    """
    rng = np.random.default_rng((seed, 41))
    head = result.order[: result.listed]
    head = head[usable[head]][:first]
    asked = [ReviewItem(int(row), int(result.labels[row]), "") for row in head]
    wanted = max(MIN_CONTROLS, round(CONTROL_SHARE * len(head))) if len(head) else 0
    safe = usable & result.testable & (np.nan_to_num(result.p_wrong_high, nan=1.0) <= SURE)
    safe[result.order[: result.listed]] = False
    common = np.bincount(result.labels[head], minlength=len(result.classes)).astype(np.float64) + 0.1
    right = _draw(safe, common[result.labels], wanted // 2, rng)
    asked += [ReviewItem(row, int(result.labels[row]), RIGHT) for row in right]
    safe[right] = False
    planted = _draw(safe, np.ones(len(safe)), wanted - wanted // 2, rng)
    asked += [ReviewItem(row, _confused(result, int(result.labels[row]), common, rng), PLANTED) for row in planted]
    return [asked[place] for place in rng.permutation(len(asked))]


def _draw(allowed: NDArray[np.bool_], weight: NDArray[np.float64], count: int, rng: np.random.Generator) -> list[int]:
    rows = np.flatnonzero(allowed)
    count = min(count, len(rows))
    if not count:
        return []
    share = weight[rows] / weight[rows].sum()
    return [int(row) for row in rng.choice(rows, count, replace=False, p=share)]


def _confused(result: AuditResult, truth: int, common: NDArray[np.float64], rng: np.random.Generator) -> int:
    """Draw a wrong label by the study's confusion structure, among those that the list asks about."""
    weight = result.transition[truth] * common
    weight[truth] = 0
    return int(rng.choice(len(weight), p=weight / weight.sum()))
