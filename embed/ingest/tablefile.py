"""Tables as files, CSV or Parquet: rows of text under our names of the columns, which are found by the aliases of Gravity Spy's tables."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import pandas as pd

from embed.csvfile import neutralised, not_utf8, restored, separator_of
from embed.errors import InputError
from embed.gravityspy import COLUMN_ALIASES
from embed.spelling import is_typo
from embed.storage import check_regular

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from embed.study.report import IngestReport

MAX_CELL = 10_000
"""Longest cell in characters; the longest that Gravity Spy publishes is a URL of about 120."""

CHUNK = 20_000
"""Rows read at a time."""

PARQUET = ".parquet"
"""How the name of a Parquet file ends."""


def read_chunks(
    path: Path, *, required: tuple[str, ...], also: Collection[str] = (), without: Collection[str] | None = None
) -> Iterator[tuple[pd.DataFrame, dict[str, str]]]:
    """Read a table as text, chunk by chunk.

    Parameters
    ----------
    path : Path
        A CSV (UTF-8), or a Parquet file by its name.
    required : tuple of str
        Our names of columns that it must have.
    also : collection of str
        Names of further columns that it must have.
    without : collection of str, optional
        Take every further column but these.

    Yields
    ------
    DataFrame of str, N rows
        Empty where a cell is; the index counts the rows from 0.
    dict of str to str
        Our name of a column -> the file's; further columns have their own.

    Raises
    ------
    InputError
        When the file cannot be read, or lacks a column.
    """
    check_regular(path)
    reader = _parquet_chunks if path.suffix.lower() == PARQUET else _csv_chunks
    names: dict[str, str] | None = None
    try:
        for chunk in reader(path, set(without or ())):
            if names is None:
                names = _names(path, list(chunk.columns), required, also)
                if without is not None:
                    further = set(chunk.columns) - set(names.values()) - _KNOWN
                    names |= {name: name for name in chunk.columns if name in further}
            if len(chunk):
                yield chunk, names
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from error
    except pd.errors.EmptyDataError as error:
        raise InputError(f"{path} is empty; give a CSV with a line of column names") from error
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise InputError(
            f"{path} is not a readable CSV ({str(error).strip()}); every row needs the header's columns"
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})") from error


_DECIMAL_COMMA = re.compile(r"\A([+-]?\d+),(\d+)\Z")
_KNOWN = {*COLUMN_ALIASES, *(name for aliases in COLUMN_ALIASES.values() for name in aliases)}


def _csv_chunks(path: Path, without: Collection[str]) -> Iterator[pd.DataFrame]:
    """Chunks of a CSV, the first of them empty: it has the columns alone.

    Where cells end with semicolons or tabs, the decimal point may be a comma: it becomes a point.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        separator = separator_of(file.readline())
    header = pd.read_csv(path, sep=separator, nrows=0, dtype=str, encoding="utf-8-sig")
    yield header.drop(columns=[name for name in header.columns if name in without])
    with (
        warnings.catch_warnings(action="error", category=pd.errors.ParserWarning),  # rows longer than the header
        pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            encoding="utf-8-sig",
            keep_default_na=False,
            index_col=False,
            chunksize=CHUNK,
            skipinitialspace=True,
        ) as reader,
    ):
        yield from (
            reader if separator == "," else (chunk.replace(_DECIMAL_COMMA, r"\1.\2", regex=True) for chunk in reader)
        )


def _parquet_chunks(path: Path, without: Collection[str]) -> Iterator[pd.DataFrame]:
    """Chunks of a Parquet file, the first of them empty: it has the columns alone."""
    with open_parquet(path) as file:
        columns = [name for name in file.schema_arrow.names if name not in without]
        yield pd.DataFrame(columns=columns, dtype=str)
        first = 0
        for batch in file.iter_batches(CHUNK, columns=columns):
            cells = {
                name: ["" if value is None else str(value) for value in batch.column(name).to_pylist()]
                for name in columns
            }
            yield pd.DataFrame(cells, index=range(first, first + len(batch)), columns=columns, dtype=object)
            first += len(batch)


def open_parquet(path: Path) -> Any:  # noqa: ANN401 - a pyarrow.parquet.ParquetFile, which has no types
    """Open a Parquet file, a context manager.

    Raises
    ------
    InputError
        When it is none.
    """
    import pyarrow as pa  # noqa: PLC0415 - a second that CSV files need not wait for
    from pyarrow import parquet  # noqa: PLC0415

    check_regular(path)
    try:
        return parquet.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet ({str(error)[:200]}); was it cut off?") from error


def _names(path: Path, header: list[str], required: tuple[str, ...], also: Collection[str]) -> dict[str, str]:
    names = {
        ours: found
        for ours, aliases in COLUMN_ALIASES.items()
        if (found := next((name for name in aliases if name in header), None))
    }
    for name in required:
        if name not in names and set(header) >= _EXPORT:
            raise InputError(
                f"{path} is Zooniverse's classification export, and no table of glitches; `discover audit import` reads it where its subjects are those of an audit's manifest"
            )
        if name not in names:
            raise InputError(
                f"{path} has no column {' or '.join(COLUMN_ALIASES[name])}; its columns are: {_some(header)}"
            )
    for name in also:
        if name not in header:
            raise InputError(f"{path} has no column {name!r}; its columns are: {_some(header)}")
        names[name] = name
    return names


_EXPORT = {"classification_id", "annotations", "subject_data"}
"""Columns by which Zooniverse's classification export is known."""


def misspelt(header: Collection[str], names: dict[str, str]) -> list[str]:
    """Say which columns are not read though they are spelled like one that is missing, a warning each.

    Examples
    --------
    >>> misspelt(["id", "lable"], {"gravityspy_id": "id"})
    ["the column 'lable' is not read; is it 'label'?"]
    """
    missing = [alias for ours, aliases in COLUMN_ALIASES.items() if ours not in names for alias in aliases]
    strange = [name for name in header if name not in _KNOWN and name not in names.values()]
    near = {name: next((alias for alias in missing if is_typo(name, alias)), None) for name in strange}
    return [f"the column {name!r} is not read; is it {alias!r}?" for name, alias in near.items() if alias]


def _some(names: list[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:12])
    return shown + (f", and {len(names) - 12} more" if len(names) > 12 else "")


def table_rows(
    chunk: pd.DataFrame, names: dict[str, str], path: Path, report: IngestReport
) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows under our names, with their line in a CSV; rows with a cell that is too long are listed and left out."""
    ours = list(names)
    table = chunk[[names[name] for name in ours]]
    for number, values in zip(table.index.to_numpy() + 2, table.itertuples(index=False, name=None), strict=True):
        row = {name: _unquoted(value) for name, value in zip(ours, values, strict=True)}
        long = next((name for name, value in row.items() if len(value) > MAX_CELL), None)
        if long is not None:
            report.skip(
                f"{path.name}:{number}",
                f"its cell {names[long]!r} has {len(row[long])} characters, the limit is {MAX_CELL}",
            )
            continue
        yield int(number), row


def _unquoted(text: str) -> str:
    """Undo `neutralised` in a cell of one of our own tables; text that no table of ours holds stays."""
    plain = restored(text) if "'" in text else text
    return plain if neutralised(plain) == text else text
