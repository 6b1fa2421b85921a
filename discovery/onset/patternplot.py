"""Bursts by hour of the day and by weekday, as two small panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from discovery.pages.drawing import plain_axes
from discovery.pages.palette import OKABE_ITO
from embed.digits import significant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from discovery.onset.patterns import Pattern


def draw_patterns(panels: Sequence[Axes], hours: Pattern, weekdays: Pattern) -> None:
    """Draw the counts as bars, what is expected at a steady rate as a line, and the test's chance above.

    Parameters
    ----------
    panels : sequence of two Axes
        For hours and for weekdays.
    hours, weekdays : Pattern
    """
    quarters = [0.0, 6.0, 12.0, 18.0, 24.0]
    ticks = ((quarters, [f"{hour:g}" for hour in quarters]), ([day + 0.5 for day in range(7)], list("MTWTFSS")))
    for panel, pattern, (places, names) in zip(panels, (hours, weekdays), ticks, strict=True):
        edges = np.arange(len(pattern.counts) + 1)
        panel.stairs(pattern.counts, edges, fill=True, color=OKABE_ITO[0], alpha=0.55)
        panel.stairs(pattern.expected, edges, color="#555555", lw=0.9, ls="--", baseline=None)
        panel.set_title(chance_text(pattern.chance), fontsize=7, loc="left", pad=2)
        plain_axes(panel)
        panel.set_xticks(places, names)
        panel.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        panel.set_xlim(0, len(pattern.counts))
        panel.set_ylim(0, 1.1 * max(*pattern.counts, *pattern.expected))


def chance_text(chance: float | None) -> str:
    """Write the chance of a pattern at a steady rate, or that there are too few to test."""
    return "too few to test" if chance is None else f"chance {significant(chance, 1)}"
