"""A search through noise alone, block by block: as it is, and with one detector slid in time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.sensitivity.background import Background, Triggers, find_peaks, make_background, slide_turns
from discovery.sensitivity.options import APART_S, MOST_SLIDES, SLIDE_STEP_S
from discovery.sensitivity.statistic import segment_count, stride_of
from embed.detector.matchedfilter import LIGHT_TRAVEL
from embed.detector.noise import INNER_SECONDS, NoiseSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discovery.sensitivity.statistic import Statistic
    from embed.detector.options import SourceOptions
    from embed.types import Floats

SLIDES, ALONE = "time slides", "noise alone"
"""How a background was made."""
KEPT = 8
"""Loudest segments that are remembered with their place."""


@dataclass(frozen=True)
class NoisePlan:
    """How much noise is searched.

    Attributes
    ----------
    segments : int
        That do not overlap.
    blocks : int
    turns : tuple of int
        Samples by which the second detector is turned in each block; none for one detector.
    stride : int
        Samples.
    """

    segments: int
    blocks: int
    turns: tuple[int, ...]
    stride: int


def plan_noise(source: SourceOptions, segments: int, livetime: float, *, slides: int = 1) -> NoisePlan:
    """Plan blocks that give so many segments, and slides that give so long a livetime, s: the fewest blocks, then the fewest slides.

    Parameters
    ----------
    source : SourceOptions
    segments : int
    livetime : float
    slides : int
        Of each block whose segments count beside those of the block as it is, at most `MOST_SLIDES`.
    """
    inner, stride = INNER_SECONDS, stride_of(source)
    windows = segment_count(round(inner * source.sample_rate), source.samples, stride)
    each = math.ceil(windows / _every(source, stride))
    if len(source.ifos) == 1:
        return NoisePlan(segments, math.ceil(segments / each), (), stride)
    usable = windows * stride / source.sample_rate - source.seconds  # a seam costs a segment's length
    slid = each - 2  # and two of those that do not overlap
    blocks = max(math.ceil(segments / (each + slides * slid)), math.ceil(livetime / (MOST_SLIDES * usable)))
    wanted = max(math.ceil(livetime / (blocks * usable)), math.ceil((segments / blocks - each) / slid))
    turns = slide_turns(inner, SLIDE_STEP_S, wanted, light_travel=LIGHT_TRAVEL)
    return NoisePlan(segments, blocks, tuple(round(turn * source.sample_rate) for turn in turns), stride)


def _every(source: SourceOptions, stride: int) -> int:
    """Of so many segments one is taken, for them not to overlap by more than a twentieth of a stride."""
    return max(1, math.ceil(source.samples / stride - 0.05))


@dataclass(frozen=True)
class Loud:
    """Where a loud segment of noise is.

    Attributes
    ----------
    statistic : float
    block, turn, start : int
        Block of the noise, samples by which its second detector was turned, and the segment's first sample.
    """

    statistic: float
    block: int
    turn: int
    start: int


@dataclass(frozen=True)
class NoiseSearch:
    """What one statistic makes of noise.

    Attributes
    ----------
    segments : ndarray of float64, shape (N,)
        Of segments that do not overlap, of noise as it is and then, where these are too few, of slides.
    alone : Background
    slides : Background or None
        None for one detector.
    loudest : tuple of Loud
        Loudest first, each of another block, from slides where there are any.
    """

    segments: Floats
    alone: Background
    slides: Background | None
    loudest: tuple[Loud, ...]


def search_noise(
    statistics: Sequence[Statistic],
    source: SourceOptions,
    plan: NoisePlan,
    *,
    seed: int,
) -> dict[str, NoiseSearch]:
    """Search noise with several statistics, each block made once.

    Parameters
    ----------
    statistics : sequence of Statistic
    source : SourceOptions
    plan : NoisePlan
    seed : int
        Of the noise.

    Returns
    -------
    dict of str to NoiseSearch
        By the statistics' names.
    """
    noise = NoiseSource(source, seed)
    gathered = {one.name: _Gathered(source, plan) for one in statistics}
    for number in range(plan.blocks):
        values = noise.block(number).values
        for one in statistics:
            gathered[one.name].add(number, one.of_series(values, plan.stride, (0, *plan.turns)))
    return {name: own.result() for name, own in gathered.items()}


class _Gathered:
    """Triggers and loudest segments of one statistic, block after block."""

    def __init__(self, source: SourceOptions, plan: NoisePlan) -> None:
        self.plan = plan
        self.step = plan.stride / source.sample_rate
        self.every = _every(source, plan.stride)
        self.segments: tuple[list[Floats], list[Floats]] = ([], [])
        self.alone: list[Triggers] = []
        self.slid: list[Triggers] = []
        self.seconds = [0.0, 0.0]
        self.loud: list[Loud] = []

    def add(self, number: int, series: Floats) -> None:
        """Take the series (1 + S, W) of a block, the one that is not turned first."""
        times = self.step * np.arange(series.shape[1])
        loudest: list[Loud] = []
        for place, (turn, row) in enumerate(zip((0, *self.plan.turns), series, strict=True)):
            peaks = find_peaks(times, row, apart=APART_S)
            (self.slid if place else self.alone).append(Triggers(peaks.times, peaks.statistic.astype(np.float32)))
            self.seconds[bool(place)] += self.step * float(np.isfinite(row).sum())
            apart = row[:: self.every]
            self.segments[bool(place)].append(apart[np.isfinite(apart)])
            if (place or not self.plan.turns) and len(peaks):
                best = int(np.argmax(peaks.statistic))
                start = round(peaks.times[best] / self.step) * self.plan.stride
                loudest.append(Loud(float(peaks.statistic[best]), number, turn, start))
        self.loud.append(max(loudest, key=lambda one: one.statistic))
        self.loud = sorted(self.loud, key=lambda one: -one.statistic)[:KEPT]

    def result(self) -> NoiseSearch:
        alone = make_background(self.alone, self.seconds[0], ALONE)
        slides = make_background(self.slid, self.seconds[1], SLIDES) if self.plan.turns else None
        return NoiseSearch(
            np.concatenate([*self.segments[0], *self.segments[1]])[: self.plan.segments],
            alone,
            slides,
            tuple(self.loud),
        )
