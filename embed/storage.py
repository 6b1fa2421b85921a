"""Files that are either whole or absent: atomic writes, hashes, and errors that say why a write failed."""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from embed.errors import InputError, StorageError

_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file size limit is reached",
}
_CHUNK = 1 << 20


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an operating-system error on writing `path` into a StorageError that names the remedy."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            free = shutil.disk_usage(_existing(path)).free
            message = f"cannot write {path}: {_FULL[error.errno]} ({free / 2**20:.0f} MiB free); free some space and run again, finished work is kept"
        elif isinstance(error, PermissionError):
            message = f"cannot write {path}: no permission; choose another --study or --out folder"
        else:
            message = f"cannot write {path}: {error.strerror or error}"
        raise StorageError(message) from error


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents, Path("/")) if parent.exists())


def write_atomic(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write `path` so that a reader, or a rerun after a kill, sees the old file or the whole new one.

    A temporary file in the same folder is written, flushed to the disk and renamed over `path`; a failed write leaves
    nothing behind.

    Parameters
    ----------
    path : Path
        The file; a missing folder is made.
    write : callable
        Called with the open binary file.

    Raises
    ------
    StorageError
        When the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_atomic(path, lambda file: file.write(text.encode("utf-8")))


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes atomically."""
    write_atomic(path, lambda file: file.write(data))


def write_array(path: Path, array: np.ndarray) -> None:
    """Write an array as ``.npy`` atomically; the format holds no time, so equal arrays are equal files."""
    write_atomic(path, lambda file: np.save(file, array, allow_pickle=False))


def canonical_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Serialise to JSON in one way only: sorted keys, no extra blanks, numbers as Python prints them."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """SHA-256 (hexadecimal) of a JSON value's canonical form."""
    return hashlib.sha256(canonical_json(value).encode("utf-8")).hexdigest()


def check_regular(path: Path) -> None:
    """Refuse a pipe, a socket or a device, which a reader could wait for without end; a missing file is no error here.

    Raises
    ------
    InputError
        When `path` exists, and is neither a file nor a folder nor a link to one.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f"{path} is a pipe, a socket or a device; give a file")


def file_digest(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file's bytes."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha.update(chunk)
    return sha.hexdigest()


def check_empty(folder: Path) -> None:
    """Refuse a path that is neither new nor an empty folder.

    Raises
    ------
    InputError
        When it is a file, or a folder that holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists and is not an empty folder; name a new one")


def first_bytes(path: Path) -> bytes:
    """Read the first 8 bytes of a file, which name its format.

    Raises
    ------
    InputError
        When it cannot be read, or is a pipe, a socket or a device.
    """
    check_regular(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the files in it")
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})") from error


def beside(folder: Path) -> tuple[Path, Path]:
    """Where a new folder is built, and where the old one is kept meanwhile: ``<folder>.new`` and ``<folder>.old``."""
    return folder.with_name(f"{folder.name}.new"), folder.with_name(f"{folder.name}.old")


def settle(folder: Path, mark: str) -> None:
    """Finish or undo a move of a folder into its place that was interrupted.

    Parameters
    ----------
    folder : Path
        The place.
    mark : str
        The file that is written last: a folder with it is complete.
    """
    new, old = beside(folder)
    if not folder.exists() and (new / mark).exists():
        new.rename(folder)
    elif not folder.exists() and old.exists():
        old.rename(folder)
    for rest in (new, old):
        shutil.rmtree(rest, ignore_errors=True)


def move_into_place(folder: Path) -> None:
    """Replace a folder by the new one that was built beside it."""
    new, old = beside(folder)
    with storage_errors(folder):
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def sweep_temporaries(folder: Path) -> int:
    """Remove the temporary files that a killed process left in `folder` and below; returns how many."""
    count = 0
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)
        count += 1
    return count


def file_name(label: str) -> str:
    """A label as part of a file name: every character except letters, digits, ``.``, ``_`` and ``-`` becomes ``_``."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", label).strip(".")[:60] or "_"
