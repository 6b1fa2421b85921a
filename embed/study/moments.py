"""What a study held when a run began, and a copy of its database taken back to that moment.

Rows of labels, glitches and views are only ever added, with rising numbers: the last of each says what was there.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from embed.fleet.node import own_versions
from embed.processors import usable_processors
from embed.study.reading import read_object
from embed.study.records import MODEL

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from embed.study.study import Study

HELD, VERSIONS = "held", "versions"
"""Names of what `circumstances` returns."""
_KEYS = {"labels": "event", "glitches": "glitch", "views": "view"}
_OF_RUNS = {
    "clusters": "run", "branches": "run", "reports": "run", "decisions": "run", "audits": "run", "restored": "run",
    "undone": "by_run", "runs": "run",
}  # fmt: skip
"""Table -> column of the run that wrote a row."""


def circumstances(study: Study) -> dict[str, dict[str, Any]]:
    """Return what a run keeps besides its options, so that it can be made again: the number of the last label event, glitch and view, and the versions of what computes."""
    last = ", ".join(f"(SELECT coalesce(max({key}), 0) FROM {table})" for table, key in _KEYS.items())  # noqa: S608 - names of ours
    numbers = study.connection.execute(f"SELECT {last}").fetchone()
    return {HELD: dict(zip(_KEYS, numbers, strict=True)), VERSIONS: what_computes()}


def what_computes() -> dict[str, str]:
    """Return what the last digits of a result depend on besides the input: versions of libraries, and how many threads may run."""
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    return own_versions() | {"processors": str(usable_processors()), "OMP_NUM_THREADS": threads}


def run_arguments(study: Study, run: int) -> dict[str, Any]:
    """Return what a run was given.

    Raises
    ------
    StudyError
        It cannot be read.
    """
    (text,) = study.connection.execute("SELECT arguments FROM runs WHERE run = ?", (run,)).fetchone()
    return read_object(study.database, text, f"what run {run} was given")


def run_seconds(study: Study, run: int) -> int:
    """Return the seconds that a finished run took."""
    (seconds,) = study.connection.execute("SELECT finished - started FROM runs WHERE run = ?", (run,)).fetchone()
    return int(seconds)


def latest_run(study: Study, command: str, among: Collection[int] | None = None) -> int | None:
    """Return the latest finished run of a command, or of some runs; None where there is none."""
    query = "SELECT run FROM runs WHERE command = ? AND outcome = 'done' ORDER BY run DESC"
    runs = [run for (run,) in study.connection.execute(query, (command,)) if among is None or run in among]
    return runs[0] if runs else None


def relabelled_since(study: Study, run: int) -> int:
    """Count the glitches that a run saw and that have another given label now, or their first one."""
    event, glitch = _last(study.connection, run)
    query = """
        SELECT count(*) FROM glitches g
        LEFT JOIN labels old ON old.event = (SELECT max(event) FROM labels WHERE glitch = g.glitch AND by != :model AND event <= :event)
        LEFT JOIN labels new ON new.event = (SELECT max(event) FROM labels WHERE glitch = g.glitch AND by != :model)
        WHERE g.glitch <= :glitch AND new.label IS NOT old.label
        """
    (count,) = study.connection.execute(query, {"model": MODEL, "event": event, "glitch": glitch}).fetchone()
    return int(count)


def take_back(database: sqlite3.Connection, run: int) -> None:
    """Take the copy of a study's database back to when a run began: what came later is deleted.

    Cells that were filled in later, such as metadata, stay. A run of an earlier version, which did not keep its `circumstances`, saw the labels
    that are not younger than itself, by the clock, and of the glitches and views all that there are.

    Parameters
    ----------
    database : sqlite3.Connection
        A copy, which is thrown away: its triggers, which keep rows from being deleted, are dropped.
    run : int
    """
    event, glitch = _last(database, run)
    view = _held(database, run).get("views")
    query = "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'table')"
    there = database.execute(query).fetchall()
    for name in (name for kind, name in there if kind == "trigger"):
        database.execute(f"DROP TRIGGER {name}")
    database.execute("DELETE FROM labels WHERE event > ? OR glitch > ?", (event, glitch))
    database.execute("DELETE FROM views WHERE view > coalesce(?, view) OR glitch > ?", (view, glitch))
    database.execute("DELETE FROM glitches WHERE glitch > ?", (glitch,))
    tables = {name for kind, name in there if kind == "table"}
    for table, column in _OF_RUNS.items():
        if table in tables:
            database.execute(f"DELETE FROM {table} WHERE {column} >= ?", (run,))  # noqa: S608 - names of ours
    for table in ("verdicts", "subjects"):
        if table in tables:
            database.execute(f"DELETE FROM {table} WHERE audit NOT IN (SELECT audit FROM audits)")  # noqa: S608 - names of ours
    database.commit()


def _held(database: sqlite3.Connection, run: int) -> dict[str, int]:
    (text,) = database.execute("SELECT arguments FROM runs WHERE run = ?", (run,)).fetchone()
    held: dict[str, int] = json.loads(text).get(HELD, {})
    return held


def _last(database: sqlite3.Connection, run: int) -> tuple[int, int]:
    """Return the last label event and the last glitch that a run saw."""
    held = _held(database, run)
    if held:
        return held["labels"], held["glitches"]
    query = "SELECT coalesce(max(event), 0) FROM labels WHERE at <= (SELECT started FROM runs WHERE run = ?)"
    (event,) = database.execute(query, (run,)).fetchone()
    (glitch,) = database.execute("SELECT coalesce(max(glitch), 0) FROM glitches").fetchone()
    return int(event), int(glitch)
