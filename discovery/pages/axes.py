"""The two axes of an inline SVG plot: the place of a point, and the grid with its numbers and names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from discovery.pages.page import markup

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
    """Write a share as per cent, with the decimals that it has, four at most."""
    return f"{round(100 * value, 4):g} %"


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
        """Return the place on the picture of a share of the horizontal axis."""
        return self.left + float(share) * (self.width - self.left - self.right)

    def y(self, share: float) -> float:
        """Return the place on the picture of a share of the vertical axis, which points up."""
        return self.height - self.bottom - float(share) * (self.height - self.top - self.bottom)

    def points(self, points: Sequence[tuple[float, float]]) -> str:
        """Write points for ``<polyline points="...">``."""
        return " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)

    def ends(self, start: tuple[float, float], end: tuple[float, float]) -> Markup:
        """Write the two ends of a ``<line>`` as its attributes."""
        (x1, y1), (x2, y2) = start, end
        return markup(
            'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"',
            x1=self.x(x1),
            y1=self.y(y1),
            x2=self.x(x2),
            y2=self.y(y2),
        )

    def at(self, x: float, y: float) -> Markup:
        """Write the centre of a ``<circle>`` as its attributes."""
        return markup('cx="{x:.1f}" cy="{y:.1f}"', x=self.x(x), y=self.y(y))

    def grid(self, across: str, up: str, across_ticks: Ticks, up_ticks: Ticks) -> Markup:
        """Draw the grid, its numbers and the names of the axes."""
        lines = [
            markup(
                '<line class="grid" {ends}/><text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{name}</text>',
                ends=self.ends((place, 0), (place, 1)),
                x=self.x(place),
                y=self.y(0) + 17,
                name=name,
            )
            for place, name in across_ticks
        ]
        lines += [
            markup(
                '<line class="grid" {ends}/><text x="{x:.1f}" y="{y:.1f}" text-anchor="end">{name}</text>',
                ends=self.ends((0, place), (1, place)),
                x=self.x(0) - 7,
                y=self.y(place) + 4,
                name=name,
            )
            for place, name in up_ticks
        ]
        names = markup(
            '<text class="axis" x="{centre:.1f}" y="{foot}" text-anchor="middle">{across}</text>'
            '<text class="axis" transform="translate(12 {middle:.1f}) rotate(-90)" text-anchor="middle">{up}</text>',
            centre=(self.x(0) + self.x(1)) / 2,
            middle=(self.y(0) + self.y(1)) / 2,
            foot=self.height - 9,
            across=across,
            up=up,
        )
        return Markup().join([*lines, names])

    def svg(self, kind: str, title: str, parts: Sequence[Markup], *, height: int | None = None) -> Markup:
        """Wrap drawn parts as a picture of the axes' size.

        Parameters
        ----------
        kind : str
            The picture's class in the style sheet.
        title : str
            For those who cannot see it.
        parts : sequence of Markup
        height : int, optional
            Another height than the axes'.
        """
        return markup(
            '<svg class="{kind}" viewBox="0 0 {width} {height}" role="img" aria-label="{title}"><title>{title}</title>{parts}</svg>',
            kind=kind,
            title=title,
            width=self.width,
            height=self.height if height is None else height,
            parts=Markup().join(parts),
        )
