"""Maps of glitches for papers: points in two or three dimensions, coloured by class or by a number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm, Normalize
from matplotlib.lines import Line2D

from discovery.figures.files import DOUBLE
from discovery.pages.columns import classes, column_kind
from discovery.pages.drawing import chart, plain_text
from embed.plotstyle import own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from discovery.pages.palette import Mark
    from embed.types import Floats, Vectors

Panel = Any
"""Flat or solid axes, whose scatters take other arguments."""
MARKERS = {
    "circle": "o",
    "diamond": "D",
    "square": "s",
    "cross": "P",
    "diamond-open": "D",
    "square-open": "s",
    "circle-open": "o",
}
"""The palette's symbols as matplotlib's; open ones are not filled."""
MANY = 3000
"""Points from which SVG and PDF hold the points as a picture: files stay small."""
_CLIPPED = (1.0, 99.0)
"""Percentiles at which a scale of numbers ends."""
_WIDE = 30.0
"""Ratio of these ends from which the scale is logarithmic."""
_ROWS = 34
"""Lines of a column of the legend."""


@own_style()
def map_figure(points: Vectors, column: pd.Series, *, method: str) -> Figure:
    """Draw a map.

    Parameters
    ----------
    points : ndarray of float, shape (N, 2) or (N, 3)
    column : Series, length N
        What the colours show: classes get the palette's colours and marker shapes, numbers a scale, logarithmic where they span
        a wide range, that ends at the 1st and 99th percentile.
    method : str
        Of the projection, for the names of the axes.

    Returns
    -------
    Figure
        Two columns wide.
    """
    figure = chart(DOUBLE, 4.9)
    figure.set_layout_engine("none")
    solid = points.shape[1] == 3
    place = (0.0, 0.01, 0.64, 0.98) if solid else (0.06, 0.09, 0.58, 0.88)
    panel: Panel = figure.add_axes(place, projection="3d" if solid else None)
    name = str(column.name)
    if column_kind(name, column) == "number":
        _draw_numbers(figure, panel, points, column)
    else:
        _draw_classes(figure, panel, points, column)
    axes = (panel.xaxis, panel.yaxis, *([panel.zaxis] if solid else []))
    for number, axis in enumerate(axes, 1):
        axis.set_label_text(f"{method} {number}", fontsize=8)
        axis.set_ticklabels([])
        if solid:
            axis.labelpad = -12
            axis.set_pane_color((1, 1, 1, 0))
    panel.tick_params(length=0)
    if solid:
        panel.set_box_aspect(np.maximum(np.ptp(points, axis=0), 1e-6), zoom=1.1)
        panel.view_init(*_viewpoint(points))
        panel.grid(visible=False)
    else:
        panel.set_aspect("equal", adjustable="datalim")
    return figure


def _draw_classes(figure: Figure, panel: Panel, points: Vectors, column: pd.Series) -> None:
    """Draw the classes, the largest first and therefore behind, and their legend beside the map."""
    coded = classes(column.name, column)
    group = coded.group_of[coded.codes]
    size = _size(len(points))
    order = sorted(range(len(coded.groups)), key=lambda place: (coded.groups[place].name != "noise", -coded.groups[place].count))  # fmt: skip
    for place in order:
        own = points[group == place]
        style = _style(coded.groups[place].mark)
        shade = {"depthshade": False} if points.shape[1] == 3 else {}
        panel.scatter(*own.T, s=size, linewidths=0.5, rasterized=len(points) > MANY, **style, **shade)
    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=MARKERS[own.mark.symbol],
            markersize=4,
            markeredgewidth=0.7,
            markerfacecolor="none" if own.mark.symbol.endswith("open") else own.mark.light,
            markeredgecolor=own.mark.light,
        )
        for own in coded.groups
    ]
    names = [plain_text(f"{own.name} ({own.count:,})", 34) for own in coded.groups]
    figure.legend(
        handles,
        names,
        loc="upper left",
        bbox_to_anchor=(0.66, 0.98),
        ncols=math.ceil(len(names) / _ROWS),
        fontsize=6.5 if len(names) <= _ROWS else 4.5,
        frameon=False,
        borderaxespad=0,
        labelspacing=0.25,
        title=plain_text(column.name),
        title_fontsize=8,
        alignment="left",
    )


def _style(mark: Mark) -> dict[str, str]:
    hollow = mark.symbol.endswith("open")
    return {
        "marker": MARKERS[mark.symbol],
        "facecolors": "none" if hollow else mark.light,
        "edgecolors": mark.light if hollow else "none",
    }


def _draw_numbers(figure: Figure, panel: Panel, points: Vectors, column: pd.Series) -> None:
    """Draw numbers by colour, with a bar; points without a number are grey and hollow."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(float)
    known = np.isfinite(values)
    size, rasterized = _size(len(points)), len(points) > MANY
    if not known.all():
        panel.scatter(
            *points[~known].T, s=size, facecolors="none", edgecolors="#b0b0b0", linewidths=0.5, rasterized=rasterized
        )
    drawn = panel.scatter(
        *points[known].T, c=values[known], norm=_scale(values[known]), cmap="viridis", s=size, linewidths=0, rasterized=rasterized
    )  # fmt: skip
    bar = figure.colorbar(drawn, cax=figure.add_axes((0.70, 0.2, 0.025, 0.6)), extend="both")
    bar.set_label(plain_text(column.name), fontsize=8)
    bar.ax.tick_params(labelsize=7)


def _scale(values: Floats) -> Normalize:
    """Return a scale between percentiles; a logarithmic one where they are far apart."""
    if not len(values):
        return Normalize(0.0, 1.0)
    low, high = np.percentile(values, _CLIPPED)
    if low > 0 and high > _WIDE * low:
        return LogNorm(low, high, clip=True)
    return Normalize(low, high if high > low else low + 1.0, clip=True)


def _viewpoint(points: Vectors) -> tuple[float, float]:
    """Return the elevation and azimuth, degrees, from which the points are spread most: along their least variance."""
    x, y, z = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][-1].astype(float).tolist()
    if z < 0:
        x, y, z = -x, -y, -z
    return min(math.degrees(math.asin(min(z, 1.0))), 75.0), round(math.degrees(math.atan2(y, x)), 1)


def _size(count: int) -> float:
    """Return the area of a point, in square points."""
    return float(np.clip(9000 / max(count, 1), 1.5, 14))
