"""Arrays of an uncompressed .npz file, read where they lie."""

from __future__ import annotations

import os
import struct
import zipfile
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


def mapped_array(file: BinaryIO, name: str) -> NDArray[Any]:
    """Map an array of such a file into memory, read-only: only the rows that are asked for are read, and nothing is checked."""
    stored = stored_array(file, name)
    if 0 in stored.shape:  # there is nothing to map
        return np.empty(stored.shape, stored.dtype)
    return np.memmap(file, stored.dtype, "r", stored.offset, stored.shape)
