"""Files of answers, read row by row with the line that each row stands on."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SEPARATORS = (",", ";", "\t")
"""A spreadsheet saves with semicolons or tabs where the comma is the decimal point."""


@dataclass(frozen=True)
class Row:
    """One row of a file: its cells by column, and where it stands."""

    cells: dict[str, str]
    where: str


class AnswerFile:
    """A CSV of answers.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    columns : list of str

    Raises
    ------
    InputError
        When it cannot be read, is not UTF-8 or empty, or has two columns of one name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                first = file.readline()
        except (OSError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from error
        self._separator = max(_SEPARATORS, key=first.count)
        self.columns = [name.strip() for name in next(csv.reader([first], delimiter=self._separator), [])]
        if not any(self.columns):
            raise InputError(
                f"{path} is empty; give the audit's table with a column 'decision', or Zooniverse's classification export"
            )
        doubled = next((name for name in self.columns if name and self.columns.count(name) > 1), None)
        if doubled is not None:
            raise InputError(f"{path} has two columns {doubled!r}; drop one")

    def _unreadable(self, error: Exception) -> InputError:
        if isinstance(error, UnicodeDecodeError):
            return InputError(
                f"{self.path} is not UTF-8; save it as CSV UTF-8, or convert it, for instance with `iconv -f LATIN1 -t UTF-8`"
            )
        return InputError(f"{self.path} cannot be read ({getattr(error, 'strerror', None) or error})")

    def rows(self) -> Iterator[Row]:
        """Yield the rows; blank lines are passed over.

        Raises
        ------
        InputError
            Naming the line, where a row has more or fewer cells than the header or is no CSV.
        """
        line = 1
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, delimiter=self._separator, strict=True)
                next(reader)
                line = reader.line_num + 1
                for cells in reader:
                    where = f"{self.path.name}, line {line}"
                    if cells and len(cells) != len(self.columns):
                        raise InputError(
                            f"{where}: {len(cells)} cells under {len(self.columns)} columns; was the file cut off or edited by hand?"
                        )
                    if any(cells):
                        yield Row(dict(zip(self.columns, cells, strict=True)), where)
                    line = reader.line_num + 1
        except csv.Error as error:
            raise InputError(f"{self.path.name}, line {line}: no CSV ({error}); was the file cut off?") from error
        except (OSError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from error
