"""Decoded views on disk, so that a second network of the same input size does not decode the images again.

There is one file for each size, with one record for each view at the place of its row number. A record holds the hash of
the image file and a checksum of the pixels. Where a killed run wrote half a record, or the image has changed since, the check
fails and the image is decoded again: the cache needs no index and no repair.
"""

import os
import re
import shutil
import zlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from embed.closing import Closing
from embed.errors import InputError, StudyError
from embed.storage import storage_errors
from embed.study.records import View
from embed.types import Flags, Pixels
from embed.views.decoding import VIEWS_VERSION
from embed.views.workers import Workers

KEY_BYTES = 32
"""Of a record: the SHA-256 of the image file."""
CHECK_BYTES = 4
"""Of a record: the CRC-32 of the pixels, which follow."""
_FILE = re.compile(r"views-\d+-(plain|levels)-(\d+)\.bin")


class ViewCache(Closing):
    """Decoded views, read from disk where they are kept, otherwise decoded and kept.

    Parameters
    ----------
    folder : Path or None
        The cache's folder; None keeps nothing.
    side : int
        Rows and columns of a view.
    plain : bool
        Whether the views are plain images (three channels).
    keep : bool
        Whether what is decoded is kept; otherwise the cache is only read.
    threads : int
        How many threads call `fill` at once; many are given processes that decode for them (see `Workers`).
    """

    def __init__(self, folder: Path | None, side: int, *, plain: bool, keep: bool = True, threads: int = 1) -> None:
        self.side = side
        self._workers = Workers(threads)
        self._keep = keep
        self.shape = (side, side, 3) if plain else (side, side)
        self._pixels = int(np.prod(self.shape))
        self._record = KEY_BYTES + CHECK_BYTES + self._pixels
        self._file: int | None = None
        if folder is not None:
            self.path = folder / f"views-{VIEWS_VERSION}-{'plain' if plain else 'levels'}-{side}.bin"
            if not keep:
                self._file = os.open(self.path, os.O_RDONLY) if self.path.exists() else None
                return
            with storage_errors(self.path):
                folder.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)

    def close(self) -> None:
        """End the processes that decode, and close the cache's file."""
        self._workers.close()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def get(self, view: View) -> Pixels:
        """Return the decoded view, an ndarray of uint8 of `shape`; threads may call it at the same time.

        Raises
        ------
        InputError
            When the image cannot be decoded.
        StudyError
            When the study's hash of the image is none.
        StorageError
            When the disk is full.
        """
        kept = np.empty((1, *self.shape), np.uint8)
        if self.read([view], kept)[0]:
            return kept[0]
        found = self._decode([view])[0]
        if isinstance(found, InputError):
            raise found
        return found

    def fill(self, views: Sequence[View], out: Pixels) -> list[str]:
        """Read the views that are kept and decode the others; threads may call it at the same time.

        Parameters
        ----------
        views : sequence of N View
        out : ndarray of uint8, shape (N, *shape)
            Filled where the view can be decoded; elsewhere it may hold anything.

        Returns
        -------
        list of N str
            Why each cannot be decoded, empty for one that can.

        Raises
        ------
        StudyError, StorageError
            As `get`.
        """
        reasons = [""] * len(views)
        missing = np.flatnonzero(~self.read(views, out)).tolist()
        for place, found in zip(missing, self._decode([views[place] for place in missing]), strict=True):
            if isinstance(found, InputError):
                reasons[place] = str(found)
            else:
                out[place] = found
        return reasons

    def _decode(self, views: Sequence[View]) -> list[Pixels | InputError]:
        decoded = self._workers.decode(views, self.side)
        if self._file is not None and self._keep:
            for view, found in zip(views, decoded, strict=True):
                if not isinstance(found, InputError):
                    self._write(self._file, view, found.tobytes())
        return decoded

    def _write(self, file: int, view: View, data: bytes) -> None:
        with storage_errors(self.path):
            place, whole = (view.view - 1) * self._record, _key(view) + _check(data) + data
            if os.pwrite(file, whole, place) < len(whole):
                os.pwrite(file, whole, place)  # a short write means a full disk: the second one says so

    def read(self, views: Sequence[View], out: Pixels) -> Flags:
        """Read those of the views that are kept, decoding none; views that follow one another in the file are read together.

        Parameters
        ----------
        views : sequence of N View
        out : ndarray of uint8, shape (N, *shape)
            Filled where the view is kept; elsewhere it may hold what the file held.

        Returns
        -------
        ndarray of bool, shape (N,)
            Which are kept.

        Raises
        ------
        StudyError
            As `get`.
        """
        found = np.zeros(len(views), bool)
        if self._file is None or not views:
            return found
        rows = np.array([view.view - 1 for view in views])
        breaks = np.flatnonzero(np.diff(rows) != 1) + 1
        for start, end in pairwise([0, *breaks.tolist(), len(views)]):
            keys = [_key(view) for view in views[start:end]]  # before all else: it refuses a hash that is none
            data = os.pread(self._file, (end - start) * self._record, int(rows[start]) * self._record)
            whole = len(data) // self._record
            records = np.frombuffer(data, np.uint8, whole * self._record).reshape(whole, self._record)
            pixels = records[:, KEY_BYTES + CHECK_BYTES :]
            heads = records[:, : KEY_BYTES + CHECK_BYTES]
            for place, (key, head, values) in enumerate(zip(keys, heads, pixels, strict=False), start):
                found[place] = head.tobytes() == key + _check(values.data)
            out[start : start + whole] = pixels.reshape(whole, *self.shape)
        return found

    def records(self) -> Pixels | None:
        """Map the cache into memory, without a copy; processes share it.

        Returns
        -------
        ndarray of uint8, shape (R, pixels), or None
            Row ``view.view - 1`` for each view that `get` has returned; other rows are undefined. None where nothing is kept.
        """
        return None if self._file is None else mapped_records(self.path)


def mapped_records(path: Path) -> Pixels:
    """Map a file of `ViewCache` into memory: ndarray of uint8, shape (R, pixels), as `ViewCache.records`.

    Raises
    ------
    InputError
        When this is no cache file by its name.
    """
    record = record_bytes(path.name)
    rows = path.stat().st_size // record
    whole = np.memmap(path, np.uint8, mode="r", shape=(rows, record)) if rows else np.empty((0, record), np.uint8)
    return whole[:, KEY_BYTES + CHECK_BYTES :]


def _key(view: View) -> bytes:
    try:
        return bytes.fromhex(view.sha256)
    except ValueError as error:
        raise StudyError(
            f"the study's hash of {view.path} is {view.sha256[:80]!r}, no SHA-256; another program has changed it, restore a copy"
        ) from error


def record_bytes(name: str) -> int:
    """Return the bytes of a record of the cache file of this name.

    Raises
    ------
    InputError
        When this is no name of a cache file.
    """
    found = _FILE.fullmatch(name)
    if found is None:
        raise InputError(f"{name} is no cache of decoded views; remove it")
    return KEY_BYTES + CHECK_BYTES + int(found[2]) ** 2 * (3 if found[1] == "plain" else 1)


def _check(data: bytes | memoryview) -> bytes:
    return zlib.crc32(data).to_bytes(CHECK_BYTES, "little")


def room_for(folder: Path, views: int, side: int, *, plain: bool) -> bool:
    """Whether caching `views` more views would leave at least half of the free disk free."""
    needed = views * side**2 * (3 if plain else 1)
    return needed < shutil.disk_usage(folder).free / 2
