"""A detector run over strain files: its statistic segment after segment, triggers, and their false-alarm rate, in memory that does not grow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from discovery.sensitivity.background import Background, Triggers, find_peaks, make_background, slide_turns
from discovery.sensitivity.noise import SLIDES
from discovery.sensitivity.options import APART_S, SLIDE_STEP_S, check_background
from discovery.sensitivity.statistic import merger_sample, stride_of
from embed.csvfile import write_csv
from embed.detector.matchedfilter import LIGHT_TRAVEL
from embed.detector.segments import Segments, whitened_segments

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from discovery.sensitivity.statistic import Statistic
    from embed.detector.options import SourceOptions
    from embed.strain.record import StrainRecord
    from embed.types import Floats, Progress

COLUMNS = ("gps", "ifo", "rank", "statistic", "louder_background", "far_hz", "far_low_hz", "far_high_hz", "background_s", "background")  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A trigger.

    Attributes
    ----------
    gps : float
        s, in the middle of where the detector expects a merger.
    statistic : float
    louder : int
        Triggers of the background that are at least as loud.
    far : float
        1/s, (louder + 1) / livetime (Usman et al. 2016, equation 17): never below what the livetime supports.
    interval : tuple of float
        1/s: the exact one of the count.
    """

    gps: float
    statistic: float
    louder: int
    far: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class ScanResult:
    """What a scan found.

    Attributes
    ----------
    candidates : list of Candidate
        The loudest first, without those that are quieter than the background that is kept.
    triggers : int
        All of them.
    segments : int
        That were judged, slides not counted.
    searched : list of tuple of float
        Start and end, GPS s, of the stretches that were searched.
    recorded : float
        Time that the files of any of the detectors cover, s: their gaps count, times between files do not.
    background : Background
    """

    candidates: list[Candidate]
    triggers: int
    segments: int
    searched: list[tuple[float, float]]
    recorded: float
    background: Background

    @property
    def seconds(self) -> float:
        """Searched, s."""
        return sum(end - start for start, end in self.searched)


@dataclass
class _Gathered:
    times: list[Floats] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)
    slid: list[Triggers] = field(default_factory=list)
    livetime: float = 0.0
    searched: list[tuple[float, float]] = field(default_factory=list)


def scan_strain(
    statistic: Statistic,
    records: Mapping[str, StrainRecord],
    source: SourceOptions,
    *,
    slides: int,
    loudest: int,
    background: Background | None = None,
    progress: Progress | None = None,
) -> ScanResult:
    """Search strain.

    Parameters
    ----------
    statistic : Statistic
    records : mapping of str to StrainRecord
        Strain by detector.
    source : SourceOptions
        Of the detector.
    slides : int
        Of each block of 64 s, from which the background is made; 0 where one is given.
    loudest : int
        Triggers that are returned, at most.
    background : Background, optional
        Of an evaluation of the detector, instead of slides.
    progress : callable, optional
        Called with (seconds done, seconds in all), both of the time that the files cover.

    Returns
    -------
    ScanResult

    Raises
    ------
    InputError
        When a detector is missing, a sample rate does not suit, there is no good strain in common, or no background.
    """
    check_background(source, slides, given=background is not None)
    found = _Gathered()
    covered = _covered([records[ifo] for ifo in source.ifos if ifo in records])
    whole = sum(end - start for start, end in covered)
    stride = stride_of(source)
    for block in whitened_segments(records, source, stride=stride / source.sample_rate):
        _search(statistic, source, block, found, 0 if background is not None else slides)
        if progress is not None:
            now = found.searched[-1][1]
            progress(round(sum(max(0.0, min(end, now) - start) for start, end in covered)), round(whole))
    peaks = find_peaks(np.concatenate(found.times), np.concatenate(found.values), apart=APART_S)
    known = background or make_background(found.slid, found.livetime, SLIDES)
    order = np.argsort(-peaks.statistic, kind="stable")[:loudest]
    order = order[peaks.statistic[order] >= known.quietest]
    candidates = [_candidate(float(peaks.times[row]), float(peaks.statistic[row]), known) for row in order.tolist()]
    return ScanResult(candidates, len(peaks), sum(map(len, found.values)), found.searched, whole, known)


def _covered(records: Sequence[StrainRecord]) -> list[tuple[float, float]]:
    """Start and end (GPS) of the times that some file covers."""
    covered: list[tuple[float, float]] = []
    for start, end in sorted((file.start, file.end) for record in records for file in record.files):
        if covered and start <= covered[-1][1]:
            covered[-1] = covered[-1][0], max(end, covered[-1][1])
        else:
            covered.append((start, end))
    return covered


def _search(
    statistic: Statistic,
    source: SourceOptions,
    block: Segments,
    found: _Gathered,
    slides: int,
) -> None:
    """Judge one block, as it is and slid."""
    rate, stride = source.sample_rate, stride_of(source)
    values, start = block.values, block.start
    seconds = values.shape[-1] / rate
    wanted = slide_turns(seconds, SLIDE_STEP_S, slides, light_travel=LIGHT_TRAVEL)
    turns = [2 * round(turn * rate / 2) for turn in wanted.tolist()]
    series = statistic.of_series(values, stride, (0, *turns))
    times = start + (stride * np.arange(series.shape[1]) + merger_sample(source)) / rate
    found.times.append(times)
    found.values.append(series[0])
    for row in series[1:]:
        found.slid.append(find_peaks(times, row, apart=APART_S))
        found.livetime += float(np.isfinite(row).sum()) * stride / rate
    end = start + seconds
    if found.searched and start - found.searched[-1][1] < 0.5 / rate:
        start = found.searched.pop()[0]
    found.searched.append((start, end))


def _candidate(gps: float, value: float, background: Background) -> Candidate:
    louder = int(background.count(value))
    low, high = background.interval(value).tolist()
    return Candidate(gps, value, louder, (louder + 1) / background.livetime, (low, high))


def write_triggers(path: Path, found: ScanResult, ifos: tuple[str, ...]) -> None:
    """Write the triggers as a CSV that `discover scan --triggers` reads: a row for each detector, ordered by time.

    Raises
    ------
    StorageError
        When the file cannot be written.
    """
    write_csv(path, COLUMNS, _rows(found, ifos))


def _rows(found: ScanResult, ifos: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    ranked = sorted(enumerate(found.candidates, 1), key=lambda pair: pair[1].gps)
    for rank, one in ranked:
        for ifo in ifos:
            yield (
                f"{one.gps:.4f}", ifo, rank, round(one.statistic, 4), one.louder, one.far, *one.interval,
                round(found.background.livetime, 6), found.background.how,
            )  # fmt: skip
