"""The study: one folder that holds every glitch, its views, its labels, and all results computed from them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.closing import Closing
from embed.errors import InputError, StudyError
from embed.storage import canonical_json, storage_errors, sweep_temporaries
from embed.study.database import connect, now, transaction, write_lock
from embed.study.nearids import unknown_id
from embed.study.reading import read_object, read_table, row_list
from embed.study.records import IS_GENERATED, LATEST_LABELS, MODEL, Label, view_of
from embed.study.unknownlabel import unknown_label

if TYPE_CHECKING:
    import os
    import sqlite3
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from embed.study.records import View
    from embed.types import Rows


_LABEL = "coalesce(l.label, '')"
"""SQL: the label of `Study._latest`, empty where there is none."""


class Study(Closing):
    """A study on disk; a context manager that closes its database.

    Parameters
    ----------
    folder : path
        The study's folder.
    create : bool
        Make it when it does not exist.
    generated : bool
        Show generated glitches among the others. Otherwise only `generated_ids` knows of them: whatever is counted, clustered, split,
        audited or embedded is real.

    Raises
    ------
    StudyError
        When there is no study in `folder` (and `create` is false), or it is damaged or of another version.
    StorageError
        When the folder cannot be written.

    Examples
    --------
    >>> from embed import Study
    >>> with Study("study") as study:  # doctest: +SKIP
    ...     study.glitches().groupby("label").size()
    """

    def __init__(self, folder: str | os.PathLike[str], *, create: bool = False, generated: bool = False) -> None:
        self.folder = Path(folder).absolute()
        self.generated = generated
        if create:
            with storage_errors(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
        self.database = self.folder / "study.db"
        self.connection: sqlite3.Connection = connect(self.database, create=create)
        self._writing = False

    def close(self) -> None:
        """Close the database."""
        self.connection.close()

    # Writing

    @contextmanager
    def run(self, command: str, arguments: dict[str, Any] | None = None, *, wait_s: float = 0.0) -> Iterator[int]:
        """Hold the study's write lock and log a run; yields the run's number.

        The run is logged as finished when the block ends, as failed when it raises; a killed run stays unfinished. Another
        process's lock is waited for `wait_s` seconds.

        Raises
        ------
        StudyError
            When another process is writing to this study.
        """
        if self._writing:
            raise StudyError(f"study {self.folder} is already being written by this process; end that run first")
        with write_lock(self.folder, command, wait_s=wait_s):
            self._writing = True
            try:
                sweep_temporaries(self.folder)
                with self.transaction():
                    cursor = self.connection.execute(
                        "INSERT INTO runs (command, arguments, started) VALUES (?, ?, ?)",
                        (command, canonical_json(arguments or {}), now()),
                    )
                number = int(cursor.lastrowid or 0)
                try:
                    yield number
                except Exception as error:
                    self._end_run(number, f"failed: {error}")
                    raise
                self._end_run(number, "done")
            finally:
                self._writing = False

    def _end_run(self, number: int, outcome: str) -> None:
        with self.transaction():
            self.connection.execute("UPDATE runs SET finished = ?, outcome = ? WHERE run = ?", (now(), outcome, number))

    def transaction(self) -> Any:  # noqa: ANN401 - a context manager
        """Write all database statements of the block, or none."""
        return transaction(self.connection, self.database)

    def find_glitch(self, gravityspy_id: str, ifo: str | None) -> int | None:
        """Return the row number of the glitch with this id, also where the study does not know its detector; None if absent.

        Raises
        ------
        InputError
            When no detector is given and several detectors have a glitch of this id.
        """
        rows = self.connection.execute(
            "SELECT glitch, ifo FROM glitches WHERE gravityspy_id = ? OR id = ? ORDER BY glitch",
            (gravityspy_id, gravityspy_id),
        ).fetchall()
        if ifo is not None:
            rows = [row for row in rows if row[1] in (ifo, None)]
        if len(rows) > 1:
            raise InputError(
                f"id {gravityspy_id!r} is in the study for several detectors ({', '.join(str(row[1]) for row in rows)}); name one"
            )
        return int(rows[0][0]) if rows else None

    def known_glitch(self, identifier: str) -> int:
        """Row number of the glitch with this id, with or without the detector.

        Raises
        ------
        InputError
            When there is none, or several detectors have one.
        """
        glitch = self.find_glitch(identifier, None)
        if glitch is None:
            raise unknown_id(self.connection, identifier, f"the study {self.folder}")
        return glitch

    def add_glitch(
        self, gravityspy_id: str, ifo: str | None, gps: float | None, metadata: dict[str, Any] | None = None
    ) -> tuple[int, bool]:
        """Find or add a glitch, and fill in what is not known of it yet; known values are never overwritten.

        Returns
        -------
        glitch : int
            Row number.
        added : bool
            Whether it is new.
        """
        glitch = self.find_glitch(gravityspy_id, ifo)
        if glitch is None:
            name = f"{ifo}_{gravityspy_id}" if ifo else gravityspy_id
            cursor = self.connection.execute(
                "INSERT INTO glitches (id, gravityspy_id, ifo, gps, metadata) VALUES (?, ?, ?, ?, ?)",
                (name, gravityspy_id, ifo, gps, canonical_json(metadata or {})),
            )
            return int(cursor.lastrowid or 0), True
        if ifo is not None or gps is not None:
            self.connection.execute(
                """
                UPDATE glitches SET ifo = coalesce(ifo, ?1), gps = coalesce(gps, ?2)
                WHERE glitch = ?3 AND ((ifo IS NULL AND ?1 IS NOT NULL) OR (gps IS NULL AND ?2 IS NOT NULL))
                """,
                (ifo, gps, glitch),
            )
        if metadata:
            (text,) = self.connection.execute("SELECT metadata FROM glitches WHERE glitch = ?", (glitch,)).fetchone()
            merged = canonical_json(metadata | read_object(self.database, text, f"the metadata of glitch {glitch}"))
            if merged != text:
                self.connection.execute("UPDATE glitches SET metadata = ? WHERE glitch = ?", (merged, glitch))
        return glitch, False

    def add_label(self, glitch: int, label: Label) -> bool:
        """Append a label event, unless the same author's latest event on this glitch has the same label already.

        Returns
        -------
        bool
            Whether an event was added.
        """
        last = self.connection.execute(
            "SELECT label, confidence FROM labels WHERE glitch = ? AND by = ? AND source = ? ORDER BY event DESC LIMIT 1",
            (glitch, label.by, label.source),
        ).fetchone()
        if last == (label.label, label.confidence):
            return False
        self.connection.execute(
            "INSERT INTO labels (glitch, label, by, source, confidence, at, why) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (glitch, label.label, label.by, label.source, label.confidence, now(), label.why),
        )
        return True

    # Reading

    def glitches(self, only: Iterable[int] | None = None) -> pd.DataFrame:
        """Every glitch, or those with the row numbers `only`, one row each, in the study's order.

        Returns
        -------
        DataFrame
            Columns ``glitch`` (int64, index), ``id``, ``gravityspy_id``, ``ifo``, ``gps`` (float64 seconds, NaN when unknown),
            ``label`` (the given label: the latest event by a person or a file), ``predicted`` and ``confidence`` (the latest
            event by a model); empty strings and NaN where there is none.
        """
        query = f"""
            SELECT g.glitch, g.id, g.gravityspy_id, coalesce(g.ifo, '') AS ifo, g.gps,
                   coalesce(given.label, '') AS label, coalesce(model.label, '') AS predicted, model.confidence
            FROM glitches g {LATEST_LABELS}
            WHERE {self.shown} {"" if only is None else "AND g.glitch IN (SELECT value FROM json_each(:only))"} ORDER BY g.glitch
            """  # noqa: S608 - conditions of ours
        table = read_table(
            self.connection, query, index="glitch", model=MODEL, only="" if only is None else row_list(only)
        )
        try:
            return table.astype({"gps": np.float64, "confidence": np.float64})
        except ValueError as error:
            raise StudyError(
                f"{self.database} has a gps or confidence that is no number ({error}); another program has changed it, restore a copy"
            ) from error

    @property
    def shown(self) -> str:
        """SQL: the condition that a row ``g`` of the table ``glitches`` fulfils to be shown."""
        return "1" if self.generated else f"NOT {IS_GENERATED}"

    def generated_ids(self) -> dict[int, str]:
        """Return the id of each generated glitch: row number -> id; they are shown nowhere else unless the study was opened so."""
        query = f"SELECT glitch, id FROM glitches g WHERE {IS_GENERATED} ORDER BY glitch"  # noqa: S608 - a condition of ours
        return dict(self.connection.execute(query))

    def ids(self) -> dict[int, str]:
        """Return the id of each glitch: row number -> id."""
        return dict(self.connection.execute("SELECT glitch, id FROM glitches"))

    def metadata(self) -> pd.DataFrame:
        """The glitches' metadata (SNR, frequencies, URLs, ...), one row each; a column for every name that occurs, index ``glitch``."""
        import pandas as pd  # noqa: PLC0415 - see `read_table`

        query = f"SELECT glitch, metadata FROM glitches g WHERE {self.shown} ORDER BY glitch"  # noqa: S608 - a condition of ours
        rows = self.connection.execute(query).fetchall()
        return pd.DataFrame(
            [read_object(self.database, text, f"the metadata of glitch {row}") for row, text in rows],
            index=pd.Index([row for row, _ in rows], name="glitch"),
        )

    def metadata_columns(self) -> list[str]:
        """The columns of `metadata`, in the same order."""
        query = f"SELECT metadata FROM glitches g WHERE {self.shown} ORDER BY glitch"  # noqa: S608 - a condition of ours
        rows = self.connection.execute(query)
        return list(dict.fromkeys(name for (text,) in rows for name in json.loads(text)))

    def views(self, glitches: Iterable[int] | None = None) -> list[View]:
        """The views of `glitches` in their order (of all glitches that are shown when None), each glitch's by duration."""
        columns = "v.view, v.glitch, v.duration, v.kind, v.source, v.dataset, v.sha256"
        if glitches is None:
            rows = self.connection.execute(
                f"SELECT {columns} FROM views v JOIN glitches g USING (glitch) WHERE {self.shown} ORDER BY v.glitch, v.duration"  # noqa: S608 - columns of ours
            )
        else:
            rows = self.connection.execute(
                f"SELECT {columns} FROM json_each(?) g JOIN views v ON v.glitch = g.value ORDER BY g.key, v.duration",  # noqa: S608 - columns of ours
                (row_list(glitches),),
            )
        return [view_of(self.folder, row) for row in rows]

    def durations(self) -> dict[float, int]:
        """How many glitches have a view of each duration (seconds; 0 is a plain image)."""
        query = f"SELECT duration, count(*) FROM views JOIN glitches g USING (glitch) WHERE {self.shown} GROUP BY duration ORDER BY duration"  # noqa: S608 - a condition of ours
        return dict(self.connection.execute(query))

    def count(self, table: str) -> int:
        """Number of rows of ``glitches``, ``views``, ``labels``, ``runs`` or ``clusters``."""
        rows = f"{table} g WHERE {self.shown}" if table == "glitches" else table
        (number,) = self.connection.execute(f"SELECT count(*) FROM {rows}").fetchone()  # noqa: S608 - a table's name of ours
        return int(number)

    def counts_by_label(self, *, predicted: bool = False) -> pd.Series:
        """Number of glitches of each given (or predicted) label, alphabetical; unlabelled ones under the empty string."""
        import pandas as pd  # noqa: PLC0415 - see `read_table`

        rows = self.connection.execute(
            f"SELECT {_LABEL} AS name, count(*) {self._latest(predicted=predicted)} GROUP BY name ORDER BY name",
            (MODEL,),
        )
        return pd.Series(dict(rows.fetchall()), dtype=np.int64)

    def members(self, label: str, *, predicted: bool = False) -> Rows:
        """Row numbers of the glitches with this label: ndarray of int64, shape (N,), ascending.

        Raises
        ------
        InputError
            When no glitch has it; the message suggests the label of nearest spelling and names all.
        """
        latest = self.latest_labels(predicted=predicted)
        rows = np.array([glitch for glitch, name in latest if name == label], np.int64)
        if rows.size == 0:
            raise unknown_label(label, latest, self.latest_labels(predicted=not predicted), predicted=predicted)
        return rows

    def latest_labels(self, *, predicted: bool) -> list[tuple[int, str]]:
        """Row number and given (or predicted) label of every glitch in the study's order, empty where there is none."""
        query = f"SELECT g.glitch, {_LABEL} {self._latest(predicted=predicted)} ORDER BY g.glitch"
        return self.connection.execute(query, (MODEL,)).fetchall()

    def _latest(self, *, predicted: bool) -> str:
        """SQL: every glitch ``g`` that is shown with its latest given (or predicted) label event ``l``; one parameter, `MODEL`."""
        author = "=" if predicted else "!="
        return f"""
            FROM glitches g LEFT JOIN labels l
            ON l.event = (SELECT max(event) FROM labels WHERE glitch = g.glitch AND by {author} ?) WHERE {self.shown}
            """  # noqa: S608 - conditions of ours

    def runs(self) -> pd.DataFrame:
        """The log of runs, oldest first."""
        return read_table(self.connection, "SELECT * FROM runs ORDER BY run")

    def latest_arguments(self, command: str) -> dict[str, Any] | None:
        """Return the arguments of the latest finished run of a command; None where there is none."""
        return next(iter(self.past_arguments(command, most=1)), None)

    def past_arguments(self, command: str, *, most: int = -1) -> list[dict[str, Any]]:
        """Return the arguments of each finished run of a command, or of the latest `most`, the latest first."""
        query = "SELECT arguments FROM runs WHERE command = ? AND outcome = 'done' ORDER BY run DESC LIMIT ?"
        rows = self.connection.execute(query, (command, most)).fetchall()
        which = "the latest" if most == 1 else "a"
        return [read_object(self.database, row[0], f"what {which} run of {command} was given") for row in rows]
