"""Tables as CSV, written in one way only: the same table is the same bytes."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from embed.storage import write_text


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Render a table as CSV: lines ended by a line feed, numbers at full precision, NaN and None as empty cells."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table atomically; see `csv_text`."""
    write_text(path, csv_text(columns, rows))


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return ""
    if isinstance(value, np.floating):
        return str(value)  # the shortest decimal that reads back as the same number of its own width
    if isinstance(value, np.generic):
        return str(value.item())
    return repr(value) if isinstance(value, float) else str(value)
