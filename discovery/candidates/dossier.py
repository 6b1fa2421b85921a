"""The dossier of a proposed class: its certificate, its glitches beside the nearest known ones, and how and when they occur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import LogLocator, NullLocator
from PIL import Image, ImageDraw

from discovery.candidates.representatives import chosen_view, picture, spread_sample
from discovery.onset.livetime import DAY
from discovery.pages.drawing import (
    INK,
    QUIET,
    chart,
    chart_png,
    cut,
    font,
    place_picture,
    plain_axes,
    plain_text,
    png_bytes,
)
from discovery.pages.palette import NOISE_LIGHT, OKABE_ITO
from discovery.pages.thumbnails import data_uri, png_uri, shrink
from discovery.pages.treeplot import Limb, tree_svg
from embed.plotstyle import own_style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from discovery.certificates.certificate import Certificate
    from discovery.certificates.parts import Part
    from discovery.clustering.branches import NestedBranch
    from discovery.pages.thumbnails import Thumbnails
    from embed.types import Floats, Rows

MEASURES: Mapping[str, str] = {"SNR": "snr", "peak frequency (Hz)": "peak_frequency", "duration (s)": "duration"}
"""What is compared, and the metadata's name of it."""
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
_PANEL = 3.1
"""Width of one of the charts, inches."""
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


def charts_png(own: pd.DataFrame, beside: Mapping[str, pd.DataFrame], *, title: str) -> bytes | None:
    """Draw `measures_chart` as a PNG; None where there is nothing to draw."""
    figure = measures_chart(own, beside, title=title)
    return None if figure is None else chart_png(figure)


@own_style()
def measures_chart(own: pd.DataFrame, beside: Mapping[str, pd.DataFrame], *, title: str) -> Figure | None:
    """Draw histograms of the measures of a cluster beside the nearest known classes, and its rate by day and detector.

    Parameters
    ----------
    own : DataFrame
        The members: ``ifo``, ``gps`` and metadata.
    beside : mapping of str to DataFrame
        The same of the nearest classes.
    title : str
        Name of the cluster.

    Returns
    -------
    Figure or None
        None where neither a measure nor a time is known.
    """
    measures = {name: column for name, column in MEASURES.items() if len(known_numbers(own, column))}
    times = own["gps"].to_numpy(dtype=float) if "gps" in own.columns else np.empty(0)
    times = times[np.isfinite(times)]
    if not measures and not len(times):
        return None
    panels = len(measures) + bool(len(times))
    # Margins of one size, in inches, wide enough for ticks such as 0.175: to find them by the labels takes as long as all the rest of the drawing.
    width, height = _PANEL * panels, 2.5
    figure = chart(width, height, layout=None)
    margins = {"left": 0.65 / width, "right": 1 - 0.1 / width, "bottom": 0.45 / height, "top": 1 - 0.12 / height}
    axes = figure.subplots(1, panels, squeeze=False, gridspec_kw=margins | {"wspace": 0.7 / (_PANEL - 0.7)})[0]
    for panel, (name, column) in zip(axes, measures.items(), strict=False):
        series = {title: known_numbers(own, column)} | {
            key: known_numbers(table, column) for key, table in beside.items()
        }
        _histogram(panel, name, series)
    if len(times):
        _rate(axes[-1], own)
    if measures:  # the rate has its own
        axes[0].legend(fontsize=7, frameon=False)
    return figure


def as_uri(png: bytes | None) -> Markup | None:
    """Return a PNG as a data URI."""
    return None if png is None else data_uri("png", png)


def known_numbers(table: pd.DataFrame, column: str) -> Floats:
    """Return the known values of a column of metadata, which may be absent."""
    import pandas as pd  # noqa: PLC0415 - only where a chart is drawn

    if column not in table.columns:
        return np.empty(0)
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=float)
    return values[np.isfinite(values)]


def _histogram(panel: Axes, name: str, series: Mapping[str, np.ndarray]) -> None:
    """Draw shares in bins of equal ratio: the first series filled, the others as lines."""
    series = {key: values[values > 0] for key, values in series.items()}
    every = np.concatenate(list(series.values()))
    if not len(every):
        panel.set_axis_off()
        return
    low, high = every.min(), every.max()
    edges = np.geomspace(low * 0.98, high * 1.02 if high > low else low * 1.1, 22)
    styles = ("-", "--", ":", "-.")
    for place, (key, values) in enumerate(series.items()):
        if len(values):
            heights = np.histogram(values, edges)[0] / len(values)
            fill = place == 0
            panel.stairs(
                heights,
                edges,
                fill=fill,
                color=OKABE_ITO[place],
                alpha=0.35 if fill else 1.0,
                label=plain_text(key),
                linestyle=styles[place % 4],
            )
    panel.set_xscale("log")
    panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * low else (1.0,)))
    panel.xaxis.set_major_formatter("{x:g}")
    panel.xaxis.set_minor_locator(NullLocator())
    _labels(panel, name, "share")
    plain_axes(panel)


def _labels(panel: Axes, across: str, up: str) -> None:
    """Name the axes, at places that are fixed: to find free ones measures every tick twice more."""
    panel.set_xlabel(across, fontsize=8)
    panel.set_ylabel(up, fontsize=8)
    box = panel.get_window_extent()
    panel.xaxis.set_label_coords(0.5, -0.24 * panel.figure.dpi / box.height)
    panel.yaxis.set_label_coords(-0.45 * panel.figure.dpi / box.width, 0.5)


def _rate(panel: Axes, own: pd.DataFrame) -> None:
    gps = own["gps"].to_numpy(dtype=float)
    ifo = own["ifo"].astype(str).to_numpy() if "ifo" in own.columns else np.full(len(own), "")
    first = np.nanmin(gps)
    days = (gps - first) / DAY
    span = max(1.0, np.nanmax(days))
    edges = np.linspace(0, span, int(min(60, max(10, span))) + 1)
    width = edges[1] - edges[0]
    bottom = np.zeros(len(edges) - 1)
    for place, name in enumerate(sorted(set(ifo.tolist()))):
        counts = np.histogram(days[(ifo == name) & np.isfinite(days)], edges)[0] / width
        colour = OKABE_ITO[place % len(OKABE_ITO)] if name else NOISE_LIGHT
        panel.stairs(
            bottom + counts,
            edges,
            baseline=bottom,
            fill=True,
            facecolor=colour,
            label=plain_text(name or "unknown"),
            hatch=("", "//", "..")[place % 3],
            edgecolor="white",
            linewidth=0.3,
        )
        bottom = bottom + counts
    _labels(panel, f"days since GPS {first:.0f}", "glitches a day")
    plain_axes(panel)
    panel.set_ylim(0, 1.25 * bottom.max())
    panel.legend(fontsize=7, frameon=False, ncols=3, loc="upper right")


def _origin(table: pd.DataFrame, row: int) -> str:
    return str(table["ifo"].iloc[row]) if "ifo" in table.columns else ""
