"""What came since the last run: new files and grown tables, found by their sizes and times of change, without reading them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embed.errors import InputError
from embed.ingest.folders import new_files
from embed.study.reading import read_object
from embed.study.report import IngestReport, Skip

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from embed.study.study import Study

COMMAND = "watch"
"""Of the runs that remember what was seen."""
SETTLED_S = 2.0
"""Seconds that a table must not have changed to be read."""


@dataclass(frozen=True)
class Arrivals:
    """What there is to take in.

    Attributes
    ----------
    files : dict of Path to list of Path
        Folder -> new or changed images in it.
    tables : list of Path
        New or changed tables.
    left : list of Skip
        Left for the next run: tables that change at this moment, and folders that cannot be read.
    seen : dict of str to list of int
        Size and time of change (ns) of what was looked at before and could not be used, and of the tables that were read.
    last : dict
        What the last run remembered, and its number as ``run``; empty where there is none.
    at_rest : bool
        Whether no other command has changed the study since.
    """

    files: dict[Path, list[Path]]
    tables: list[Path]
    left: list[Skip]
    seen: dict[str, list[int]] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    at_rest: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to take in."""
        return not self.tables and not any(self.files.values())


def find_arrivals(study: Study, paths: Sequence[Path], asked: dict[str, Any]) -> Arrivals:
    """Find what is new in folders and tables.

    Parameters
    ----------
    study : Study
    paths : sequence of Path
        Folders of images, and tables.
    asked : dict
        The options of this run; a last run with others does not count as the same work.

    Raises
    ------
    InputError
        When a path is neither.
    """
    last, at_rest = _last(study, asked)
    seen = {name: list(status) for name, status in last.get("seen", {}).items()}
    files: dict[Path, list[Path]] = {}
    tables: list[Path] = []
    report = IngestReport()
    for path in paths:
        if path.is_dir():
            files[path] = [own for own in new_files(study, path, report) if seen.get(seen_name(own)) != status_of(own)]
        elif not path.is_file():
            raise InputError(f"{path} does not exist; give a folder of images, or a CSV")
        elif seen.get(seen_name(path)) == status_of(path):
            continue
        elif _is_growing(path):
            report.skip(path, "it is being written at this moment")
        else:
            tables.append(path)
    return Arrivals(files, tables, report.skipped, seen, last, at_rest)


def status_of(path: Path) -> list[int]:
    """Return a file's size in bytes and its time of change in nanoseconds; both 0 where it cannot be asked."""
    try:
        status = path.stat()
    except OSError:
        return [0, 0]
    return [status.st_size, status.st_mtime_ns]


def seen_name(path: Path) -> str:
    """Return what a path is remembered by; a name that is not UTF-8 is escaped."""
    return os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")


def _is_growing(path: Path) -> bool:
    """Whether a table changed within `SETTLED_S`, changes now, or ends in the middle of a line."""
    before = status_of(path)
    if abs(time.time() - before[1] / 1e9) < SETTLED_S:
        time.sleep(SETTLED_S)
    with path.open("rb") as file:
        file.seek(max(0, before[0] - 1))
        whole = file.read(1) in (b"\n", b"\r")
    return status_of(path) != before or not whole


def _last(study: Study, asked: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return what the last finished run remembered, and whether it was the last of all runs and was asked the same."""
    rows = study.connection.execute("SELECT run, command, arguments, outcome FROM runs ORDER BY run DESC")
    for place, (run, command, arguments, outcome) in enumerate(rows):
        if command == COMMAND and outcome == "done":
            last = read_object(study.database, arguments, f"what the latest run of {COMMAND} was given")
            return last | {"run": run}, place == 0 and last.get("asked") == asked
    return {}, False
