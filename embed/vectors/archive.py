"""Arrays of an uncompressed .npz file, read where they lie."""

from __future__ import annotations

import os
import struct
import zipfile
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.types import Rows

_ZIP_LENGTHS = 26
"""Bytes of a zip entry's header before the lengths of its name and extra field (APPNOTE.TXT, section 4.3.7)."""


class StoredArray(NamedTuple):
    """Where the values of an array begin in the file, in bytes, and what they are."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def stored_array(file: BinaryIO, name: str) -> StoredArray:
    """Find an array in what ``numpy.savez`` wrote.

    Raises
    ------
    KeyError, ValueError, zipfile.BadZipFile, struct.error
        No such array, or one that cannot be read in place.
    """
    with zipfile.ZipFile(file) as parts:
        entry = parts.getinfo(f"{name}.npy")
    file.seek(entry.header_offset + _ZIP_LENGTHS)
    lengths = struct.unpack("<HH", file.read(4))
    file.seek(sum(lengths), os.SEEK_CUR)
    if np.lib.format.read_magic(file) != (1, 0) or entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError(entry.filename)
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file)
    if by_columns:
        raise ValueError(f"{entry.filename} is stored by columns")
    return StoredArray(file.tell(), shape, dtype)


def rows_of(file: BinaryIO, stored: StoredArray, rows: Rows) -> NDArray[Any]:
    """Read some rows of an array; nothing is checked."""
    if 0 in stored.shape:  # there is nothing to map
        return np.empty((len(rows), *stored.shape[1:]), stored.dtype)
    return np.array(np.memmap(file, stored.dtype, "r", stored.offset, stored.shape)[rows])
