"""The finished blocks of a store that is being made: a killed run resumes from them."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embed.storage import write_atomic
from embed.types import Flags, Rows, Vectors


def part_path(folder: Path, glitches: Rows, inputs: NDArray[np.uint8]) -> Path:
    """The file of a block of glitches, named by a hash of what its vectors are made from."""
    key = hashlib.sha256(glitches.tobytes() + inputs.tobytes()).hexdigest()[:24]
    return folder.with_name(f"{folder.name}.parts") / f"{key}.npz"


def write_part(path: Path, vectors: Vectors, kept: Flags, reasons: list[str]) -> None:
    """Write a finished block: its vectors (n, D), which of its glitches have one (N,), and why the others do not."""
    write_atomic(
        path, lambda file: np.savez(file, vectors=vectors, kept=kept, reasons=np.array(reasons, dtype=np.str_))
    )


def read_part(path: Path) -> tuple[Vectors, Flags]:
    """Read the vectors that `write_part` wrote, and which glitches have one."""
    with np.load(path, allow_pickle=False) as part:
        return part["vectors"], part["kept"]


def read_outcome(path: Path) -> tuple[Flags, list[str]]:
    """Read which glitches have a vector in what `write_part` wrote, and why the others do not, without the vectors."""
    with np.load(path, allow_pickle=False) as part:
        return part["kept"], [str(reason) for reason in part["reasons"]]


def has_parts(folder: Path) -> bool:
    """Whether parts of a store are left, also from a run that was killed after the store was whole."""
    return folder.with_name(f"{folder.name}.parts").exists()


def drop_parts(folder: Path) -> None:
    """Remove the parts of a finished store."""
    shutil.rmtree(folder.with_name(f"{folder.name}.parts"), ignore_errors=True)


def blocks_of(rows: int, size: int) -> Iterator[slice]:
    """Slices of `size` rows."""
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
