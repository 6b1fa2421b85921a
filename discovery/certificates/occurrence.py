"""In which detectors, observing runs and days the glitches of a group occurred."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import betainc

from discovery.pages.gpstime import utc
from embed.digits import significant
from embed.gravityspy import ERAS

if TYPE_CHECKING:
    from embed.types import Rows

ONE_DAY_SHARE = 0.9
"""Share of members on one day from which a cluster is an episode, if the other glitches are spread over more days."""
LEAST_DAYS = 5
"""Days with glitches without which a single day says nothing."""
LEAST_TIMES = 8
"""Known times without which it says nothing either."""
MOSTLY = 0.95
"""Share of members in one detector from which a cluster may be one of that detector."""
COMPARABLE = 0.2
"""Share of the label's glitches that the other detectors must have: else they hardly observed."""
CHANCE = 1e-3
"""Of so many members in one detector, below which it is said."""


@dataclass(frozen=True)
class Occurrence:
    """When and where.

    Attributes
    ----------
    detectors, runs : list of (str, int)
        With their numbers of glitches, the most frequent first; unknown ones are left out.
    times : int
        Glitches of known time.
    days : int
        Days (UTC) on which they occurred.
    busiest_day : str
        The day with the most; empty where no time is known.
    busiest_share : float or None
        Its share of the known times.
    """

    detectors: list[tuple[str, int]]
    runs: list[tuple[str, int]]
    times: int
    days: int
    busiest_day: str
    busiest_share: float | None

    def text(self, name: str) -> str:
        """Return the detectors or the runs with their numbers, as one cell."""
        return "; ".join(f"{key}: {count}" for key, count in getattr(self, name))

    def is_one_day(self, whole: Occurrence) -> bool:
        """Whether nearly all glitches are of one day, though those of the whole label are spread over more."""
        return (
            self.times >= LEAST_TIMES
            and whole.days >= LEAST_DAYS
            and self.busiest_share is not None
            and self.busiest_share >= ONE_DAY_SHARE
            and whole.busiest_share is not None
            and whole.busiest_share < ONE_DAY_SHARE
        )

    @property
    def commonest(self) -> tuple[str, float] | None:
        """The detector with the most glitches, and its share of those of known detector."""
        return (self.detectors[0][0], self.share(self.detectors[0][0])) if self.detectors else None

    def share(self, detector: str) -> float:
        """Return a detector's share of the glitches of known detector; there is one at least."""
        return dict(self.detectors).get(detector, 0) / sum(count for _, count in self.detectors)

    def detector_chance(self, whole: Occurrence) -> float | None:
        """Return the chance of at least so many glitches of the commonest detector, had each the whole label's share of it (binomial).

        None where the label is of one detector, or none is known.
        """
        if not self.detectors or len(whole.detectors) < 2:
            return None
        name, count = self.detectors[0]
        known = sum(number for _, number in self.detectors)
        return float(betainc(count, known - count + 1, whole.share(name)))

    def one_detector(self, whole: Occurrence) -> str:
        """Say that the glitches are of one detector, as "in L1 alone"; empty where chance explains it or the others have few of the label."""
        chance = self.detector_chance(whole)
        if chance is None or chance >= CHANCE or self.commonest is None:
            return ""
        name, share = self.commonest
        if share < MOSTLY or whole.share(name) > 1 - COMPARABLE:
            return ""
        return f"in {name} alone" if share == 1 else f"nearly all in {name}"

    def remarks(self, whole: Occurrence) -> list[str]:
        """Return sentences on what stands out beside the whole label."""
        said = []
        if self.is_one_day(whole) and self.busiest_share is not None:
            said.append(
                f"{100 * self.busiest_share:.0f} % of the members are of {self.busiest_day}: one episode, perhaps not a lasting class."
            )
        chance = self.detector_chance(whole)
        if chance is not None and self.commonest is not None and self.commonest[1] >= MOSTLY:
            name, share = self.commonest
            said.append(
                f"{100 * share:.0f} % of the members are of {name}, and {100 * whole.share(name):.0f} % of the whole label: "
                f"chance {significant(chance, 1)} if both had the same share. There are classes of one detector, so this is no reason for or against."
            )
        return said


def occurrence(ifo: Any, gps: Any, members: Rows) -> Occurrence:  # noqa: ANN401 - columns of a table, or None
    """Count the detectors, runs and days of some glitches.

    Parameters
    ----------
    ifo : array_like of str, shape (N,), or None
        Detectors; empty where unknown.
    gps : array_like of float, shape (N,), or None
        GPS seconds; NaN where unknown.
    members : ndarray of int64
        The rows to count.
    """
    detectors = [] if ifo is None else [str(name) for name in np.asarray(ifo, object)[members] if name]
    times = np.empty(0) if gps is None else np.asarray(gps, float)[members]
    times = times[np.isfinite(times) & (times >= 0)]
    runs = [name for time in times for name, (start, end) in ERAS.items() if start <= time < end]
    days = _ordered([utc(time)[:10] for time in times])
    day, most = days[0] if days else ("", 0)
    return Occurrence(
        _ordered(detectors), _ordered(runs), len(times), len(days), day, most / len(times) if len(times) else None
    )


def _ordered(values: list[str]) -> list[tuple[str, int]]:
    return sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
