"""The precision of the audit, measured by the answers, and the accuracy of the answers, measured by the controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.answers.vocabulary import RIGHT, UNSURE, WRONG
from audit.review.controls import PLANTED
from audit.review.controls import RIGHT as RIGHT_CONTROL
from audit.review.ledger import ASKED, control_keys, live_decisions
from embed.metrics.intervals import wilson
from embed.study.reviews import doubts

if TYPE_CHECKING:
    from audit.answers.vocabulary import Answer
    from audit.review.ledger import Audit, Subject, Verdict
    from embed.study.study import Study

TRUSTED = 0.7
"""Share of right answers on the controls below which the answers are doubtful; Gravity Spy promotes volunteers above it."""


@dataclass(frozen=True)
class Score:
    """The volunteers' votes on the controls.

    Attributes
    ----------
    right, right_of : int
        Votes that found a right label right, and all votes on right labels.
    planted, planted_of : int
        Votes that found a planted label wrong (and, where they name a class, the right one), and all votes on planted labels.
    low, high : float
        Wilson's interval of `share`; NaN without votes.
    """

    right: int
    right_of: int
    planted: int
    planted_of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Share of right answers in all votes on controls; NaN without votes."""
        votes = self.right_of + self.planted_of
        return (self.right + self.planted) / votes if votes else float("nan")


def score_controls(
    answers: dict[str, list[Answer]], subjects: dict[str, Subject], verdicts: dict[int, Verdict]
) -> Score:
    """Compare the votes on the controls with the known answers; votes of `UNSURE` do not count.

    Parameters
    ----------
    answers : dict
        Votes by key of the subject.
    subjects : dict
        By key.
    verdicts : dict
        By glitch; a control's own label is right.
    """
    hits, votes = {RIGHT_CONTROL: 0, PLANTED: 0}, {RIGHT_CONTROL: 0, PLANTED: 0}
    for key, given in answers.items():
        subject = subjects[key]
        if subject.control == ASKED:
            continue
        for answer in given:
            if answer.outcome == UNSURE:
                continue
            votes[subject.control] += 1
            truth = verdicts[subject.glitch].label
            is_right = answer.outcome == (RIGHT if subject.control == RIGHT_CONTROL else WRONG)
            hits[subject.control] += is_right and answer.label in ("", truth)
    low, high = wilson(sum(hits.values()), sum(votes.values()))
    return Score(hits[RIGHT_CONTROL], votes[RIGHT_CONTROL], hits[PLANTED], votes[PLANTED], float(low), float(high))


@dataclass(frozen=True)
class Measured:
    """The audit's precision, measured by people.

    Attributes
    ----------
    answered, wrong : int
        Glitches with an answer, controls aside, and those of them whose label was found wrong.
    expected : float
        Sum of their `p_wrong`: the number that the audit predicted.
    low, high : float
        Wilson's interval of the share found wrong; NaN without answers.
    """

    answered: int
    wrong: int
    expected: float
    low: float
    high: float

    @property
    def share(self) -> float:
        """Share of the answered labels that were found wrong; NaN without answers."""
        return self.wrong / self.answered if self.answered else float("nan")


def measured_precision(study: Study, audit: Audit) -> Measured:
    """Compare all answers to an audit that are not undone with its `p_wrong`.

    Where a person and volunteers disagree, the person counts. Unsure answers and untested glitches do not count.
    """
    controls = control_keys(study, audit)
    live = live_decisions(study, audit).values()
    verdicts = doubts(study, audit.number, {decision.glitch for decision in live})
    decided: dict[int, str] = {}
    for decision in sorted(live, key=lambda one: one.by == "person"):
        if decision.subject not in controls and decision.outcome != UNSURE and verdicts[decision.glitch] is not None:
            decided[decision.glitch] = decision.outcome
    wrong = sum(outcome == WRONG for outcome in decided.values())
    expected = float(np.sum([verdicts[glitch] for glitch in decided]))
    low, high = wilson(wrong, len(decided))
    return Measured(len(decided), wrong, expected, float(low), float(high))
