"""Which glitches of a study a generator learned from: said here alone, for its training, its judgement, and what is trained with it.

The training writes ``parts.csv`` beside the card: the part that each labelled glitch had in its split. Labels change afterwards, and the same
split drawn again is then another one; so nothing draws it again where this file tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.csvfile import CsvFile, restored, write_csv
from embed.dataset.kinds import PART_NAMES
from embed.dataset.splits import LEFT_OUT, TEST, TRAIN
from embed.errors import InputError, StudyError
from embed.generator.model import GeneratorModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embed.generator.source import Source
    from embed.types import Flags, Rows

PARTS = "parts.csv"
"""Beside the card: id and part of each labelled glitch; the generator saw those of the training part."""
_COLUMNS = ("id", "part")


@dataclass(frozen=True)
class Learned:
    """What a generator learned from.

    Attributes
    ----------
    ids : frozenset of str, or None
        Glitches that it learned from, whatever their labels are now; none of the simulator. None where it is not known.
    """

    ids: frozenset[str] | None

    def among(self, ids: Sequence[str]) -> Flags:
        """Whether it is known to have learned from each of N glitches, bool, shape (N,)."""
        return np.array([name in (self.ids or ()) for name in ids], bool)

    def parts(self, ids: Sequence[str], groups: Rows) -> NDArray[np.int8]:
        """Part of each glitch where the generator is judged.

        Parameters
        ----------
        ids : sequence of N str
        groups : ndarray of int64, shape (N,)
            Sets of duplicates.

        Returns
        -------
        ndarray of int8, shape (N,)
            As in `embed.dataset.splits.Split`: what was learned from trains, duplicates of it are left out, all others test.
        """
        seen = self.among(ids)
        return np.where(seen, TRAIN, np.where(np.isin(groups, groups[seen]), LEFT_OUT, TEST)).astype(np.int8)

    def caution(self, name: str) -> str:
        """What must be said of a generator of this name; nothing where it is known what it learned from."""
        if self.ids is not None:
            return ""
        return (
            f"which glitches the generator {name} learned from is not known, as its folder has no {PARTS}: it may have learned from those it is "
            f"judged on, or a model is tested on, and the figures may flatter; `discover generator train --name {name} --replace` trains one that tells"
        )


def write_learned(folder: Path, ids: Sequence[str], part: Sequence[int]) -> None:
    """Write the part, `embed.dataset.splits.Split`, of each glitch; those left out (-1) are not listed.

    Raises
    ------
    StorageError
        When the file cannot be written.
    """
    rows = [[name, PART_NAMES[own]] for name, own in zip(ids, part, strict=True) if own >= 0]
    write_csv(folder / PARTS, _COLUMNS, rows)


def read_learned(source: Source) -> Learned:
    """Read what a generator learned from.

    Raises
    ------
    StudyError
        When its table is damaged.
    """
    if not isinstance(source, GeneratorModel):
        return Learned(frozenset())
    path = source.folder / PARTS
    if not path.exists():
        return Learned(None)
    try:
        parts = _read(path)
    except InputError as error:
        raise StudyError(
            f"{path} is damaged: {error}; restore it from a copy, or train the generator again with --replace"
        ) from error
    return Learned(frozenset(name for name, part in parts if part == PART_NAMES[TRAIN]))


def _read(path: Path) -> list[tuple[str, str]]:
    file = CsvFile(path, f"a table with columns {' and '.join(_COLUMNS)}")
    if tuple(file.columns) != _COLUMNS:
        raise InputError(f"it has columns {', '.join(file.columns)} instead of {', '.join(_COLUMNS)}")
    parts = [(restored(row.cells["id"]), row.cells["part"]) for row in file.rows()]
    unknown = sorted({part for _, part in parts} - set(PART_NAMES))
    if unknown:
        raise InputError(f"it has the part {unknown[0]!r}")
    return parts
