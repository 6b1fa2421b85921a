"""Text drawn into pictures: the font, and text cut to a width."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib as mpl
from PIL import ImageFont


@cache
def font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans of a size in pixels, the same on every machine."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(
        Path(mpl.get_data_path(), "fonts", "ttf", name), size, layout_engine=ImageFont.Layout.BASIC
    )


def cut(text: str, face: ImageFont.FreeTypeFont, width: int) -> str:
    """Shorten text to a width in pixels, with an ellipsis; line breaks become spaces."""
    text = " ".join(text.split())
    if face.getlength(text) <= width:
        return text
    short = text[: max(1, int(len(text) * width / face.getlength(text)))]
    while short and face.getlength(short + "…") > width:
        short = short[:-1]
    return short + "…"
