"""Changes of a rate: where glitches of a class began, ended, or became more or less frequent.

Times are taken as a Poisson process whose rate is constant between changes. For one change the posterior of its time is exact: the
rates before and after are integrated out with a Gamma prior (Raftery and Akman 1986, "Bayesian analysis of a Poisson process with a
change-point"). Glitches are seen in live time alone, but a rate may change while nothing is recorded: before the data each moment of
live time, and of pauses of `LONG_PAUSE` or more, is as likely. A change is claimed where the model with one is better by a Bayes factor of
`CLAIMED`; each side is then looked at again, and in the end each change between its two neighbours, since its first interval was drawn
over other changes too. Glitches come in bursts, which are no change of the rate: those within a live hour after another count once.
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
LONG_PAUSE = DAY
"""Seconds from which a pause is a time at which the rate may change; in shorter ones a detector was merely out of lock."""
LEVEL = 0.9
"""Of the intervals."""
GRID = 2000
"""Live times at which a change is tried, besides the glitches' own."""
MOST_ROUNDS = 20
"""Of looking at all changes again; they settle within a few."""
SHAPE = 0.5
"""Of the Gamma prior; its scale is that of the mean rate."""


Found = tuple[float, float, float, float]
"""Median, low and high in GPS seconds, and the Bayes factor."""


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
    pause : tuple of float, or None
        Start and end of the longest pause of `LONG_PAUSE` or more within the interval, or at its edge, GPS seconds.
    """

    gps: float
    low: float
    high: float
    before: float
    after: float
    bayes_factor: float
    pause: tuple[float, float] | None

    @property
    def is_rise(self) -> bool:
        """Whether the class became more frequent."""
        return self.after > self.before


def bursts(gps: Floats, livetime: Livetime) -> Floats:
    """Return the times, GPS seconds, of the first glitch of each burst, ascending."""
    times = np.sort(gps)
    kept: list[float] = []
    last = -np.inf
    for time, elapsed in zip(times.tolist(), livetime.elapsed(times).tolist(), strict=True):
        if elapsed - last > BURST:
            kept.append(time)
            last = elapsed
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
    times = livetime.moved_inside(bursts(gps, livetime))
    rate = max(len(times), 1) / livetime.seconds
    start, end = float(livetime.starts[0]), float(livetime.ends[-1])
    found = _refined(times, livetime, rate, _split(times, livetime, (start, end), rate))
    edges = np.array([start, *(change[0] for change in found), end])
    counts = np.histogram(times, edges)[0]
    rates = counts / np.maximum(np.diff(livetime.elapsed(edges)), 1e-9) * DAY
    return [
        Change(
            gps=middle,
            low=low,
            high=high,
            before=float(rates[place]),
            after=float(rates[place + 1]),
            bayes_factor=factor,
            pause=livetime.longest_pause(low, high, least=LONG_PAUSE),
        )
        for place, (middle, low, high, factor) in enumerate(found)
    ]


def _split(times: Floats, livetime: Livetime, between: tuple[float, float], rate: float) -> list[Found]:
    """Return the changes between two GPS times, in order, each found with a Bayes factor and an interval."""
    start, end = between
    factor, middle, low, high = change_point(times, livetime, between, rate)
    if factor < CLAIMED:
        return []
    early, late = times[times < middle], times[times >= middle]
    return [
        *_split(early, livetime, (start, middle), rate),
        (middle, low, high, factor),
        *_split(late, livetime, (middle, end), rate),
    ]


def _refined(times: Floats, livetime: Livetime, rate: float, found: list[Found]) -> list[Found]:
    """Look at each change again between its two neighbours, until none moves; one that is no change there is dropped."""
    start, end = float(livetime.starts[0]), float(livetime.ends[-1])
    for _ in range(MOST_ROUNDS):
        before, place = list(found), 0
        while place < len(found):
            first = found[place - 1][0] if place else start
            last = found[place + 1][0] if place + 1 < len(found) else end
            between = times[(times >= first) & ((times < last) | (last == end))]
            factor, middle, low, high = change_point(between, livetime, (first, last), rate)
            if factor < CLAIMED:
                del found[place]
            else:
                found[place] = (middle, low, high, factor)
                place += 1
        if found == before:
            break
    return found


def change_point(
    times: Floats, livetime: Livetime, between: tuple[float, float], rate: float
) -> tuple[float, float, float, float]:
    """Compare one change with none, and give the posterior of its time.

    Parameters
    ----------
    times : ndarray of float64
        GPS seconds, ascending.
    livetime : Livetime
    between : tuple of float
        GPS seconds of the observation's start and end.
    rate : float
        Of the prior, in live seconds.

    Returns
    -------
    bayes_factor, median, low, high : float
        GPS seconds; the interval holds `LEVEL`.
    """
    start, end = livetime.trimmed(*between)
    first, last = livetime.elapsed([start, end]).tolist()
    if last <= first:
        return 0.0, start, start, start
    edges = np.concatenate([livetime.starts, livetime.ends])
    grid = np.concatenate([livetime.gps(np.linspace(first, last, GRID)), times, edges])
    grid = np.unique(np.concatenate([[start, end], grid[(grid > start) & (grid < end)]]))
    middle, width = (grid[1:] + grid[:-1]) / 2, np.diff(grid)
    before, live = np.searchsorted(times, middle), livetime.elapsed(middle) - first
    log_one = _log_evidence(before, live, rate) + _log_evidence(len(times) - before, last - first - live, rate)
    width[np.isin(grid[:-1], livetime.ends[:-1]) & (width < LONG_PAUSE)] = 0.0
    share_of_prior = width / width.sum()
    log_posterior = log_one + np.log(share_of_prior, out=np.full(len(width), -np.inf), where=width > 0)
    log_factor = float(logsumexp(log_posterior) - _log_evidence(np.array(len(times)), np.array(last - first), rate))
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
