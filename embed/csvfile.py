"""CSV files: one writer whose cells no spreadsheet runs as a formula, and one reader that names the line of an error.

A spreadsheet runs a cell as a formula if it begins with ``=``, ``+``, ``-`` or ``@``, also after blanks, and in some
locales with their full-width forms (OWASP, "CSV Injection"); one that splits at semicolons or tabs begins a new cell
after them. The writer puts an apostrophe before such a beginning, which makes it text; `restored` removes exactly these.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING

import numpy as np

from embed.errors import InputError
from embed.storage import check_regular, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_BEGINNING = re.compile(r"(?:\A|(?<=[;\t\r\n]))(?=['\t\r\n]|\s*[=+\-@＝＋－＠])")  # noqa: RUF001 - full-width signs
"""Where an apostrophe is needed: at the beginning of a cell, or after a character that some program takes for its end."""
_APOSTROPHE = re.compile(r"(?:\A|(?<=[;\t\r\n]))'")
_BLOCK = 10_000
"""Rows that are written together."""
_SEPARATORS = (",", ";", "\t")
"""A spreadsheet saves with semicolons or tabs where the comma is the decimal point."""
_UTF16 = (0xFF, 0xFE)
"""Either begins a file in UTF-16, which Excel calls Unicode text."""


def separator_of(header: str) -> str:
    r"""Return what separates the cells of a CSV, by its first line.

    Examples
    --------
    >>> separator_of("id;label;snr"), separator_of("id")
    (';', ',')
    """
    return max(_SEPARATORS, key=header.count)


def not_utf8(path: Path, error: UnicodeDecodeError) -> InputError:
    """Return the error that says how a table that is not UTF-8 becomes so."""
    byte = error.object[error.start]
    encoding = "UTF-16" if error.start == 0 and byte in _UTF16 else "LATIN1"
    return InputError(
        f"{path} is not UTF-8 (byte 0x{byte:02x} at position {error.start}); save it in the spreadsheet as CSV UTF-8, or convert it, for instance with `iconv -f {encoding} -t UTF-8`"
    )


def neutralised(text: str) -> str:
    """Put an apostrophe before every beginning that a spreadsheet would run; a number stays as it is.

    Examples
    --------
    >>> neutralised("=1+1"), neutralised("-0.25"), neutralised("Blip")
    ("'=1+1", '-0.25', 'Blip')
    """
    return text if _NUMBER.fullmatch(text) else _BEGINNING.sub("'", text)


def restored(text: str) -> str:
    """Undo `neutralised`.

    Examples
    --------
    >>> restored("'=1+1")
    '=1+1'
    """
    return _APOSTROPHE.sub("", text)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Write a table as CSV text: the same table is the same text.

    Text is neutralised, numbers are written in full, NaN and None are empty cells, and lines end with a line feed.

    Examples
    --------
    >>> csv_text(("id", "snr"), [("H1_a", 7.5), ("H1_b", None)])
    'id,snr\nH1_a,7.5\nH1_b,\n'
    """
    return csv_lines([columns]) + csv_lines(rows)


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Write rows as lines of CSV, without a header; see `csv_text`."""
    lines = _Lines()
    csv.writer(lines, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    return "".join(lines)


class _Lines(list[str]):
    """Lines as `csv.writer` writes them, but ended by a line feed.

    Python before 3.13 quotes a carriage return in a cell only where the lines end with one.
    """

    def write(self, line: str) -> None:
        self.append(f"{line[:-2]}\n")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table to a file atomically, some thousand rows at a time; see `csv_text`.

    Raises
    ------
    StorageError
        When the file cannot be written.
    """
    waiting = iter(rows)

    def write(file: IO[bytes]) -> None:
        file.write(csv_lines([columns]).encode("utf-8"))
        while block := list(islice(waiting, _BLOCK)):
            file.write(csv_lines(block).encode("utf-8"))

    write_atomic(path, write)


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return ""
    if isinstance(value, str):
        return neutralised(value)
    if isinstance(value, np.generic) and not isinstance(value, np.floating):
        return str(value.item())
    return str(value)  # of a float, the shortest decimal that reads back as the same number of its own width


@dataclass(frozen=True)
class Row:
    """One row of a CSV file.

    Attributes
    ----------
    cells : dict of str to str
        By column; the writer's apostrophes are kept, see `restored`.
    where : str
        The file's name and the row's first line, for messages.
    line : int
        The row's first line; the column names are in line 1.
    """

    cells: dict[str, str]
    where: str
    line: int


class CsvFile:
    """A CSV file that is read row by row; the separator is found in the first line.

    Parameters
    ----------
    path : Path
    expected : str
        What the file should be, for the message about an empty one.
    skip_blanks : bool
        Leave out blanks at the beginning of cells, as in ``1, 2``.

    Attributes
    ----------
    path : Path
    columns : list of str
        Names without surrounding blanks.

    Raises
    ------
    InputError
        When the file cannot be read, is no file (a pipe, ...), is not UTF-8, is empty, or has two columns of one name.
    """

    def __init__(
        self, path: Path, expected: str = "a CSV with a line of column names", *, skip_blanks: bool = False
    ) -> None:
        self.path = path
        self._skip_blanks = skip_blanks
        check_regular(path)
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                first = file.readline()
        except (OSError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from error
        self._separator = separator_of(first)
        self.columns = [name.strip() for name in next(csv.reader([first], delimiter=self._separator), [])]
        if not any(self.columns):
            raise InputError(f"{path} is empty; give {expected}")
        doubled = next((name for name in self.columns if name and self.columns.count(name) > 1), None)
        if doubled is not None:
            raise InputError(f"{path} has two columns {doubled!r}; remove one of them")

    def _unreadable(self, error: Exception) -> InputError:
        if isinstance(error, UnicodeDecodeError):
            return not_utf8(self.path, error)
        return InputError(f"{self.path} cannot be read ({getattr(error, 'strerror', None) or error})")

    def rows(self) -> Iterator[Row]:
        """Yield the rows; blank lines are left out.

        Raises
        ------
        InputError
            Naming the line, where a row has more or fewer cells than the header or is not CSV.
        """
        line = 1
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, delimiter=self._separator, strict=True, skipinitialspace=self._skip_blanks)
                next(reader)
                line = reader.line_num + 1
                for cells in reader:
                    where = f"{self.path.name}, line {line}"
                    if cells and len(cells) != len(self.columns):
                        raise InputError(
                            f"{where}: {len(cells)} cells under {len(self.columns)} columns; was the file cut off or edited by hand?"
                        )
                    if any(cells):
                        yield Row(dict(zip(self.columns, cells, strict=True)), where, line)
                    line = reader.line_num + 1
        except csv.Error as error:
            raise InputError(f"{self.path.name}, line {line}: not CSV ({error}); was the file cut off?") from error
        except (OSError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from error
