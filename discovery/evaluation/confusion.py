"""The confusion matrix as a picture: a PNG for papers and slides, and a table of a page that a reader can search.

A cell's colour is the share of its true class (its row): blue where the prediction is right, orange where it is wrong, on a square-root
scale so that one glitch in a hundred shows. Counts are written out; nothing hangs on telling the colours apart.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from discovery.pages.drawing import cut, font
from discovery.pages.page import escaped, showable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_RIGHT, _WRONG = (0, 114, 178), (213, 94, 0)  # Okabe and Ito's blue and vermilion
_CELL, _MARGIN, _GAP = 44, 24, 8
_INK, _QUIET, _LINE = "#1b2127", "#5a646e", "#dcdcd6"
_LONGEST = 240  # pixels of a class's name


def confusion_table(matrix: NDArray[np.int64], classes: Sequence[str]) -> str:
    """Write the matrix as an HTML table, true classes down, predicted classes across.

    Parameters
    ----------
    matrix : ndarray of int64, shape (K, K)
    classes : sequence of str, length K

    Returns
    -------
    str
        ``<table>``; classes without glitches and predictions are left out.
    """
    shown = [code for code in range(len(classes)) if matrix[code].any() or matrix[:, code].any()]
    head = "".join(f'<th scope="col"><span>{escaped(classes[code])}</span></th>' for code in shown)
    body = []
    for row in shown:
        total = int(matrix[row].sum())
        cells = []
        for column in shown:
            count = int(matrix[row, column])
            if not count:
                cells.append("<td></td>")
                continue
            kind = "hit" if row == column else "miss"
            share = math.sqrt(count / total)
            cells.append(
                f'<td class="{kind}{" strong" if share > 0.6 else ""}" style="--share:{share:.3f}" '
                f'title="{escaped(classes[row])} taken for {escaped(classes[column])}: {count:,} of {total:,}">{count:,}</td>'
            )
        body.append(
            f'<tr><th scope="row">{escaped(classes[row])}</th>{"".join(cells)}<td class="total">{total:,}</td></tr>'
        )
    return (
        f'<table class="confusion"><thead><tr><th class="corner">true \N{RIGHTWARDS ARROW} predicted</th>{head}'
        f'<th scope="col" class="total"><span>glitches</span></th></tr></thead><tbody>{"".join(body)}</tbody></table>'
    )


def confusion_png(matrix: NDArray[np.int64], classes: Sequence[str], *, title: str) -> bytes:
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
    shown = [code for code in range(len(classes)) if matrix[code].any() or matrix[:, code].any()]
    names = [cut(showable(classes[code]), font(14), _LONGEST) for code in shown]
    label = max((int(font(14).getlength(name)) for name in names), default=0) + _GAP
    side = len(shown) * _CELL
    left, top = _MARGIN + 24 + label, _MARGIN + 62 + label
    picture = Image.new("RGB", (max(left + side + 80, 560), top + side + _MARGIN), "white")
    draw = ImageDraw.Draw(picture)
    total, right = int(matrix.sum()), int(matrix.diagonal().sum())
    draw.text((_MARGIN, _MARGIN - 6), showable(title), _INK, font(19, bold=True))
    counts = f"{right:,} of {total:,} right ({right / max(total, 1):.2%}) · rows: true class, columns: predicted · colour: share of the row"
    draw.text((_MARGIN, _MARGIN + 22), counts, _QUIET, font(12))
    for place, code in enumerate(shown):
        y, x = top + place * _CELL, left + place * _CELL
        draw.text((left - _GAP, y + _CELL // 2), names[place], _INK, font(14), anchor="rm")
        _upright(picture, names[place], (x + _CELL // 2, top - _GAP))
        support = int(matrix[code].sum())
        draw.text((left + side + _GAP, y + _CELL // 2), f"{support:,}", _QUIET, font(13), anchor="lm")
        for across, other in enumerate(shown):
            _cell(draw, left + across * _CELL, y, int(matrix[code, other]), support, right=code == other)
    for place in range(len(shown) + 1):
        draw.line((left, top + place * _CELL, left + side, top + place * _CELL), _LINE)
        draw.line((left + place * _CELL, top, left + place * _CELL, top + side), _LINE)
    out = io.BytesIO()
    picture.save(out, format="PNG")
    return out.getvalue()


def _cell(draw: ImageDraw.ImageDraw, x: int, y: int, count: int, support: int, *, right: bool) -> None:
    if not count:
        return
    strength = math.sqrt(count / support)
    colour = _RIGHT if right else _WRONG
    mixed = tuple(round(255 + (part - 255) * (0.12 + 0.88 * strength)) for part in colour)
    draw.rectangle((x, y, x + _CELL, y + _CELL), mixed)
    ink = "white" if strength > 0.6 else _INK
    text = f"{count:,}"
    size = 14 if len(text) < 5 else 11
    draw.text((x + _CELL // 2, y + _CELL // 2), text, ink, font(size), anchor="mm")


def _upright(picture: Image.Image, name: str, foot: tuple[int, int]) -> None:
    """Write a column's name from its foot upwards."""
    width = int(font(14).getlength(name)) + 2
    strip = Image.new("RGB", (width, 20), "white")
    ImageDraw.Draw(strip).text((0, 10), name, _INK, font(14), anchor="lm")
    turned = strip.rotate(90, expand=True)
    picture.paste(turned, (foot[0] - 10, foot[1] - width))
