"""Line plots as inline SVG in the page's own colours, light and dark; sharp at any size, and readable without colour.

Each series has its own colour and dash (`series_css`), and a name in the plot's legend; the titles of points give their numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from discovery.pages.axes import Axes, percent, round_ticks
from discovery.pages.page import markup, rendered
from discovery.pages.palette import class_marks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embed.metrics.calibration import Reliability
    from embed.metrics.roc import RocCurve

MAX_SERIES = 12
"""Number of colours that can be distinguished; see `discovery.pages.palette`."""
_DASHES = ("none", "7 4", "2 3")
_AXES = Axes(520, 440, 56, 14, 14, 48)
_LOWEST = 1e-4
"""Of the logarithmic axis of false positives: what a study of ten thousand glitches can resolve."""


@dataclass(frozen=True)
class Point:
    """One point of a line plot, in shares of the axes.

    Attributes
    ----------
    x, y : float
    ends : tuple of float, optional
        The interval of y, drawn as a whisker.
    title : str
        Text that is shown while the pointer is over the point.
    radius : float
        In units of the picture.
    """

    x: float
    y: float
    title: str
    ends: tuple[float, float] | None = None
    radius: float = 4.0


def line_with_points(axes: Axes, points: Sequence[Point], *, line: str, series: str = "") -> Markup:
    """Draw a line through points, their whiskers, and a dot at each.

    Parameters
    ----------
    axes : Axes
    points : sequence of Point
    line : str
        Class of the line in the style sheet.
    series : str
        Class of the whiskers and dots besides their own.
    """
    also = f" {series}" if series else ""
    drawn = [markup('<polyline class="{line}" points="{points}"/>', line=line, points=axes.points([(p.x, p.y) for p in points]))]  # fmt: skip
    drawn += [
        markup('<line class="whisker{also}" {ends}/>', also=also, ends=axes.ends((p.x, p.ends[0]), (p.x, p.ends[1])))
        for p in points
        if p.ends is not None
    ]
    drawn += [
        markup(
            '<circle class="dot{also}" {at} r="{radius:.1f}"><title>{title}</title></circle>',
            also=also,
            at=axes.at(p.x, p.y),
            radius=p.radius,
            title=p.title,
        )
        for p in points
    ]
    return Markup().join(drawn)


def diagonal(axes: Axes) -> Markup:
    """Draw the line on which probabilities equal the share that is right."""
    return markup('<line class="ideal" {ends}/>', ends=axes.ends((0, 0), (1, 1)))


def series_css() -> Markup:
    """Style rules of the series: a colour for each ground, and a dash that changes every four."""
    marks = class_marks(MAX_SERIES)
    rules = [
        markup(
            ".s{place} {{ --series: {light}; stroke-dasharray: {dash}; }}",
            place=place,
            light=mark.light,
            dash=_DASHES[place // 4 % 3],
        )
        for place, mark in enumerate(marks)
    ]
    dark = [
        markup(".s{place} {{ --series: {dark}; }}", place=place, dark=mark.dark) for place, mark in enumerate(marks)
    ]
    return markup(
        "{rules}\n@media (prefers-color-scheme: dark) {{ {dark} }}",
        rules=Markup("\n").join(rules),
        dark=Markup(" ").join(dark),
    )


def reliability_svg(series: Mapping[str, Reliability]) -> Markup:
    """Draw accuracy against confidence, one line a model; on the diagonal a stated probability is the accuracy.

    Parameters
    ----------
    series : mapping of str to Reliability
        The first has its intervals drawn, the others are drawn behind it; at most `MAX_SERIES` are drawn.

    Returns
    -------
    Markup
        ``<svg>``.
    """
    ticks = round_ticks(0.0, 1.0, "{:.1f}".format)
    parts = [_AXES.grid("confidence (largest probability)", "accuracy", ticks, ticks), diagonal(_AXES)]
    for place, (name, found) in reversed(list(enumerate(list(series.items())[:MAX_SERIES]))):
        points = [
            Point(
                x=(x := float(found.confidence[i])),
                y=(y := float(found.accuracy[i])),
                ends=None if place else (float(found.interval[i, 0]), float(found.interval[i, 1])),
                title=f"{name}: {int(found.count[i]):,} glitches of mean confidence {x:.3f}, {100 * y:.1f} % right",
                radius=min(7.0, 2.2 + math.log10(int(found.count[i]))),
            )
            for i in np.flatnonzero(found.count)
        ]
        drawn = line_with_points(_AXES, points, line=f"line s{place}", series=f"s{place}")
        parts.append(markup('<g class="behind">{drawn}</g>', drawn=drawn) if place else drawn)
    return _AXES.svg("plot", "Reliability: accuracy against confidence", parts)


def roc_svg(curves: Mapping[str, RocCurve]) -> Markup:
    """Draw ROC curves with the false positives on a logarithmic axis, where good classifiers differ.

    Parameters
    ----------
    curves : mapping of str to RocCurve
        At most `MAX_SERIES` are drawn.

    Returns
    -------
    Markup
        ``<svg>``. Fewer than 1 in 10,000 false positives are drawn at the left edge; true positives begin just below the lowest curve.
    """
    drawn = list(curves.items())[:MAX_SERIES]
    floor = _floor([curve for _, curve in drawn])

    def at(value: float) -> float:
        return max(0.0, (value - floor) / (1 - floor))

    ticks = [(_log(10.0**power), _power_name(power)) for power in range(-4, 1)]
    up_ticks = round_ticks(floor, 1.0, "{:g}".format)
    parts = [_AXES.grid("false positives, share of the others (log)", "true positives", ticks, up_ticks)]
    chance = [(_log(value), at(value)) for value in np.logspace(-4, 0, 80).tolist() if value >= floor]
    parts.append(markup('<polyline class="ideal" points="{points}"/>', points=_AXES.points(chance)))
    for place, (name, curve) in enumerate(drawn):
        points = [(_log(x), at(y)) for x, y in zip(*_drawable(curve), strict=True)]
        parts.append(
            markup(
                '<polyline class="line s{place}" points="{points}"><title>{name}: area {area:.5f}</title></polyline>',
                place=place,
                points=_AXES.points(points),
                name=name,
                area=curve.area,
            )
        )
    return _AXES.svg("plot", "Receiver operating characteristic", parts)


def line_svg(
    series: Mapping[str, Sequence[tuple[float, float, float, float]]], *, across: str, up: str, title: str
) -> Markup:
    """Draw shares with their intervals against whole numbers.

    Parameters
    ----------
    series : mapping of str to sequence of (x, y, low, high)
        x from 0; the vertical axis spans what is drawn.
    across, up : str
        Names of the axes.
    title : str
        For those who cannot see the plot.

    Returns
    -------
    Markup
        ``<svg>``.
    """
    rows = [row for points in series.values() for row in points]
    right = max((row[0] for row in rows), default=1.0) or 1.0
    low = min((row[2] for row in rows), default=0.0)
    high = max((row[3] for row in rows), default=1.0)
    room = (high - low or 1.0) * 0.05
    low, high = max(0.0, low - room), min(1.0, high + room)

    def at(value: float) -> float:
        return (value - low) / (high - low or 1.0)

    ticks = round_ticks(0.0, right, "{:,.0f}".format, whole=True)
    parts = [_AXES.grid(across, up, ticks, round_ticks(low, high, percent))]
    for place, (name, values) in enumerate(list(series.items())[:MAX_SERIES]):
        points = [
            Point(
                x=x / right,
                y=at(y),
                ends=(at(bottom), at(top)),
                title=f"{name}, {x:,.0f}: {100 * y:.2f} % ({100 * bottom:.2f} to {100 * top:.2f} %)",
            )
            for x, y, bottom, top in values
        ]
        parts.append(line_with_points(_AXES, points, line=f"line s{place}", series=f"s{place}"))
    return _AXES.svg("plot", title, parts)


def legend(names: Mapping[str, str]) -> Markup:
    """List the series' names, each with its line as it is drawn and with the mapping's words about it."""
    drawn = list(names.items())[:MAX_SERIES]
    return rendered("pages/legend.html", names=drawn, more=len(names) - len(drawn))


def _floor(curves: Sequence[RocCurve]) -> float:
    """Return where the axis of true positives begins: a tenth below the lowest curve's start, at most 0.9, so that good ones part."""
    starts = [float(curve.true_positive[curve.false_positive <= _LOWEST].max()) for curve in curves]
    return min(0.9, max(0.0, math.floor(min(starts, default=0.0) * 10 - 1) / 10))


def _drawable(curve: RocCurve) -> tuple[list[float], list[float]]:
    """Return a curve's points for a logarithmic axis: slanted pieces, which bend there, are cut into short ones."""
    across, up = [float(curve.false_positive[0])], [float(curve.true_positive[0])]
    for x, y in zip(curve.false_positive[1:].tolist(), curve.true_positive[1:].tolist(), strict=True):
        if x > across[-1] and y > up[-1]:
            start, floor = across[-1], up[-1]
            steps = np.geomspace(max(start, _LOWEST / 10), max(x, _LOWEST), 12)[1:-1].tolist()
            inside = [step for step in steps if start < step < x]
            across += inside
            up += [floor + (y - floor) * (step - start) / (x - start) for step in inside]
        across.append(x)
        up.append(y)
    return across, up


def _log(value: float) -> float:
    """Return the place of a share of false positives on the axis, 0 to 1."""
    return 1 + math.log10(max(value, _LOWEST)) / 4


def _power_name(power: int) -> str:
    return "1" if power == 0 else f"{10.0**power:g}" if power > -4 else "≤ 0.0001"
