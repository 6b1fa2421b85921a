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
from embed.study.database import SHORT_WAIT_S
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


def import_to_undo(study: Study, run: int | None = None) -> tuple[int, str]:
    """Return the run and the file of an import that is not undone, by default of the last one.

    Raises
    ------
    InputError
        When there is no import to undo.
    """
    found = last_import(study, run)
    if found is None:
        which = "" if run is None else f" of run {run}"
        raise InputError(f"the study {study.folder} has no import of answers{which} to undo")
    return found


def undo_import(study: Study, import_run: int | None = None) -> Undone:
    """Restore the labels before an import, by label events; its decisions are kept.

    A glitch whose label was changed after the import keeps that label.

    Parameters
    ----------
    study : Study
    import_run : int, optional
        The import's run; by default the last import that is not undone.

    Raises
    ------
    InputError
        When there is no import to undo.
    """
    last, file = import_to_undo(study, import_run)
    events = changed = 0
    arguments = {"import": last, "file": file}
    with study.run("audit undo", arguments, wait_s=SHORT_WAIT_S) as run, study.transaction():
        import_to_undo(study, last)  # another process may have undone it while this one waited
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
