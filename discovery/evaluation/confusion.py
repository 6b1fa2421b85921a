"""The confusion matrix: a PNG for papers and slides, and a table on a page that a reader can search.

A cell's colour is the share of its true class (its row): blue where the prediction is right, orange where it is wrong, on a square-root
scale so that one glitch in a hundred is visible. Counts are written out, so a reader need not tell the colours apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from discovery.pages.drawing import cut, font, png_bytes
from discovery.pages.page import rendered, showable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from embed.types import Codes

_RIGHT, _WRONG = (0, 114, 178), (213, 94, 0)
"""Okabe and Ito's blue and vermilion."""
_STRONG = {"hit": 0.93, "miss": 0.88}
"""Root of a cell's share above which its count is written in the other colour: white on blue; on orange, by night, black."""
_CELL, _MARGIN, _GAP = 44, 24, 8
_INK, _QUIET, _LINE = "#1b2127", "#5a646e", "#dcdcd6"
_LONGEST = 240
"""Pixels of a class's name."""


@dataclass(frozen=True)
class _Cell:
    """A count that is not zero; `share` is the root of its share of the row."""

    kind: str
    share: float
    predicted: str
    count: int


@dataclass(frozen=True)
class _Row:
    """A true class, None where nothing was taken for a class, and how many glitches it has."""

    name: str
    cells: list[_Cell | None]
    total: int


def confusion_table(matrix: Codes, classes: Sequence[str], *, total: str = "glitches") -> Markup:
    """Write the matrix as an HTML table, true classes down, predicted classes across.

    Parameters
    ----------
    matrix : ndarray of int64, shape (K, K)
    classes : sequence of str, length K
    total : str
        What is counted: head of the last column.

    Returns
    -------
    Markup
        ``<table>``; classes without glitches and predictions are left out.
    """
    shown = _shown(matrix)
    rows = []
    for true in shown:
        whole = int(matrix[true].sum())
        cells: list[_Cell | None] = []
        for other in shown:
            count = int(matrix[true, other])
            if not count:
                cells.append(None)
                continue
            share = math.sqrt(count / whole)
            kind = "hit" if true == other else "miss"
            kind += " strong" if share > _STRONG[kind] else ""
            cells.append(_Cell(kind, share, classes[other], count))
        rows.append(_Row(classes[true], cells, whole))
    return rendered("evaluation/confusion.html", names=[classes[code] for code in shown], rows=rows, total=total)


def _shown(matrix: Codes) -> list[int]:
    """Return the classes that have glitches or predictions."""
    return [code for code in range(len(matrix)) if matrix[code].any() or matrix[:, code].any()]


def confusion_png(matrix: Codes, classes: Sequence[str], *, title: str) -> bytes:
    """Draw the matrix.

    Parameters
    ----------
    matrix : ndarray of int64, shape (K, K)
        True classes in rows.
    classes : sequence of str, length K
    title : str
        Heading.

    Returns
    -------
    bytes
        A PNG on white; the same input gives the same bytes.
    """
    shown = _shown(matrix)
    names = [cut(showable(classes[code]), font(14), _LONGEST) for code in shown]
    label = max((int(font(14).getlength(name)) for name in names), default=0) + _GAP
    side = len(shown) * _CELL
    left, top = _MARGIN + 24 + label, _MARGIN + 62 + label
    total, right = int(matrix.sum()), int(matrix.diagonal().sum())
    counts = f"{right:,} of {total:,} right ({100 * (right / max(total, 1)):.2f} %) · rows: true class, columns: predicted · colour: share of the row"
    widest = max(font(12).getlength(counts), font(19, bold=True).getlength(showable(title)))
    picture = Image.new("RGB", (max(left + side + 80, round(widest) + 2 * _MARGIN), top + side + _MARGIN), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((_MARGIN, _MARGIN - 6), showable(title), _INK, font(19, bold=True))
    draw.text((_MARGIN, _MARGIN + 22), counts, _QUIET, font(12))
    for place, code in enumerate(shown):
        y, x = top + place * _CELL, left + place * _CELL
        draw.text((left - _GAP, y + _CELL // 2), names[place], _INK, font(14), anchor="rm")
        _upright(picture, names[place], (x + _CELL // 2, top - _GAP))
        support = int(matrix[code].sum())
        draw.text((left + side + _GAP, y + _CELL // 2), f"{support:,}", _QUIET, font(13), anchor="lm")
        for across, other in enumerate(shown):
            if count := int(matrix[code, other]):
                _cell(draw, (left + across * _CELL, y), f"{count:,}", count / support, right=code == other)
    for place in range(len(shown) + 1):
        draw.line((left, top + place * _CELL, left + side, top + place * _CELL), _LINE)
        draw.line((left + place * _CELL, top, left + place * _CELL, top + side), _LINE)
    return png_bytes(picture)


def _cell(draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, share: float, *, right: bool) -> None:
    (x, y), strength = corner, math.sqrt(share)
    colour = _RIGHT if right else _WRONG
    mixed = tuple(round(255 + (part - 255) * (0.12 + 0.88 * strength)) for part in colour)
    draw.rectangle((x, y, x + _CELL, y + _CELL), mixed)
    ink = "white" if right and strength > _STRONG["hit"] else "black"
    size = 14 if len(text) < 5 else 11
    draw.text((x + _CELL // 2, y + _CELL // 2), text, ink, font(size), anchor="mm")


def _upright(picture: Image.Image, name: str, foot: tuple[int, int]) -> None:
    """Write a column's name from its foot upwards."""
    width = int(font(14).getlength(name)) + 2
    strip = Image.new("RGB", (width, 20), "white")
    ImageDraw.Draw(strip).text((0, 10), name, _INK, font(14), anchor="lm")
    turned = strip.rotate(90, expand=True)
    picture.paste(turned, (foot[0] - 10, foot[1] - width))
