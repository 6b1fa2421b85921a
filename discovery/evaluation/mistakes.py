"""The gallery of misclassified glitches, with their 1 s and 4 s views (George, Shen and Huerta 2018, Figure A4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from discovery.pages.thumbnails import view_uri
from embed.digits import portion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from discovery.pages.thumbnails import Thumbnails
    from embed.metrics.evaluation import Evaluation
    from embed.types import Rows

GALLERY_VIEWS = (1.0, 4.0)
"""Durations shown of a misclassified glitch, seconds: those of the paper's Figure A4."""
MAX_GALLERY = 500
"""Glitches pictured at most: 8 kB a picture, 11 MB in base64. The others are in ``misclassified.csv``."""


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

    rows: Rows
    ids: Sequence[str]
    thumbnails: Thumbnails | None


def gallery_caption(name: str, mistakes: Mistakes, first: Evaluation, *, several: bool) -> str:
    """Say what the gallery shows, and what it leaves out."""
    count = len(mistakes.rows)
    if not count:
        return f"None of the {len(first):,} glitches."
    parts = [
        f"{count:,} of {len(first):,} glitches{' by ' + name if several else ''}, the most confident mistakes first: where a confident prediction differs from the label, the label may be wrong (discover audit lists such labels)."
    ]
    if count > MAX_GALLERY:
        parts.append(f"The first {MAX_GALLERY} are shown; misclassified.csv lists all.")
    if mistakes.thumbnails is not None and not mistakes.thumbnails.plain:
        parts.append("Pictures span 10 to 2048 Hz (log).")
    return " ".join(parts)


@dataclass(frozen=True)
class View:
    """One picture of a misclassified glitch; the source is missing where the glitch has no such view."""

    name: str
    source: Markup | None
    plain: bool


@dataclass(frozen=True)
class Mistake:
    """What the page shows of one misclassified glitch.

    Attributes
    ----------
    id, label, predicted, confidence : str
    then : str
        The next likeliest classes with their probabilities.
    others : str
        What the other classifiers say.
    views : list of View
    """

    id: str
    label: str
    predicted: str
    confidence: str
    then: str
    others: str
    views: list[View]


def shown_mistake(place: int, mistakes: Mistakes, judged: Mapping[str, Evaluation]) -> Mistake:
    """Collect what the page shows of one misclassified glitch: its views, its label, and what every classifier says."""
    row = int(mistakes.rows[place])
    name, first = next(iter(judged.items()))
    best = first.top[row].tolist()
    others = [
        f"{other}: {item.classes[int(item.predicted[row])]} {portion(item.confidence[row])}"
        for other, item in judged.items()
        if other != name
    ]
    return Mistake(
        id=mistakes.ids[place],
        label=first.classes[int(first.truth[row])],
        predicted=first.classes[best[0]],
        confidence=portion(first.confidence[row], 3),
        then=", ".join(f"{first.classes[code]} {portion(first.probabilities[row, code])}" for code in best[1:4]),
        others="; ".join(others),
        views=[] if mistakes.thumbnails is None else _views(mistakes.thumbnails, place),
    )


def _views(thumbnails: Thumbnails, row: int) -> list[View]:
    shown = [view for view, duration in enumerate(thumbnails.durations) if duration in GALLERY_VIEWS]
    return [
        View(
            "picture" if thumbnails.plain else f"{thumbnails.durations[view]:g} s",
            view_uri(thumbnails, row, view),
            thumbnails.plain,
        )
        for view in shown or [len(thumbnails.durations) - 1]
    ]
