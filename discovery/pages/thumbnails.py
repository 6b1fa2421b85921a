"""Small pictures of glitches: checked, shrunk, and packed into grey atlases that a web page colours.

A page of a million glitches cannot carry a million pictures, so the packing follows a stated plan (`plan_pictures`):
few pictures are kept exact, more are shrunk and compressed, and past `MAX_PICTURES` some are left out, evenly over
the classes; the page then says so.

Measured on 392 spectrograms, bytes a picture, with the mean error in levels: 120x144 PNG 7800 (0), 120x144 JPEG 2940 (1.3, quality 85)
or 2250 (1.8, quality 75), 64x80 JPEG 810 (2.5), 48x56 JPEG 450 (2.8) or 335 (3.5, quality 60). WebP is 13 to 20 % smaller than JPEG at
equal error and takes three to eight times as long to write, so that sheets are JPEG.
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
from embed.views.viridis import colours_of_levels

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_PICTURES = 100_000
"""Pictures a page carries at most: 48x56 JPEGs of 0.34 kB, 45 MB once in base64."""
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

    def only(self, rows: npt.NDArray[np.int64]) -> Thumbnails:
        """Return the pictures of some rows."""
        return Thumbnails(self.levels[rows], self.durations, self.present[rows])

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
    (10_000, 120, 144, 75),  # 23 MB
    (30_000, 64, 80, 75),  # 24 MB
    (40_000, 56, 64, 75),  # 23 MB
    (MAX_PICTURES, 48, 56, 60),  # 34 MB
)
"""Most pictures, their height and width, and JPEG quality or None for exact PNG; beside them the bytes, a third more in base64."""


def even_sample(
    groups: npt.NDArray[np.int64], count: int, keep: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.int64]:
    """Choose rows spread evenly over each group in row order, after the rows that must be among them.

    Parameters
    ----------
    groups : ndarray of int64, shape (N,)
    count : int
        Rows wanted, at most N.
    keep : ndarray of bool, shape (N,), optional
        Rows that come first; where they are more than `count` they are sampled themselves.

    Returns
    -------
    ndarray of int64, shape (count,)
        Ascending.
    """
    first = np.flatnonzero(keep) if keep is not None else np.empty(0, np.int64)
    if len(first) >= count:
        first = first[np.argsort(groups[first], kind="stable")]
        return np.sort(first[(np.arange(count) * len(first)) // max(count, 1)])
    rest = np.setdiff1d(np.arange(len(groups)), first)
    rest = rest[np.argsort(groups[rest], kind="stable")]
    wanted = count - len(first)
    return np.sort(np.concatenate([first, rest[(np.arange(wanted) * len(rest)) // wanted]]))


def plan_pictures(
    present: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.int64],
    *,
    limit: int = MAX_PICTURES,
    first: npt.NDArray[np.bool_] | None = None,
) -> PicturePlan:
    """Decide which pictures a page carries and how.

    Parameters
    ----------
    present : ndarray of bool, shape (N, V)
    groups : ndarray of int64, shape (N,)
        The class of each glitch; when pictures must be left out, each class keeps its share.
    limit : int
        Most pictures to keep, at most `MAX_PICTURES`.
    first : ndarray of bool, shape (N,), optional
        Glitches whose pictures are left out last.

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
            chosen = rows[even_sample(groups[rows], limit, None if first is None else first[rows])]
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


def view_uri(thumbnails: Thumbnails, row: int, view: int) -> Markup | None:
    """Write one picture as `picture_uri` does; None where there is none."""
    return picture_uri(thumbnails.levels[row, view]) if thumbnails.present[row, view] else None


def data_uri(kind: str, data: bytes) -> Markup:
    """Write the bytes of an image (`kind` is ``"png"`` or ``"jpeg"``) as a data URI; nothing in base64 needs escaping."""
    return Markup(f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}")  # noqa: S704 - base64


def chosen_view(thumbnails: Thumbnails, duration: float | None) -> int:
    """Find a view by its duration, or the one most glitches have, of equals the longest.

    Raises
    ------
    InputError
        If no view has that duration.
    """
    if duration is None:
        have = thumbnails.present.sum(axis=0)
        return int(np.flatnonzero(have == have.max())[-1])
    if duration not in thumbnails.durations:
        raise InputError(
            f"no view of {duration} s among the pictures, only {thumbnails.durations}: choose one of these"
        )
    return thumbnails.durations.index(duration)


def picture(thumbnails: Thumbnails, row: int, view: int) -> npt.NDArray[np.uint8] | None:
    """Return one picture in colours, uint8 (h, w, 3), or None where there is none."""
    if not thumbnails.present[row, view]:
        return None
    levels = np.asarray(thumbnails.levels[row, view])
    return levels if thumbnails.plain else colours_of_levels(levels)
