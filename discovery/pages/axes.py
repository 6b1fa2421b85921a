"""The two axes of an inline SVG plot: where a point lies, and the frame with its grid and names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from discovery.pages.page import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Ticks = Sequence[tuple[float, str]]


def round_ticks(
    low: float, high: float, name: Callable[[float], str], *, whole: bool = False
) -> list[tuple[float, str]]:
    """Round numbers along an axis from `low` to `high`, as shares of it, with their names.

    Parameters
    ----------
    low, high : float
    name : callable
        Writes a number.
    whole : bool
        Whole numbers only.
    """
    values = MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=whole).tick_values(low, high)
    room = 1e-9 * (high - low)
    return [
        ((value - low) / (high - low), name(value))
        for value in map(float, values)
        if low - room <= value <= high + room
    ]


def percent(value: float) -> str:
    """Write a share as per cent, with as many decimals as it takes and four at most."""
    return f"{round(100 * value, 4):g}%"


@dataclass(frozen=True)
class Axes:
    """A plot's place on its picture; points are given as shares of the axes, 0 to 1.

    Attributes
    ----------
    width, height : int
        Of the picture, in its own units.
    left, right, top, bottom : int
        Room around the plot.
    """

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int

    def x(self, share: float) -> float:
        """Place on the picture of a share of the horizontal axis."""
        return self.left + float(share) * (self.width - self.left - self.right)

    def y(self, share: float) -> float:
        """Place on the picture of a share of the vertical axis, which points up."""
        return self.height - self.bottom - float(share) * (self.height - self.top - self.bottom)

    def points(self, points: Sequence[tuple[float, float]]) -> str:
        """Write points for ``<polyline points="...">``."""
        return " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)

    def ends(self, x1: float, y1: float, x2: float, y2: float) -> str:
        """Write the two ends of a ``<line>`` as its attributes."""
        return f'x1="{self.x(x1):.1f}" y1="{self.y(y1):.1f}" x2="{self.x(x2):.1f}" y2="{self.y(y2):.1f}"'

    def at(self, x: float, y: float) -> str:
        """Write the centre of a ``<circle>`` as its attributes."""
        return f'cx="{self.x(x):.1f}" cy="{self.y(y):.1f}"'

    def frame(self, across: str, up: str, across_ticks: Ticks, up_ticks: Ticks) -> str:
        """Draw the grid, its numbers and the names of the axes."""
        lines = [
            f'<line class="grid" {self.ends(place, 0, place, 1)}/><text x="{self.x(place):.1f}" y="{self.y(0) + 17:.1f}" text-anchor="middle">{escaped(name)}</text>'
            for place, name in across_ticks
        ]
        lines += [
            f'<line class="grid" {self.ends(0, place, 1, place)}/><text x="{self.x(0) - 7:.1f}" y="{self.y(place) + 4:.1f}" text-anchor="end">{escaped(name)}</text>'
            for place, name in up_ticks
        ]
        centre, middle = (self.x(0) + self.x(1)) / 2, (self.y(0) + self.y(1)) / 2
        lines.append(
            f'<text class="axis" x="{centre:.1f}" y="{self.height - 9}" text-anchor="middle">{escaped(across)}</text>'
            f'<text class="axis" transform="translate(12 {middle:.1f}) rotate(-90)" text-anchor="middle">{escaped(up)}</text>'
        )
        return "".join(lines)


def svg(kind: str, title: str, parts: Sequence[str], width: int, height: int) -> str:
    """Wrap drawn parts; `kind` is the picture's style, `title` is for those who cannot see it."""
    return (
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" role="img" aria-label="{escaped(title)}"><title>{escaped(title)}</title>'
        + "".join(parts)
        + "</svg>"
    )
