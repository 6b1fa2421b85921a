"""Changes of a rate: where glitches of a class began, ended, or became more or less frequent.

Times are taken as a Poisson process whose rate is constant between changes. For one change the posterior of its time is exact: the
rates before and after are integrated out with a Gamma prior (Raftery and Akman 1986, "Bayesian analysis of a Poisson process with a
change-point"). A change is claimed where the model with one is better by a Bayes factor of `CLAIMED`; each side is then looked at
again, and in the end each change between its two neighbours, since its first interval was drawn over other changes too. Glitches come
in bursts, which are no change of the rate: those within an hour after another count once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln, logsumexp

from discovery.onset.livetime import DAY

if TYPE_CHECKING:
    from discovery.onset.livetime import Livetime
    from embed.types import Floats

CLAIMED = 100.0
"""Bayes factor from which a change is claimed: "decisive" by Jeffreys."""
BURST = 3600.0
"""Live seconds within which further glitches belong to the same burst."""
LEVEL = 0.9
"""Of the intervals."""
GRID = 2000
"""Live times at which a change is tried, besides the glitches' own."""
MOST_ROUNDS = 20
"""Of looking at all changes again; they settle within a few."""
SHAPE = 0.5
"""Of the Gamma prior; its scale is that of the mean rate."""


Found = tuple[float, float, float, float]
"""Median, low and high in live seconds, and the Bayes factor."""


@dataclass(frozen=True)
class Change:
    """One change of the rate.

    Attributes
    ----------
    gps, low, high : float
        Median of the posterior and the ends of its 90 % interval, GPS seconds.
    before, after : float
        Bursts a live day between the changes next to this one.
    bayes_factor : float
        Of one change against none.
    """

    gps: float
    low: float
    high: float
    before: float
    after: float
    bayes_factor: float

    @property
    def is_rise(self) -> bool:
        """Whether the class became more frequent."""
        return self.after > self.before


def bursts(elapsed: Floats) -> Floats:
    """Return the first of the times of each burst, ascending; input and output in live seconds."""
    kept: list[float] = []
    last = -np.inf
    for time in np.sort(elapsed).tolist():
        if time - last > BURST:
            kept.append(time)
            last = time
    return np.array(kept)


def find_changes(gps: Floats, livetime: Livetime) -> list[Change]:
    """Find the changes of the rate of some glitches.

    Parameters
    ----------
    gps : ndarray of float64
        Their times, seconds.
    livetime : Livetime
        When they could have been seen.

    Returns
    -------
    list of Change
        In order of time.
    """
    times = bursts(livetime.elapsed(gps))
    rate = max(len(times), 1) / livetime.seconds
    found = _refined(times, livetime.seconds, rate, sorted(_split(times, 0.0, livetime.seconds, rate)))
    edges = np.array([0.0, *(change[0] for change in found), livetime.seconds])
    counts = np.histogram(times, edges)[0]
    rates = counts / np.maximum(np.diff(edges), 1e-9) * DAY
    return [
        Change(
            gps=float(livetime.gps(middle)),
            low=float(livetime.gps(low)),
            high=float(livetime.gps(high)),
            before=float(rates[place]),
            after=float(rates[place + 1]),
            bayes_factor=factor,
        )
        for place, (middle, low, high, factor) in enumerate(found)
    ]


def _split(times: Floats, start: float, end: float, rate: float) -> list[Found]:
    """Return the changes between two live times, each found with a Bayes factor and an interval."""
    factor, middle, low, high = change_point(times, start, end, rate)
    if factor < CLAIMED:
        return []
    early, late = times[times < middle], times[times >= middle]
    return [*_split(early, start, middle, rate), (middle, low, high, factor), *_split(late, middle, end, rate)]


def _refined(times: Floats, end: float, rate: float, found: list[Found]) -> list[Found]:
    """Look at each change again between its two neighbours, until none moves; one that is no change there is dropped."""
    for _ in range(MOST_ROUNDS):
        before, place = list(found), 0
        while place < len(found):
            first = found[place - 1][0] if place else 0.0
            last = found[place + 1][0] if place + 1 < len(found) else end
            between = times[(times >= first) & (times < last)]
            factor, middle, low, high = change_point(between, first, last, rate)
            if factor < CLAIMED:
                del found[place]
            else:
                found[place] = (middle, low, high, factor)
                place += 1
        if found == before:
            break
    return found


def change_point(times: Floats, start: float, end: float, rate: float) -> tuple[float, float, float, float]:
    """Compare one change with none, and give the posterior of its time.

    Parameters
    ----------
    times : ndarray of float64
        Ascending.
    start, end : float
        Of the observation.
    rate : float
        Of the prior.

    Returns
    -------
    bayes_factor, median, low, high : float
        The interval holds `LEVEL`.
    """
    length = end - start
    if length <= 0:
        return 0.0, start, start, start
    grid = np.unique(np.concatenate([np.linspace(start, end, GRID), times]))
    middle = (grid[1:] + grid[:-1]) / 2
    width = np.diff(grid)
    before = np.searchsorted(times, middle)
    log_one = _log_evidence(before, middle - start, rate) + _log_evidence(len(times) - before, end - middle, rate)
    log_posterior = log_one + np.log(width / length)
    log_factor = float(logsumexp(log_posterior) - _log_evidence(np.array(len(times)), np.array(length), rate))
    share = np.exp(log_posterior - log_posterior.max())
    reached = np.cumsum(share) / share.sum()
    tail = (1 - LEVEL) / 2
    low, half, high = (
        float(np.interp(wanted, np.concatenate([[0.0], reached]), grid)) for wanted in (tail, 0.5, 1 - tail)
    )
    return float(np.exp(min(log_factor, 700.0))), half, low, high


def _log_evidence(counts: Floats, lengths: Floats, rate: float) -> Floats:
    """Return the log probability of times in an interval, their rate integrated out with a Gamma prior of mean `rate`."""
    scale = SHAPE / rate
    return np.asarray(
        SHAPE * np.log(scale) - gammaln(SHAPE) + gammaln(counts + SHAPE) - (counts + SHAPE) * np.log(lengths + scale)
    )
