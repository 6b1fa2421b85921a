"""The tables of a simulation, which grow batch by batch after the batch's pictures: what they list is on disk, and a killed run goes on behind it."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Self

from embed.csvfile import csv_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType


class Tables:
    """CSV tables with a row for each glitch, written under other names until all are whole.

    Parameters
    ----------
    folder : Path
    columns : mapping of str to sequence of str
        File name -> its columns.

    Attributes
    ----------
    rows : int
        That all tables hold from before; a line that was cut off, and those that only some tables hold, are dropped.
    """

    def __init__(self, folder: Path, columns: Mapping[str, Sequence[str]]) -> None:
        self._places = {folder / name: folder / f"{name}.unfinished" for name in columns}
        for path, unfinished in self._places.items():
            if path.exists():  # killed while the tables got their names
                path.replace(unfinished)
        heads = [csv_lines([names]).encode() for names in columns.values()]
        self._files: list[IO[bytes]] = [path.open("a+b") for path in self._places.values()]
        lines = [_whole_lines(file) for file in self._files]
        self.rows = max(0, min(len(own) for own in lines) - 1)
        for file, own, head in zip(self._files, lines, heads, strict=True):
            file.truncate(sum(map(len, own[: self.rows + 1])) if self.rows else 0)
            if not self.rows:
                file.write(head)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            file.close()

    def add(self, *rows: Sequence[Sequence[object]]) -> None:
        """Append rows to each table, in the order of the columns; what they list is written already."""
        for file, own in zip(self._files, rows, strict=True):
            file.write(csv_lines(own).encode())
            file.flush()

    def finish(self) -> None:
        """Give the tables their names."""
        for path, unfinished in self._places.items():
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.replace(path)


def _whole_lines(file: IO[bytes]) -> list[bytes]:
    file.seek(0)
    return [line for line in file if line.endswith(b"\n")]
