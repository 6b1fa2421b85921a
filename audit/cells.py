"""Cells of a CSV that a spreadsheet opens as text, and numbers that stay numbers.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula, also behind blanks, and in some
locales behind their full-width forms (OWASP, "CSV Injection"); one that splits at semicolons or tabs begins a new cell
behind them. An apostrophe put before such a beginning makes it text. `restored` takes exactly these apostrophes away.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
#: A beginning that must not stand bare: of the cell, or behind what some program takes for the end of one.
_BEGINNING = re.compile(r"(?:\A|(?<=[;\t\r\n]))(?=['\t\r\n]|\s*[=+\-@＝＋－＠])")  # noqa: RUF001 - full-width signs
_APOSTROPHE = re.compile(r"(?:\A|(?<=[;\t\r\n]))'")


def neutralised(text: str) -> str:
    """Put an apostrophe before whatever a spreadsheet would run; a number stays as it is.

    Examples
    --------
    >>> neutralised("=1+1"), neutralised("-0.25"), neutralised("Blip")
    ("'=1+1", '-0.25', 'Blip')
    """
    return text if _NUMBER.fullmatch(text) else _BEGINNING.sub("'", text)


def restored(text: str) -> str:
    """Give back what `neutralised` was given."""
    return _APOSTROPHE.sub("", text)


def safe_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table as CSV: text neutralised, numbers in full, NaN and None as empty cells, lines ended by a line feed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return ""
    if isinstance(value, str):
        return neutralised(value)
    return str(value.item() if isinstance(value, np.generic) else value)
