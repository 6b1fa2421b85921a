"""What the answers say of the audit, and what the controls say of the answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.answers.vocabulary import RIGHT, UNSURE, WRONG
from audit.review.controls import PLANTED
from audit.review.controls import RIGHT as RIGHT_CONTROL
from audit.review.ledger import ASKED, control_keys, live_decisions, verdicts_by_id
from embed.metrics.intervals import wilson

if TYPE_CHECKING:
    from audit.answers.vocabulary import Answer
    from audit.review.ledger import Audit, Subject, Verdict
    from embed.study.study import Study

TRUSTED = 0.7
"""Share of right answers on the controls below which answers are to be read with care: Gravity Spy promotes volunteers above it."""


@dataclass(frozen=True)
class Score:
    """How volunteers answered the controls, vote by vote.

    Attributes
    ----------
    right, right_of : int
        Right labels that were recognised as right, of so many votes.
    planted, planted_of : int
        Planted wrong labels that were found wrong (and, where a class was named, named rightly), of so many votes.
    low, high : float
        Wilson's interval of the share of all that were answered as known; NaN without votes.
    """

    right: int
    right_of: int
    planted: int
    planted_of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Of all votes on controls; NaN without any."""
        votes = self.right_of + self.planted_of
        return (self.right + self.planted) / votes if votes else float("nan")


def score_controls(
    answers: dict[str, list[Answer]], subjects: dict[str, Subject], verdicts: dict[int, Verdict]
) -> Score:
    """Compare the votes on the controls with what is known; votes of `UNSURE` are left out.

    Parameters
    ----------
    answers : dict
        Key of the subject -> votes.
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
            said_so = answer.outcome == (RIGHT if subject.control == RIGHT_CONTROL else WRONG)
            hits[subject.control] += said_so and answer.label in ("", truth)
    low, high = wilson(sum(hits.values()), sum(votes.values()))
    return Score(hits[RIGHT_CONTROL], votes[RIGHT_CONTROL], hits[PLANTED], votes[PLANTED], float(low), float(high))


@dataclass(frozen=True)
class Measured:
    """The audit's precision, measured by people.

    Attributes
    ----------
    answered, wrong : int
        Glitches asked in earnest and decided, and those of them whose label was found wrong.
    expected : float
        Sum of their `p_wrong`: what the audit had said.
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
        """Of the labels that were found wrong; NaN without answers."""
        return self.wrong / self.answered if self.answered else float("nan")


def measured_precision(study: Study, audit: Audit) -> Measured:
    """Hold all answers to an audit that are not undone against its `p_wrong`.

    Where a person and volunteers disagree the person counts; who is unsure has not answered; untested glitches had no `p_wrong`.
    """
    controls = control_keys(study, audit)
    verdicts = {verdict.glitch: verdict.p_wrong for verdict in verdicts_by_id(study, audit).values()}
    decided: dict[int, str] = {}
    for decision in sorted(live_decisions(study, audit).values(), key=lambda one: one.by == "person"):
        if decision.subject not in controls and decision.outcome != UNSURE and verdicts[decision.glitch] is not None:
            decided[decision.glitch] = decision.outcome
    wrong = sum(outcome == WRONG for outcome in decided.values())
    expected = float(np.sum([verdicts[glitch] for glitch in decided]))
    low, high = wilson(wrong, len(decided))
    return Measured(len(decided), wrong, expected, float(low), float(high))
