"""Small pictures of glitches: checked, shrunk, and packed into grey atlases that a web page colours.

A page of a million glitches cannot carry a million pictures, so the packing follows a stated plan (`plan_pictures`):
few pictures are kept exact, more are shrunk and compressed, and past `MAX_PICTURES` some are left out, evenly over
the classes; the page then says so.

Measured on 256 real spectrograms, bytes a picture: 120x144 PNG 8100, 120x144 JPEG 2950, 64x80 JPEG 950,
48x56 JPEG 400 (quality 75). WebP is a third smaller than JPEG at equal error but takes ten to fifty times as long to write.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup
from PIL import Image

from embed.errors import InputError
from embed.views.png import levels_to_png

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_PICTURES = 100_000
"""Pictures a page carries at most: 48x56 JPEGs of 0.4 kB, 55 MB once in base64."""
ABSENT, OMITTED = -1, -2
"""Codes of `Atlases.slots` for a picture that is not in an atlas."""


@dataclass(frozen=True)
class Thumbnails:
    """The spectrograms of N glitches at V durations, or plain pictures of N other things.

    Attributes
    ----------
    levels : ndarray of uint8, shape (N, V, h, w), or (N, V, h, w, 3)
        Normalised energy times ten; row 0 is 2048 Hz, the last row 10 Hz (log), columns are time. With a last axis of three:
        red, green, blue of plain pictures, without axes. May be a memory map: few rows are read at once.
    durations : tuple of float
        Seconds, one for each of the V views, ascending; 0 for plain pictures.
    present : ndarray of bool, shape (N, V)
        Which views exist; the levels of the others are ignored.
    """

    levels: npt.NDArray[np.uint8]
    durations: tuple[float, ...]
    present: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        levels, present = self.levels, self.present
        colour = levels.ndim == 5 and levels.shape[4] == 3
        if not (levels.ndim == 4 or colour) or levels.dtype != np.uint8 or 0 in levels.shape[1:]:
            raise InputError(
                f"thumbnails are {levels.dtype} of shape {levels.shape}: give uint8 levels (N, V, h, w) or colours (N, V, h, w, 3)"
            )
        if len(self.durations) != levels.shape[1] or list(self.durations) != sorted(set(self.durations)):
            raise InputError(
                f"durations {self.durations} do not name {levels.shape[1]} views: give one for each, ascending"
            )
        if present.shape != levels.shape[:2] or present.dtype != np.bool_:
            raise InputError(
                f"the mask of views is {present.dtype} of shape {present.shape}: give bool {levels.shape[:2]}"
            )

    @property
    def plain(self) -> bool:
        """Whether these are plain colour pictures rather than levels of spectrograms."""
        return self.levels.ndim == 5

    @property
    def empty(self) -> bool:
        """Whether there is no picture at all, as where vectors were ingested without pictures."""
        return not self.present.any()

    def __len__(self) -> int:
        """Count the glitches."""
        return len(self.levels)


@dataclass(frozen=True)
class PicturePlan:
    """Which pictures a page carries, how large, how compressed.

    Attributes
    ----------
    keep : ndarray of bool, shape (N, V)
        The pictures that go into the page.
    height, width : int
        Pixels of one picture, multiples of 8 so that the blocks of JPEG never straddle two pictures.
    quality : int or None
        JPEG quality; None means PNG, exact.
    """

    keep: npt.NDArray[np.bool_]
    height: int
    width: int
    quality: int | None


_LADDER = (
    (2_000, 120, 144, None),  # 16 MB
    (10_000, 120, 144, 85),  # 30 MB
    (40_000, 64, 80, 85),  # 38 MB
    (MAX_PICTURES, 48, 56, 75),  # 40 MB
)
"""Most pictures, their height and width, and JPEG quality or None for exact PNG."""


def plan_pictures(
    present: npt.NDArray[np.bool_], groups: npt.NDArray[np.int64], *, limit: int = MAX_PICTURES
) -> PicturePlan:
    """Decide which pictures a page carries and how.

    Parameters
    ----------
    present : ndarray of bool, shape (N, V)
    groups : ndarray of int64, shape (N,)
        The class of each glitch; when pictures must be left out, each class keeps its share.
    limit : int
        Most pictures to keep, at most `MAX_PICTURES`.

    Returns
    -------
    PicturePlan
        All pictures when they fit; else one duration only (the one most glitches have, of equals the shortest); else
        that duration for glitches spread evenly over each class in row order.
    """
    keep = present.copy()
    if keep.sum() > limit:
        view = int(np.argmax(present.sum(axis=0)))
        keep[:] = False
        keep[:, view] = present[:, view]
        rows = np.flatnonzero(keep[:, view])
        if len(rows) > limit:
            rows = rows[np.argsort(groups[rows], kind="stable")]
            chosen = rows[(np.arange(limit) * len(rows)) // limit]
            keep[:] = False
            keep[chosen, view] = True
    total = int(keep.sum())
    _, height, width, quality = next(rung for rung in _LADDER if total <= rung[0])
    return PicturePlan(keep, height, width, quality)


@dataclass(frozen=True)
class Atlases:
    """Grey pictures laid out in sheets, ready for a page.

    Attributes
    ----------
    sheets : tuple of tuple of Markup
        For each of the V views, data URIs; one sheet holds ``across * down`` pictures, row by row.
    slots : ndarray of int32, shape (N, V)
        Position of each picture in its view's sheets, or `ABSENT` (no such view) or `OMITTED` (left out to keep the
        page small).
    height, width : int
        Pixels of one picture.
    pitch_y, pitch_x : int
        Pixels from one picture to the next: a little more than its size where JPEG wants multiples of 8.
    across, down : int
        Pictures in a full sheet.
    exact : bool
        Whether the sheets are lossless and the pictures were not shrunk.
    """

    sheets: tuple[tuple[Markup, ...], ...]
    slots: npt.NDArray[np.int32]
    height: int
    width: int
    pitch_y: int
    pitch_x: int
    across: int
    down: int
    exact: bool


def pack(thumbnails: Thumbnails, plan: PicturePlan) -> Atlases:
    """Shrink and pack pictures as planned; the same input gives the same bytes.

    Parameters
    ----------
    thumbnails : Thumbnails
    plan : PicturePlan
        ``plan.keep`` has shape (N, V).

    Returns
    -------
    Atlases
    """
    source_h, source_w = thumbnails.levels.shape[2:4]
    exact = plan.quality is None and source_h <= plan.height and source_w <= plan.width
    height, width = min(plan.height, source_h), min(plan.width, source_w)
    block = 1 if plan.quality is None else 8
    pitch_y, pitch_x = -(-height // block) * block, -(-width // block) * block
    across = down = max(1, 1024 // max(pitch_y, pitch_x))
    slots = np.where(thumbnails.present, OMITTED, ABSENT).astype(np.int32)
    sheets = []
    for view in range(len(thumbnails.durations)):
        rows = np.flatnonzero(plan.keep[:, view] & thumbnails.present[:, view])
        slots[rows, view] = np.arange(len(rows))
        chunks = (rows[start : start + across * down] for start in range(0, len(rows), across * down))
        pictures = (
            [shrink(np.asarray(thumbnails.levels[row, view]), height, width) for row in chunk] for chunk in chunks
        )
        sheets.append(tuple(_data_uri(_sheet(some, pitch_y, pitch_x, across), plan.quality) for some in pictures))
    return Atlases(tuple(sheets), slots, height, width, pitch_y, pitch_x, across, down, exact)


def shrink(levels: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """Average one picture over the area of each new pixel; a side already small enough is left as it is.

    Parameters
    ----------
    levels : ndarray of uint8, shape (h, w) or (h, w, 3)
    height, width : int
        Most pixels wanted.

    Returns
    -------
    ndarray of uint8, shape (min(h, height), min(w, width)) or with a last axis of 3
    """
    size = (min(levels.shape[1], width), min(levels.shape[0], height))
    if size == (levels.shape[1], levels.shape[0]):
        return levels
    return np.asarray(Image.fromarray(levels).resize(size, Image.Resampling.BOX))


def _sheet(pictures: list[npt.NDArray[np.uint8]], pitch_y: int, pitch_x: int, across: int) -> npt.NDArray[np.uint8]:
    """Lay pictures out row by row; the margins repeat their last row and column, which JPEG compresses best."""
    shape = (-(-len(pictures) // across) * pitch_y, min(across, len(pictures)) * pitch_x, *pictures[0].shape[2:])
    sheet = np.zeros(shape, np.uint8)
    for place, picture in enumerate(pictures):
        top, left = place // across * pitch_y, place % across * pitch_x
        margin = ((0, pitch_y - picture.shape[0]), (0, pitch_x - picture.shape[1]), (0, 0))[: picture.ndim]
        sheet[top : top + pitch_y, left : left + pitch_x] = np.pad(picture, margin, mode="edge")
    return sheet


def _data_uri(sheet: npt.NDArray[np.uint8], quality: int | None) -> Markup:
    if quality is None:
        return png_uri(sheet)
    out = io.BytesIO()
    Image.fromarray(sheet).save(out, format="JPEG", quality=quality, optimize=True)
    return data_uri("jpeg", out.getvalue())


def png_uri(pixels: npt.NDArray[np.uint8]) -> Markup:
    """Write grey (h, w) or colour (h, w, 3) uint8 pixels as a PNG data URI without metadata."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG", optimize=True)
    return data_uri("png", out.getvalue())


def picture_uri(picture: npt.NDArray[np.uint8]) -> Markup:
    """Write levels (h, w) as a PNG in viridis, or a plain picture (h, w, 3) in its own colours, as a data URI; exact.

    Levels become a PNG with a palette: a third of the size of one in colours, and quicker to write than Pillow's.
    """
    return png_uri(picture) if picture.ndim == 3 else data_uri("png", levels_to_png(picture))


def data_uri(kind: str, data: bytes) -> Markup:
    """Write the bytes of an image (`kind` is ``"png"`` or ``"jpeg"``) as a data URI; nothing in base64 needs escaping."""
    return Markup(f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}")  # noqa: S704 - base64
