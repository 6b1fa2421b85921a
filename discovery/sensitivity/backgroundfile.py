"""The background of an evaluation as a file, and the rows of a detector in it: known by its weights, whatever its folder is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.csvfile import CsvFile
from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BACKGROUND = ("search", "weights", "how", "livetime_s", "statistic")
_DIGITS = 16


def weights_mark(digest: str) -> str:
    """What stands for a detector's weights: the first digits of their SHA-256."""
    return digest[:_DIGITS]


def background_rows(path: Path, weights: str) -> Iterator[tuple[str, float, float]]:
    """Read how a trigger of the background was made, the livetime in s, and its statistic, loudest first.

    Parameters
    ----------
    path : Path
        ``background.csv``.
    weights : str
        SHA-256 of the detector's; empty for the matched filter.

    Raises
    ------
    InputError
        When the file cannot be read, or has no background of these weights.
    """
    file = CsvFile(path, "background.csv of `discover detector evaluate`")
    if tuple(file.columns) != BACKGROUND:
        raise InputError(
            f"{path} has columns {', '.join(file.columns)}; give background.csv of `discover detector evaluate`, evaluated again if it is of an older version"
        )
    searches: dict[str, None] = {}
    own = None
    for row in file.rows():
        search = row.cells["search"]
        searches.setdefault(search)
        if row.cells["weights"] != weights_mark(weights) or own not in (None, search):
            continue
        own = search
        try:
            yield row.cells["how"], float(row.cells["livetime_s"]), float(row.cells["statistic"])
        except ValueError as error:
            raise InputError(f"{row.where}: {error}; was the file edited by hand?") from error
    if own is None:
        raise InputError(
            f"{path} is the background of other weights ({', '.join(searches) or 'none'}); evaluate this detector with `discover detector evaluate`"
        )
