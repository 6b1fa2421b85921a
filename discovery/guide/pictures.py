"""The pictures of a field guide: glitches with all their views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from discovery.pages.drawing import INK, QUIET, cut, font, frequency_ticks, place_picture, png_bytes
from discovery.pages.thumbnails import picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discovery.pages.thumbnails import Thumbnails

ACROSS = 4
"""Pictures in a line: one glitch with the four views of Gravity Spy."""
_PICTURE = (176, 147)
_TICKS, _GAP, _HEADING, _FOOT, _EDGE = 44, 8, 22, 22, 6


def views_png(thumbnails: Thumbnails, shown: Sequence[tuple[str, int]]) -> bytes:
    """Draw glitches with all their views, a line each; glitches with few views share a line.

    Parameters
    ----------
    thumbnails : Thumbnails
    shown : sequence of (str, int)
        Caption and row of each glitch.

    Returns
    -------
    bytes
        PNG.
    """
    durations = thumbnails.durations
    together = max(1, min(ACROSS // len(durations), len(shown)))
    ticks = 0 if thumbnails.plain else _TICKS
    block = ticks + len(durations) * (_PICTURE[0] + _GAP)
    line = _HEADING + _PICTURE[1] + _FOOT
    image = Image.new("RGB", (together * block + 2 * _EDGE, -(-len(shown) // together) * line), "white")
    draw = ImageDraw.Draw(image)
    for place, (caption, row) in enumerate(shown):
        left, top = _EDGE + place % together * block + ticks, place // together * line + _HEADING
        heading = cut(caption, font(13, bold=True), block - ticks)
        draw.text((left, top - 18), heading, INK, font(13, bold=True))
        if not thumbnails.plain:
            frequency_ticks(draw, left, top, _PICTURE[1])
        for view, duration in enumerate(durations):
            at = left + view * (_PICTURE[0] + _GAP), top
            place_picture(image, at, _PICTURE, picture(thumbnails, row, view))
            if not thumbnails.plain:
                middle = at[0] + _PICTURE[0] // 2, top + _PICTURE[1] + 4
                draw.text(middle, f"{duration:g} s", QUIET, font(12), anchor="ma")
    return png_bytes(image)
