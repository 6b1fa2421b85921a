"""What a search says of strain, as one number a segment: a network's log-odds, or a matched filter's signal-to-noise ratio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from embed.detector.matchedfilter import LIGHT_TRAVEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embed.detector.matchedfilter import MatchedFilter
    from embed.detector.model import Detector
    from embed.detector.options import SourceOptions
    from embed.types import Floats

BATCH = 512
"""Segments that a network reads at once."""
MATCHED_FILTER = "matched filter"
"""Name in tables and plots."""


class Statistic(Protocol):
    """A search.

    Attributes
    ----------
    name : str
    """

    name: str

    def of_segments(self, strain: NDArray[np.float32]) -> Floats:
        """Judge segments (n, D, samples): float64 (n,)."""

    def of_series(self, values: NDArray[np.float32], stride: int, turns: Sequence[int]) -> Floats:
        """Judge the segments of a stretch (D, T), one every `stride` samples, for several turns of the second detector.

        A turn rolls the second detector's samples to later times, as on a ring; a segment over the seam is NaN. Returns float64 (S, W).
        """


def segment_count(size: int, samples: int, stride: int) -> int:
    """Segments of so many samples in a stretch, one every `stride` samples."""
    return max(0, (size - samples) // stride + 1)


class NetworkStatistic:
    """A trained detector's.

    Parameters
    ----------
    name : str
    detector : Detector
    """

    def __init__(self, name: str, detector: Detector) -> None:
        self.name, self.detector = name, detector

    def of_segments(self, strain: NDArray[np.float32]) -> Floats:
        """Log-odds of a signal; see `Statistic`."""
        parts = [self.detector.statistic(strain[first : first + BATCH]) for first in range(0, len(strain), BATCH)]
        return np.concatenate([np.empty(0), *parts])

    def of_series(self, values: NDArray[np.float32], stride: int, turns: Sequence[int]) -> Floats:
        """See `Statistic`."""
        samples = self.detector.source.samples
        found = np.empty((len(turns), segment_count(values.shape[-1], samples, stride)))
        for place, turn in enumerate(turns):
            turned = turned_second(values, turn)
            windows = sliding_window_view(turned, samples, axis=-1)[:, ::stride].swapaxes(0, 1)
            found[place] = self.of_segments(windows)
            found[place][over_seam(found.shape[1], samples, stride, turn)] = np.nan
        return found


class FilterStatistic:
    """A matched filter's.

    Parameters
    ----------
    search : MatchedFilter
    source : SourceOptions
        Of the networks beside it: the merger is sought where theirs are placed, and later by what light takes to the first detector where
        the other one is reached before.
    """

    name = MATCHED_FILTER

    def __init__(self, search: MatchedFilter, source: SourceOptions) -> None:
        self.search, self.source = search, source

    def of_segments(self, strain: NDArray[np.float32]) -> Floats:
        """Network signal-to-noise ratio of a merger within the placement; see `Statistic`."""
        return self.search.of_windows(strain, *self._placement())[0].astype(np.float64)

    def of_series(self, values: NDArray[np.float32], stride: int, turns: Sequence[int]) -> Floats:
        """See `Statistic`."""
        samples = self.source.samples
        found = self.search.of_series(values, self._placement(), stride, turns).astype(np.float64)
        found = found[:, : segment_count(values.shape[-1], samples, stride)]
        for row, turn in zip(found, turns, strict=True):
            row[over_seam(len(row), samples, stride, turn)] = np.nan
        return found

    def _placement(self) -> tuple[int, int]:
        source = self.source
        first, last = (round(share * source.samples) for share in source.placement)
        later = math.ceil(LIGHT_TRAVEL * source.sample_rate) if len(source.ifos) > 1 else 0
        return first, min(last + later, source.samples) + 1


def stride_of(source: SourceOptions) -> int:
    """Samples from one segment to the next, even, so that every merger is within the placement of one segment at least."""
    first, last = source.placement
    return max(2, 2 * int((last - first) * source.samples / 2))


def merger_sample(source: SourceOptions) -> int:
    """Sample of a segment in the middle of where mergers are placed: the time that a segment's statistic is of."""
    return round(sum(source.placement) / 2 * source.samples)


def turned_second(values: NDArray[np.float32], turn: int) -> NDArray[np.float32]:
    """Roll the second detector of (D, T) to later times."""
    if not turn:
        return values
    return np.stack([values[0], np.roll(values[1], turn)])


def over_seam(count: int, samples: int, stride: int, turn: int) -> NDArray[np.bool_]:
    """Tell which segments hold the seam of a ring that was turned: bool (W,)."""
    starts = stride * np.arange(count)
    return (starts < turn) & (turn < starts + samples)
