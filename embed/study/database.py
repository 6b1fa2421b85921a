"""The study's SQLite database: its tables, how it is opened, and who may write to it."""

import os
import shlex
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from embed.errors import InputError, LockedError, StorageError, StudyError
from embed.storage import storage_errors

SCHEMA_VERSION = 1

SCHEMA = """
CREATE TABLE glitches (          -- one row a glitch
    glitch INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,     -- IFO_GRAVITYSPYID, or what stands for it (path of a plain image)
    gravityspy_id TEXT NOT NULL, -- the id without the detector
    ifo TEXT,
    gps REAL,                    -- seconds
    metadata TEXT NOT NULL DEFAULT '{}' -- JSON: snr, peak_frequency, sample_type, url1...
);
CREATE INDEX glitches_gravityspy_id ON glitches (gravityspy_id);
CREATE TABLE views (             -- one row a picture of a glitch
    view INTEGER PRIMARY KEY,
    glitch INTEGER NOT NULL REFERENCES glitches,
    duration REAL NOT NULL,      -- seconds; 0 is a plain image
    kind TEXT NOT NULL,          -- spectrogram, grey, image
    source TEXT NOT NULL,        -- path of the file: below the study's folder, or absolute
    dataset TEXT NOT NULL DEFAULT '', -- path inside an HDF5 file
    size INTEGER NOT NULL,       -- bytes
    modified INTEGER NOT NULL,   -- the file's time of change, nanoseconds
    sha256 TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    UNIQUE (glitch, duration)
);
CREATE UNIQUE INDEX views_source ON views (source, dataset);
CREATE TABLE labels (            -- append-only: every label is an event
    event INTEGER PRIMARY KEY,
    glitch INTEGER NOT NULL REFERENCES glitches,
    label TEXT NOT NULL,
    by TEXT NOT NULL,            -- folder, metadata, model, volunteers, person, audit
    source TEXT NOT NULL,        -- which model, file, person
    confidence REAL,
    at INTEGER NOT NULL,         -- seconds since 1970, UTC
    why TEXT NOT NULL DEFAULT ''
);
CREATE INDEX labels_glitch ON labels (glitch, event);
CREATE TRIGGER labels_kept BEFORE DELETE ON labels BEGIN SELECT RAISE(ABORT, 'labels are append-only'); END;
CREATE TRIGGER labels_unchanged BEFORE UPDATE ON labels BEGIN SELECT RAISE(ABORT, 'labels are append-only'); END;
CREATE TABLE runs (              -- what was run on this study
    run INTEGER PRIMARY KEY,
    command TEXT NOT NULL,
    arguments TEXT NOT NULL,     -- JSON
    started INTEGER NOT NULL,
    finished INTEGER,            -- empty: running, failed or killed
    outcome TEXT NOT NULL DEFAULT ''
);
CREATE TABLE clusters (          -- the clusters of each clustering run
    run INTEGER NOT NULL REFERENCES runs,
    glitch INTEGER NOT NULL REFERENCES glitches,
    cluster INTEGER NOT NULL,    -- -1 is noise
    probability REAL NOT NULL,
    PRIMARY KEY (run, glitch)
) WITHOUT ROWID;
"""

TABLES = ("glitches", "views", "labels", "runs", "clusters")
"""Tables that every study has."""

_UNREADABLE = ("SQLITE_IOERR_READ", "SQLITE_IOERR_SHORT_READ", "SQLITE_IOERR_CORRUPTFS")
_BUSY_SECONDS = 30.0
SHORT_WAIT_S = 5.0
"""Seconds that a person's decision waits for another writer, which is usually another decision."""
_POLL_SECONDS = 0.01


def now() -> int:
    """Seconds since 1970, UTC; the environment variable ``SOURCE_DATE_EPOCH`` fixes it for reproducible studies.

    Raises
    ------
    InputError
        When ``SOURCE_DATE_EPOCH`` is no whole number.
    """
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    if not fixed:
        return int(time.time())
    try:
        return int(fixed)
    except ValueError as error:
        raise InputError(
            f"the environment variable SOURCE_DATE_EPOCH is {fixed!r}; set it to whole seconds since 1970, or unset it"
        ) from error


def _no_study(path: Path) -> str:
    """Say that a database is missing; one folder above or below, where a slip leads from, it is looked for."""
    folder = path.parent
    near = next((one for one in (folder / "study", folder.parent) if (one / path.name).exists()), None)
    if near is not None:
        return f"no study in {folder}, but there is one in {near}: write --study {shlex.quote(str(near))}"
    remedy = f"make one with `discover ingest PATH --study {shlex.quote(str(folder))}`"
    return f"no study in {folder}; {remedy}, or name the folder of yours with --study"


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open (or make) the database at `path` in write-ahead mode.

    Raises
    ------
    StudyError
        When it is missing and `create` is false, is no study database, lacks a table, or was made by another version.
    """
    if not create and not path.exists():
        raise StudyError(_no_study(path))
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0 and create:
            with transaction(connection, path):
                for statement in statements(SCHEMA):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            version = SCHEMA_VERSION
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        raise _database_error(error, path) from error
    if version != SCHEMA_VERSION:
        connection.close()
        raise StudyError(
            f"{path} has format {version}, this version reads format {SCHEMA_VERSION}; use another --study folder"
        )
    lacking = [name for name in TABLES if name not in tables]
    if lacking:
        connection.close()
        raise StudyError(
            f"{path} has no table {lacking[0]!r}; another program has changed it, so restore a copy or ingest again with another --study"
        )
    return connection


def statements(script: str) -> Iterator[str]:
    """Split an SQL script into its statements, without comments."""
    statement = ""
    for line in script.splitlines():
        statement += line.split("--")[0] + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _database_error(error: sqlite3.DatabaseError, path: Path) -> StudyError | StorageError:
    text = str(error)
    if getattr(error, "sqlite_errorname", "") in _UNREADABLE:
        return StudyError(f"{path} cannot be read ({text}): the disk may be failing; restore a copy elsewhere")
    if "full" in text or "disk I/O" in text:
        return StorageError(
            f"cannot write {path}: the disk is full ({text}); free some space and run again, finished work is kept"
        )
    if "readonly" in text or "unable to open" in text:
        return StorageError(f"cannot write {path}: no permission ({text}); choose another --study folder")
    if "locked" in text:
        return LockedError(f"study {path.parent} is locked by another process; wait for it or choose another --study")
    return StudyError(f"{path} is not a study database ({text}); choose another --study folder")


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Write all statements of the block, or none."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        raise _database_error(error, path) from error


@contextmanager
def write_lock(folder: Path, command: str, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the study's write lock; a second writer is refused after `wait_s` seconds, and a killed one leaves no lock behind.

    The lock is `flock`'s on the file ``.lock``, which the operating system releases when its process ends. The file holds
    the writer's process number and command while it is locked, and is empty otherwise.

    Raises
    ------
    LockedError
        When another process holds it; the message names that process.
    StorageError
        When the lock file cannot be written, or its file system has no locks.
    """
    path = folder / ".lock"
    lock = FileLock(path, timeout=wait_s, poll_interval=_POLL_SECONDS, thread_local=False, fallback_to_soft=False)
    with storage_errors(path):
        try:
            lock.acquire()
        except Timeout as error:
            holder = path.read_text("utf-8", "replace")[:200] or "another process"
            raise LockedError(
                f"study {folder} is locked by {holder}; wait for it to end or choose another --study"
            ) from error
    try:
        with storage_errors(path):
            path.write_text(f"process {os.getpid()} (discover {command})", "utf-8")
        try:
            yield
        finally:
            path.write_text("", "utf-8")
    finally:
        lock.release()
