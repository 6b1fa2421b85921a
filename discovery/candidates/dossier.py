"""The dossier of a proposed class: its certificate, its glitches beside the nearest known ones, and how and when they occur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from discovery.candidates.representatives import spread_sample
from discovery.pages.drawing import (
    INK,
    QUIET,
    cut,
    font,
    place_picture,
    png_bytes,
)
from discovery.pages.thumbnails import chosen_view, data_uri, picture, png_uri, shrink
from discovery.pages.treeplot import Limb, tree_svg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd
    from markupsafe import Markup

    from discovery.certificates.certificate import Certificate
    from discovery.certificates.parts import Part
    from discovery.clustering.branches import NestedBranch
    from discovery.pages.thumbnails import Thumbnails
    from embed.types import Rows

SHOWN = 8
"""Members of a cluster that are shown."""
EXAMPLES = 2
"""Glitches shown of each of the nearest known classes."""
MOST_MEMBERS = 400
"""Members on the sheet of all; of a larger cluster a sample spread over detectors and time."""
MOST_BRANCHES = 21
"""Branches of a cluster that are drawn: odd, so that the two parts of a split are drawn both."""
_BRANCH = 116
"""Pixels of a branch's picture on its longer side: sharp at half of them."""
_PICTURE = (150, 125)
_GAP, _CAPTION, _EDGE = 8, 18, 4


@dataclass(frozen=True)
class Dossier:
    """What one cluster's section of the page shows.

    Attributes
    ----------
    certificate : Certificate
    pictures, charts : Markup or None
        PNGs as data URIs; None where there is nothing to show.
    branches : BranchTree or None
        Denser groups within the cluster, possible sub-morphologies; None where there are not two.
    history : list of str
        When it was seen, and changes of its rate.
    """

    certificate: Certificate
    pictures: Markup | None
    charts: Markup | None
    branches: BranchTree | None
    history: list[str]


@dataclass(frozen=True)
class BranchTree:
    """A cluster's own branch and those nested in it, as the page shows them.

    Attributes
    ----------
    shown : list of NestedBranch
        Each before its parts; of very many the outermost `MOST_BRANCHES`.
    finer : int
        Further ones, which only ``clusters.csv`` names.
    drawing : Markup
        ``<svg>``.
    parts : dict of str to Part
        By path: most typical member and nearest known class.
    pictures : dict of str to Markup
        By path: the most typical member's, as a data URI, where it has one.
    """

    shown: list[NestedBranch]
    finer: int
    drawing: Markup
    parts: dict[str, Part]
    pictures: dict[str, Markup]


def branch_tree(nested: Sequence[NestedBranch], parts: Sequence[Part], thumbnails: Thumbnails) -> BranchTree | None:
    """Draw the branches of one cluster, its own first; None where nothing is nested in it.

    Parameters
    ----------
    nested : sequence of NestedBranch
    parts : sequence of Part
        Of the same branches.
    thumbnails : Thumbnails
        Of the clustered glitches.
    """
    if len(nested) < 2:
        return None
    outermost = sorted(nested, key=lambda branch: branch.path.count("."))[:MOST_BRANCHES]
    shown = [branch for branch in nested if branch in outermost]
    limbs = [Limb(own.path, own.parent, len(own.rows), own.low, own.high) for own in shown]
    across = "log density above the pass to the next cluster (nats)"
    drawing = tree_svg(limbs, across=across, title=f"Branches within cluster {nested[0].cluster}")
    described = {own.path: own for own in parts}
    pictures = {}
    if not thumbnails.empty:
        view = chosen_view(thumbnails, None)
        pixels = {own.path: picture(thumbnails, described[own.path].medoid, view) for own in shown}
        pictures = {path: png_uri(_small(own)) for path, own in pixels.items() if own is not None}
    return BranchTree(shown, len(nested) - len(shown), drawing, described, pictures)


def _small(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    factor = min(1.0, _BRANCH / max(height, width))
    return shrink(pixels, round(factor * height), round(factor * width))


def strip_png(
    table: pd.DataFrame,
    thumbnails: Thumbnails,
    members: Rows,
    known: Thumbnails | None,
    examples: Mapping[str, Rows],
) -> bytes | None:
    """Draw a sample of a cluster's members, and below them glitches of the nearest known classes.

    Parameters
    ----------
    table : DataFrame, N rows
        Where present, ``ifo``, ``gps`` and ``medoid``.
    thumbnails : Thumbnails
        Of these rows.
    members : ndarray of int64
        Rows of the cluster.
    known : Thumbnails or None
        Of known glitches.
    examples : mapping of str to ndarray of int64
        For each of the nearest classes rows of `known`, nearest class first.

    Returns
    -------
    bytes or None
        A PNG; None where none of them has a picture.
    """
    if thumbnails.empty and (known is None or known.empty):
        return None
    medoid = table["medoid"].to_numpy(dtype=bool) if "medoid" in table.columns else np.zeros(len(table), bool)
    lead = members[medoid[members]][:1].tolist()
    rows = lead + spread_sample(table, members[~np.isin(members, lead)], SHOWN - len(lead))
    view = chosen_view(thumbnails, None)
    upper = [("medoid" if row in lead else _origin(table, row), picture(thumbnails, row, view)) for row in rows]
    lower = []
    if known is not None:
        beside = chosen_view(known, None)
        lower = [(name, picture(known, int(row), beside)) for name, own in examples.items() for row in own]
    across = max(len(upper), len(lower))
    width = across * (_PICTURE[0] + _GAP) + 2 * _EDGE
    line = _PICTURE[1] + _CAPTION + 26
    image = Image.new("RGB", (width, line * (1 + bool(lower))), "white")
    draw = ImageDraw.Draw(image)
    for place, (heading, pictures) in enumerate((("members", upper), ("nearest known classes", lower))):
        if not pictures:
            continue
        top = place * line
        draw.text((_EDGE, top + 4), heading, INK, font(14, bold=True))
        for number, (caption, pixels) in enumerate(pictures):
            at = (_EDGE + number * (_PICTURE[0] + _GAP), top + 24)
            place_picture(image, at, _PICTURE, pixels)
            draw.text((at[0], at[1] + _PICTURE[1] + 2), cut(caption, font(12), _PICTURE[0]), QUIET, font(12))
    return png_bytes(image)


def members_png(table: pd.DataFrame, thumbnails: Thumbnails, members: Rows) -> bytes:
    """Draw all members of a cluster as a grid, of a large one `MOST_MEMBERS`; the first line says how many."""
    shown = members.tolist() if len(members) <= MOST_MEMBERS else spread_sample(table, members, MOST_MEMBERS)
    view = chosen_view(thumbnails, None)
    across = min(12, len(shown))
    cell = (thumbnails.levels.shape[3] + 4, thumbnails.levels.shape[2] + 4)
    lines = -(-len(shown) // across)
    image = Image.new("RGB", (max(360, across * cell[0] + _EDGE), 26 + lines * cell[1] + _EDGE), "white")
    draw = ImageDraw.Draw(image)
    said = (
        f"all {len(members)} members"
        if len(shown) == len(members)
        else f"{len(shown)} of {len(members)} members, spread over detectors and time"
    )
    draw.text((_EDGE, 5), said, INK, font(14))
    for place, row in enumerate(shown):
        pixels = picture(thumbnails, int(row), view)
        if pixels is not None:
            image.paste(Image.fromarray(pixels), (_EDGE + place % across * cell[0], 26 + place // across * cell[1]))
    return png_bytes(image)


def as_uri(png: bytes | None) -> Markup | None:
    """Return a PNG as a data URI."""
    return None if png is None else data_uri("png", png)


def _origin(table: pd.DataFrame, row: int) -> str:
    return str(table["ifo"].iloc[row]) if "ifo" in table.columns else ""
