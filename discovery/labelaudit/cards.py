"""The doubtful labels on the audit's page: for each its views, why it is doubted, and the most similar glitches of both classes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from audit.review.reasons import reasons
from discovery.labelaudit.charts import doubt_svg
from discovery.pages.gpstime import utc
from discovery.pages.thumbnails import picture_uri, shrink
from embed.digits import significant

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from markupsafe import Markup

    from audit.result import AuditResult
    from discovery.labelaudit.gallery import Exhibits
    from embed.types import Floats, Rows

_NEIGHBOUR = (80, 96)
"""Pixels of a similar glitch's picture, height and width: it is shown at a third of the width of the views."""
_MEASURES = {"snr": "SNR {}", "peak_frequency": "peak {} Hz", "duration": "{} s long"}
"""Metadata written on a card, as far as they are known."""
_NEIGHBOUR_SECONDS = 1.0
"""Duration shown of the similar glitches, or the nearest available: it separates most classes."""


@dataclass(frozen=True)
class Picture:
    """One picture with its caption; without a source it is said to be absent. With its length in seconds where axes are drawn, else 0."""

    caption: str
    source: Markup | None
    plain: bool
    seconds: float = 0.0


@dataclass(frozen=True)
class Side:
    """The most similar glitches of one class, with the duration shown (``", 1 s"``); no pictures where only ids are known."""

    label: str
    ids: list[str]
    duration: str
    pictures: list[Picture]


@dataclass(frozen=True)
class Card:
    """What the page shows of one doubtful label.

    Attributes
    ----------
    rank : int
        From 1.
    id, label, suggested, ifo, gps, when, reason : str
    measures : str
        SNR, peak frequency and duration, as far as they are known.
    p_wrong, low, high : float
        The probability that the label is wrong, and its interval.
    bar : Markup
        The same, drawn.
    views : list of Picture
    sides : list of Side
        The most similar glitches with the same label, then those with the suggested one; empty where none were looked for.
    """

    rank: int
    id: str
    label: str
    suggested: str
    ifo: str
    gps: str
    when: str
    reason: str
    measures: str
    p_wrong: float
    low: float
    high: float
    bar: Markup
    views: list[Picture]
    sides: list[Side]


def make_cards(result: AuditResult, glitches: pd.DataFrame, exhibits: Exhibits) -> list[Card]:
    """Collect what the page shows of each row, by rank.

    Parameters
    ----------
    result : AuditResult
        Of N glitches.
    glitches : DataFrame, N rows
        ``id``, ``ifo`` and ``gps`` (seconds); ``snr``, ``peak_frequency`` (Hz) and ``duration`` (seconds) where they are known.
    exhibits : Exhibits
        The rows to show.
    """
    ids = glitches["id"].astype(str).tolist()
    detectors = glitches["ifo"].astype(str).tolist()
    times = glitches["gps"].to_numpy(np.float64)
    plain = exhibits.thumbnails is not None and exhibits.thumbnails.plain
    measures = glitches.reindex(columns=list(_MEASURES)).to_numpy(np.float64)
    why = reasons(result, exhibits.rows, ids)
    return [
        Card(
            rank=place + 1,
            id=ids[row],
            label=result.classes[result.labels[row]],
            suggested=result.classes[result.suggested[row]],
            ifo=detectors[row],
            gps=repr(float(times[row])) if math.isfinite(times[row]) else "",
            when=_when(float(times[row]), plain=plain),
            reason=why[place],
            measures=_measures(measures[row]),
            p_wrong=(p_wrong := float(result.p_wrong[row])),
            low=(low := float(result.p_wrong_low[row])),
            high=(high := float(result.p_wrong_high[row])),
            bar=doubt_svg(low, p_wrong, high),
            views=_views(exhibits, row),
            sides=_sides(result, exhibits, place, ids),
        )
        for place, row in enumerate(exhibits.rows.tolist())
    ]


def _when(gps: float, *, plain: bool) -> str:
    """Write the time; of plain pictures nobody expects one."""
    if math.isfinite(gps):
        return f"{utc(gps)} · GPS {gps:.3f}"
    return "" if plain else "time unknown"


def _measures(values: Floats) -> str:
    known = zip(_MEASURES.values(), values.tolist(), strict=True)
    return " · ".join(text.format(significant(value)) for text, value in known if math.isfinite(value))


def _views(exhibits: Exhibits, row: int) -> list[Picture]:
    thumbnails = exhibits.thumbnails
    if thumbnails is None or row not in exhibits.place:
        return []
    own = np.flatnonzero(thumbnails.present[exhibits.place[row]]).tolist()
    durations = thumbnails.durations
    return [
        replace(
            _picture(exhibits, row, view, f"{durations[view]:g} s" if durations[view] else ""),
            seconds=0.0 if thumbnails.plain else durations[view],
        )
        for view in own or [0]
    ]


def _sides(result: AuditResult, exhibits: Exhibits, place: int, ids: Sequence[str]) -> list[Side]:
    if exhibits.class_neighbours is None:
        return []
    row = int(exhibits.rows[place])
    agreeing, opposing = exhibits.class_neighbours.agreeing[place], exhibits.class_neighbours.opposing[place]
    view = _common_view(exhibits, [row, *agreeing.tolist(), *opposing.tolist()])
    return [
        _side(exhibits, agreeing, ids, result.classes[result.labels[row]], view=view),
        _side(exhibits, opposing, ids, result.classes[result.suggested[row]], view=view),
    ]


def _common_view(exhibits: Exhibits, rows: Sequence[int]) -> int:
    """Return the view that most of these glitches have, so that equal durations are shown together; of equals the nearest to `_NEIGHBOUR_SECONDS`."""
    thumbnails = exhibits.thumbnails
    if thumbnails is None:
        return 0
    places = [exhibits.place[row] for row in rows if row in exhibits.place]
    counts = thumbnails.present[places].sum(axis=0)
    away = [abs(duration - _NEIGHBOUR_SECONDS) for duration in thumbnails.durations]
    return int(np.lexsort((away, -counts))[0])


def _side(exhibits: Exhibits, rows: Rows, ids: Sequence[str], label: str, *, view: int) -> Side:
    found = rows[rows >= 0].tolist()
    names = [ids[row] for row in found]
    if exhibits.thumbnails is None:
        return Side(label, names, "", [])
    seconds = exhibits.thumbnails.durations[view]
    pictures = [_picture(exhibits, row, view, ids[row], size=_NEIGHBOUR) for row in found]
    return Side(label, names, f", {seconds:g} s" if seconds else "", pictures)


def _picture(exhibits: Exhibits, row: int, view: int, caption: str, *, size: tuple[int, int] | None = None) -> Picture:
    thumbnails, place = exhibits.thumbnails, exhibits.place[row]
    assert thumbnails is not None
    if not thumbnails.present[place, view]:
        return Picture(caption, None, thumbnails.plain)
    pixels = thumbnails.levels[place, view]
    return Picture(caption, picture_uri(pixels if size is None else shrink(pixels, *size)), thumbnails.plain)
