"""Curves with intervals on linear or logarithmic axes, as inline SVG; see `discovery.pages.plots` for their colours and legends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from discovery.pages.axes import Axes, round_ticks
from discovery.pages.page import markup
from discovery.pages.plots import MAX_SERIES, Point, line_with_points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from markupsafe import Markup

_AXES = Axes(520, 400, 62, 14, 14, 48)
_MOST_TICKS = 8
"""Decades of an axis that have a number."""


@dataclass(frozen=True)
class Scale:
    """One axis of a plot.

    Attributes
    ----------
    name : str
        What it shows, with its unit.
    low, high : float
        Its ends; of a logarithmic one both are positive.
    log : bool
    form : callable
        Writes a number of the axis.
    """

    name: str
    low: float
    high: float
    log: bool = False
    form: Callable[[float], str] = "{:g}".format

    def at(self, value: float) -> float:
        """Place of a value, as a share of the axis; values beyond an end are at it."""
        low, high = self.low, self.high
        if self.log:
            value, low, high = (math.log10(max(number, self.low)) for number in (value, low, high))
        return min(1.0, max(0.0, (value - low) / ((high - low) or 1.0)))

    def ticks(self) -> list[tuple[float, str]]:
        """Round numbers along the axis, or powers of ten."""
        if not self.log:
            return round_ticks(self.low, self.high, self.form)
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        step = max(1, math.ceil((last - first + 1) / _MOST_TICKS))
        return [(self.at(10.0**power), self.form(10.0**power)) for power in range(first, last + 1, step)]


@dataclass(frozen=True)
class Curve:
    """One curve.

    Attributes
    ----------
    points : sequence of (x, y)
    ends : sequence of (low, high), optional
        Intervals of y, drawn as a band.
    dots : sequence of (x, y, low, high, title), optional
        Points with whiskers, such as the curve's values at round numbers.
    """

    points: Sequence[tuple[float, float]]
    ends: Sequence[tuple[float, float]] = ()
    dots: Sequence[tuple[float, float, float, float, str]] = ()


def curves_svg(curves: Mapping[str, Curve], across: Scale, up: Scale, *, title: str) -> Markup:
    """Draw curves.

    Parameters
    ----------
    curves : mapping of str to Curve
        At most `MAX_SERIES` are drawn, the first in front.
    across, up : Scale
    title : str
        For those who cannot see the plot.

    Returns
    -------
    Markup
        ``<svg>``.
    """
    parts = [_AXES.grid(across.name, up.name, across.ticks(), up.ticks())]
    for place, (name, curve) in reversed(list(enumerate(list(curves.items())[:MAX_SERIES]))):
        xs = [across.at(x) for x, _ in curve.points]
        if curve.ends:
            band = [(x, up.at(high)) for x, (_, high) in zip(xs, curve.ends, strict=True)]
            band += [(x, up.at(low)) for x, (low, _) in reversed(list(zip(xs, curve.ends, strict=True)))]
            parts.append(
                markup('<polygon class="band s{place}" points="{points}"/>', place=place, points=_AXES.points(band))
            )
        line = [(x, up.at(y)) for x, (_, y) in zip(xs, curve.points, strict=True)]
        parts.append(
            markup(
                '<polyline class="line s{place}" points="{points}"><title>{name}</title></polyline>',
                place=place,
                points=_AXES.points(line),
                name=name,
            )
        )
        dots = [
            Point(x=across.at(x), y=up.at(y), ends=(up.at(low), up.at(high)), title=f"{name}: {text}", radius=3.5)
            for x, y, low, high, text in curve.dots
        ]
        if dots:
            drawn = line_with_points(_AXES, dots, line="unseen", series=f"s{place}")
            parts.append(drawn)
    return _AXES.svg("plot", title, parts)


def power_of_ten(value: float) -> str:
    """Write a power of ten, small and large ones as 1e-4.

    Examples
    --------
    >>> power_of_ten(0.01), power_of_ten(1e-4), power_of_ten(1000.0), power_of_ten(1e5)
    ('0.01', '1e-4', '1,000', '1e5')
    """
    power = round(math.log10(value))
    if -2 <= power <= 0:
        return f"{value:g}"
    return f"{value:,.0f}" if 0 < power < 4 else f"1e{power}"
