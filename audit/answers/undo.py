"""Taking an import of answers back: by label events, since nothing is ever overwritten or deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.review.ledger import is_prepared
from embed.errors import InputError
from embed.study.database import now

if TYPE_CHECKING:
    from embed.study.study import Study


_HISTORY = """
    SELECT event, label FROM labels WHERE glitch = ? AND by != 'model' AND event NOT IN (SELECT event FROM restored)
    AND event NOT IN (SELECT event FROM decisions WHERE event IS NOT NULL AND run IN (SELECT run FROM undone))
    ORDER BY event DESC
"""
"""A glitch's labels as if what was undone had never been said, the latest first."""


@dataclass(frozen=True)
class Undone:
    """What an undoing did: the import's run, its file, label events appended, glitches whose label has changed since."""

    run: int
    file: str
    events: int
    changed_since: int


def last_import(study: Study) -> int:
    """Return the run of the last import that is not undone.

    Raises
    ------
    InputError
        When there is no import to undo.
    """
    row = None
    if is_prepared(study):
        row = study.connection.execute(
            "SELECT max(run) FROM decisions WHERE run NOT IN (SELECT run FROM undone)"
        ).fetchone()
    if row is None or row[0] is None:
        raise InputError(f"the study {study.folder} has no import of answers to undo")
    return int(row[0])


def undo_import(study: Study) -> Undone:
    """Restore the labels before the last import that is not undone, by label events; decisions stay on record.

    A glitch whose label somebody changed after the import keeps it.

    Raises
    ------
    InputError
        When there is no import to undo.
    """
    last = last_import(study)
    execute = study.connection.execute
    file = str(execute("SELECT json_extract(arguments, '$.file') FROM runs WHERE run = ?", (last,)).fetchone()[0])
    events = changed = 0
    with study.run("audit undo", {"import": last, "file": file}) as run, study.transaction():
        written = execute("SELECT glitch, event FROM decisions WHERE run = ? AND event IS NOT NULL", (last,)).fetchall()
        for glitch, event in written:
            (latest, _), *earlier = execute(_HISTORY, (glitch,)).fetchall()
            if latest != event:
                changed += 1
                continue
            cursor = execute(
                "INSERT INTO labels (glitch, label, by, source, confidence, at, why) VALUES (?, ?, 'audit', ?, NULL, ?, ?)",
                (glitch, earlier[0][1], file, now(), f"undoes the import of {file} (run {last})"),
            )
            execute("INSERT INTO restored (event, run) VALUES (?, ?)", (cursor.lastrowid, run))
            events += 1
        execute("INSERT INTO undone (run, by_run) VALUES (?, ?)", (last, run))
    return Undone(last, file, events, changed)
