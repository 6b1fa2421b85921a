"""How long earlier runs took: what a like one will take, about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embed.study.study import Study

LATEST = 100
"""Finished runs of a command that are looked through."""


def seconds_of_last(study: Study, command: str, **arguments: object) -> int | None:
    """Return the seconds that the latest finished run of a command with these arguments took; None where there is none.

    Parameters
    ----------
    study : Study
    command : str
    **arguments
        What the run was given, as far as it matters.
    """
    query = "SELECT arguments, finished - started FROM runs WHERE command = ? AND outcome = 'done' AND finished IS NOT NULL ORDER BY run DESC LIMIT ?"
    for text, seconds in study.connection.execute(query, (command, LATEST)):
        try:
            given = json.loads(text)
        except ValueError:  # `discover check` says so
            continue
        if isinstance(given, dict) and all(given.get(name) == value for name, value in arguments.items()):
            return int(seconds)
    return None
