"""The contact sheet: one row for each cluster, the medoid first, as in Figure C4 of George, Shen and Huerta (arXiv:1706.07446).

Drawn with Pillow and the DejaVu Sans that matplotlib ships, so it needs no display and no installed font, and the same input
gives the same bytes: nothing in the PNG says when it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from discovery.candidates.representatives import ClusterRow, cluster_rows
from discovery.pages.columns import Group, glitch_ids
from discovery.pages.drawing import INK, LINE, QUIET, cut, folded, font, frequency_ticks, place_picture, png_bytes
from discovery.pages.page import showable
from discovery.pages.thumbnails import chosen_view, picture
from embed.digits import counted, portion
from embed.errors import InputError
from embed.study.nouns import nouns_of
from embed.views.viridis import table as viridis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from discovery.pages.thumbnails import Thumbnails

MAX_ROWS = 100
"""Rows drawn at most: past this the sheet is too tall to look at (and for some viewers to open); the rest is counted."""

_NOISE_BAND = "#f1f1ee"
_PICTURE = (168, 140)
"""Width and height in pixels: the shape of Gravity Spy's axes, 573 x 479."""
_GAP, _MARGIN, _HEADER, _TICKS = 10, 28, 176, 44
_CAPTION = 36
"""Height of the two lines under each picture."""
_ROW = _PICTURE[1] + _CAPTION + 22
"""Height of a row."""
_SHORT = 4
"""Letters of a probability that has room in its line: 0.87 and 1, not "over 0.995"."""
_SCALE = 200
"""Width of the scale of colours."""
_TOP = _MARGIN + 76
"""Where the first row begins."""


def contact_sheet(
    table: pd.DataFrame,
    thumbnails: Thumbnails,
    *,
    title: str,
    per_row: int = 8,
    duration: float | None = None,
    headings: Mapping[int, Sequence[str]] | None = None,
    counts: str | None = None,
) -> bytes:
    """Draw a row of spectrograms for each cluster.

    Parameters
    ----------
    table : DataFrame, N rows
        Columns ``id`` and ``cluster`` (integers, -1 is noise), and where present ``probability`` and ``medoid`` (bool).
    thumbnails : Thumbnails
        One for each row.
    title : str
        Heading.
    per_row : int
        Pictures a row.
    duration : float, optional
        Which view, in seconds. By default the one that most glitches have, of equals the longest.
    headings : mapping, optional
        Cluster number -> its name and up to three lines, where rows are something else than clusters; their members stay in the
        order of the table.
    counts : str, optional
        The line below the title; by default how many glitches, clusters and noise there are.

    Returns
    -------
    bytes
        A PNG. The largest `MAX_ROWS` clusters are drawn, in the order of their numbers, and noise last; others are counted below.

    Raises
    ------
    InputError
        If sizes disagree, there is no such view, or the table has no clusters.
    """
    if len(thumbnails) != len(table):
        raise InputError(f"{len(thumbnails)} glitches have pictures but the table has {len(table)} rows: give one each")
    ids = glitch_ids(table)
    view = chosen_view(thumbnails, duration)
    rows = cluster_rows(table, per_row, spread=headings is None)
    sizes = sorted((-row.group.count, place) for place, row in enumerate(rows) if not row.is_noise)
    kept = {place for _, place in sizes[:MAX_ROWS]}
    drawn = [row for place, row in enumerate(rows) if row.is_noise or place in kept]
    left = [row for place, row in enumerate(rows) if not row.is_noise and place not in kept]
    across = max(len(row.members) for row in drawn)
    width = 2 * _MARGIN + _HEADER + _TICKS + max(across, 4) * (_PICTURE[0] + _GAP)
    height = _TOP + len(drawn) * _ROW + _MARGIN + (24 if left else 0)
    picture = Image.new("RGB", (width, height), "white")
    sheet = _Sheet(picture, ImageDraw.Draw(picture), table, ids, thumbnails, view, headings or {})
    sheet.heading(title, counts)
    for place, row in enumerate(drawn):
        sheet.row(_TOP + place * _ROW, row)
    if left:
        members = sum(row.group.count for row in left)
        note = f"and {counted(len(left), 'smaller cluster', 'smaller clusters')} ({members:,} glitches), not drawn"
        sheet.draw.text((_MARGIN, _TOP + len(drawn) * _ROW + 12), note, QUIET, font(15))
    return png_bytes(picture)


@dataclass(frozen=True)
class _Sheet:
    """A contact sheet that is being drawn, and what it shows: `ids` are the table's, `view` is that of all pictures."""

    image: Image.Image
    draw: ImageDraw.ImageDraw
    table: pd.DataFrame
    ids: list[str]
    thumbnails: Thumbnails
    view: int
    headings: Mapping[int, Sequence[str]]

    def heading(self, title: str, counts: str | None) -> None:
        """Draw title, counts and the scale of colours."""
        table, face = self.table, font(24, bold=True)
        noise = int((table["cluster"] == -1).sum())
        clusters = int(table["cluster"].nunique()) - (noise > 0)
        self.draw.text((_MARGIN, _MARGIN - 4), cut(showable(title), face, self.image.width - 320), INK, face)
        counts = counts or (
            f"{self.counted(len(table))} · {counted(clusters, 'cluster', 'clusters')} · "
            f"noise {noise:,} ({100 * noise / len(table):.0f} %)"
        )
        if self.thumbnails.empty:
            counts += " · no pictures"
        elif not self.thumbnails.plain:
            counts += f" · each picture {self.thumbnails.durations[self.view]:g} s wide, 10 to 2048 Hz (log)"
        room = self.image.width - 2 * _MARGIN - (_SCALE + 2 * _GAP if self._has_axes else 0)
        for place, line in enumerate(folded(counts, font(15), room)):
            self.draw.text((_MARGIN, _MARGIN + 30 + 20 * place), line, QUIET, font(15))
        if self._has_axes:
            self._scale()

    @property
    def _has_axes(self) -> bool:
        return not (self.thumbnails.plain or self.thumbnails.empty)

    def _scale(self) -> None:
        right = self.image.width - _MARGIN - _GAP
        left = right - _SCALE
        bar = Image.fromarray(np.ascontiguousarray(viridis()[None])).resize((_SCALE, 10), Image.Resampling.NEAREST)
        self.image.paste(bar, (left, _MARGIN + 8))
        self.draw.text((left, _MARGIN + 22), "0", QUIET, font(13))
        middle = ((left + right) // 2, _MARGIN + 22)
        self.draw.text(middle, "normalised energy", QUIET, font(13), anchor="ma")
        self.draw.text((right, _MARGIN + 22), "25.5", QUIET, font(13), anchor="ra")

    def row(self, top: int, row: ClusterRow) -> None:
        """Draw one cluster: its name and size, then its members."""
        if row.is_noise:
            self.draw.rectangle((0, top, self.image.width, top + _ROW), _NOISE_BAND)
        self.draw.line((_MARGIN, top, self.image.width - _MARGIN, top), LINE)
        y = top + 12
        self._header(y, row)
        left = _MARGIN + _HEADER + _TICKS
        if self._has_axes:
            frequency_ticks(self.draw, left, y, _PICTURE[1])
        for place, member in enumerate(row.members):
            x = left + place * (_PICTURE[0] + _GAP)
            place_picture(self.image, (x, y), _PICTURE, picture(self.thumbnails, member, self.view))
            if member == row.medoid:
                self.draw.rectangle((x - 3, y - 3, x + _PICTURE[0] + 2, y + _PICTURE[1] + 2), outline=INK, width=2)
            self.draw.text((x, y + _PICTURE[1] + 6), cut(self.ids[member], font(12), _PICTURE[0]), INK, font(12))
            self.draw.text((x, y + _PICTURE[1] + 21), self._second_line(member, row), QUIET, font(12))

    def _header(self, y: int, row: ClusterRow) -> None:
        swatch(self.draw, (_MARGIN + 8, y + 11), row.group)
        name, *lines = self.headings.get(row.number) or self._cluster_heading(row)
        face = font(19, bold=True)
        named = folded(showable(name), face, _HEADER - 30, most=3)
        for place, line in enumerate(named):
            self.draw.text((_MARGIN + 24, y + 22 * place), line, INK, face)
        y += 32 + 22 * (len(named) - 1)
        for place, line in enumerate(lines):
            self.draw.text((_MARGIN, y + 20 * place), cut(showable(line), font(14), _HEADER), QUIET, font(14))

    def counted(self, count: int) -> str:
        """Write a number of glitches, which are called pictures where they are plain ones."""
        return counted(count, *nouns_of(plain=self.thumbnails.plain))

    def _cluster_heading(self, row: ClusterRow) -> list[str]:
        lines = [row.group.name.capitalize()]
        lines += [self.counted(row.group.count)]
        lines += [f"{100 * row.group.count / len(self.table):.1f} % of all"]
        if row.probability is not None:
            mean = portion(row.probability)
            lines += [f"mean probability {mean}"] if len(mean) <= _SHORT else ["mean probability", mean]
        if row.is_noise:
            lines += ["in no cluster;", "an even sample of it"]
        return lines

    def _second_line(self, member: int, row: ClusterRow) -> str:
        medoid = ["medoid"] if member == row.medoid else []
        if "probability" not in self.table.columns or row.is_noise:
            return "".join(medoid)
        said = portion(float(self.table["probability"].iloc[member]))
        lines = [" · ".join([*medoid, f"{name} {said}"]) for name in ("probability", "prob.")]
        return next((line for line in lines if font(12).getlength(line) <= _PICTURE[0] + _GAP // 2), lines[-1])


def swatch(draw: ImageDraw.ImageDraw, centre: tuple[int, int], group: Group) -> None:
    """Draw a group's mark, about 14 pixels across."""
    (x, y), colour = centre, group.mark.light
    style = {"outline": colour, "width": 2} if group.mark.symbol.endswith("-open") else {"fill": colour}
    match group.mark.symbol.removesuffix("-open"):
        case "circle":
            draw.ellipse((x - 6, y - 6, x + 6, y + 6), **style)
        case "square":
            draw.rectangle((x - 5, y - 5, x + 5, y + 5), **style)
        case "diamond":
            draw.polygon(((x, y - 7), (x + 7, y), (x, y + 7), (x - 7, y)), **style)
        case _:
            draw.rectangle((x - 2, y - 7, x + 2, y + 7), colour)
            draw.rectangle((x - 7, y - 2, x + 7, y + 2), colour)
