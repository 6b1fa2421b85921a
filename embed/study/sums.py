"""Hashes of a study's rows and pages, kept in ``study.sums.json`` beside the database, which itself has no checksums.

A command that changes the study keeps them when it ends. Labels, clusters, decisions and runs are only ever added: their rows are
hashed once, in blocks, and never again, so that damage stays visible for ever. Glitches and views can be filled in later: they are hashed anew
after a command that may have done so. Of the database's file the hash is kept too; it holds until the next run.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from embed.errors import StudyError
from embed.storage import canonical_json, digest, file_digest, write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from embed.study.study import Study

SUMS = "study.sums.json"
BLOCK_ROWS = 20_000
"""Rows of a full block; only the last block of a table is smaller."""
FILLED_IN = {"glitches": "glitch", "views": "view"}
"""Tables whose rows can change -> what they are ordered by."""
ADDED_TO = {
    "labels": "event",
    "runs": "run",
    "clusters": "run, glitch",
    "branches": "run, glitch",
    "audits": "audit",
    "verdicts": "audit, glitch",
    "subjects": "audit, subject",
    "decisions": "decision",
    "restored": "run, event",
    "undone": "by_run, run",
    "reports": "rowid",
}
"""Tables whose rows never change -> what they are ordered by; the first column never decreases."""
_LEAVE_GLITCHES = ("embed", "cluster", "name", "project", "audit", "audit import", "audit undo", "train", "evaluate", "predict", "guide", "novel", "onset", "scorecard", "generator train")  # fmt: skip
"""Runs that change neither glitches nor views."""

Block = tuple[int, int, int, str]
"""First and last key, rows, and the hash of the rows."""


def keep_sums(study: Study, files: Mapping[Path, int]) -> None:
    """Keep the hashes of what the study holds now; while its write lock is held.

    Parameters
    ----------
    study : Study
    files : mapping of Path to int
        Pages and pictures inside the study's folder -> the run that wrote them; those of a run that was seen before keep their hash,
        and -1 stands for a file that every command writes.
    """
    old = read_sums(study.folder) or {}
    with closing(_connection(study.database)) as connection:
        (run,) = connection.execute("SELECT coalesce(max(run), 0) FROM runs").fetchone()
        tables = {}
        filled = _may_have_filled_in(connection, int(old.get("run", -1)))
        for table, order in (FILLED_IN | ADDED_TO).items():
            columns = _columns(connection, table)
            if not columns:
                continue
            before = old.get("tables", {}).get(table, {})
            blocks = before.get("blocks", []) if before.get("columns") == columns else []
            if table in FILLED_IN and filled:
                blocks = []
            tables[table] = {"columns": columns, "blocks": _extended(connection, table, order, blocks)}
        (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    whole = None if busy else file_digest(study.database)
    kept = {}
    for path, wrote in sorted(files.items()):
        name, entry = (
            path.relative_to(study.folder).as_posix(),
            old.get("files", {}).get(path.relative_to(study.folder).as_posix()),
        )
        kept[name] = entry if entry and 0 <= wrote == entry[0] else [wrote, file_digest(path)]
    _write(study.folder, {"format": 1, "run": run, "database": whole, "files": kept, "tables": tables})


def rehash_file(database: Path, sums: Mapping[str, Any]) -> None:
    """Keep the hash of a database's file that was written anew from the same rows."""
    _write(database.parent, {**sums, "database": file_digest(database)})


def _write(folder: Path, sums: dict[str, Any]) -> None:
    write_text(folder / SUMS, canonical_json({**sums, "sha256": digest(sums)}) + "\n")


def read_sums(folder: Path) -> dict[str, Any] | None:
    """Read the kept hashes of the study in a folder; None where there are none, or they are damaged themselves.

    `sums_are_damaged` tells the two apart.
    """
    try:
        sums = json.loads((folder / SUMS).read_bytes())
        own = sums.pop("sha256")
        return sums if own == digest(sums) else None
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def sums_are_damaged(folder: Path) -> bool:
    """Whether the hashes are there, and damaged themselves."""
    return (folder / SUMS).exists() and read_sums(folder) is None


def changed_rows(database: Path, sums: Mapping[str, Any], advance: Callable[[int], None] = lambda _: None) -> list[str]:
    """Compare the rows of a study's database with their kept hashes.

    Parameters
    ----------
    database : Path
    sums : mapping
        Output of `read_sums`.
    advance : callable, optional
        Called with the rows of each block that was read.

    Returns
    -------
    list of str
        What differs, a line for each block of rows; empty where nothing does.

    Raises
    ------
    StudyError
        When the database cannot be read.
    """
    faults = []
    try:
        with closing(_connection(database)) as connection:
            filled = _may_have_filled_in(connection, int(sums["run"]))
            for table, kept in sums["tables"].items():
                if table in FILLED_IN and filled:
                    continue  # another command has changed them since, without keeping the hashes
                if _columns(connection, table) != kept["columns"]:
                    faults.append(f"the table {table} has other columns than {', '.join(kept['columns'])}")
                    continue
                order = (FILLED_IN | ADDED_TO)[table]
                for block in kept["blocks"]:
                    first, last, rows, _ = block
                    found = _hash(connection, table, order, first, last)
                    advance(rows)
                    if found != tuple(block):
                        faults.append(f"rows {first} to {last} of {table} have changed ({found[2]} rows, {rows} kept)")
    except sqlite3.DatabaseError as error:
        raise StudyError(f"{database} cannot be read ({error}); restore it from a copy") from error
    return faults


def is_at_rest(database: Path, sums: Mapping[str, Any]) -> bool:
    """Whether nothing was written to the database since its file was hashed."""
    log = database.with_name(f"{database.name}-wal")
    if not sums["database"] or (log.exists() and log.stat().st_size):
        return False
    try:
        with closing(_connection(database)) as connection:
            (run,) = connection.execute("SELECT coalesce(max(run), 0) FROM runs").fetchone()
    except sqlite3.DatabaseError:
        return True
    return bool(run == sums["run"])


def _connection(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(database, timeout=30.0, isolation_level=None)
    connection.text_factory = bytes  # damaged text need not be UTF-8
    return connection


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1].decode("utf-8", "replace") for row in connection.execute(f"PRAGMA table_info({table})")]


def _may_have_filled_in(connection: sqlite3.Connection, run: int) -> bool:
    """Whether a run after `run` may have changed glitches or views."""
    commands = connection.execute("SELECT DISTINCT command FROM runs WHERE run > ?", (run,)).fetchall()
    return any(command.decode("utf-8", "replace") not in _LEAVE_GLITCHES for (command,) in commands)


def _extended(connection: sqlite3.Connection, table: str, order: str, blocks: list[Block]) -> list[Block]:
    """Hash the rows that came after the blocks; a last block that is not full grows, unless it was damaged."""
    kept: list[Block] = [(block[0], block[1], block[2], block[3]) for block in blocks]
    if kept and kept[-1][2] < BLOCK_ROWS and _hash(connection, table, order, kept[-1][0], kept[-1][1]) == kept[-1]:
        kept.pop()
    return [*kept, *_new_blocks(connection, table, order, kept[-1][1] if kept else -1)]


def _new_blocks(connection: sqlite3.Connection, table: str, order: str, after: int) -> Iterator[Block]:
    key = order.split(",", maxsplit=1)[0]
    sha, first, last, rows = hashlib.sha256(), 0, 0, 0
    query = f"SELECT {key}, * FROM {table} WHERE {key} > ? ORDER BY {order}"  # noqa: S608 - names of ours
    for own, *row in connection.execute(query, (after,)):
        if rows >= BLOCK_ROWS and own != last:
            yield first, last, rows, sha.hexdigest()
            sha, rows = hashlib.sha256(), 0
        first = first if rows else own
        sha.update(repr(tuple(row)).encode())
        last, rows = own, rows + 1
    if rows:
        yield first, last, rows, sha.hexdigest()


def _hash(connection: sqlite3.Connection, table: str, order: str, first: int, last: int) -> Block:
    key = order.split(",", maxsplit=1)[0]
    sha, rows = hashlib.sha256(), 0
    query = f"SELECT * FROM {table} WHERE {key} BETWEEN ? AND ? ORDER BY {order}"  # noqa: S608 - names of ours
    for row in connection.execute(query, (first, last)):
        sha.update(repr(row).encode())
        rows += 1
    return first, last, rows, sha.hexdigest()
