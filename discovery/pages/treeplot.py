"""A tree of nested groups as inline SVG: each group a bar along the log density at which it is one group, as thick as it is large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from discovery.pages.axes import Axes, round_ticks
from discovery.pages.page import markup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

LINE = 30
"""Height of a group that has no parts, in units of the picture."""
_THICKEST, _THINNEST = 20.0, 3.0
_WIDTH, _NAMES, _TOP, _FOOT = 560, 130, 8, 44


@dataclass(frozen=True)
class Limb:
    """One group of the tree.

    Attributes
    ----------
    name, parent : str
        Its name and that of the group around it; empty for the root.
    size : int
    low, high : float
        Ends of the bar, at most those of its parts.
    """

    name: str
    parent: str
    size: int
    low: float
    high: float


def tree_svg(limbs: Sequence[Limb], *, across: str, title: str) -> Markup:
    """Draw a tree, the root on the left.

    Parameters
    ----------
    limbs : sequence of Limb
        Each before its parts, the root first.
    across : str
        Name of the axis.
    title : str
        For those who cannot see it.

    Returns
    -------
    Markup
        ``<svg class="tree">``; the thickness of a bar goes with the square root of the size.
    """
    parts: dict[str, list[str]] = {limb.name: [] for limb in limbs}
    for limb in limbs:
        if limb.parent:
            parts[limb.parent].append(limb.name)
    lines = _lines(limbs, parts)
    leaves = sum(not own for own in parts.values())
    axes = Axes(_WIDTH, _TOP + leaves * LINE + _FOOT, 14, _NAMES, _TOP, _FOOT)
    end = max(limb.high for limb in limbs) or 1.0
    largest = max(limb.size for limb in limbs)
    drawn = [axes.grid(across, "", round_ticks(0.0, end, "{:g}".format), ())]
    for limb in limbs:
        x, right, y = axes.x(limb.low / end), axes.x(limb.high / end), _TOP + lines[limb.name] * LINE
        drawn += [
            markup('<line class="fork" x1="{x:.1f}" y1="{y:.1f}" x2="{x:.1f}" y2="{to:.1f}"/>', x=right, y=y, to=_TOP + lines[part] * LINE)
            for part in parts[limb.name]
        ]  # fmt: skip
        thick = max(_THINNEST, _THICKEST * (limb.size / largest) ** 0.5)
        bar = '<rect class="limb" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{thick:.1f}" rx="1.5"><title>{name}: {size} glitches</title></rect>'
        drawn.append(markup(bar, x=x, y=y - thick / 2, width=max(2.0, right - x), thick=thick, name=limb.name, size=f"{limb.size:,}"))  # fmt: skip
        if not parts[limb.name]:
            text = '<text x="{x:.1f}" y="{y:.1f}">{name} ({size})</text>'
            drawn.append(markup(text, x=right + 8, y=y + 4, name=limb.name, size=f"{limb.size:,}"))
    return axes.svg("tree", title, drawn)


def _lines(limbs: Sequence[Limb], parts: dict[str, list[str]]) -> dict[str, float]:
    """Return the height of each limb in lines: groups without parts one below the other in the order of the tree, others amid their parts."""
    found: dict[str, float] = {}
    waiting = [limb.name for limb in limbs if not limb.parent][::-1]
    next_line = 0.5
    while waiting:  # depth first, each part before its next sibling
        name = waiting.pop()
        if not parts[name]:
            found[name] = next_line
            next_line += 1.0
        waiting += parts[name][::-1]
    for limb in reversed(limbs):
        if parts[limb.name]:
            found[limb.name] = sum(found[part] for part in parts[limb.name]) / len(parts[limb.name])
    return found
