"""Line plots as inline SVG: drawn by the page's own colours, light and dark, sharp at any size, and readable without colour.

A series has a colour and a dash of its own (`SERIES_CSS`), and a name that the plot's legend gives; titles of points say their numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from discovery.pages.axes import Axes, percent, round_ticks, svg
from discovery.pages.page import escaped
from discovery.pages.palette import class_marks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embed.metrics.calibration import Reliability
    from embed.metrics.roc import RocCurve

MAX_SERIES = 12
"""As many as there are colours that stay apart; `discovery.pages.palette`."""
_DASHES = ("none", "7 4", "2 3")
_AXES = Axes(520, 440, 56, 14, 14, 48)
_LOWEST = 1e-4
"""Of the logarithmic axis of false positives: what a study of ten thousand glitches can resolve."""


def series_css() -> str:
    """Style rules of the series: a colour for each ground, and a dash that changes every four."""
    marks = class_marks(MAX_SERIES)
    rules = [
        f".s{i} {{ --series: {mark.light}; stroke-dasharray: {_DASHES[i // 4 % 3]}; }}" for i, mark in enumerate(marks)
    ]
    dark = " ".join(f".s{i} {{ --series: {mark.dark}; }}" for i, mark in enumerate(marks))
    return "\n".join([*rules, f"@media (prefers-color-scheme: dark) {{ {dark} }}"])


def reliability_svg(series: Mapping[str, Reliability]) -> str:
    """Draw accuracy against confidence, one line a model; the diagonal is a model whose probabilities mean what they say.

    Parameters
    ----------
    series : mapping of str to Reliability
        The first has its intervals drawn, the others stand behind it; at most `MAX_SERIES` are drawn.

    Returns
    -------
    str
        ``<svg>``.
    """
    ticks = round_ticks(0.0, 1.0, "{:.1f}".format)
    parts = [_AXES.frame("confidence (largest probability)", "accuracy", ticks, ticks)]
    parts.append(f'<line class="ideal" {_AXES.ends(0, 0, 1, 1)}/>')
    drawn = list(enumerate(list(series.items())[:MAX_SERIES]))
    for place, (name, found) in reversed(drawn):
        filled = np.flatnonzero(found.count)
        points = [(float(found.confidence[i]), float(found.accuracy[i])) for i in filled]
        marks = []
        if place == 0:
            marks += [
                f'<line class="whisker s0" {_AXES.ends(found.confidence[i], found.interval[i, 0], found.confidence[i], found.interval[i, 1])}/>'
                for i in filled
            ]
        marks += [
            f'<circle class="dot s{place}" {_AXES.at(x, y)} r="{_radius(int(found.count[i])):.1f}"><title>{escaped(name)}: '
            f"{int(found.count[i]):,} glitches of mean confidence {x:.3f}, {y:.1%} right</title></circle>"
            for i, (x, y) in zip(filled, points, strict=True)
        ]
        line = f'<polyline class="line s{place}" points="{_AXES.points(points)}"/>' + "".join(marks)
        parts.append(f'<g class="behind">{line}</g>' if place else line)
    return svg("plot", "Reliability: accuracy against confidence", parts, _AXES.width, _AXES.height)


def roc_svg(curves: Mapping[str, RocCurve]) -> str:
    """Draw ROC curves with the false positives on a logarithmic axis, where good classifiers differ.

    Parameters
    ----------
    curves : mapping of str to RocCurve
        At most `MAX_SERIES` are drawn.

    Returns
    -------
    str
        ``<svg>``. What lies below 1 in 10,000 false positives is drawn at the left edge; true positives begin just below the lowest curve.
    """
    drawn = list(curves.items())[:MAX_SERIES]
    floor = _floor([curve for _, curve in drawn])

    def at(value: float) -> float:
        return max(0.0, (value - floor) / (1 - floor))

    ticks = [(_log(10.0**power), _power_name(power)) for power in range(-4, 1)]
    up_ticks = round_ticks(floor, 1.0, "{:g}".format)
    parts = [_AXES.frame("false positives, share of the others (log)", "true positives", ticks, up_ticks)]
    chance = [(_log(value), at(value)) for value in np.logspace(-4, 0, 80).tolist() if value >= floor]
    parts.append(f'<polyline class="ideal" points="{_AXES.points(chance)}"/>')
    for place, (name, curve) in enumerate(drawn):
        points = [(_log(x), at(y)) for x, y in zip(*_drawable(curve), strict=True)]
        parts.append(
            f'<polyline class="line s{place}" points="{_AXES.points(points)}"><title>{escaped(name)}: area {curve.area:.5f}</title></polyline>'
        )
    return svg("plot", "Receiver operating characteristic", parts, _AXES.width, _AXES.height)


def line_svg(
    series: Mapping[str, Sequence[tuple[float, float, float, float]]], *, across: str, up: str, title: str
) -> str:
    """Draw values with their intervals against whole numbers.

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
    str
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

    parts = [
        _AXES.frame(across, up, round_ticks(0.0, right, "{:,.0f}".format, whole=True), round_ticks(low, high, percent))
    ]
    for place, (name, points) in enumerate(list(series.items())[:MAX_SERIES]):
        line = _AXES.points([(x / right, at(y)) for x, y, _, _ in points])
        marks = "".join(
            f'<line class="whisker s{place}" {_AXES.ends(x / right, at(bottom), x / right, at(top))}/>'
            f'<circle class="dot s{place}" {_AXES.at(x / right, at(y))} r="4"><title>{escaped(name)}, {x:,.0f}: {y:.2%} ({bottom:.2%} to {top:.2%})</title></circle>'
            for x, y, bottom, top in points
        )
        parts.append(f'<polyline class="line s{place}" points="{line}"/>{marks}')
    return svg("plot", title, parts, _AXES.width, _AXES.height)


def legend(names: Mapping[str, str]) -> str:
    """List the series' names with a line as it is drawn, and beside each what the mapping says of it."""
    items = [
        f'<li><svg viewBox="0 0 28 8" aria-hidden="true"><line class="line s{place}" x1="1" y1="4" x2="27" y2="4"/></svg>'
        f"{escaped(name)} <small>{escaped(about)}</small></li>"
        for place, (name, about) in enumerate(list(names.items())[:MAX_SERIES])
    ]
    if len(names) > MAX_SERIES:
        items.append(f"<li><small>{len(names) - MAX_SERIES} more are not drawn</small></li>")
    return f'<ul class="plain legend">{"".join(items)}</ul>'


def _floor(curves: Sequence[RocCurve]) -> float:
    """Where the axis of true positives begins: a tenth below the lowest curve's start, at most 0.9, so that good ones part."""
    starts = [float(curve.true_positive[curve.false_positive <= _LOWEST].max()) for curve in curves]
    return min(0.9, max(0.0, math.floor(min(starts, default=0.0) * 10 - 1) / 10))


def _drawable(curve: RocCurve) -> tuple[list[float], list[float]]:
    """Points of a curve on a logarithmic axis: slanted pieces, which bend there, are cut into short ones."""
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
    """Place of a share of false positives on the axis, 0 to 1."""
    return 1 + math.log10(max(value, _LOWEST)) / 4


def _power_name(power: int) -> str:
    return "1" if power == 0 else f"{10.0**power:g}" if power > -4 else "≤ 0.0001"


def _radius(count: int) -> float:
    return min(7.0, 2.2 + math.log10(count))
