"""What became of each run: a run that was stopped or killed could not write it down itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from embed.study.moments import HELD, VERSIONS

if TYPE_CHECKING:
    from pathlib import Path

    from embed.study.study import Study

DONE = "done"
STOPPED = "stopped"
RUNS = "running, or killed"


def outcomes(study: Study) -> dict[int, str]:
    """Return what became of each run, by its number, oldest first.

    What a run wrote down itself stays as it is: ``done``, or ``failed`` and why. A run that wrote nothing was stopped, since only one
    writes at a time: by Ctrl-C, or killed. If the same command ended later with the same arguments, the run that did its work is named.
    The latest run may be running still while the study's lock names a process; a killed one leaves the name there.
    """
    rows = study.connection.execute("SELECT run, command, arguments, outcome FROM runs ORDER BY run").fetchall()
    said: dict[int, str] = {run: outcome for run, _, _, outcome in rows}
    if all(said.values()):
        return said
    later: dict[tuple[str, str], int] = {}
    for run, command, arguments, outcome in reversed(rows):
        asked = command, _asked(arguments)
        if outcome == DONE:
            later[asked] = run
        elif not outcome:
            said[run] = f"{STOPPED}; done by run {later[asked]}" if asked in later else STOPPED
    last = rows[-1]
    if not last[3] and _names_a_writer(study.folder):
        said[last[0]] = RUNS
    return said


def _asked(arguments: str) -> str:
    """Return what a run was given, without what it found: what the study held, and versions."""
    try:
        given = json.loads(arguments)
    except ValueError:  # `discover check` says so
        return arguments
    if not isinstance(given, dict):
        return arguments
    return json.dumps({name: value for name, value in given.items() if name not in {HELD, VERSIONS}}, sort_keys=True)


def _names_a_writer(folder: Path) -> bool:
    try:
        return bool((folder / ".lock").read_bytes().strip())
    except OSError:
        return False
