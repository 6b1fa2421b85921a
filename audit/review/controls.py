"""Choose what volunteers are asked: the first rows of the list, and blind controls whose answer is known.

Half of the controls show a label that is almost certainly right, half a planted wrong one, confused as the study's own errors
are. They follow the list's distribution of labels and are shuffled into it; nothing outside the study identifies them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from audit.result import AuditResult
    from embed.types import Flags, Floats

CONTROL_SHARE = 0.2
"""Controls for each row of the list: 20 of them measure an accuracy to about 9 points."""
MIN_CONTROLS = 8
SURE = 0.02
"""Largest upper bound of `p_wrong` of a label that counts as certainly right."""
RIGHT, PLANTED = "right", "planted"


@dataclass(frozen=True)
class ReviewItem:
    """One row for volunteers: the result's row, the label shown (class number), and the kind of control, empty for none."""

    row: int
    shown: int
    control: str


def choose_asked(result: AuditResult, usable: Flags, first: int, seed: int) -> list[ReviewItem]:
    """Choose rows and controls, and shuffle them.

    Parameters
    ----------
    result : AuditResult
        Of N glitches.
    usable : ndarray of bool, shape (N,)
        Glitches with pictures.
    first : int
        Rows of the list at most.
    seed : int

    Returns
    -------
    list of ReviewItem
        With fewer controls than `CONTROL_SHARE` where few labels are certain.
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


def _draw(allowed: Flags, weight: Floats, count: int, rng: np.random.Generator) -> list[int]:
    rows = np.flatnonzero(allowed)
    count = min(count, len(rows))
    if not count:
        return []
    share = weight[rows] / weight[rows].sum()
    return [int(row) for row in rng.choice(rows, count, replace=False, p=share)]


def _confused(result: AuditResult, truth: int, common: Floats, rng: np.random.Generator) -> int:
    """Draw a wrong label by the confusion structure and by how often the list shows each label."""
    weight = result.transition[truth] * common
    weight[truth] = 0
    return int(rng.choice(len(weight), p=weight / weight.sum()))
