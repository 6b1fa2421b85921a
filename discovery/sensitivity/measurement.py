"""What statistics say of made signals, injections and glitches, all of the same segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.sensitivity.distance import FAINTEST, draw_distances
from discovery.sensitivity.options import SNRS
from embed.detector.options import GLITCH, SIGNAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from discovery.sensitivity.statistic import Statistic
    from embed.detector.examples import Batch, Examples
    from embed.detector.model import Detector
    from embed.types import Floats, Vectors

BATCH = 256
"""Examples made at once: those of four blocks of noise, where they last a second, which are kept for a second use."""


@dataclass(frozen=True)
class Signals:
    """Signals at fixed loudness.

    Attributes
    ----------
    snr : ndarray of float64, shape (N,)
        Optimal network signal-to-noise ratio.
    statistic : dict of str to ndarray of float64, shape (N,)
    """

    snr: Floats
    statistic: dict[str, Floats]


@dataclass(frozen=True)
class Injections:
    """Signals distributed uniformly in the volume in which each has a ratio of `FAINTEST` or more.

    Attributes
    ----------
    distance, farthest : ndarray of float64, shape (N,)
        Mpc; of the injection, and up to which it was drawn.
    snr : ndarray of float64, shape (N,)
    statistic : dict of str to ndarray of float64, shape (N,)
    """

    distance: Floats
    farthest: Floats
    snr: Floats
    statistic: dict[str, Floats]


@dataclass(frozen=True)
class Glitches:
    """Simulated glitches, each in one detector.

    Attributes
    ----------
    families : tuple of N str
    snr : ndarray of float64, shape (N,)
        Of the loudest tile.
    statistic : dict of str to ndarray of float64, shape (N,)
    """

    families: tuple[str, ...]
    snr: Floats
    statistic: dict[str, Floats]


def measure_signals(statistics: Sequence[Statistic], examples: Examples, each: int) -> Signals:
    """Judge so many signals at each of `SNRS`."""
    found = _Judged(statistics)
    snr = []
    for place, value in enumerate(SNRS):
        for numbers in _numbers(place * each, (place + 1) * each):
            found.add(examples.batch(numbers, label=SIGNAL, snr=(value, value)))
            snr.append(np.full(len(numbers), value))
    return Signals(np.concatenate(snr), found.result())


def measure_injections(
    statistics: Sequence[Statistic],
    examples: Examples,
    count: int,
    *,
    seed: int,
) -> Injections:
    """Judge injections that are uniform in volume."""
    found = _Judged(statistics)
    rng = np.random.default_rng(seed)
    farthest: list[float] = []
    distances = []

    def put(reach: float) -> float:
        farthest.append(reach)
        return float(draw_distances(reach, rng))

    for numbers in _numbers(0, count):
        batch = examples.batch(numbers, label=SIGNAL, snr=(FAINTEST, FAINTEST), distance=put)
        found.add(batch)
        distances.append(batch.distance)
    radii, distance = np.array(farthest), np.concatenate(distances)
    return Injections(distance, radii, FAINTEST * radii / distance, found.result())


def measure_glitches(statistics: Sequence[Statistic], examples: Examples, count: int) -> Glitches:
    """Judge glitches of all classes."""
    found = _Judged(statistics)
    families: list[str] = []
    snr = []
    for numbers in _numbers(0, count):
        batch = examples.batch(numbers, label=GLITCH)
        found.add(batch)
        families += batch.families
        snr.append(batch.network_snr)
    return Glitches(tuple(families), np.concatenate(snr), found.result())


@dataclass(frozen=True)
class Mixture:
    """Examples of every class as often as any other, as in training.

    Attributes
    ----------
    classes : tuple of K str
    truth : ndarray of int64, shape (N,)
    logits : ndarray of float64, shape (N, K)
    """

    classes: tuple[str, ...]
    truth: np.ndarray
    logits: Floats


def measure_mixture(detector: Detector, examples: Examples, count: int) -> Mixture:
    """Give a detector examples of all its classes."""
    truth, logits = [], []
    for numbers in _numbers(0, count):
        batch = examples.batch(numbers)
        truth.append(batch.labels)
        logits.append(detector.logits(batch.strain))
    return Mixture(examples.options.classes, np.concatenate(truth), np.concatenate(logits))


def _numbers(first: int, last: int) -> Iterator[range]:
    for start in range(first, last, BATCH):
        yield range(start, min(start + BATCH, last))


class _Judged:
    """Values of several statistics, batch after batch."""

    def __init__(self, statistics: Sequence[Statistic]) -> None:
        self.statistics = statistics
        self.parts: dict[str, list[Floats]] = {one.name: [] for one in statistics}

    def add(self, batch: Batch) -> None:
        strain: Vectors = batch.strain
        for one in self.statistics:
            self.parts[one.name].append(one.of_segments(strain))

    def result(self) -> dict[str, Floats]:
        return {name: np.concatenate([np.empty(0), *parts]) for name, parts in self.parts.items()}
