"""Import answers: they become label events, controls are scored, and the audit's precision is measured.

A file is read and checked completely before anything is written, and then written in one transaction. An answer that the study
already has is not written again. Nothing is ever overwritten or deleted; see `audit.answers.undo`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audit.answers.consensus import audit_of_votes, consensus
from audit.answers.precision import Measured, Score, measured_precision
from audit.answers.vocabulary import RIGHT, WRONG, Vocabulary
from audit.answers.zooniverse import COLUMNS, read_votes
from audit.review.ledger import (
    DECISION,
    EXPECTED,
    Audit,
    Decision,
    add_decisions,
    control_keys,
    find_audit,
    live_decisions,
    verdicts_by_id,
)
from embed.csvfile import CsvFile, restored
from embed.digits import counted
from embed.errors import InputError
from embed.study.audits import current_labels
from embed.study.database import SHORT_WAIT_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from audit.review.ledger import Verdict
    from embed.csvfile import Row
    from embed.study.study import Study

PERSON = "person"


@dataclass(frozen=True)
class Answers:
    """The answers of a file, read and checked but not yet written.

    Attributes
    ----------
    audit : Audit
    decisions : list of Decision
    controls : Score or None
        The volunteers' answers to the controls.
    notes : list of str
        What was ignored, and why.
    """

    audit: Audit
    decisions: list[Decision]
    controls: Score | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Imported:
    """The outcome of an import.

    Attributes
    ----------
    audit : str
        Passport.
    decisions, new, events : int
        Decisions in the file, those that were new to the study, and label events written.
    outcomes : dict of str to int
        Decisions by outcome, without controls.
    relabelled : int
        Labels found wrong and replaced.
    controls : Score or None
    precision : Measured
        Over all answers to this audit so far.
    notes : list of str
    """

    audit: str
    decisions: int
    new: int
    events: int
    outcomes: dict[str, int]
    relabelled: int
    controls: Score | None
    precision: Measured
    notes: list[str]


def read_answers(study: Study, path: Path, *, new: Sequence[str] = (), choices: Sequence[str] = ()) -> Answers:
    """Read and check a file of answers.

    Parameters
    ----------
    study : Study
    path : Path
        The audit's table with a column ``decision``, or Zooniverse's classification export.
    new : sequence of str
        Names of classes that are new to the study.
    choices : sequence of str
        See `audit.answers.zooniverse.read_votes`.

    Raises
    ------
    InputError
        With the line: answers to an audit of another study, an unknown id, rows that contradict each other, an answer that is not
        understood, damaged JSON.
    """
    file = CsvFile(path, EXPECTED)
    if all(name in file.columns for name in COLUMNS):
        return _from_votes(study, file, new, choices)
    lacking = [name for name in ("id", "label", "passport", DECISION) if name not in file.columns]
    if lacking:
        raise InputError(
            f"{path} has no column {lacking[0]!r}: it is neither the audit's table with answers (audit.csv with a further column {DECISION!r}; its id, label and passport stay, and say which label was judged) nor Zooniverse's classification export; its columns are {', '.join(file.columns[:12])}"
        )
    return _from_table(study, file, new)


def import_answers(study: Study, path: Path, answers: Answers) -> Imported:
    """Write answers into the study, all in one transaction.

    Parameters
    ----------
    study : Study
    path : Path
        The source of the label events.
    answers : Answers
        From `read_answers`.
    """
    known = live_decisions(study, answers.audit)
    new = [one for one in answers.decisions if not _same(known.get((one.glitch, one.subject, one.by)), one)]
    controls = control_keys(study, answers.audit)
    asked = [one for one in answers.decisions if one.subject not in controls]
    events = 0
    if new:
        with (
            study.run("audit import", {"audit": answers.audit.passport, "file": path.name}, wait_s=SHORT_WAIT_S) as run,
            study.transaction(),
        ):
            events = add_decisions(study, run, answers.audit, new, path.name)
    return Imported(
        audit=answers.audit.passport,
        decisions=len(answers.decisions),
        new=len(new),
        events=events,
        outcomes=dict(sorted(Counter(one.outcome for one in asked).items())),
        relabelled=sum(one.outcome == WRONG and one.label != "" for one in asked),
        controls=answers.controls,
        precision=measured_precision(study, answers.audit),
        notes=answers.notes,
    )


def _same(known: Decision | None, one: Decision) -> bool:
    return known is not None and (known.outcome, known.label) == (one.outcome, one.label)


def _audit(study: Study, passport: str, where: str) -> Audit:
    audit = find_audit(study, passport)
    if audit is None:
        raise InputError(
            f"{where}: answers to audit {passport[:60]!r}, which is none of the study {study.folder}; give the study it came from with --study"
        )
    return audit


def _from_votes(study: Study, file: CsvFile, new: Sequence[str], choices: Sequence[str]) -> Answers:
    found = read_votes(file, choices)
    audit = audit_of_votes(study, found, str(file.path))
    labels = current_labels(study)
    agreed = consensus(study, audit, found, Vocabulary((label for _, label in labels.values()), new))
    kept, notes = _unless_changed(study, audit, agreed.decisions)
    return Answers(audit, kept, agreed.controls, [*notes, *agreed.notes])


def _from_table(study: Study, file: CsvFile, new: Sequence[str]) -> Answers:
    audit: Audit | None = None
    verdicts: dict[str, Verdict] = {}
    decisions: dict[int, tuple[Decision, str]] = {}
    vocabulary = Vocabulary((label for _, label in current_labels(study).values()), new)
    for row in file.rows():
        passport = restored(row.cells["passport"])
        if audit is None:
            audit = _audit(study, passport, row.where)
            verdicts = verdicts_by_id(study, audit)
        elif passport != audit.passport:
            _audit(study, passport, row.where)
            raise InputError(
                f"{row.where}: answers to audit {passport!r}, but to {audit.passport!r} above; import each audit separately"
            )
        decision = _decision(row, audit, verdicts, vocabulary)
        if decision is None:
            continue
        earlier = decisions.get(decision.glitch)
        if earlier is not None and not _same(earlier[0], decision):
            raise InputError(
                f"{row.where}: {row.cells['id']} has another answer in {earlier[1]}; keep one of the two answers"
            )
        decisions[decision.glitch] = decision, row.where
    if audit is None or not decisions:
        raise InputError(
            f"{file.path} holds no answer: write class names, keep, suggested, wrong or unsure into its column {DECISION!r}"
        )
    kept, notes = _unless_changed(study, audit, [decision for decision, _ in decisions.values()])
    return Answers(audit, kept, None, notes)


def _decision(row: Row, audit: Audit, verdicts: dict[str, Verdict], vocabulary: Vocabulary) -> Decision | None:
    """Read one row of the audit's table; None where it is not answered."""
    identifier, label = restored(row.cells["id"]), restored(row.cells["label"])
    verdict = verdicts.get(identifier)
    if verdict is None:
        raise InputError(
            f"{row.where}: id {identifier[:80]!r} was not audited in {audit.passport}; was the cell changed?"
        )
    if label != verdict.label:
        raise InputError(
            f"{row.where}: {identifier} was audited as {verdict.label!r}, the table says {label[:60]!r}; write answers into the column {DECISION!r} only"
        )
    given = restored(row.cells[DECISION]).strip()
    if not given:
        return None
    answer = vocabulary.read(given, verdict.label, verdict.suggested, row.where)
    return Decision(
        verdict.glitch, "", PERSON, answer.outcome, answer.label, None, verdict.why(audit.passport, "a person")
    )


def _unless_changed(study: Study, audit: Audit, decisions: list[Decision]) -> tuple[list[Decision], list[str]]:
    """Leave out confirmations of a label that the glitch no longer has: they would override a later label."""
    labels, controls = current_labels(study), control_keys(study, audit)
    kept = [
        one
        for one in decisions
        if one.outcome != RIGHT or one.subject in controls or labels[one.glitch][1] == one.label
    ]
    stale = len(decisions) - len(kept)
    if not stale:
        return kept, []
    return kept, [
        f"{counted(stale, 'confirmed label was changed after the audit; it stays as it is', 'confirmed labels were changed after the audit; they stay as they are')} now"
    ]
