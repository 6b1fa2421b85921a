"""In which detectors, observing runs and days the glitches of a group occurred."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.pages.gpstime import utc
from embed.gravityspy import ERAS

if TYPE_CHECKING:
    from embed.types import Rows

ONE_DAY_SHARE = 0.9
"""Share of members on one day from which a cluster is an episode, if the other glitches are spread over more days."""
LEAST_DAYS = 5
"""Days with glitches without which a single day says nothing."""
LEAST_TIMES = 8
"""Known times without which it says nothing either."""


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

    def remarks(self, whole: Occurrence) -> list[str]:
        """Return sentences on what stands out beside the whole label."""
        said = []
        if self.is_one_day(whole) and self.busiest_share is not None:
            said.append(
                f"{100 * self.busiest_share:.0f} % of the members are of {self.busiest_day}: one episode, perhaps not a lasting class."
            )
        if len(self.detectors) == 1 and len(whole.detectors) > 1:
            said.append(f"All members of known detector are of {self.detectors[0][0]}.")
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
