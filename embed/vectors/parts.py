"""Blocks of vectors beside a store, each with the glitches that it is of.

A killed embedding goes on from the blocks that it finished; a prediction keeps here the vectors of the glitches that it was asked for.
They are no store: no command but `embed`, which makes the store whole, and a prediction reads them.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile
from zlib import error as ZlibError  # noqa: N812 - a class, whatever its name

import numpy as np
from numpy.typing import NDArray

from embed.errors import StudyError
from embed.storage import write_atomic
from embed.types import Flags, Rows, Vectors
from embed.vectors.archive import StoredArray, rows_of, stored_array

SUFFIX = ".parts"
SMALL = 256
"""Vectors of a part that is small."""
MANY_SMALL = 64
"""Small parts that are joined: each daily prediction adds one."""
MEMBERS = ("glitches", "inputs", "vectors", "kept", "reasons")
"""Arrays of a part; an earlier version wrote only the last three."""


def part_key(glitches: Rows, inputs: NDArray[np.uint8]) -> str:
    """Hash of what the vectors of a block of glitches are made from: the name of its file."""
    return hashlib.sha256(glitches.tobytes() + inputs.tobytes()).hexdigest()[:24]


def part_path(folder: Path, glitches: Rows, inputs: NDArray[np.uint8]) -> Path:
    """The file of a block of glitches of the store `folder`."""
    return _beside(folder) / f"{part_key(glitches, inputs)}.npz"


def write_part(
    path: Path, glitches: Rows, inputs: NDArray[np.uint8], vectors: Vectors, *, kept: Flags, reasons: list[str]
) -> None:
    """Write a finished block: its glitches (N,) and what their vectors are made from (N, 32), the vectors (n, D), which glitches have one (N,), and why the others do not."""
    why = np.array(reasons, dtype=np.str_)
    write_atomic(
        path,
        lambda file: np.savez(file, glitches=glitches, inputs=inputs, vectors=vectors, kept=kept, reasons=why),
    )


def part_files(folder: Path) -> list[Path]:
    """The parts beside a store, by name."""
    return sorted(_beside(folder).glob("*.npz"))


def read_outcome(path: Path) -> tuple[Flags, list[str]]:
    """Read which glitches have a vector in what `write_part` wrote, and why the others do not."""
    with _opened(path) as part:
        return part["kept"], [str(reason) for reason in part["reasons"]]


def read_rows(path: Path) -> tuple[Rows, NDArray[np.uint8]]:
    """Read the glitches of a part that have a vector, and what it is made from; none from a part of an earlier version."""
    with _opened(path) as part:
        if "glitches" not in part:
            return np.empty(0, np.int64), np.empty((0, 32), np.uint8)
        kept = part["kept"]
        return part["glitches"][kept], part["inputs"][kept]


def read_vectors(path: Path) -> Vectors:
    """Read the vectors of a part: those of the glitches that `read_rows` gives."""
    with _opened(path) as part:
        vectors: Vectors = part["vectors"]
    return vectors


def place_of_vectors(path: Path) -> StoredArray:
    """Read the vectors of a part whole, which checks them, and return where in the file they are."""
    with _reading(path) as file, np.load(file, allow_pickle=False) as part:
        part["vectors"]
        return stored_array(file, "vectors")


def read_some(path: Path, place: StoredArray, rows: Rows) -> Vectors:
    """Read some vectors of a part that was checked; the file is open meanwhile only, for there may be more parts than a process may open files."""
    with _reading(path) as file:
        return rows_of(file, place, rows)


def join_parts(folder: Path) -> None:
    """Join the small parts beside a store into one, where there are `MANY_SMALL`; a kill leaves some vectors twice, which does no harm."""
    small = {path: rows for path in part_files(folder) if 0 < len((rows := read_rows(path))[0]) < SMALL}
    if len(small) < MANY_SMALL:
        return
    glitches, inputs = (np.concatenate(columns) for columns in zip(*small.values(), strict=True))
    vectors = np.concatenate([read_vectors(path) for path in small])
    order = np.argsort(glitches, kind="stable")
    joined = part_path(folder, glitches[order], inputs[order])
    kept = np.ones(len(order), bool)
    write_part(joined, glitches[order], inputs[order], vectors[order], kept=kept, reasons=[])
    for path in small.keys() - {joined}:
        path.unlink()


def check_part(path: Path) -> None:
    """Read a part as a whole: the file keeps a checksum of each array, and its name is the hash of what the vectors are made from.

    Raises
    ------
    StudyError
        When it is damaged.
    """
    with _opened(path) as part:
        arrays = {name: part[name] for name in MEMBERS if name in part or name in MEMBERS[2:]}
        if "glitches" in arrays and part_key(arrays["glitches"], arrays["inputs"]) != path.stem:
            raise ValueError("its glitches are not those of its name")
        if len(arrays["vectors"]) != int(arrays["kept"].sum()):
            raise ValueError(f"{len(arrays['vectors'])} vectors of {int(arrays['kept'].sum())} glitches")


def has_parts(folder: Path) -> bool:
    """Whether parts of a store are left, also from a run that was killed after the store was whole."""
    return any(_beside(folder).glob("*"))


def drop_parts(folder: Path) -> None:
    """Remove the parts of a finished store."""
    shutil.rmtree(_beside(folder), ignore_errors=True)


def kept_beside(study_folder: Path) -> dict[str, int]:
    """Count the glitches that have a vector in the parts beside each store, also where there is no store yet: name of the store -> glitches."""
    counts = {}
    for folder in sorted((study_folder / "vectors").glob(f"*{SUFFIX}")):
        rows = []
        for path in folder.glob("*.npz"):
            with suppress(FileNotFoundError):  # another command has joined it to others, or made the store whole
                rows.append(read_rows(path)[0])
        counts[folder.name.removesuffix(SUFFIX)] = len(np.unique(np.concatenate(rows))) if rows else 0
    return {name: count for name, count in counts.items() if count}


def blocks_of(rows: int, size: int) -> Iterator[slice]:
    """Slices of `size` rows."""
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def _beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{SUFFIX}")


@contextmanager
def _opened(path: Path) -> Iterator[np.lib.npyio.NpzFile]:
    """Open a part; a file that has gone stays a `FileNotFoundError`."""
    with _reading(path) as file, np.load(file, allow_pickle=False) as part:
        yield part


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    """Say of whatever fails that the part is damaged, but of a file that has gone."""
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, ZlibError) as error:
        raise StudyError(
            f"{path} is damaged ({error}); delete it: its glitches are embedded again when needed"
        ) from error
