"""What figures share: the font, text cut to a width, charts of one look, and PNGs that say nothing of when they were made."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import ImageFont

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from PIL import Image


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


def png_bytes(image: Image.Image) -> bytes:
    """Write an image as PNG."""
    out = io.BytesIO()
    image.save(out, format="PNG")
    return out.getvalue()


def chart(width: float, height: float) -> Figure:
    """Return an empty matplotlib figure of a size in inches, 100 pixels each, that needs no display."""
    figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain_axes(panel: Axes) -> None:
    """Give axes small ticks and no frame above and to the right."""
    panel.tick_params(labelsize=7)
    panel.spines[["top", "right"]].set_visible(False)


def chart_png(figure: Figure) -> bytes:
    """Write a matplotlib figure as PNG."""
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
