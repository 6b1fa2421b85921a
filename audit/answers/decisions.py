"""One decision at a time, as the review app makes them: stored as an import of one answer, known by its key, undone by its key.

A decision is written only if the glitch is still as the person saw it; a decision that is sent twice is stored once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.answers.importing import PERSON
from audit.answers.undo import undo_import
from audit.answers.vocabulary import RIGHT, Vocabulary
from audit.review.ledger import Decision, Verdict, add_decisions
from embed.errors import ConflictError, InputError
from embed.study.database import SHORT_WAIT_S
from embed.study.reviews import decided_runs, given_labels, is_undone, label_sizes, run_of_decision, select_verdict

if TYPE_CHECKING:
    from audit.answers.undo import Undone
    from audit.answers.vocabulary import Answer
    from audit.review.ledger import Audit
    from embed.study.reviews import QueueRow
    from embed.study.study import Study

SOURCE = "discover explore"
"""The file that the log of runs and the label events name."""
LONGEST = 80
"""Characters of the name of a new class at most."""


@dataclass(frozen=True)
class Seen:
    """What a person saw of a glitch: its label's event, and the run of the decision on it; 0 where there was none."""

    event: int
    run: int


@dataclass(frozen=True)
class Decided:
    """A stored decision.

    Attributes
    ----------
    run : int
        The run that stored it.
    outcome, label : str
        As in `audit.review.ledger.Decision`.
    repeated : bool
        It was stored before, under the same key.
    """

    run: int
    outcome: str
    label: str
    repeated: bool


def seen_now(study: Study, audit: Audit, glitch: int) -> Seen:
    """What there is to see of a glitch."""
    label = given_labels(study, [glitch]).get(glitch)
    decided = decided_runs(study, audit.number, glitch).get(glitch)
    return Seen(label.event if label else 0, decided[0] if decided else 0)


def decide(
    study: Study, audit: Audit, glitch: int, text: str, *, key: str, seen: Seen, new_class: bool = False
) -> Decided:
    """Store one decision on an audited glitch, as `audit.answers.importing` stores one row of the audit's table.

    Parameters
    ----------
    study : Study
    audit : Audit
    glitch : int
        Row number in the study.
    text : str
        A class name, ``keep``, ``suggested``, ``wrong`` or ``unsure``.
    key : str
        Made by the person's page for this decision alone.
    seen : Seen
        What the person saw.
    new_class : bool
        Whether `text` may name a class that the study does not have.

    Raises
    ------
    InputError
        The glitch was not audited, or the text is no answer.
    ConflictError
        The glitch's label or decision changed since the person saw it, or a confirmation would override a later label.
    StudyError
        Another process writes to the study for longer than `embed.study.database.SHORT_WAIT_S`.
    """
    verdict = select_verdict(study, audit.number, glitch)
    if verdict is None:
        raise InputError(f"glitch {glitch} was not audited in {audit.passport}; load the queue again")
    answer = _read(study, verdict, text, new_class=new_class)
    stored = run_of_decision(study, key)
    if stored is not None:
        return Decided(stored, answer.outcome, answer.label, repeated=True)
    _check_unchanged(study, audit, glitch, answer, seen=seen)
    arguments = {"audit": audit.passport, "file": SOURCE, "key": key}
    with study.run("audit import", arguments, wait_s=SHORT_WAIT_S) as run:
        stored = run_of_decision(study, key)  # another server may have stored it while this one waited
        if stored is not None:
            return Decided(stored, answer.outcome, answer.label, repeated=True)
        why = Verdict(glitch, verdict.rank, verdict.label, verdict.suggested, verdict.p_wrong).why(
            audit.passport, "a person"
        )
        with study.transaction():
            _check_unchanged(study, audit, glitch, answer, seen=seen)
            decision = Decision(glitch, "", PERSON, answer.outcome, answer.label, None, why)
            add_decisions(study, run, audit, [decision], SOURCE)
    return Decided(run, answer.outcome, answer.label, repeated=False)


def _read(study: Study, verdict: QueueRow, text: str, *, new_class: bool) -> Answer:
    """Read an answer; a class that the study lacks only where `new_class` says so."""
    labels = label_sizes(study)
    try:
        return Vocabulary(labels).read(text, verdict.label, verdict.suggested, verdict.id)
    except InputError:
        if not new_class or len(text) > LONGEST or not text.isprintable():
            raise
        return Vocabulary(labels, [text.strip()]).read(text, verdict.label, verdict.suggested, verdict.id)


def _check_unchanged(study: Study, audit: Audit, glitch: int, answer: Answer, *, seen: Seen) -> None:
    label = given_labels(study, [glitch]).get(glitch)
    now = seen_now(study, audit, glitch)
    if now != seen:
        what = f"{label.label!r} by {label.by} ({label.source})" if label else "without a label"
        raise ConflictError(f"this glitch was decided elsewhere in between: it is now {what}; decide again")
    if answer.outcome == RIGHT and label is not None and label.label != answer.label:
        raise ConflictError(
            f"the label {answer.label!r} was changed to {label.label!r} after the audit; a confirmation does not change it back"
        )


def undo_decision(study: Study, key: str) -> Undone | None:
    """Undo the decision of a key; None where it is undone already.

    Raises
    ------
    InputError
        No decision has this key.
    StudyError
        Another process writes to the study.
    """
    run = run_of_decision(study, key)
    if run is None:
        raise InputError(f"no decision {key[:40]!r} is stored; there is nothing to undo")
    return None if is_undone(study, run) else undo_import(study, run)
