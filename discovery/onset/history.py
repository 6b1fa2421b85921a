"""The history of a class: first and last seen, changes of its rate with intervals, and regularities, as a table, sentences and a figure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from discovery.onset.changes import Change, bursts, find_changes
from discovery.onset.livetime import DAY
from discovery.onset.patternplot import draw_patterns
from discovery.onset.patterns import Pattern, coincidences, hours_and_weekdays
from discovery.pages.drawing import chart, plain_axes, plain_text
from discovery.pages.gpstime import utc
from discovery.pages.palette import OKABE_ITO
from embed.digits import significant
from embed.plotstyle import own_style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from discovery.onset.livetime import Livetime

UNLIKELY = 1e-3
"""Chance below which a regularity or a coincidence is said."""
_BINS = 80


@dataclass(frozen=True)
class History:
    """When the glitches of a class occurred.

    Attributes
    ----------
    glitches, bursts : int
        Of known time; those within an hour after another count as one burst.
    first, last : float
        GPS seconds.
    changes : list of Change
    hours, weekdays : Pattern
        Bursts by hour of the day and by weekday.
    coincident : int
        Glitches of H1 that L1 saw too.
    coincident_expected, coincident_chance : float
        By chance, and the chance of at least so many.
    """

    glitches: int
    bursts: int
    first: float
    last: float
    changes: list[Change]
    hours: Pattern
    weekdays: Pattern
    coincident: int
    coincident_expected: float
    coincident_chance: float

    def sentences(self) -> list[str]:
        """Say it in words."""
        said = [f"First seen {utc(self.first)}, last {utc(self.last)}."]
        said.extend(_sentence(change) for change in self.changes)
        if self.coincident and self.coincident_chance < UNLIKELY:
            said.append(
                f"BOTH DETECTORS saw {self.coincident} of these at once ({significant(self.coincident_expected, 2)} expected by chance): "
                "this may be astrophysical, not a glitch class."
            )
        for name, pattern in (("hours of the day", self.hours), ("weekdays", self.weekdays)):
            if pattern.chance is not None and pattern.chance < UNLIKELY:
                said.append(f"Its {name} are uneven (chance {significant(pattern.chance, 1)} at a steady rate).")
        return said


def _sentence(change: Change) -> str:
    """Say when a rate changed; where that may be while nothing was recorded, that."""
    when, interval = f"on {utc(change.gps)[:10]}", f"90 % interval {utc(change.low)[:10]} to {utc(change.high)[:10]}"
    if change.pause is not None:
        first, last = (utc(time)[:10] for time in change.pause)
        if change.pause[0] < change.gps < change.pause[1]:
            when, interval = f"between {first} and {last}", f"nothing was recorded between; {interval}"
        else:
            interval += f"; nothing was recorded between {first} and {last}"
    rates = f"from {significant(change.before, 2)} to {significant(change.after, 2)} bursts a live day"
    return f"{'Onset or rise' if change.is_rise else 'End or fall'} {when} ({interval}): {rates}."


def history_of(gps: ArrayLike, ifo: ArrayLike, livetime: Livetime) -> History | None:
    """Describe when some glitches occurred; None where no time is known. Of a doubtful live time nothing is told that needs one.

    Parameters
    ----------
    gps : array_like of float, shape (N,)
        Seconds; NaN where unknown.
    ifo : array_like of str, shape (N,)
        Detectors.
    livetime : Livetime
    """
    times = np.asarray(gps, float)
    known = np.isfinite(times) & (times >= 0)
    times, names = times[known], np.asarray(ifo, object)[known]
    if not len(times):
        return None
    firsts = bursts(times, livetime)
    hours, weekdays = hours_and_weekdays(firsts, livetime)
    if livetime.caution:
        hours, weekdays = replace(hours, chance=None), replace(weekdays, chance=None)
    seen, expected, chance = coincidences(times, names, livetime)
    return History(
        glitches=len(times),
        bursts=len(firsts),
        first=float(times.min()),
        last=float(times.max()),
        changes=[] if livetime.caution else find_changes(times, livetime),
        hours=hours,
        weekdays=weekdays,
        coincident=seen,
        coincident_expected=expected,
        coincident_chance=chance,
    )


@own_style()
def timeline(
    times: Mapping[str, ArrayLike],
    histories: Mapping[str, History],
    livetime: Livetime,
    *,
    width: float = 11.0,
    row: float = 0.75,
) -> Figure:
    """Draw a row for each class: its rate by live time, the changes with their intervals, and its bursts by hour of the day and by weekday.

    Parameters
    ----------
    times : mapping of str to array_like of float
        GPS seconds of each class.
    histories : mapping of str to History
        Of the same classes, in the order drawn.
    livetime : Livetime
        Grey where nothing was recorded; rates are of all days where it is doubtful.
    width, row : float
        Inches: of the figure, and the height of a class.
    """
    rows = len(histories)
    figure = chart(width, row * rows + 0.9)
    grid = figure.subplots(rows, 3, sharex="col", squeeze=False, gridspec_kw={"width_ratios": (6.3, 2.4, 2.0)})
    panels = grid[:, 0]
    start, end = float(livetime.starts[0]), float(livetime.ends[-1])
    edges = np.linspace(start, end, _BINS + 1)
    told = not livetime.caution
    live = np.diff(livetime.elapsed(edges) if told else edges) / DAY
    for (panel, *beside), (name, history) in zip(grid, histories.items(), strict=True):
        counts = np.histogram(np.asarray(times[name], float), edges)[0]
        rate = np.divide(counts, live, out=np.zeros(_BINS), where=live > 0.05 * (edges[1] - edges[0]) / DAY)
        days = (edges - start) / DAY
        panel.stairs(rate, days, fill=True, color=OKABE_ITO[0], alpha=0.55)
        for pause_start, pause_end in zip(livetime.ends[:-1], livetime.starts[1:], strict=True):
            if told and pause_end - pause_start > DAY / 2:
                panel.axvspan((pause_start - start) / DAY, (pause_end - start) / DAY, color="#eeeeea", lw=0)
        for change in history.changes:
            panel.axvspan((change.low - start) / DAY, (change.high - start) / DAY, color=OKABE_ITO[3], alpha=0.25, lw=0)
            panel.axvline((change.gps - start) / DAY, color=OKABE_ITO[3], lw=1.2, ls="-" if change.is_rise else "--")
        panel.set_title(plain_text(f"{name} ({history.glitches:,})"), fontsize=8, loc="left", pad=2)
        plain_axes(panel)
        panel.set_xlim(0, (end - start) / DAY)
        draw_patterns(beside, history.hours, history.weekdays)
    panels[-1].set_xlabel(
        f"days since {utc(start)[:10]}; glitches a "
        + ("live day\nlines: rises (solid) and falls (dashed) with 90 % intervals" if told else "day"),
        fontsize=8,
    )
    for panel, name in zip(grid[-1, 1:], ("bursts by hour (UTC)\ndashed: at a steady rate", "by weekday"), strict=True):
        panel.set_xlabel(name, fontsize=8)
    return figure
