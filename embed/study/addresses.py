"""The addresses (URLs) of published pictures, which Gravity Spy's tables give and the metadata of a study keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from embed.errors import InputError
from embed.gravityspy import DURATIONS
from embed.study.reading import read_object, row_list

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from embed.study.study import Study
    from embed.types import Rows

ADDRESS_COLUMNS = dict(zip(DURATIONS, ("url1", "url2", "url3", "url4"), strict=True))
"""The column of Gravity Spy's tables that holds the URL of each duration (seconds)."""

BLOCK = 1000
"""Glitches whose addresses are read at a time."""


class Address(NamedTuple):
    """Where a picture is published.

    Attributes
    ----------
    glitch : int
        Row number in the study.
    gravityspy_id : str
    ifo : str or None
        Detector.
    duration : float
        Seconds.
    url : str
        As the table gave it.
    """

    glitch: int
    gravityspy_id: str
    ifo: str | None
    duration: float
    url: str


def picture_addresses(study: Study, glitches: Iterable[int]) -> Iterator[Address]:
    """Yield the stored addresses of `glitches` (row numbers) in their order, each glitch's by duration; many have none."""
    rows = study.connection.execute(
        "SELECT g.glitch, g.gravityspy_id, g.ifo, g.metadata FROM json_each(?) chosen JOIN glitches g ON g.glitch = chosen.value ORDER BY chosen.key",
        (row_list(glitches),),
    ).fetchall()
    for glitch, gravityspy_id, ifo, text in rows:
        metadata = read_object(study.database, text, f"the metadata of glitch {glitch}")
        for duration, column in ADDRESS_COLUMNS.items():
            if url := metadata.get(column):
                yield Address(glitch, gravityspy_id, ifo, duration, str(url))


def check_addresses(study: Study, glitches: Rows, durations: Collection[float] = DURATIONS) -> None:
    """Refuse glitches (row numbers) of which none has a stored address of these durations (seconds).

    Raises
    ------
    InputError
        Naming the columns that an ingest reads addresses from.
    """
    for start in range(0, len(glitches), BLOCK):
        if any(item.duration in durations for item in picture_addresses(study, glitches[start : start + BLOCK])):
            return
    views = ", ".join(f"{item:g}" for item in durations)
    raise InputError(
        f"none of the {len(glitches)} chosen glitches has a stored address of its {views} s picture; ingest Gravity Spy's metadata CSV, whose columns url1 to url4 hold them"
    )
