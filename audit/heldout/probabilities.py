"""Another classifier's probabilities from a CSV: an id and one column for each class, as in Gravity Spy's machine classifications."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.heldout.labels import SUM_TOLERANCE
from embed.csvfile import CsvFile
from embed.digits import counted
from embed.errors import InputError
from embed.gravityspy import COLUMN_ALIASES, class_name

if TYPE_CHECKING:
    from pathlib import Path

    from embed.types import Floats

_METADATA = {name for aliases in COLUMN_ALIASES.values() for name in aliases} | {
    *("start_time", "start_time_ns", "channel", "search", "process_id", "event_id", "confidence", "chisq", "chisq_dof"),
    *("param_one_name", "param_one_value", "retired", "tracks", "Nclassifications", "final_label", "final_score"),
    *("links_subjects", "era", "label", "predicted", "Filename1", "Filename2", "Filename3", "Filename4"),
}
"""Columns of Gravity Spy's tables that are no classes; every other column is a class."""

EXPECTED = "a table of probabilities: an id and a column a class"
"""What the file should be, for the message about an empty one."""


@dataclass(frozen=True)
class External:
    """Probabilities as written in the file.

    Attributes
    ----------
    ids, ifos : list of str, length M
        Detectors are empty where the file has none.
    lines : list of str
        File and line of each row, for messages.
    classes : tuple of str
        In Gravity Spy's spelling.
    probabilities : ndarray of float64, shape (M, K)
    """

    ids: list[str]
    ifos: list[str]
    lines: list[str]
    classes: tuple[str, ...]
    probabilities: Floats


def read_probabilities(path: Path) -> External:
    """Read the file.

    Parameters
    ----------
    path : Path
        CSV with a column of ids (``gravityspy_id``, ``id``, ...) and one column for each class; Gravity Spy's metadata columns are ignored.

    Raises
    ------
    InputError
        Naming the line: a value that is no probability, or a row that does not sum to 1 within `SUM_TOLERANCE`; no id column, or fewer
        than two classes.
    """
    file = CsvFile(path, EXPECTED)
    identifier = next((name for name in COLUMN_ALIASES["gravityspy_id"] if name in file.columns), None)
    if identifier is None:
        raise InputError(
            f"{path} has no column {' or '.join(COLUMN_ALIASES['gravityspy_id'])}; its columns are {', '.join(file.columns[:12])}"
        )
    ifo = next((name for name in COLUMN_ALIASES["ifo"] if name in file.columns), None)
    columns = [name for name in file.columns if name and name not in _METADATA]
    if len(columns) < 2:
        raise InputError(
            f"{path} has {counted(len(columns), 'column', 'columns')} of classes beside {identifier!r}; give one column for each class"
        )
    classes = tuple(class_name(name) for name in columns)
    ids, ifos, lines, values = [], [], [], []
    for row in file.rows():
        ids.append(row.cells[identifier].strip())
        ifos.append(row.cells[ifo].strip() if ifo is not None else "")
        lines.append(row.where)
        values.append(_probabilities([row.cells[name] for name in columns], columns, row.where))
    if not values:
        raise InputError(f"{path} has no rows; give one row for each glitch")
    return External(ids, ifos, lines, classes, np.array(values))


def _probabilities(cells: list[str], columns: list[str], where: str) -> Floats:
    numbers = np.empty(len(cells))
    for place, text in enumerate(cells):
        try:
            numbers[place] = float(text)
        except ValueError as error:
            raise InputError(
                f"{where}: {text[:40]!r} in column {columns[place]!r} is no number; every column except the id and Gravity Spy's metadata counts as a class"
            ) from error
        if not 0 <= numbers[place] <= 1:
            raise InputError(
                f"{where}: {text} in column {columns[place]!r} is no probability; give numbers from 0 to 1"
            )
    total = math.fsum(numbers)
    if abs(total - 1) > SUM_TOLERANCE:
        raise InputError(f"{where}: the probabilities sum to {total:.4f}, not to 1; give one column for every class")
    return numbers
