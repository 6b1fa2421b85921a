"""The contact sheet: a row a cluster, the medoid first, as in Figure C4 of George, Shen and Huerta (arXiv:1706.07446).

Drawn with Pillow and the DejaVu Sans that matplotlib ships, so it needs no display and no installed font, and the same input
gives the same bytes: nothing in the PNG says when it was made.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from discovery.pages.columns import Group, classes, glitch_ids
from discovery.pages.drawing import cut, font
from discovery.pages.page import showable
from discovery.pages.palette import NOISE_MARK
from embed.errors import InputError
from embed.views.viridis import colours_of_levels
from embed.views.viridis import table as viridis

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from discovery.pages.thumbnails import Thumbnails

#: Rows drawn at most: past this the sheet is too tall to look at (and for some viewers to open); the rest is counted.
MAX_ROWS = 100

_INK, _QUIET, _LINE, _NOISE_BAND = "#1b2127", "#5a646e", "#dcdcd6", "#f1f1ee"
_PICTURE = (168, 140)  # width, height in pixels: the shape of Gravity Spy's axes, 573 x 479
_GAP, _MARGIN, _HEADER, _TICKS = 10, 28, 176, 44
_CAPTION = 36  # two lines under each picture
_FREQUENCIES = (2048, 512, 128, 32, 10)  # Hz, on the log axis from 10 to 2048


@dataclass(frozen=True)
class ClusterRow:
    """What one row of the sheet shows.

    Attributes
    ----------
    group : Group
        Name, mark and size, as in the explorer's legend.
    members : tuple of int
        Table rows, in the order shown.
    medoid : int or None
        The table row that is the medoid.
    probability : float or None
        Mean membership probability.
    """

    group: Group
    members: tuple[int, ...]
    medoid: int | None
    probability: float | None

    @property
    def is_noise(self) -> bool:
        """Whether this is what belongs to no cluster."""
        return self.group.mark is NOISE_MARK


def cluster_rows(table: pd.DataFrame, per_row: int) -> list[ClusterRow]:
    """Choose what stands for each cluster.

    Parameters
    ----------
    table : DataFrame, N rows
        Columns ``cluster`` (integers, -1 is noise) and, where there, ``probability`` and ``medoid`` (bool).
    per_row : int
        Most members of a row.

    Returns
    -------
    list of ClusterRow
        By cluster number, noise last. The medoid comes first, then the members of highest probability, ties by table
        row. Noise has no typical member: its row is taken evenly from the table.

    Raises
    ------
    InputError
        If there is no column of cluster numbers, or ``per_row`` is not positive.
    """
    if "cluster" not in table.columns or table["cluster"].dtype.kind not in "iu":
        raise InputError(
            "the table has no column 'cluster' of integers, in which -1 is noise: cluster the glitches first"
        )
    if per_row < 1:
        raise InputError(f"{per_row} pictures a row asked for: give 1 or more")
    number = table["cluster"].to_numpy()
    probability = table["probability"].to_numpy(dtype=float) if "probability" in table.columns else np.ones(len(table))
    medoid = table["medoid"].to_numpy(dtype=bool) if "medoid" in table.columns else np.zeros(len(table), bool)
    coded = classes("cluster", table["cluster"])
    rows = []
    for place, value in enumerate([*sorted(set(number.tolist()) - {-1}), *([-1] if (number == -1).any() else [])]):
        members = np.flatnonzero(number == value)
        group = coded.groups[coded.group_of[place]]
        # A class that shares the last mark with others still has its own name and size here.
        group = Group(coded.names[place], group.mark, len(members))
        if value == -1:
            shown = members[(np.arange(min(per_row, len(members))) * len(members)) // min(per_row, len(members))]
            rows.append(ClusterRow(group, tuple(shown.tolist()), None, None))
            continue
        order = members[np.lexsort((members, -np.nan_to_num(probability[members], nan=-1.0), ~medoid[members]))]
        first = int(order[0]) if medoid[order[0]] else None
        mean = float(np.nanmean(probability[members])) if "probability" in table.columns else None
        rows.append(ClusterRow(group, tuple(order[:per_row].tolist()), first, mean))
    return rows


def contact_sheet(
    table: pd.DataFrame,
    thumbnails: Thumbnails,
    *,
    title: str,
    per_row: int = 8,
    duration: float | None = None,
) -> bytes:
    """Draw a row of spectrograms for each cluster.

    Parameters
    ----------
    table : DataFrame, N rows
        Columns ``id`` and ``cluster`` (integers, -1 is noise), and where there ``probability`` and ``medoid`` (bool).
    thumbnails : Thumbnails
        One for each row.
    title : str
        Heading.
    per_row : int
        Pictures a row.
    duration : float, optional
        Which view, in seconds. By default the one that most glitches have, of equals the longest.

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
    rows = cluster_rows(table, per_row)
    sizes = sorted((-row.group.count, place) for place, row in enumerate(rows) if not row.is_noise)
    kept = {place for _, place in sizes[:MAX_ROWS]}
    drawn = [row for place, row in enumerate(rows) if row.is_noise or place in kept]
    left = [row for place, row in enumerate(rows) if not row.is_noise and place not in kept]

    row_height = _PICTURE[1] + _CAPTION + 22
    across = max(len(row.members) for row in drawn)
    width = 2 * _MARGIN + _HEADER + _TICKS + max(across, 4) * (_PICTURE[0] + _GAP)
    top = _MARGIN + 76
    sheet = Image.new("RGB", (width, top + len(drawn) * row_height + _MARGIN + (24 if left else 0)), "white")
    draw = ImageDraw.Draw(sheet)
    _heading(draw, sheet, title, table, thumbnails, view)
    for place, row in enumerate(drawn):
        _row(sheet, draw, top + place * row_height, row_height, row, table, ids, thumbnails, view)
    if left:
        members = sum(row.group.count for row in left)
        note = f"and {len(left):,} smaller clusters ({members:,} glitches), not drawn"
        draw.text((_MARGIN, top + len(drawn) * row_height + 12), note, _QUIET, font(15))
    out = io.BytesIO()
    sheet.save(out, format="PNG")
    return out.getvalue()


def chosen_view(thumbnails: Thumbnails, duration: float | None) -> int:
    """Find a view by its duration, or the one most glitches have, of equals the longest."""
    if duration is None:
        have = thumbnails.present.sum(axis=0)
        return int(np.flatnonzero(have == have.max())[-1])
    if duration not in thumbnails.durations:
        raise InputError(
            f"no view of {duration} s among the pictures, only {thumbnails.durations}: choose one of these"
        )
    return thumbnails.durations.index(duration)


def picture(thumbnails: Thumbnails, row: int, view: int) -> npt.NDArray[np.uint8] | None:
    """Give one picture in colours, uint8 (h, w, 3), or None where there is none."""
    if not thumbnails.present[row, view]:
        return None
    levels = np.asarray(thumbnails.levels[row, view])
    return levels if thumbnails.plain else colours_of_levels(levels)


def _heading(
    draw: ImageDraw.ImageDraw, sheet: Image.Image, title: str, table: pd.DataFrame, thumbnails: Thumbnails, view: int
) -> None:
    noise = int((table["cluster"] == -1).sum())
    clusters = int(table["cluster"].nunique()) - (noise > 0)
    draw.text(
        (_MARGIN, _MARGIN - 4),
        cut(showable(title), font(24, bold=True), sheet.width - 320),
        _INK,
        font(24, bold=True),
    )
    counts = (
        f"{len(table):,} glitches · {clusters:,} {'cluster' if clusters == 1 else 'clusters'} · "
        f"noise {noise:,} ({100 * noise / len(table):.0f} %)"
    )
    if not thumbnails.plain:
        counts += f" · each picture {thumbnails.durations[view]:g} s wide, 10 to 2048 Hz (log)"
    draw.text((_MARGIN, _MARGIN + 30), counts, _QUIET, font(15))
    if thumbnails.plain:
        return
    left, right = sheet.width - _MARGIN - _GAP - 200, sheet.width - _MARGIN - _GAP
    bar = Image.fromarray(np.ascontiguousarray(viridis()[None])).resize((200, 10), Image.Resampling.NEAREST)
    sheet.paste(bar, (left, _MARGIN + 8))
    draw.text((left, _MARGIN + 22), "0", _QUIET, font(13))
    draw.text(((left + right) // 2, _MARGIN + 22), "normalised energy", _QUIET, font(13), anchor="ma")
    draw.text((right, _MARGIN + 22), "25.5", _QUIET, font(13), anchor="ra")


def _row(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    top: int,
    height: int,
    row: ClusterRow,
    table: pd.DataFrame,
    ids: list[str],
    thumbnails: Thumbnails,
    view: int,
) -> None:
    """Draw one cluster: who it is, then its members."""
    if row.is_noise:
        draw.rectangle((0, top, sheet.width, top + height), _NOISE_BAND)
    draw.line((_MARGIN, top, sheet.width - _MARGIN, top), _LINE)
    y = top + 12
    swatch(draw, (_MARGIN + 8, y + 11), row.group)
    name = row.group.name.capitalize()
    draw.text((_MARGIN + 24, y), cut(name, font(19, bold=True), _HEADER - 30), _INK, font(19, bold=True))
    lines = [f"{row.group.count:,} {'glitch' if row.group.count == 1 else 'glitches'}"]
    lines += [f"{100 * row.group.count / len(table):.1f} % of all"]
    if row.probability is not None:
        lines += [f"mean probability {row.probability:.2f}"]
    if row.is_noise:
        lines += ["in no cluster;", "an even sample of it"]
    for place, line in enumerate(lines):
        draw.text((_MARGIN, y + 32 + 20 * place), line, _QUIET, font(14))
    left = _MARGIN + _HEADER + _TICKS
    if not thumbnails.plain:
        for frequency in _FREQUENCIES:
            up = np.log(frequency / 10) / np.log(204.8)
            place_y = y + round(_PICTURE[1] * (1 - up))
            draw.line((left - 5, place_y, left - 1, place_y), _QUIET)
            draw.text(
                (left - 8, place_y),
                str(frequency),
                _QUIET,
                font(11),
                anchor={2048: "rt", 10: "rb"}.get(frequency, "rm"),
            )
        draw.text((left - 8, y + _PICTURE[1] + 6), "Hz", _QUIET, font(11), anchor="ra")
    for place, member in enumerate(row.members):
        x = left + place * (_PICTURE[0] + _GAP)
        _member(sheet, draw, (x, y), picture(thumbnails, member, view))
        first, second = ids[member], _second_line(table, member, row)
        if member == row.medoid:
            draw.rectangle((x - 3, y - 3, x + _PICTURE[0] + 2, y + _PICTURE[1] + 2), outline=_INK, width=2)
        draw.text((x, y + _PICTURE[1] + 6), cut(first, font(12), _PICTURE[0]), _INK, font(12))
        draw.text((x, y + _PICTURE[1] + 21), second, _QUIET, font(12))


def _second_line(table: pd.DataFrame, member: int, row: ClusterRow) -> str:
    parts = ["medoid"] if member == row.medoid else []
    if "probability" in table.columns and not row.is_noise:
        parts.append(f"probability {float(table['probability'].iloc[member]):.2f}")
    return " · ".join(parts)


def _member(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, at: tuple[int, int], pixels: npt.NDArray[np.uint8] | None
) -> None:
    """Put one picture in its place, whole: a plain picture of another shape is not stretched."""
    if pixels is None:
        draw.rectangle((*at, at[0] + _PICTURE[0] - 1, at[1] + _PICTURE[1] - 1), outline=_LINE)
        draw.text((at[0] + _PICTURE[0] // 2, at[1] + _PICTURE[1] // 2), "no such view", _QUIET, font(13), anchor="mm")
        return
    sheet.paste(Image.fromarray(pixels).resize(_PICTURE, Image.Resampling.BICUBIC), at)


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
