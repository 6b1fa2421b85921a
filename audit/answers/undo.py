"""Undo an import of answers: label events restore the labels before it, since nothing is ever overwritten or deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from embed.errors import InputError
from embed.study.audits import (
    imported_events,
    insert_label,
    insert_restored,
    insert_undone,
    label_history,
    last_import,
)
from embed.study.records import Label

if TYPE_CHECKING:
    from embed.study.study import Study


@dataclass(frozen=True)
class Undone:
    """The undone import's run and file, the label events appended, and how many glitches have another label since."""

    run: int
    file: str
    events: int
    changed_since: int


def import_to_undo(study: Study) -> tuple[int, str]:
    """Return the run and the file of the last import that is not undone.

    Raises
    ------
    InputError
        When there is no import to undo.
    """
    found = last_import(study)
    if found is None:
        raise InputError(f"the study {study.folder} has no import of answers to undo")
    return found


def undo_import(study: Study) -> Undone:
    """Restore the labels before the last import that is not undone, by label events; its decisions are kept.

    A glitch whose label was changed after the import keeps that label.

    Raises
    ------
    InputError
        When there is no import to undo.
    """
    last, file = import_to_undo(study)
    events = changed = 0
    with study.run("audit undo", {"import": last, "file": file}) as run, study.transaction():
        for glitch, event in imported_events(study, last):
            (latest, _), *earlier = label_history(study, glitch)
            if latest != event:
                changed += 1
                continue
            label = Label(earlier[0][1], "audit", file, None, f"undoes the import of {file} (run {last})")
            insert_restored(study, insert_label(study, glitch, label), run)
            events += 1
        insert_undone(study, last, run)
    return Undone(last, file, events, changed)
