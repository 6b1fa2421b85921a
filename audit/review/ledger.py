"""What the study keeps of its audits: every verdict, what volunteers were shown, and every answer.

The rows are in the tables of `embed.study.audits`; nothing is ever changed or deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embed.study.audits import (
    insert_audit,
    insert_decision,
    insert_label,
    prepare_audits,
    select_audit,
    select_decisions,
    select_subjects,
    select_verdicts,
)
from embed.study.records import Label

if TYPE_CHECKING:
    from collections.abc import Iterable

    from embed.study.study import Study

SUBJECT = "#discover_subject"
"""The manifest's hidden column with the key of the subject."""
AUDIT = "#discover_audit"
"""The manifest's hidden column that names the audit."""
DECISION = "decision"
"""The column that answers are written to."""
EXPECTED = f"the audit's table with a column {DECISION!r}, or Zooniverse's classification export"
"""What a file of answers should be, for the message about an empty one."""
ASKED = ""
"""The `control` of a subject that is no control."""


@dataclass(frozen=True)
class Audit:
    """An audit that the study keeps: its number, its passport, and the facts that the passport is a hash of."""

    number: int
    passport: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """An audit's verdict on one glitch; `p_wrong` is None where it was not tested."""

    glitch: int
    rank: int
    label: str
    suggested: str
    p_wrong: float | None

    def why(self, passport: str, who: str) -> str:
        """The reason stored with a label event."""
        doubt = "untested" if self.p_wrong is None else f"p_wrong {self.p_wrong:.3f}"
        return f"{passport}, rank {self.rank}, {doubt}: answered by {who}"


@dataclass(frozen=True)
class Subject:
    """One row that volunteers are shown.

    Attributes
    ----------
    key : str
        A hash that reveals nothing; in the manifest.
    glitch : int
    shown : str
        The label that they are asked about.
    control : str
        ``right`` or ``planted`` for a control, whose answer is known; empty otherwise.
    """

    key: str
    glitch: int
    shown: str
    control: str


@dataclass(frozen=True)
class Decision:
    """One answer to one glitch.

    Attributes
    ----------
    glitch : int
    subject : str
        Key of the volunteers' subject; empty where the table was answered.
    by : str
        ``person`` or ``volunteers``.
    outcome : str
        Whether the label in question is ``right`` or ``wrong``, or the answer ``unsure``.
    label : str
        The right label; empty where nobody named it.
    confidence : float or None
        Share of the votes.
    why : str
    """

    glitch: int
    subject: str
    by: str
    outcome: str
    label: str
    confidence: float | None = None
    why: str = ""


def remember(
    study: Study,
    run: int,
    passport: str,
    facts: dict[str, Any],
    *,
    verdicts: Iterable[Verdict],
    subjects: Iterable[Subject],
) -> None:
    """Store an audit with all of its verdicts and the volunteers' rows; the same audit a second time adds nothing."""
    prepare_audits(study)
    insert_audit(
        study,
        run,
        passport,
        facts,
        verdicts=((v.glitch, v.rank, v.label, v.suggested, v.p_wrong) for v in verdicts),
        subjects=((s.key, s.glitch, s.shown, s.control) for s in subjects),
    )


def find_audit(study: Study, passport: str) -> Audit | None:
    """Return the audit of this passport; None where the study has none."""
    found = select_audit(study, passport)
    return Audit(found[0], passport, found[1]) if found else None


def verdicts_by_id(study: Study, audit: Audit) -> dict[str, Verdict]:
    """Every verdict of an audit, by the glitch's id."""
    return {row[0]: Verdict(*row[1:]) for row in select_verdicts(study, audit.number)}


def subjects_of(study: Study, audit: Audit) -> dict[str, Subject]:
    """What volunteers were shown of an audit, by key."""
    return {row[0]: Subject(*row) for row in select_subjects(study, audit.number)}


def control_keys(study: Study, audit: Audit) -> set[str]:
    """Keys of an audit's controls."""
    return {key for key, subject in subjects_of(study, audit).items() if subject.control != ASKED}


def live_decisions(study: Study, audit: Audit) -> dict[tuple[int, str, str], Decision]:
    """The latest decision that is not undone, by glitch, subject and author."""
    return {row[:3]: Decision(*row) for row in select_decisions(study, audit.number)}


def add_decisions(study: Study, run: int, audit: Audit, decisions: Iterable[Decision], source: str) -> int:
    """Store decisions, and as label events those that name a label and are no controls; within one transaction.

    Returns
    -------
    int
        Label events added.
    """
    controls = control_keys(study, audit)
    events = 0
    for one in decisions:
        event = None
        if one.label and one.outcome != "unsure" and one.subject not in controls:
            event = insert_label(study, one.glitch, Label(one.label, one.by, source, one.confidence, one.why))
            events += 1
        insert_decision(study, run, audit.number, (one.glitch, one.subject, one.by, one.outcome, one.label), event)
    return events
