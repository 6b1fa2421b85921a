"""A view of a glitch as one physical quantity, from every source: levels of normalised energy on one fixed grid.

A published picture has 800x600 pixels with axes, a title and a colour bar. The picture inside the axes is found, its viridis
colours are turned back into levels (`embed.views.viridis`), and the levels are scaled, once, to the side that the network
reads. A plain image (a galaxy) keeps its colours.
"""

import io
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from embed.errors import InputError
from embed.study.records import View
from embed.types import Flags, Floats, Pixels
from embed.views.imagefile import image_size
from embed.views.plane import read_plane
from embed.views.viridis import levels_of_colours, levels_of_luminance, off_scale_share

PUBLISHED_SIZE = (800, 600)
PUBLISHED_BOX = (101, 61, 674, 540)
"""The picture in a published image: left, top, right, bottom in pixels; used only where the image agrees."""

VIEWS_VERSION = 1
"""Raised whenever the same file would decode to other levels; part of the passport and of the cache's name."""

_COLOURED = 40
"""Least difference between a pixel's largest and smallest channel to count as coloured: viridis has 69 and more, axes and text 0."""

_MOSTLY = 0.9
_MIN_SIDE = 32
_MAX_OFF_SCALE = 0.25


def picture_box(colours: Pixels) -> tuple[int, int, int, int]:
    """Find the picture inside the axes: the largest coloured block.

    Parameters
    ----------
    colours : ndarray of uint8, shape (H, W, 3 or more)
        The whole image; red, green and blue come first.

    Returns
    -------
    left, top, right, bottom : int
        The box, right and bottom exclusive. The whole image where it is cropped already.

    Raises
    ------
    InputError
        When there is no coloured block of at least 32x32 pixels.
    """
    height, width = colours.shape[:2]
    if (width, height) == PUBLISHED_SIZE and _is_box(colours, PUBLISHED_BOX):
        return PUBLISHED_BOX
    if _edges(colours, (0, 0, width, height)).min() > _MOSTLY:
        return (0, 0, width, height)
    coloured = _coloured(colours)
    columns = coloured.mean(axis=0)
    left, right = _longest_run(columns > max(0.5 * columns.max(), 1 / height))
    top, bottom = _longest_run(coloured[:, left:right].sum(axis=1) > 0.5 * (right - left))
    left_in, right_in = _longest_run(coloured[top:bottom, left:right].sum(axis=0) > 0.5 * (bottom - top))
    box = (left + left_in, top, left + right_in, bottom)
    if box[2] - box[0] < _MIN_SIDE or box[3] - box[1] < _MIN_SIDE:
        raise InputError(
            f"no spectrogram found in the image of {width}x{height} pixels; ingest it as a plain image with --plain"
        )
    return box


def _coloured(colours: Pixels) -> Flags:
    red, green, blue = colours[..., 0], colours[..., 1], colours[..., 2]
    largest, smallest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    return (largest - smallest) > _COLOURED


def _edges(colours: Pixels, box: tuple[int, int, int, int], outside: int = 0) -> Floats:
    """Coloured share of the four lines along a box's edges, so many pixels outside it."""
    left, top, right, bottom = box
    rows = colours[[top - outside, bottom - 1 + outside], left:right]
    columns = colours[top:bottom, [left - outside, right - 1 + outside]]
    return np.concatenate([_coloured(rows).mean(axis=1), _coloured(columns).mean(axis=0)])


def _is_box(colours: Pixels, box: tuple[int, int, int, int]) -> bool:
    return _edges(colours, box).min() > _MOSTLY and _edges(colours, box, 1).max() <= 1 - _MOSTLY


def _longest_run(flags: Flags) -> tuple[int, int]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    if edges.size == 0:
        return (0, 0)
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest])


def spectrogram_levels(data: bytes, side: int) -> Pixels:
    """Decode a viridis spectrogram.

    Parameters
    ----------
    data : bytes
        PNG or JPEG file, published (with axes) or cropped to the picture.
    side : int
        Rows (frequency, highest first) and columns (time) of the result.

    Returns
    -------
    ndarray of uint8, shape (side, side)
        Levels: ten times the normalised energy.

    Raises
    ------
    InputError
        When the file is damaged, too large, holds no spectrogram, or is not in viridis' colours.
    """
    colours = _colours(_open(data))
    left, top, right, bottom = picture_box(colours)
    picture = colours[top:bottom, left:right]
    levels = levels_of_colours(picture)
    share = off_scale_share(picture[::7, ::7], levels[::7, ::7])
    if share > _MAX_OFF_SCALE:
        raise InputError(
            f"{100 * share:.0f} % of its pixels are no viridis colours; ingest it as a plain image with --plain"
        )
    return _scale(levels, side)


def plain_image(data: bytes, side: int) -> Pixels:
    """Decode a plain picture: ndarray of uint8, shape (side, side, 3), transparent parts on black.

    Errors as `spectrogram_levels`.
    """
    image = _open(data)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image.convert("RGBA"))
    return _scale(np.asarray(image.convert("RGB")), side)


def _open(data: bytes) -> Image.Image:
    image_size(data)
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"cannot be decoded ({error})") from error
    return image


def _colours(image: Image.Image) -> Pixels:
    """Red, green, blue and one more byte of each pixel, shape (H, W, 4): as the image lies in memory, for it to be copied only once."""
    if image.mode != "RGBA":
        image = image.convert("RGB")
    raw = image.tobytes("raw", "RGBA" if image.mode == "RGBA" else "RGBX")
    return np.frombuffer(raw, np.uint8).reshape(image.height, image.width, 4)


def _scale(array: Pixels, side: int) -> Pixels:
    """Resample with a triangle filter as wide as a new pixel (antialiased bilinear in torchvision)."""
    return np.asarray(Image.fromarray(array).resize((side, side), Image.Resampling.BILINEAR))


def decode(view: View, side: int) -> Pixels:
    """Read and decode a view.

    Returns
    -------
    ndarray of uint8, shape (side, side), or (side, side, 3) of a plain image
        Levels, or colours.

    Raises
    ------
    InputError
        When the file is missing, or cannot be decoded.
    """
    if view.kind == "grey":
        try:
            with h5py.File(view.source, "r") as file:
                return _scale(levels_of_luminance(read_plane(file, view.dataset)), side)
        except OSError as error:
            raise InputError(f"{view.source} cannot be read as HDF5 ({str(error)[:200]})") from error
    try:
        data = Path(view.source).read_bytes()
    except OSError as error:
        raise InputError(f"{view.source} cannot be read ({error.strerror or error})") from error
    try:
        return plain_image(data, side) if view.kind == "image" else spectrogram_levels(data, side)
    except InputError as error:
        raise InputError(f"{view.source}: {error}") from error
