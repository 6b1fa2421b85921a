"""The gallery of misclassified glitches, with their 1 s and 4 s views (George, Shen and Huerta 2018, Figure A4)."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from discovery.pages.page import escaped
from discovery.pages.thumbnails import png_uri
from embed.views.viridis import table as viridis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from discovery.pages.thumbnails import Thumbnails
    from embed.metrics.evaluation import Evaluation

GALLERY_VIEWS = (1.0, 4.0)
"""Durations shown of a misclassified glitch, seconds: those of the paper's Figure A4."""
MAX_GALLERY = 500
"""Glitches pictured at most: 8 kB a picture, 11 MB in base64. The others are in ``misclassified.csv``."""
_ARROW = "\N{RIGHTWARDS ARROW}"


@dataclass(frozen=True)
class Mistakes:
    """Misclassified glitches, the most confident mistakes first.

    Attributes
    ----------
    rows : ndarray of int64, shape (M,)
        Rows of the evaluation.
    ids : sequence of str, length M
    thumbnails : Thumbnails or None
        One for each of the first `MAX_GALLERY`.
    """

    rows: np.ndarray
    ids: Sequence[str]
    thumbnails: Thumbnails | None


def gallery_caption(name: str, mistakes: Mistakes, first: Evaluation, *, several: bool) -> str:
    """Say what the gallery shows, and what it leaves out."""
    count = len(mistakes.rows)
    if not count:
        return f"None of the {len(first):,} glitches."
    parts = [
        f"{count:,} of {len(first):,} glitches{' by ' + name if several else ''}, the most confident mistakes first: where it is sure and wrong, the label may be wrong instead (discover audit looks for such)."
    ]
    if count > MAX_GALLERY:
        parts.append(f"The first {MAX_GALLERY} are shown; misclassified.csv lists all.")
    if mistakes.thumbnails is not None and not mistakes.thumbnails.plain:
        parts.append("Pictures span 10 to 2048 Hz (log).")
    return " ".join(parts)


def mistake_card(place: int, mistakes: Mistakes, judged: Mapping[str, Evaluation]) -> str:
    """Show one misclassified glitch: its views, what it is labelled, and what every classifier says."""
    row = int(mistakes.rows[place])
    name, first = next(iter(judged.items()))
    true = first.classes[int(first.truth[row])]
    best = first.top[row]
    ranked = ", ".join(
        f"{escaped(first.classes[code])} {first.probabilities[row, code]:.2f}" for code in best[1:4].tolist()
    )
    lines = [
        f"<code>{escaped(mistakes.ids[place])}</code>",
        f"labelled <b>{escaped(true)}</b> {_ARROW} predicted <b>{escaped(first.classes[best[0]])}</b> {first.confidence[row]:.3f}",
        f"<br>then {ranked}" if ranked else "",
    ]
    others = [
        f"{escaped(other)}: {escaped(item.classes[int(item.predicted[row])])} {item.confidence[row]:.2f}"
        for other, item in judged.items()
        if other != name
    ]
    if others:
        lines.append(f"<br>{'; '.join(others)}")
    pictures = "" if mistakes.thumbnails is None else _pictures(mistakes.thumbnails, place)
    return f"<figure>{pictures}<figcaption>{''.join(lines)}</figcaption></figure>"


def _pictures(thumbnails: Thumbnails, row: int) -> str:
    shown = [view for view, duration in enumerate(thumbnails.durations) if duration in GALLERY_VIEWS]
    cells = []
    for view in shown or [len(thumbnails.durations) - 1]:
        duration = thumbnails.durations[view]
        words = "picture" if thumbnails.plain else f"{duration:g} s"
        if thumbnails.present[row, view]:
            kind = ' class="plain"' if thumbnails.plain else ""
            inside = f'<img{kind} alt="{words}" src="{_uri(thumbnails, row, view)}">'
        else:
            inside = '<div class="absent">no such view</div>'
        cells.append(f'<div class="view">{inside}<small>{"" if thumbnails.plain else words}</small></div>')
    return f'<div class="views">{"".join(cells)}</div>'


def _uri(thumbnails: Thumbnails, row: int, view: int) -> str:
    """Write levels as a palette PNG, exact and a third of its size in colours."""
    levels = np.ascontiguousarray(thumbnails.levels[row, view])
    if thumbnails.plain:
        return png_uri(levels)
    picture = Image.frombytes("P", levels.shape[::-1], levels.tobytes())
    picture.putpalette(viridis().tobytes())
    out = io.BytesIO()
    picture.save(out, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")
