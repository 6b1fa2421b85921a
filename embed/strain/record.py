"""The strain record of each detector: its files as one time line with known gaps and bad seconds, read in blocks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from embed.errors import InputError
from embed.strain.dead import LEAST_SECONDS, dead_samples
from embed.strain.files import REQUIRED, StrainFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from embed.types import Flags, Floats

BLOCK_SECONDS = 64.0
"""Strain from which a view's spectrum and medians are computed, as Gravity Spy does."""

LEAST_BLOCK_SECONDS = 8.0
"""Shorter blocks have fewer than seven periodograms, whose median says little about a spectrum."""


@dataclass(frozen=True)
class Block:
    """A stretch of strain without gaps.

    Attributes
    ----------
    values : ndarray of float64, shape (T,)
    start : float
        GPS time of the first sample, s.
    sample_rate : float
        Hz.
    """

    values: Floats
    start: float
    sample_rate: float


class StrainRecord:
    """The strain of one detector.

    Parameters
    ----------
    files : iterable of StrainFile
        Of one detector and one sample rate, in any order.
    required : tuple of str
        Data-quality bits that must be on.

    Raises
    ------
    InputError
        When there are no files, several detectors or sample rates, or files that overlap.
    """

    def __init__(self, files: Iterable[StrainFile], *, required: tuple[str, ...] = REQUIRED) -> None:
        self.files = tuple(sorted(files, key=lambda file: file.start))
        self.required = required
        if not self.files:
            raise InputError("no strain files were given")
        first = self.files[0]
        self.ifo, self.sample_rate = first.ifo, first.sample_rate
        for file in self.files[1:]:
            if file.ifo != self.ifo:
                raise InputError(
                    f"{first.path} is of {self.ifo} and {file.path} of {file.ifo}; a record is of one detector"
                )
            if file.sample_rate != self.sample_rate:
                raise InputError(
                    f"{first.path} has {self.sample_rate:g} Hz and {file.path} {file.sample_rate:g} Hz; "
                    "scan files of different sample rates separately"
                )
        for one, other in pairwise(self.files):
            if other.start < one.end:
                raise InputError(
                    f"{one.path} and {other.path} both cover GPS {other.start:.3f} to {min(one.end, other.end):.3f}; "
                    "leave one of them out"
                )

    @property
    def start(self) -> float:
        """GPS time of the first sample, s."""
        return self.files[0].start

    def read(self, start: float, seconds: float) -> Floats:
        """Read a stretch, NaN where there is no strain, where it repeats one value (`dead_samples`), and where a required bit is off.

        Parameters
        ----------
        start : float
            GPS s; the nearest sample is the first.
        seconds : float
            Length.

        Returns
        -------
        ndarray of float64, shape (T,)
        """
        rate = self.sample_rate
        out = np.full(round(seconds * rate), np.nan)
        for file in self.files:
            offset = round((file.start - start) * rate)  # of the file's first sample in `out`
            first, last = max(0, -offset), min(file.size, len(out) - offset)
            if first >= last:
                continue
            out[first + offset : last + offset] = self._alive(file, first, last)
            for second, _ in file.off(file.start + first / rate, file.start + last / rate, self.required):
                at = round((second - start) * rate)
                out[max(0, at) : max(0, at + round(rate))] = np.nan
        return out

    def _alive(self, file: StrainFile, first: int, last: int) -> Floats:
        """Read samples of a file, NaN where they are no data; a repeated value counts with what is beyond the ends, so that parts and the whole agree."""
        reach = round(LEAST_SECONDS * self.sample_rate)
        low = max(0, first - reach)
        values = file.read(low, min(file.size, last + reach))
        values = np.where(np.isfinite(values) & ~dead_samples(values, self.sample_rate), values, np.nan)
        return values[first - low : last - low]

    def block_around(self, gps: float, needed: float, longest: float = BLOCK_SECONDS) -> Block | str:
        """Return the longest good block around a time, at most ``longest`` s, centred on it as well as possible.

        Where possible it begins on a whole GPS second and its length is in whole seconds: Gravity Spy's goes from
        ``round(gps - 32)`` to 64 s later.

        Parameters
        ----------
        gps : float
            s.
        needed : float
            Good strain needed on each side, s.
        longest : float
            s.

        Returns
        -------
        Block, or str
            The block, or the reason why there is none: the time is in no file, in a gap, in bad data, or too near to one.
        """
        rate = self.sample_rate
        begin = float(round(gps - longest / 2))
        values = self.read(begin, longest)
        if not np.isnan(values).any():
            return Block(values, begin, rate)
        reach = int(np.ceil(longest)) + 1
        origin = float(np.floor(gps)) - reach
        values = self.read(origin, 2 * reach + 1)
        at = int((gps - origin) * rate)
        if np.isnan(values[at]):
            return self._why(gps)
        bad = np.flatnonzero(np.isnan(values))
        left, right = (bad[bad < at].max(initial=-1) + 1) / rate, bad[bad > at].min(initial=len(values)) / rate
        room = min(gps - origin - left, origin + right - gps)
        if room < needed:
            edge = origin + (left if gps - origin - left == room else right)
            why = self._why(edge - 1 / rate if edge < gps else edge)
            return f"{room:.2f} s from an end of good strain at GPS {edge:.3f} ({why}); {needed:g} s are needed"
        first, last = float(np.ceil(left)), float(np.floor(right))
        if gps - origin - first < needed or origin + last - gps < needed:
            first, last = left, right  # no parts of a second to spare
        length = min(longest, last - first)
        least = min(longest, LEAST_BLOCK_SECONDS)
        if length < least:
            return f"{length:.2f} s of good strain around it; {least:g} s are needed"
        begin = min(max(begin - origin, first), last - length)
        low = round(begin * rate)
        return Block(values[low : low + round(length * rate)], origin + low / rate, rate)

    def stretches(self, longest: float, overlap: float, needed: float) -> Iterator[tuple[float, float]]:
        """Yield start and end (GPS) of stretches of at most ``longest`` s that cover all good strain and overlap by ``overlap`` s.

        Stretches shorter than ``needed`` s are left out.
        """
        for start, end in self.good():
            begin = start
            while end - begin >= needed:
                stop = min(begin + longest, end)
                begin = max(start, stop - longest)  # the last block reaches back: it is as long as the others
                yield begin, stop
                if stop >= end:
                    break
                begin = stop - overlap

    def block(self, start: float, end: float) -> Block:
        """Read a good stretch."""
        return Block(self.read(start, end - start), start, self.sample_rate)

    def good(self) -> Iterator[tuple[float, float]]:
        """Yield start and end (GPS) of the good stretches, reading `BLOCK_SECONDS` after `BLOCK_SECONDS`."""
        open_at: float | None = None
        end = self.start
        for file in self.files:
            if open_at is not None and file.start - end > 0.5 / self.sample_rate:
                yield open_at, end
                open_at = None
            for start, good in self._pieces(file):
                edges = np.flatnonzero(np.diff(good)) + 1
                for first, last in pairwise([0, *edges.tolist(), len(good)]):
                    if good[first] and open_at is None:
                        open_at = start + first / self.sample_rate
                    elif not good[first] and open_at is not None:
                        yield open_at, start + first / self.sample_rate
                        open_at = None
                    end = start + last / self.sample_rate
        if open_at is not None:
            yield open_at, end

    def _pieces(self, file: StrainFile) -> Iterator[tuple[float, Flags]]:
        """Yield the start (GPS) of each piece of a file, and which of its samples are good."""
        step = round(BLOCK_SECONDS * self.sample_rate)
        for first in range(0, file.size, step):
            start = file.start + first / self.sample_rate
            yield start, np.isfinite(self.read(start, min(step, file.size - first) / self.sample_rate))

    def _why(self, gps: float) -> str:
        """Return the reason why there is no good strain at a time."""
        rate = self.sample_rate
        for file in self.files:
            if file.start - 0.5 / rate <= gps < file.end - 0.5 / rate:
                off = [
                    name for second, name in file.off(gps, np.nextafter(gps, np.inf), self.required) if second <= gps
                ]
                return f"data quality: {', '.join(off)} off" if off else f"gap ({_what(file, gps)}) in {file.path.name}"
        last = self.files[-1].end
        files = (
            f"not in the {self.ifo} file, which spans"
            if len(self.files) == 1
            else f"in none of the {len(self.files)} {self.ifo} files, which span"
        )
        return f"{files} GPS {self.start:.3f} to {last:.3f}"


def _what(file: StrainFile, gps: float) -> str:
    """Return what a gap of a file is filled with at a time."""
    at = min(max(0, round((gps - file.start) * file.sample_rate)), file.size - 1)
    (value,) = file.read(at, at + 1)
    return "NaN" if np.isnan(value) else "infinite" if np.isinf(value) else f"always {value:g}"


def records(files: Iterable[StrainFile], *, required: tuple[str, ...] = REQUIRED) -> dict[str, StrainRecord]:
    """Make a record of each detector's files; errors as `StrainRecord`."""
    by_ifo: dict[str, list[StrainFile]] = {}
    for file in files:
        by_ifo.setdefault(file.ifo, []).append(file)
    if not by_ifo:
        raise InputError("no strain files were given")
    return {ifo: StrainRecord(own, required=required) for ifo, own in sorted(by_ifo.items())}
