"""Everything that a study knows of its glitches besides vectors, read block by block: for tables of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from embed.study.reading import read_object, row_list
from embed.study.records import LATEST_LABELS, MODEL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from embed.study.study import Study


class ListedGlitch(NamedTuple):
    """One glitch: its labels now, who gave them, and its metadata.

    Attributes
    ----------
    glitch : int
        Row number in the study.
    id, ifo : str
    gps : float or None
        Seconds.
    label, label_by, label_source : str or None
        The given label, its author (folder, metadata, person, ...) and which file or person.
    predicted, predicted_by : str or None
        The label of the latest model, and which model.
    confidence : float or None
        Its probability.
    metadata : dict
    """

    glitch: int
    id: str
    ifo: str
    gps: float | None
    label: str | None
    label_by: str | None
    label_source: str | None
    predicted: str | None
    predicted_by: str | None
    confidence: float | None
    metadata: dict[str, Any]


def shown_glitches(study: Study) -> list[int]:
    """Row numbers of the glitches that are shown, ascending."""
    query = f"SELECT glitch FROM glitches g WHERE {study.shown} ORDER BY glitch"  # noqa: S608 - a condition of ours
    return [glitch for (glitch,) in study.connection.execute(query)]


def list_glitches(study: Study, glitches: Iterable[int]) -> list[ListedGlitch]:
    """Return glitches (row numbers) in their order."""
    rows = study.connection.execute(
        f"""
        SELECT g.glitch, g.id, coalesce(g.ifo, ''), g.gps, given.label, given.by, given.source,
               model.label, model.source, model.confidence, g.metadata
        FROM json_each(:rows) chosen JOIN glitches g ON g.glitch = chosen.value {LATEST_LABELS} ORDER BY chosen.key
        """,  # noqa: S608 - joins of ours
        {"rows": row_list(glitches), "model": MODEL},
    ).fetchall()
    return [
        ListedGlitch._make((*row[:-1], read_object(study.database, row[-1], f"the metadata of glitch {row[0]}")))
        for row in rows
    ]


def metadata_kinds(study: Study) -> dict[str, bool]:
    """Names that occur in the metadata of the glitches that are shown, in the order met, and whether all values of a name are numbers."""
    kinds: dict[str, bool] = {}
    query = f"SELECT glitch, metadata FROM glitches g WHERE {study.shown} ORDER BY glitch"  # noqa: S608 - a condition of ours
    for glitch, text in study.connection.execute(query):
        for name, value in read_object(study.database, text, f"the metadata of glitch {glitch}").items():
            kinds[name] = kinds.get(name, True) and isinstance(value, int | float) and not isinstance(value, bool)
    return kinds
