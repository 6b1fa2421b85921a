"""The glitch whose id is spelled most like one that the study lacks, found without reading all ids into memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.errors import InputError
from embed.spelling import closest

if TYPE_CHECKING:
    import sqlite3

MOST = 2000
"""Ids that are compared for each half of what was typed and each column."""
SLIPS = 2
"""Letters by which the length may differ."""
LONGEST = 200
"""Characters of a text beyond which it is no mistyped id."""


def nearest_id(connection: sqlite3.Connection, text: str) -> str | None:
    """Return the id, with the detector or without as `text` has it, that is spelled most like a text; None where none is close.

    One slip leaves the first or the second half of an id as it is, so that only ids with the same first or second half are compared.
    """
    middle = len(text) // 2
    if not 0 < middle <= LONGEST // 2:
        return None
    found: set[str] = set()
    for column in ("id", "gravityspy_id"):  # both have an index, which holds all that a query reads
        for pattern in (f"{_literal(text[:middle])}%", f"%{_literal(text[middle:])}"):
            query = f"SELECT {column} FROM glitches WHERE {column} LIKE ? ESCAPE '!' AND abs(length({column}) - ?) <= ? LIMIT ?"  # noqa: S608 - the column is ours
            found.update(name for (name,) in connection.execute(query, (pattern, len(text), SLIPS, MOST)))
    return closest(text, found)


def unknown_id(connection: sqlite3.Connection, text: str, where: str) -> InputError:
    """Return the error that says that there is no such glitch, with the id that was perhaps meant."""
    near = nearest_id(connection, text)
    remedy = f"did you mean {near!r}?" if near else "`discover export --to csv` lists the ids"
    return InputError(f"no glitch {text[:LONGEST]!r} in {where}; {remedy}")


def _literal(text: str) -> str:
    """Keep what stands for other letters in a pattern as it is."""
    return "".join(f"!{letter}" if letter in "!%_" else letter for letter in text)
