"""The reports that were written of a study: where each is, which run wrote it, and what it answers.

The table is made with the first report. A page of a folder outside the study is kept by its absolute path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from embed.study.database import now

if TYPE_CHECKING:
    from pathlib import Path

    from embed.study.study import Study

_TABLE = """CREATE TABLE IF NOT EXISTS reports ( -- what people read, by the run that wrote it
    run INTEGER NOT NULL REFERENCES runs,
    title TEXT NOT NULL,
    path TEXT NOT NULL,        -- below the study's folder, or absolute
    answer TEXT NOT NULL,      -- in a line
    at INTEGER NOT NULL
)"""


class Report(NamedTuple):
    """One report.

    Attributes
    ----------
    run : int
        That wrote it.
    title, answer : str
        What it is about, and its answer in a line.
    path : Path
        Absolute.
    at : int
        Seconds since 1970, UTC.
    """

    run: int
    title: str
    path: Path
    answer: str
    at: int


def add_report(study: Study, run: int, path: Path, title: str, answer: str) -> None:
    """Keep that a run wrote a report; within `Study.run`, when the page is written."""
    whole = path.absolute()
    stored = whole.relative_to(study.folder).as_posix() if whole.is_relative_to(study.folder) else str(whole)
    with study.transaction():
        study.connection.execute(_TABLE)
        study.connection.execute(
            "INSERT INTO reports (run, title, path, answer, at) VALUES (?, ?, ?, ?, ?)",
            (run, title, stored, " ".join(answer.split()), now()),
        )


def latest_reports(study: Study) -> list[Report]:
    """Return the reports that are still there, the newest first; of those with one path only the last."""
    if not _has_reports(study):
        return []
    rows = study.connection.execute(
        "SELECT run, title, path, answer, at FROM reports WHERE rowid IN (SELECT max(rowid) FROM reports GROUP BY path) ORDER BY rowid DESC"
    )
    found = [Report(run, title, study.folder / path, answer, at) for run, title, path, answer, at in rows]
    return [report for report in found if report.path.is_file()]


def page_of(study: Study, run: int) -> Path | None:
    """Return the page that a run wrote, whether or not it is still there; None where the study knows of none."""
    if not _has_reports(study):
        return None
    row = study.connection.execute("SELECT path FROM reports WHERE run = ? ORDER BY rowid LIMIT 1", (run,)).fetchone()
    return None if row is None else study.folder / row[0]


def writers(study: Study, run: int) -> list[int]:
    """Return the runs that wrote the page that a run wrote, the oldest first."""
    if not _has_reports(study):
        return []
    query = "SELECT DISTINCT run FROM reports WHERE path IN (SELECT path FROM reports WHERE run = ?) ORDER BY run"
    return [number for (number,) in study.connection.execute(query, (run,))]


def _has_reports(study: Study) -> bool:
    there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'reports'"
    return study.connection.execute(there).fetchone() is not None
