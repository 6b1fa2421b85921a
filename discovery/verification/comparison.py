"""A report beside one that was made again, file by file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pandas as pd


@dataclass(frozen=True)
class Comparison:
    """A report beside one that was made again.

    Attributes
    ----------
    files : dict of str to bool
        Name of each file that was made again -> whether the report has it with the same bytes.
    answer : str
        In a few words: ``same flags``.
    differences : list of str
        What differs, in words; empty where nothing does.
    numbers : mapping of str to float
        What was measured, by name; empty where nothing was.
    """

    files: dict[str, bool]
    answer: str
    differences: list[str]
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_same(self) -> bool:
        """Whether every file has the same bytes."""
        return all(self.files.values())


def same_files(report: Path, again: Path, folders: Iterable[str] = (".",)) -> dict[str, bool]:
    """Compare the files that were made again byte for byte with those of a report: other commands may have written into its folder, too.

    Parameters
    ----------
    report, again : Path
        The report as it is, and the one that was made again.
    folders : iterable of str
        Whose files are compared, below both.

    Returns
    -------
    dict of str to bool
        Name of each file that was made again -> whether the report has it with the same bytes.
    """
    names = {
        path.relative_to(again).as_posix()
        for name in folders
        if (again / name).is_dir()
        for path in (again / name).iterdir()
        if path.is_file()
    }
    return {name: _bytes(report / name) == _bytes(again / name) is not None for name in sorted(names)}


def by_id(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its column ``id`` as index.

    Raises
    ------
    ValueError
        An id is there twice.
    KeyError
        There is no such column.
    """
    table = table.set_index("id")
    if not table.index.is_unique:
        raise ValueError(f"the id {table.index[table.index.duplicated()][0]} is there twice")
    return table


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
