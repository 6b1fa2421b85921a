"""What figures share: the font, text cut to a width, charts of one look, and PNGs that say nothing of when they were made."""

from __future__ import annotations

import io
import math
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from discovery.pages.page import showable
from embed.plotstyle import own_style

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

INK, QUIET, LINE = "#1b2127", "#5a646e", "#dcdcd6"
"""Colours of text, of secondary text, and of outlines."""
FREQUENCY_TICKS = tuple((f, math.log(f / 10) / math.log(204.8)) for f in (2048, 512, 128, 32, 10))
"""Hz, and the place on the log axis from 10 to 2048: 0 is below, 1 above."""
_WORDS = re.compile(r"[^\s_]*[\s_]|[^\s_]+")


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


def folded(text: str, face: ImageFont.FreeTypeFont, width: int, most: int = 2) -> list[str]:
    """Break text after spaces and underscores into lines of a width in pixels; what is left after `most` lines is cut."""
    lines = [""]
    for word in _WORDS.findall(" ".join(text.split())):
        if lines[-1] and len(lines) < most and face.getlength((lines[-1] + word).rstrip()) > width:
            lines.append("")
        lines[-1] += word
    return [cut(line, face, width) for line in lines]


def place_picture(
    image: Image.Image, at: tuple[int, int], size: tuple[int, int], pixels: npt.NDArray[np.uint8] | None
) -> None:
    """Put the picture (h, w, 3) of a glitch at a place of an image, in a width and a height; where there is none, say so."""
    (x, y), (width, height) = at, size
    if pixels is not None:
        image.paste(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC), at)
        return
    draw = ImageDraw.Draw(image)
    draw.rectangle((x, y, x + width - 1, y + height - 1), outline=LINE)
    draw.text((x + width // 2, y + height // 2), "no picture", QUIET, font(13), anchor="mm")


def frequency_ticks(draw: ImageDraw.ImageDraw, left: int, top: int, height: int) -> None:
    """Draw the ticks of the frequency axis to the left of a spectrogram that begins at `left`, `top`, pixels."""
    for frequency, share in FREQUENCY_TICKS:
        place = top + round(height * (1 - share))
        draw.line((left - 5, place, left - 1, place), QUIET)
        anchor = {2048: "rt", 10: "rb"}.get(frequency, "rm")
        draw.text((left - 8, place), str(frequency), QUIET, font(11), anchor=anchor)
    draw.text((left - 8, top + height + 6), "Hz", QUIET, font(11), anchor="ra")


def png_bytes(image: Image.Image) -> bytes:
    """Write an image as PNG."""
    out = io.BytesIO()
    image.save(out, format="PNG")
    return out.getvalue()


def chart(width: float, height: float, *, layout: Literal["constrained"] | None = "constrained") -> Figure:
    """Return an empty matplotlib figure of a size in inches, 100 pixels each, that needs no display; `layout` as of `Figure`."""
    figure = Figure(figsize=(width, height), dpi=100, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def plain_text(text: object, longest: int = 60) -> str:
    """Write any value so that matplotlib shows it as it is: no formula, no name that a legend skips; shortened with an ellipsis."""
    shown = " ".join(showable(text).split())
    shown = shown if len(shown) <= longest else shown[: longest - 1] + "…"
    return (" " + shown if shown.startswith("_") else shown).replace("$", r"\$")


def plain_axes(panel: Axes) -> None:
    """Give axes small ticks and no frame above and to the right."""
    panel.tick_params(labelsize=7)
    panel.spines[["top", "right"]].set_visible(False)


@own_style()
def chart_png(figure: Figure) -> bytes:
    """Write a figure made by `chart` as PNG; it is drawn once, where `savefig` draws twice."""
    canvas = cast("FigureCanvasAgg", figure.canvas)
    canvas.draw()
    return png_bytes(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]))
