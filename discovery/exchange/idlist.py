"""A list of glitches in a CSV file, such as the selection that a map's page saves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.csvfile import CsvFile, restored
from embed.errors import InputError
from embed.study.nearids import unknown_id

if TYPE_CHECKING:
    from pathlib import Path

    from embed.study.study import Study

MOST = 500
"""Glitches of a batch at most: 2,000 pictures, which take some minutes."""


def read_glitches(study: Study, path: Path) -> list[int]:
    """Read the row numbers of the glitches that a CSV lists in its column ``id``, each once, in the file's order.

    Raises
    ------
    InputError
        When the file cannot be read, has no column ``id`` or no row, names a glitch that the study lacks, or too many.
    """
    file = CsvFile(path)
    if "id" not in file.columns:
        raise InputError(f"{path} has no column 'id', only {', '.join(file.columns)}")
    numbers = {identifier: glitch for glitch, identifier in study.ids().items()}
    found: dict[int, None] = {}
    for row in file.rows():
        identifier = restored(row.cells["id"])
        if identifier not in numbers:
            raise InputError(f"{row.where}: {unknown_id(study.connection, identifier, f'the study {study.folder}')}")
        found[numbers[identifier]] = None
    if not 0 < len(found) <= MOST:
        raise InputError(f"{path} lists {len(found)} glitches; a batch holds 1 to {MOST}")
    return list(found)
