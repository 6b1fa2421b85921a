"""One doubtful label on the audit's page: its views, why it is doubted, and the witnesses for and against."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING

import numpy as np

from audit.review.reasons import reasons
from discovery.labelaudit.charts import doubt_svg
from discovery.pages.gpstime import utc
from discovery.pages.page import escaped
from discovery.pages.thumbnails import png_uri, shrink
from embed.views.png import levels_to_png

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from audit.result import AuditResult
    from discovery.labelaudit.gallery import Exhibits
    from discovery.pages.thumbnails import Thumbnails

_WITNESS = (80, 96)
"""Pixels of a witness's picture: it is shown at a third of the width of the views."""
_WITNESS_SECONDS = 1.0
"""Duration shown of the witnesses, or the nearest that there is: most classes are told apart at it."""


def case_html(result: AuditResult, glitches: pd.DataFrame, ids: Sequence[str], exhibits: Exhibits, place: int) -> str:
    """Write one case.

    Parameters
    ----------
    result : AuditResult
        Of N glitches.
    glitches : DataFrame, N rows
        ``ifo`` and ``gps`` (seconds).
    ids : sequence of str, length N
    exhibits : Exhibits
    place : int
        Which of the rows shown.
    """
    row = int(exhibits.rows[place])
    own, other = result.classes[result.labels[row]], result.classes[result.suggested[row]]
    low, value, high = (float(part[row]) for part in (result.p_wrong_low, result.p_wrong, result.p_wrong_high))
    return (
        f'<article class="case"><header><h3><span class="rank">{place + 1}</span>{escaped(own)}'
        f'<span class="arrow" aria-label="probably">\N{RIGHTWARDS ARROW}</span>{escaped(other)}</h3>'
        f'<p class="doubt">{doubt_svg(low, value, high)}<b>{value:.3f}</b> <small>({low:.2f} to {high:.2f})</small></p></header>'
        f'<p class="who"><code>{escaped(ids[row])}</code>{escaped(_when(glitches, row))}</p>'
        f'<p class="why">{escaped(reasons(result, np.array([row]), ids)[0])}</p>'
        f'<div class="sides">{_views(exhibits, row)}{_witnesses(exhibits, place, ids, own, other)}</div></article>'
    )


def _when(glitches: pd.DataFrame, row: int) -> str:
    gps = float(glitches["gps"].iloc[row])
    return f" · {utc(gps)} · GPS {gps:.3f}" if math.isfinite(gps) else " · time unknown"


def _views(exhibits: Exhibits, row: int) -> str:
    thumbnails = exhibits.thumbnails
    if thumbnails is None or row not in exhibits.place:
        return ""
    own = np.flatnonzero(thumbnails.present[exhibits.place[row]])
    figures = [
        _picture(thumbnails, exhibits.place[row], view, f"{duration:g} s" if duration else "", None)
        for view, duration in enumerate(thumbnails.durations)
        if view in own or (view == 0 and not len(own))
    ]
    one = " one" if len(figures) == 1 else ""
    return f'<div class="views{one}">{"".join(figures)}</div>'


def _witnesses(exhibits: Exhibits, place: int, ids: Sequence[str], own: str, other: str) -> str:
    if exhibits.witnesses is None:
        return ""
    agreeing, opposing = exhibits.witnesses.agreeing[place], exhibits.witnesses.opposing[place]
    view = _witness_view(exhibits, [int(exhibits.rows[place]), *agreeing, *opposing])
    sides = [_side(exhibits, agreeing, ids, own, view), _side(exhibits, opposing, ids, other, view)]
    return f'<div class="side">{"".join(sides)}</div>'


def _witness_view(exhibits: Exhibits, rows: Sequence[int]) -> int:
    """The view that most of these glitches have, so that like is shown beside like; of equals the nearest to `_WITNESS_SECONDS`."""
    thumbnails = exhibits.thumbnails
    if thumbnails is None:
        return 0
    places = [exhibits.place[int(row)] for row in rows if int(row) in exhibits.place]
    counts = thumbnails.present[places].sum(axis=0)
    away = [abs(duration - _WITNESS_SECONDS) for duration in thumbnails.durations]
    return int(np.lexsort((away, -counts))[0])


def _side(exhibits: Exhibits, rows: np.ndarray, ids: Sequence[str], label: str, view: int) -> str:
    thumbnails = exhibits.thumbnails
    found = [int(row) for row in rows if row >= 0]
    if not found:
        return f"<h4>no other glitch is labelled <b>{escaped(label)}</b></h4>"
    if thumbnails is None:
        items = "".join(f"<li><code>{escaped(ids[row])}</code></li>" for row in found)
        return f'<h4>most like it, labelled <b>{escaped(label)}</b></h4><ul class="plain">{items}</ul>'
    seconds = f", {thumbnails.durations[view]:g} s" if thumbnails.durations[view] else ""
    figures = "".join(_picture(thumbnails, exhibits.place[row], view, ids[row], _WITNESS) for row in found)
    return f'<h4>most like it, labelled <b>{escaped(label)}</b>{seconds}</h4><div class="row">{figures}</div>'


def _picture(thumbnails: Thumbnails, place: int, view: int, caption: str, size: tuple[int, int] | None) -> str:
    if not thumbnails.present[place, view]:
        return f'<figure><div class="absent">no picture</div><figcaption>{escaped(caption)}</figcaption></figure>'
    pixels = thumbnails.levels[place, view]
    if size is not None:
        pixels = shrink(pixels, *size)
    if thumbnails.plain:
        source, kind = png_uri(pixels), ' class="plain"'
    else:
        source, kind = "data:image/png;base64," + base64.b64encode(levels_to_png(pixels)).decode("ascii"), ""
    return f'<figure><img{kind} alt="{escaped(caption)}" src="{source}"><figcaption>{escaped(caption)}</figcaption></figure>'
