"""Reading of the study's database: queries as tables, and JSON that another program may have damaged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from embed.errors import StudyError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd


def read_table(
    connection: sqlite3.Connection, query: str, *, index: str | None = None, **parameters: str
) -> pd.DataFrame:
    """Read the rows of a query as a table; `index` names the column that becomes its index."""
    import pandas as pd  # noqa: PLC0415 - half a second that a study without tables need not wait for

    return pd.read_sql_query(query, connection, params=parameters, index_col=index)


def row_list(glitches: Iterable[int]) -> str:
    """Write row numbers as the JSON array that SQLite's ``json_each`` reads."""
    return json.dumps([int(glitch) for glitch in glitches])


def read_object(database: Path, text: str, what: str) -> dict[str, Any]:
    """Read a JSON object from a cell of the database.

    Parameters
    ----------
    database : Path
        For the message.
    text : str
        The cell.
    what : str
        What the message calls the cell.

    Raises
    ------
    StudyError
        When it is not a JSON object.
    """
    try:
        value = json.loads(text)
    except ValueError as error:
        raise StudyError(
            f"{database}: {what} is no JSON ({error}); another program has changed it, restore a copy"
        ) from error
    if not isinstance(value, dict):
        raise StudyError(
            f"{database}: {what} is {text[:40]!r}, no JSON object; another program has changed it, restore a copy"
        )
    return value
