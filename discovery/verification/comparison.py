"""A report beside one that was made again, file by file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Comparison:
    """A report beside one that was made again.

    Attributes
    ----------
    files : dict of str to bool
        Name of each file of either -> whether both have it with the same bytes.
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
    """Compare the files of two reports byte for byte.

    Parameters
    ----------
    report, again : Path
        The report as it is, and the one that was made again.
    folders : iterable of str
        Whose files are compared, below both.

    Returns
    -------
    dict of str to bool
        Name of each file of either -> whether both have it with the same bytes.
    """
    names = {
        path.relative_to(own).as_posix()
        for own in (report, again)
        for name in folders
        if (own / name).is_dir()
        for path in (own / name).iterdir()
        if path.is_file()
    }
    return {name: _bytes(report / name) == _bytes(again / name) is not None for name in sorted(names)}


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
