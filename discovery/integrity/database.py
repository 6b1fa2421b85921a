"""The check of a study's database: SQLite's own, references between tables, JSON and hashes in cells, and the kept hashes of the rows."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from discovery.integrity.finding import DAMAGED, FINE, REPAIR, Finding
from embed.errors import StudyError
from embed.storage import file_digest, storage_errors
from embed.study.audits import audit_statements
from embed.study.database import SCHEMA, connect, statements
from embed.study.sums import changed_rows, is_at_rest, read_sums, rehash_file, sums_are_damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

PART = "database"
RESTORE = "restore study.db from a copy"
SHOWN = 20
"""Faults of one kind that are listed."""
_CELLS = (
    ("glitches", "metadata", "NOT json_valid({0}) OR json_type({0}) != 'object'", "JSON object"),
    ("runs", "arguments", "NOT json_valid({0}) OR json_type({0}) != 'object'", "JSON object"),
    ("audits", "facts", "NOT json_valid({0}) OR json_type({0}) != 'object'", "JSON object"),
    ("glitches", "gps", "typeof({0}) NOT IN ('real', 'integer', 'null')", "number of seconds"),
    ("views", "sha256", "length({0}) != 64 OR {0} GLOB '*[^0-9a-f]*'", "SHA-256"),
)
"""Table, column, the condition of a bad cell, and what it should hold."""


def check_database(database: Path, advance: Callable[[int], None]) -> list[Finding]:
    """Check a study's database; nothing is written to it.

    Parameters
    ----------
    database : Path
    advance : callable
        Called with the rows of each block that was compared with its kept hash.

    Returns
    -------
    list of Finding
        One that is fine, or one for each fault.
    """
    sums = read_sums(database.parent)
    at_rest = sums is not None and is_at_rest(database, sums)
    try:
        changed = sums is not None and at_rest and file_digest(database) != sums["database"]
        with closing(connect(database, create=False)):
            pass
        faults = list(_structure(database))
        rows = changed_rows(database, sums, advance) if sums is not None else []
    except (StudyError, sqlite3.DatabaseError) as error:
        return [Finding(PART, DAMAGED, str(error), RESTORE, partial(rebuild_database, database, sums))]
    except OSError as error:  # a disk that fails
        return [Finding(PART, DAMAGED, f"cannot be read ({error.strerror or error})", RESTORE)]
    mend = partial(rebuild_database, database, sums) if not rows else None
    if rows:
        return [Finding(PART, DAMAGED, "; ".join([*rows[:SHOWN], *faults[:SHOWN]]), RESTORE)]
    if faults:
        return [
            Finding(
                PART, DAMAGED, "; ".join(faults[:SHOWN]), f"{REPAIR} if only an index is damaged, else {RESTORE}", mend
            )
        ]
    if changed:
        return [Finding(PART, DAMAGED, "the file has changed since its last run, though no row has", REPAIR, mend)]
    return [Finding(PART, FINE, _how(database, sums, at_rest=at_rest))]


def _how(database: Path, sums: dict[str, Any] | None, *, at_rest: bool) -> str:
    size = f"{database.stat().st_size / 2**20:.1f} MiB, integrity, references, cells"
    if sums is None:
        kept = "its hashes are damaged" if sums_are_damaged(database.parent) else "no hashes are kept yet"
        return f"{size}; {kept}"
    rows = sum(block[2] for table in sums["tables"].values() for block in table["blocks"])
    return f"{size}; {rows:,} rows by their hashes" + (", and the whole file" if at_rest else "")


def _structure(database: Path) -> Iterator[str]:
    """What SQLite finds, and cells that cannot be what they should."""
    with closing(sqlite3.connect(database, timeout=30.0)) as connection:
        for (line,) in connection.execute(f"PRAGMA integrity_check({SHOWN})"):
            if line != "ok":
                yield " ".join(str(line).split())
        for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(SHOWN):
            yield f"row {row} of {table} refers to no row of {parent}"
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table, column, condition, kind in _CELLS:
            if table not in tables:
                continue
            query = f"SELECT rowid FROM {table} WHERE {condition.format(column)}"  # noqa: S608 - names of ours
            for (row,) in connection.execute(query).fetchmany(SHOWN):
                yield f"{column} of row {row} of {table} is no {kind}"
        for name, (kind, _) in _lacking(connection).items():
            yield f"the {kind} {name} is not there"


def _lacking(connection: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    """Return the indices and triggers that the tables of a study lack: name -> kind and SQL."""
    query = "SELECT name, type, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    there = {name for name, *_ in connection.execute(query)}
    with closing(sqlite3.connect(":memory:")) as model:
        for statement in (*statements(SCHEMA), *audit_statements()):
            model.execute(statement)
        whole = model.execute(f"{query} AND type IN ('index', 'trigger')").fetchall()
    return {name: (kind, sql) for name, kind, table, sql in whole if table in there and name not in there}


def rebuild_database(database: Path, sums: dict[str, Any] | None) -> str:
    """Write the database anew from its rows, with its indices, if every row is whole; else leave it as it is.

    Raises
    ------
    StudyError
        When a row is damaged.
    """
    new = database.with_name(f"{database.name}.new")
    new.unlink(missing_ok=True)
    try:
        with (
            closing(sqlite3.connect(database, timeout=30.0)) as old,
            closing(sqlite3.connect(new, isolation_level=None)) as copy,
        ):
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # a kill after the log is dropped loses nothing
            old.backup(copy)
            for _, sql in _lacking(copy).values():
                copy.execute(sql)
            copy.execute("REINDEX")
            copy.execute("VACUUM")
            copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with closing(connect(new, create=False)):
            pass
        faults = [*_structure(new), *(changed_rows(new, sums) if sums is not None else [])]
    except (StudyError, sqlite3.DatabaseError) as error:
        faults = [str(error)]
    _drop_log(new)
    if faults:
        new.unlink(missing_ok=True)
        raise StudyError(f"{database} is left as it is: {'; '.join(faults[:SHOWN])}; {RESTORE}")
    with storage_errors(database):
        shutil.copyfile(database, database.with_name(f"{database.name}.damaged"))
        _drop_log(database)  # what it held is in the new file
        new.replace(database)
    if sums is not None:
        rehash_file(database, sums)
    return f"wrote {database.name} anew from its rows, with its indices; the old file is {database.name}.damaged"


def _drop_log(database: Path) -> None:
    for end in ("-wal", "-shm"):
        database.with_name(f"{database.name}{end}").unlink(missing_ok=True)
