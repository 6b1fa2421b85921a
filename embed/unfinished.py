"""New folders that a long work fills: marked by ``unfinished.json`` until they are whole, so that the same command can go on after a kill."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from embed.errors import InputError
from embed.storage import canonical_json, check_empty, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

UNFINISHED = "unfinished.json"


def check_fillable(folder: Path, facts: Mapping[str, Any] | None = None) -> bool:
    """Refuse a folder that is neither new, nor empty, nor the unfinished one of the same work.

    Parameters
    ----------
    folder : Path
    facts : mapping, optional
        JSON values: all that decides what is written; any unfinished work counts where they are not given.

    Returns
    -------
    bool
        Whether there is unfinished work to go on with.

    Raises
    ------
    InputError
        When it holds something else, or the unfinished work of other options.
    """
    mark = folder / UNFINISHED
    if not mark.is_file():
        check_empty(folder)
        return False
    try:
        before = json.loads(mark.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{mark} is damaged ({error}); delete {folder}, or name a new folder") from error
    if facts is None or not isinstance(before, dict):
        return True
    now = json.loads(canonical_json(dict(facts)))
    changed = [
        f"{name} {before.get(name)!r} and now {value!r}" for name, value in now.items() if before.get(name) != value
    ]
    if changed:
        raise InputError(
            f"{folder} holds unfinished work of other options ({changed[0][:200]}); give the same ones to go on, or name a new folder"
        )
    return True


def begin(folder: Path, facts: Mapping[str, Any]) -> bool:
    """Make the folder and mark it as unfinished; returns whether there is unfinished work to go on with.

    Raises
    ------
    InputError
        See `check_fillable`.
    StorageError
        When the folder cannot be written.
    """
    if check_fillable(folder, facts):
        return True
    write_text(folder / UNFINISHED, canonical_json(dict(facts)) + "\n")
    return False


def finish(folder: Path) -> None:
    """Remove the mark of a folder that is whole."""
    (folder / UNFINISHED).unlink()
