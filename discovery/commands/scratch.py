"""A throw-away copy of a study, for what must not change the study."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from embed.study.moments import take_back
from embed.study.study import Study
from embed.vectors.parts import SUFFIX
from embed.vectors.store import stores

WRITTEN = ("vectors", "reports", "cache", "refit")
"""Folders of a study that a command may write to."""


@contextmanager
def scratch_copy(study: Study, *, before: int | None = None) -> Iterator[Study]:
    """Yield a copy that is deleted when the block ends: its own database, and links to the study's models and vectors.

    Parameters
    ----------
    study : Study
        Not written to: vectors that the copy makes stay in the copy.
    before : int, optional
        A run: the copy is as the study was when it began, as far as `embed.study.moments` can tell, and has links to all reports.
    """
    with TemporaryDirectory(prefix="discover-") as name:
        folder = Path(name)
        with closing(sqlite3.connect(folder / study.database.name)) as database:
            study.connection.backup(database)
            with database:
                database.execute(  # the pictures keep their paths
                    "UPDATE views SET source = ? || source WHERE source NOT LIKE '/%'", (f"{study.folder}/",)
                )
            if before is not None:
                take_back(database, before)
        for path in study.folder.iterdir():  # pictures that lie in the study, too
            if path.is_dir() and path.name not in WRITTEN:
                (folder / path.name).symlink_to(path)
        (folder / "vectors").mkdir()
        for store in stores(study.folder):
            (folder / "vectors" / store.name).symlink_to(store.folder)
        for part in (study.folder / "vectors").glob(f"*{SUFFIX}/*.npz"):  # one by one: the copy adds its own
            (folder / "vectors" / part.parent.name).mkdir(exist_ok=True)
            (folder / "vectors" / part.parent.name / part.name).symlink_to(part.absolute())
        (folder / "reports").mkdir()
        for report in (study.folder / "reports").glob("*") if before is not None else ():
            (folder / "reports" / report.name).symlink_to(report)
        with Study(folder) as copy:
            yield copy
