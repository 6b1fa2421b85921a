"""The charts of an audit as inline SVG in the page's own colours: calibration, convergence, evidence.

They read without colour too: series differ by dash and by the shape of their points, and every point says its numbers in a title.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from discovery.pages.axes import Axes, round_ticks, svg
from discovery.pages.page import escaped
from embed.metrics.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from audit.heldout.stopping import Stability

_AXES = Axes(360, 290, 48, 12, 10, 42)
_FIFTHS = [(part / 5, f"{part / 5:g}") for part in range(6)]
_BAR, _NAMES = 24, 168  # height of a bar's line and width of the names' column


def calibration_svg(reliability: NDArray[np.float64]) -> str:
    """Draw the share of planted errors against the probability stated, with Wilson's intervals.

    Parameters
    ----------
    reliability : ndarray, shape (bins, 3)
        See `audit.result.AuditResult`.
    """
    parts = [_AXES.frame("p_wrong stated", "share that was wrong", _FIFTHS, _FIFTHS)]
    parts.append(f'<line class="ideal" {_AXES.ends(0, 0, 1, 1)}/>')
    points = [(float(p), float(share), int(count)) for p, share, count in reliability]
    for p, share, count in points:
        low, high = wilson(share * count, count)
        parts.append(f'<line class="whisker" {_AXES.ends(p, low, p, high)}/>')
    parts.append(f'<polyline class="first" points="{_AXES.points([(p, share) for p, share, _ in points])}"/>')
    parts += [
        f'<circle class="dot" {_AXES.at(p, share)} r="4.2"><title>{count:,} rows of planted labellings, stated {p:.3f}, wrong {share:.1%}</title></circle>'
        for p, share, count in points
    ]
    return svg(
        "chart", "Calibration: share of planted errors against the stated probability", parts, _AXES.width, _AXES.height
    )


def convergence_svg(curve: Sequence[Stability], enough: tuple[float, float]) -> str:
    """Draw the ranking's stability against the splits run.

    Parameters
    ----------
    curve : sequence of Stability
    enough : tuple of float
        Correlation and overlap at which the audit stops.
    """
    most = max((point.splits for point in curve), default=1)
    parts = [_AXES.frame("splits run", "stability", round_ticks(0.0, most, "{:.0f}".format, whole=True), _FIFTHS)]
    for kind, shape, what, values, level in (
        ("first", "dot", "rank correlation", [point.correlation for point in curve], enough[0]),
        ("second", "square", "head of the list", [point.overlap for point in curve], enough[1]),
    ):
        points = [(point.splits / most, value) for point, value in zip(curve, values, strict=True)]
        parts.append(f'<line class="ideal" {_AXES.ends(0, level, 1, level)}/>')
        parts.append(f'<polyline class="{kind}" points="{_AXES.points(points)}"/>')
        for (x, value), point in zip(points, curve, strict=True):
            title = f"<title>after {point.splits} splits, {what} {value:.3f}</title>"
            parts.append(
                f'<circle class="dot" {_AXES.at(x, value)} r="4">{title}</circle>'
                if shape == "dot"
                else f'<rect class="square" x="{_AXES.x(x) - 4:.1f}" y="{_AXES.y(value) - 4:.1f}" width="8" height="8">{title}</rect>'
            )
    return svg(
        "chart", "Convergence: stability of the ranking against the splits run", parts, _AXES.width, _AXES.height
    )


def convergence_legend() -> str:
    """Name the two series as they are drawn."""
    marks = (
        (
            "first",
            '<circle class="dot" cx="16" cy="6" r="4"/>',
            "correlation of the ranking with one from as many new splits",
        ),
        (
            "second",
            '<rect class="square" x="12" y="2" width="8" height="8"/>',
            "share of the head of the ranking that both halves of the splits agree on",
        ),
    )
    items = "".join(
        f'<li><svg class="key" viewBox="0 0 32 12" aria-hidden="true"><line class="{kind}" x1="1" y1="6" x2="31" y2="6"/>{mark}</svg> {text}</li>'
        for kind, mark, text in marks
    )
    return f'<ul class="plain keys">{items}</ul>'


def evidence_svg(evidence: Mapping[str, float]) -> str:
    """Draw the average precision of each score on the planted errors as bars, the best first."""
    items = sorted(evidence.items(), key=lambda item: (-item[1], item[0]))
    height = _BAR * len(items) + 6
    room = _AXES.width - _NAMES - 48
    lines = [
        f'<text class="name" x="{_NAMES - 8}" y="{_BAR * place + 17}" text-anchor="end">{escaped(name)}</text>'
        f'<rect class="{"bar" if name == "combined" else "faint"}" x="{_NAMES}" y="{_BAR * place + 6}" width="{max(1.0, room * value):.1f}" height="13"/>'
        f'<text x="{_NAMES + room * value + 6:.1f}" y="{_BAR * place + 17}">{value:.3f}</text>'
        for place, (name, value) in enumerate(items)
    ]
    return svg("chart", "Average precision of each score on the planted errors", lines, _AXES.width, height)


def share_svg(share: float) -> str:
    """Draw a share as a bar."""
    return f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="bar" width="{100 * share:.1f}" height="10"/></svg>'


def doubt_svg(low: float, value: float, high: float) -> str:
    """Draw a probability with its interval on a track from 0 to 1."""
    return (
        '<svg viewBox="0 0 104 10" aria-hidden="true"><rect class="track" x="2" y="4" width="100" height="2"/>'
        f'<rect class="span" x="{2 + 100 * low:.1f}" y="2.5" width="{max(1.0, 100 * (high - low)):.1f}" height="5"/>'
        f'<circle class="point" cx="{2 + 100 * value:.1f}" cy="5" r="3.4"/></svg>'
    )
