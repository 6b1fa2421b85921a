"""The check of a whole study, part by part, and the repair of what can be made again."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from discovery.integrity.database import PART as DATABASE
from discovery.integrity.database import check_database
from discovery.integrity.finding import DAMAGED, Finding
from discovery.integrity.models import check_models
from discovery.integrity.pages import check_pages
from discovery.integrity.parts import check_parts, part_folders
from discovery.integrity.pictures import check_cache, check_pictures
from discovery.integrity.sealed import finished_folders
from discovery.integrity.stores import check_stores
from embed.errors import DiscoverError, StorageError, StudyError
from embed.study.database import write_lock
from embed.study.study import Study
from embed.study.sums import read_sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Move(Protocol):
    """Receives how much of a step is done, of how much, and the step's name."""

    def __call__(self, done: int, whole: int, what: str | None = None, /) -> None:
        """Set it."""


class _Count:
    """Counts up what is done of one step."""

    def __init__(self, move: Move, what: str, whole: int) -> None:
        self._move, self._what, self._whole, self._done = move, what, whole, 0
        move(0, whole, what)

    def __call__(self, more: int) -> None:
        self._done += more
        self._move(min(self._done, self._whole), self._whole, self._what)


def check_study(folder: Path, move: Move = lambda *_: None) -> list[Finding]:
    """Check everything that a study keeps; files are read in pieces, and nothing is written.

    Parameters
    ----------
    folder : Path
        Of the study.
    move : callable, optional
        Receives the progress: rows, bytes or pictures.

    Returns
    -------
    list of Finding
        The database, the pictures, each vector store and the parts beside it, each model and generator, the cache, and the reports: one line where all is fine,
        else one for each fault.
    """
    folder = folder.absolute()
    database = folder / "study.db"
    with _still(folder):
        sums = read_sums(folder) or {"tables": {}}
        rows = sum(block[2] for table in sums["tables"].values() for block in table["blocks"])
        found = check_database(database, _Count(move, "rows", rows))
        try:
            study = Study(folder, generated=True)
        except StudyError:
            study = None
        stores = _bytes(*finished_folders(folder / "vectors"), *part_folders(folder))
        if study is None:
            found += _vectors(None, folder, _Count(move, "bytes of vectors", stores))
            return found + check_models(
                folder, _Count(move, "bytes of models", _bytes(folder / "models", folder / "generators"))
            )
        with study:
            found += _readable(
                "pictures", lambda: check_pictures(study, _Count(move, "pictures", study.count("views")))
            )
            found += _vectors(study, folder, _Count(move, "bytes of vectors", stores))
            found += check_models(
                folder, _Count(move, "bytes of models", _bytes(folder / "models", folder / "generators"))
            )
            found += _readable(
                "cache", lambda: check_cache(study, _Count(move, "bytes of the cache", _bytes(folder / "cache")))
            )
            found += _readable(
                "reports", lambda: check_pages(study, _Count(move, "bytes of reports", _bytes(folder / "reports")))
            )
    return found


def repair_study(found: list[Finding], folder: Path) -> Iterator[tuple[Finding, bool, str]]:
    """Make again what can be made from what is whole; nothing else is touched.

    Parameters
    ----------
    found : list of Finding
        Output of `check_study`.
    folder : Path
        Of the study.

    Yields
    ------
    finding : Finding
    done : bool
        Whether it worked.
    said : str
        What was done, or why not.
    """
    order = sorted(found, key=lambda finding: finding.part != DATABASE)  # the others may be made from it
    with write_lock(folder.absolute(), "check --repair"):
        for finding in order:
            if finding.mend is None:
                continue
            try:
                yield finding, True, finding.mend()
            except StorageError:
                raise
            except (DiscoverError, OSError) as error:
                yield finding, False, str(error)


def _vectors(study: Study | None, folder: Path, advance: _Count) -> list[Finding]:
    return check_stores(study, folder, advance) + check_parts(folder, advance)


def _readable(part: str, check: Callable[[], list[Finding]]) -> list[Finding]:
    """Check a part whose list is in the database, which may be damaged."""
    try:
        return check()
    except (sqlite3.DatabaseError, StudyError) as error:
        return [
            Finding(part, DAMAGED, f"not checked: the database cannot be read ({error})", "repair the database first")
        ]


@contextmanager
def _still(folder: Path) -> Iterator[None]:
    """Keep other processes from writing meanwhile; a folder that cannot be written needs no lock."""
    with ExitStack() as stack:
        with suppress(StorageError):
            stack.enter_context(write_lock(folder, "check"))
        yield


def _bytes(*folders: Path) -> int:
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
