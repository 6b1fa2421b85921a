"""Whether a cluster is of signals: how many of its members a detector calls one, beside the label's other glitches and known classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.stats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embed.types import Codes, Floats

CHIRP = "Chirp"
"""Gravity Spy's class of signals."""
MOSTLY = 0.5
"""Share of a cluster's members that are called signals from which it may be one of signals."""
RARE = 0.01
"""Chance below which its share differs from that of the label's other glitches (Fisher's exact test)."""


class Called(NamedTuple):
    """Of so many judged glitches so many were called a signal."""

    signals: int
    judged: int

    def __str__(self) -> str:
        return f"{self.signals} of {self.judged}"


@dataclass(frozen=True)
class SignalCounts:
    """What a detector calls a signal.

    Attributes
    ----------
    detector : str
    false_alarm : float
        Share of segments of noise that it would call a signal.
    members, others, chirps, known : Called
        Of the cluster; of the label's other glitches; of the class Chirp; of the other known classes.
    """

    detector: str
    false_alarm: float
    members: Called
    others: Called
    chirps: Called
    known: Called

    @property
    def chance(self) -> float:
        """Of a share among members as high as this if it were that of the label's other glitches: Fisher's exact test."""
        table = [[own.signals, own.judged - own.signals] for own in (self.members, self.others)]
        return float(scipy.stats.fisher_exact(table, alternative="greater").pvalue)

    @property
    def may_be_signals(self) -> bool:
        """Whether most members are called signals, and more than of the label's other glitches."""
        mostly = self.members.judged > 0 and self.members.signals >= MOSTLY * self.members.judged
        return mostly and self.chance < RARE

    def row(self) -> dict[str, Any]:
        """Return the figures as columns of a table."""
        return {
            f"{name}_{key}": value
            for name in ("members", "others", "chirps", "known")
            for key, value in getattr(self, name)._asdict().items()
        }

    def sentence(self) -> str:
        """Say it."""
        if not self.members.judged:
            return f"The detector {self.detector} judged none of the members: their strain is not within reach."
        beside = [f"{self.others} of the label's other glitches"] if self.others.judged else []
        beside += [f"{self.chirps} of {CHIRP}"] if self.chirps.judged else []
        beside += [f"{self.known} of other known classes"] if self.known.judged else []
        said = f"The detector {self.detector} calls {self.members} members a signal"
        said += f" ({100 * self.false_alarm:g} % of noise would be called one)"
        said += f"; beside them {', '.join(beside)}." if beside else "."
        if self.may_be_signals:
            said += " They may be signals: look at them as such before they get a name."
        return said


def count_signals(
    labels: Codes,
    called: Floats,
    known: Mapping[str, Floats],
    *,
    detector: str,
    false_alarm: float,
) -> list[SignalCounts]:
    """Count what is called a signal, for each cluster.

    Parameters
    ----------
    labels : ndarray of int64, shape (M,)
        Clusters; -1 is none.
    called : ndarray of float64, shape (M,)
        1 for a signal, 0 for none, NaN where a glitch was not judged.
    known : mapping of str to ndarray of float64
        The same of each known class.
    detector : str
    false_alarm : float
    """
    chirps = _count(known.get(CHIRP, np.empty(0)))
    rest = _count(np.concatenate([np.empty(0), *(own for name, own in known.items() if name != CHIRP)]))
    return [
        SignalCounts(
            detector, false_alarm, _count(called[labels == number]), _count(called[labels != number]), chirps, rest
        )
        for number in range(int(labels.max(initial=-1)) + 1)
    ]


def _count(called: Floats) -> Called:
    return Called(int(np.nansum(called)), int(np.isfinite(called).sum()))
