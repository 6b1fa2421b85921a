"""Files of vectors: NumPy's arrays as memory maps, and Parquet's columns, read block by block."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.errors import InputError
from embed.ingest.tablefile import PARQUET, open_parquet
from embed.storage import check_regular, write_atomic
from embed.vectors.store import write_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 8192
"""Vectors that are read at a time."""

LIST_COLUMNS = ("vector", "embedding", "vectors", "embeddings")
"""Names of a Parquet column that holds a list of numbers a row."""

_NUMBERED = re.compile(r"(?:(?:v|vector|e|emb|embedding|dim|feature|f|x)_?)?([0-9]+)")
_FLOATS = ("halffloat", "float", "double")


class VectorFile:
    """A file of N vectors of D numbers.

    Parameters
    ----------
    path : Path
        A .npy file, or a Parquet file by its name.

    Attributes
    ----------
    path : Path
    columns : tuple of str
        Of a Parquet file: its column of lists, or its numbered columns in their order; empty for an array.

    Raises
    ------
    InputError
        When the file cannot be read, or holds no vectors.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns = _vector_columns(path) if path.suffix.lower() == PARQUET else ()
        if not self.columns:
            open_vectors(path)

    def blocks(self) -> Iterator[np.ndarray[Any, Any]]:
        """Yield the vectors in the file's order and type, `ROWS` at a time: ndarray, shape (n, D).

        Raises
        ------
        InputError
            When rows have different lengths, or something else than numbers.
        """
        if not self.columns:
            array = open_vectors(self.path)
            for start in range(0, len(array), ROWS):
                yield np.asarray(array[start : start + ROWS])
            return
        done, width = 0, len(self.columns)
        with open_parquet(self.path) as file:
            for batch in file.iter_batches(ROWS, columns=list(self.columns)):
                columns = [batch.column(name) for name in self.columns]
                if len(columns) > 1:
                    block = np.stack([column.to_numpy(zero_copy_only=False) for column in columns], axis=1)
                else:
                    lengths = np.array([-1 if row is None else len(row) for row in columns[0].to_pylist()])
                    width = int(lengths[0]) if done == 0 else width
                    self._check_lengths(lengths, width, done)
                    block = columns[0].flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
                if block.dtype.kind not in "fiu":
                    raise InputError(
                        f"{self.path.name}: the vectors hold {block.dtype}, not numbers alone; give numbers"
                    )
                yield block
                done += len(block)

    def _check_lengths(self, lengths: np.ndarray[Any, Any], width: int, done: int) -> None:
        if width < 1 or (lengths != width).any():
            row = 0 if width < 1 else int(np.argmax(lengths != width))
            raise InputError(
                f"{self.path.name}, row {done + row} (counted from 0): {max(lengths[row], 0)} numbers, the first row has {max(width, 0)}; give as many in every row"
            )

    @contextmanager
    def mapped(self, folder: Path, rows: int) -> Iterator[np.ndarray[Any, Any]]:
        """Yield the vectors as a memory map, shape (N, D); those of a Parquet file are copied to a temporary file in `folder`."""
        if not self.columns:
            yield open_vectors(self.path)
            return
        copy = folder / f".{self.path.name}.{os.getpid()}.npy.tmp"
        try:
            write_atomic(copy, lambda file: write_blocks(file, self.blocks(), rows))
            yield np.load(copy, mmap_mode="r")
        finally:
            copy.unlink(missing_ok=True)


def open_vectors(path: Path) -> np.ndarray[Any, Any]:
    """Open an array of vectors as a memory map.

    Returns
    -------
    ndarray, shape (N, D)
        Of the file's own type: floats or whole numbers.

    Raises
    ------
    InputError
        When the file cannot be read, or holds anything but a table of numbers.
    """
    check_regular(path)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise InputError(f"the vectors {path} cannot be read: {error}; give a .npy file of numbers") from error
    except (ValueError, EOFError) as error:  # numpy's own message advises to load objects, which can run code
        raise InputError(
            f"the vectors {path} cannot be read: the file holds no plain array; give a .npy file of numbers"
        ) from error
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "fiu" or 0 in array.shape:
        raise InputError(
            f"the vectors {path} have shape {getattr(array, 'shape', '()')} and type {getattr(array, 'dtype', 'several arrays')}: give one row of numbers a glitch"
        )
    return array


def _vector_columns(path: Path) -> tuple[str, ...]:
    """The columns of a Parquet file that hold vectors: one of lists, or numbered ones in their order."""
    with open_parquet(path) as file:
        header = list(file.schema_arrow.names)
        lists = [name for name in LIST_COLUMNS if name in header and "list" in str(file.schema_arrow.field(name).type)]
        floats = {name for name in header if str(file.schema_arrow.field(name).type) in _FLOATS}
    families: dict[str, dict[int, str]] = {}
    for name in header:
        match = _NUMBERED.fullmatch(name)
        if match is not None and name in floats:
            families.setdefault(name[: match.start(1)], {})[int(match[1])] = name
    numbered = max(families.values(), key=len, default={})
    if len(lists) == 1:
        return (lists[0],)
    if len(lists) > 1:
        raise InputError(f"{path} has several columns of lists ({', '.join(lists)}); keep one")
    first = min(numbered, default=0)
    if len(numbered) < 2 or sorted(numbered) != list(range(first, first + len(numbered))):
        raise InputError(
            f"{path} has no vectors: no column of lists ({' or '.join(LIST_COLUMNS[:2])}) and no columns of floats numbered without a gap (0, 1, ... or v0, v1, ...)"
        )
    return tuple(numbered[number] for number in sorted(numbered))
