"""The charts of an audit as inline SVG in the page's own colours: calibration, convergence, evidence.

They read without colour too: series differ by dash and by the shape of their points, and every point gives its numbers in a title.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from discovery.pages.axes import Axes, round_ticks
from discovery.pages.page import markup
from discovery.pages.plots import Point, diagonal, line_with_points
from embed.metrics.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from audit.heldout.stopping import Stability
    from embed.types import Floats

_AXES = Axes(360, 290, 48, 12, 10, 42)
_FIFTHS = [(part / 5, f"{part / 5:g}") for part in range(6)]
_BAR = 24
"""Height of a bar's line."""
_NAMES = 168
"""Width of the column of names."""


def calibration_svg(reliability: Floats) -> Markup:
    """Draw the share of planted errors against the probability stated, with Wilson's intervals.

    Parameters
    ----------
    reliability : ndarray of float64, shape (bins, 3)
        See `audit.result.AuditResult`.
    """
    points = [
        Point(
            x=p,
            y=share,
            ends=tuple(wilson(share * count, count).tolist()),
            title=f"{int(count):,} rows of planted labellings, stated {p:.3f}, wrong {100 * share:.1f} %",
            radius=4.2,
        )
        for p, share, count in reliability.tolist()
    ]
    grid = _AXES.grid("p_wrong stated", "share that was wrong", _FIFTHS, _FIFTHS)
    parts = [grid, diagonal(_AXES), line_with_points(_AXES, points, line="first")]
    return _AXES.svg("chart", "Calibration: share of planted errors against the stated probability", parts)


def convergence_svg(curve: Sequence[Stability], enough: tuple[float, float]) -> Markup:
    """Draw the ranking's stability against the splits run.

    Parameters
    ----------
    curve : sequence of Stability
    enough : tuple of float
        Correlation and overlap at which the audit stops.
    """
    most = max((point.splits for point in curve), default=1)
    parts = [_AXES.grid("splits run", "stability", round_ticks(0.0, most, "{:.0f}".format, whole=True), _FIFTHS)]
    for kind, what, values, level in (
        ("first", "rank correlation", [point.correlation for point in curve], enough[0]),
        ("second", "head of the list", [point.overlap for point in curve], enough[1]),
    ):
        points = [(point.splits / most, value) for point, value in zip(curve, values, strict=True)]
        parts.append(markup('<line class="ideal" {ends}/>', ends=_AXES.ends((0, level), (1, level))))
        parts.append(markup('<polyline class="{kind}" points="{line}"/>', kind=kind, line=_AXES.points(points)))
        for (x, value), point in zip(points, curve, strict=True):
            title = f"after {point.splits} splits, {what} {value:.3f}"
            parts.append(_dot(x, value, title) if kind == "first" else _square(x, value, title))
    return _AXES.svg("chart", "Convergence: stability of the ranking against the splits run", parts)


def _dot(x: float, y: float, title: str) -> Markup:
    source = '<circle class="dot" {at} r="4"><title>{title}</title></circle>'
    return markup(source, at=_AXES.at(x, y), title=title)


def _square(x: float, y: float, title: str) -> Markup:
    source = '<rect class="square" x="{x:.1f}" y="{y:.1f}" width="8" height="8"><title>{title}</title></rect>'
    return markup(source, x=_AXES.x(x) - 4, y=_AXES.y(y) - 4, title=title)


def evidence_svg(evidence: Mapping[str, float]) -> Markup:
    """Draw the average precision of each score on the planted errors as bars, the best first."""
    items = sorted(evidence.items(), key=lambda item: (-item[1], item[0]))
    room = _AXES.width - _NAMES - 48
    lines = [
        markup(
            '<text class="name" x="{edge}" y="{foot}" text-anchor="end">{name}</text>'
            '<rect class="{kind}" x="{left}" y="{top}" width="{width:.1f}" height="13"/>'
            '<text x="{right:.1f}" y="{foot}">{value:.3f}</text>',
            edge=_NAMES - 8,
            left=_NAMES,
            top=_BAR * place + 6,
            foot=_BAR * place + 17,
            width=max(1.0, room * value),
            right=_NAMES + room * value + 6,
            kind="bar" if name == "combined" else "faint",
            name=name,
            value=value,
        )
        for place, (name, value) in enumerate(items)
    ]
    title = "Average precision of each score on the planted errors"
    return _AXES.svg("chart", title, lines, height=_BAR * len(items) + 6)


def share_svg(share: float) -> Markup:
    """Draw a share as a bar."""
    return markup(
        '<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="bar" width="{width:.1f}" height="10"/></svg>',
        width=100 * share,
    )


def doubt_svg(low: float, value: float, high: float) -> Markup:
    """Draw a probability with its interval on a track from 0 to 1."""
    return markup(
        '<svg viewBox="0 0 104 10" aria-hidden="true"><rect class="track" x="2" y="4" width="100" height="2"/>'
        '<rect class="span" x="{left:.1f}" y="2.5" width="{width:.1f}" height="5"/>'
        '<circle class="point" cx="{centre:.1f}" cy="5" r="3.4"/></svg>',
        left=2 + 100 * low,
        width=max(1.0, 100 * (high - low)),
        centre=2 + 100 * value,
    )
