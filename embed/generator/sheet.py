"""Sheets of pictures: a row for each class, the three durations of a glitch side by side."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from embed.storage import write_bytes
from embed.views.viridis import colours_of_levels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from embed.types import Pixels

_MARGIN = 2
_NAMES = 150
"""Pixels on the left for the classes' names."""


def sheet(levels: Pixels, names: Sequence[str]) -> Image.Image:
    """Draw a sheet.

    Parameters
    ----------
    levels : ndarray of uint8, shape (K, S, 3, R, R)
        S glitches of each of K rows.
    names : sequence of K str

    Returns
    -------
    Image
        RGB.
    """
    rows, count, views, side, _ = levels.shape
    width, height = count * (views * side + 3 * _MARGIN), rows * (side + _MARGIN)
    image = Image.new("RGB", (_NAMES + width, max(height, 12)), "white")
    pen = ImageDraw.Draw(image)
    for row, name in enumerate(names):
        top = row * (side + _MARGIN)
        pen.text((4, top + max(0, side // 2 - 6)), name, fill="black")
        image.paste(strip(levels[row]), (_NAMES, top))
    return image


def strip(levels: Pixels) -> Image.Image:
    """Draw glitches, uint8 (S, 3, R, R), in one row: an RGB image."""
    count, views, side, _ = levels.shape
    step = views * side + 3 * _MARGIN
    image = Image.new("RGB", (count * step - 3 * _MARGIN, side), "white")
    for place, glitch in enumerate(levels):
        image.paste(Image.fromarray(colours_of_levels(np.concatenate(list(glitch), axis=1))), (place * step, 0))
    return image


def write_sheet(path: Path, levels: Pixels, names: Sequence[str]) -> None:
    """Write a sheet as PNG, atomically; see `sheet`."""
    write_bytes(path, sheet_png(levels, names))


def sheet_png(levels: Pixels, names: Sequence[str]) -> bytes:
    """Draw a sheet as PNG; see `sheet`."""
    buffer = io.BytesIO()
    sheet(levels, names).save(buffer, format="png")
    return buffer.getvalue()
