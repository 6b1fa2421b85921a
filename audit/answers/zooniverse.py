"""Zooniverse's classification export: votes on the rows that volunteers were shown.

A row is one classification: ``annotations`` is a JSON list of ``{task, value}``, ``subject_data`` a JSON object with the
subject's metadata under its number, with its prefixes (Zooniverse's help, "Data exports"). Rows of other subjects are
ignored and counted; of two votes by one volunteer on one subject the earlier counts, as in Gravity Spy.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audit.review.ledger import AUDIT, SUBJECT
from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embed.csvfile import CsvFile, Row

COLUMNS = ("annotations", "subject_data")
"""Columns that identify an export."""


@dataclass(frozen=True)
class Vote:
    """One volunteer's answer on one subject."""

    audit: str
    subject: str
    text: str
    where: str


@dataclass
class Votes:
    """The votes of an export.

    Attributes
    ----------
    votes : list of Vote
        One for each volunteer and subject.
    elsewhere : int
        Classifications of subjects that no audit made.
    repeated : int
        Later votes of the same volunteer on the same subject.
    unanswered : int
        Classifications without an answer.
    """

    votes: list[Vote] = field(default_factory=list)
    elsewhere: int = 0
    repeated: int = 0
    unanswered: int = 0


def read_votes(file: CsvFile, choices: Sequence[str] = ()) -> Votes:
    """Read an export.

    Parameters
    ----------
    file : CsvFile
    choices : sequence of str
        The question's answers in order, for exports that give their number.

    Raises
    ------
    InputError
        With the line, where a cell is not JSON or not of the expected shape.
    """
    out = Votes()
    found: dict[tuple[str, str], tuple[str, str, Vote]] = {}
    for row in file.rows():
        keys = _subject(row)
        if keys is None:
            out.elsewhere += 1
            continue
        text = _answer(_json(row, "annotations"), row.where, choices)
        if text is None:
            out.unanswered += 1
            continue
        when = (row.cells.get("created_at", ""), row.cells.get("classification_id", "").zfill(20))
        user = row.cells.get("user_id") or row.cells.get("user_name") or f"classification {when[1]} {row.where}"
        vote = Vote(*keys, text, row.where)
        earlier = found.get((user, vote.subject))
        if earlier is not None:
            out.repeated += 1
        if earlier is None or when < earlier[:2]:
            found[user, vote.subject] = (*when, vote)
    out.votes = [vote for _, _, vote in found.values()]
    return out


def _json(row: Row, column: str) -> Any:  # noqa: ANN401 - any JSON value
    text = row.cells[column]
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(
            f"{row.where}: the cell {column!r} is damaged JSON ({error}): {text[:60]!r}; download the export again"
        ) from error


def _subject(row: Row) -> tuple[str, str] | None:
    """Audit and key of the subject; None where it has neither."""
    data = _json(row, "subject_data")
    subjects = list(data.values()) if isinstance(data, dict) else []
    if len(subjects) != 1 or not isinstance(subjects[0], dict):
        raise InputError(
            f"{row.where}: 'subject_data' does not hold one subject; download the classification export again"
        )
    metadata = {str(name).lstrip("#!/%"): value for name, value in subjects[0].items()}
    keys = [metadata.get(name.lstrip("#")) for name in (AUDIT, SUBJECT)]
    if keys[0] is None and keys[1] is None:
        return None
    if not all(isinstance(key, str) and key for key in keys):
        raise InputError(
            f"{row.where}: the subject carries {AUDIT} {keys[0]!r} and {SUBJECT} {keys[1]!r}; both are needed, was the manifest edited?"
        )
    return str(keys[0]), str(keys[1])


def _answer(annotations: object, where: str, choices: Sequence[str]) -> str | None:
    """Text of the first answered task: of a survey the first choice, of a question its answer."""
    if not isinstance(annotations, list) or not all(isinstance(one, dict) for one in annotations):
        raise InputError(f"{where}: 'annotations' is no list of tasks; download the classification export again")
    for annotation in annotations:
        value = annotation.get("value")
        while isinstance(value, list | dict):
            if isinstance(value, list):
                value = value[0] if value else None
            else:
                value = next((value[key] for key in ("choice", "label", "value") if value.get(key) is not None), None)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int):
            if not 0 <= value < len(choices):
                raise InputError(
                    f"{where}: the answer is number {value} of the question's choices; name them all in order, each with --choice"
                )
            return choices[value]
        if isinstance(value, str) and value.strip():
            return value
    return None
