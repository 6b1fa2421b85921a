"""Simulated glitches in memory: drawn, put into noise and seen through the Q-transform, batch by batch."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from embed.errors import InputError
from embed.gravityspy import DURATIONS
from embed.qtransform.picture import quantise
from embed.qtransform.transform import q_scan
from embed.simulator.injection import BLOCK_S, Detector, Injection, detector, lay, whitened_block
from embed.simulator.noise import SAMPLE_RATE, file_detector
from embed.simulator.options import DESIGN
from embed.simulator.population import Entry, Population, stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import torch
    from numpy.typing import NDArray

    from embed.types import Progress

BATCH = 16
"""Glitches drawn and transformed at once: memory holds no more, however many are simulated."""

PICTURE_SHAPE = (240, 287)
"""Rows and columns: half the resolution of the published picture, and no less than networks read."""

_SCALES = {"median": 1.0, "mean": math.log(2.0)}
"""Energies relative to the mean of the noise are ln 2 of those relative to its median: noise energies are exponential."""


@dataclass(frozen=True)
class Glitches:
    """Simulated glitches.

    Parameters
    ----------
    levels : ndarray of uint8, shape (n, D, H, W)
        The views, as `embed.qtransform.transform.quantise` makes them.
    entries : tuple of Entry
        What each is.
    injections : tuple of Injection
        The parameters with which each was drawn.
    snr, frequency, q : ndarray of float64, shape (n,)
        The loudest tile that the Q-transform found within 0.25 s of the middle.
    """

    levels: NDArray[np.uint8]
    entries: tuple[Entry, ...]
    injections: tuple[Injection, ...]
    snr: NDArray[np.float64]
    frequency: NDArray[np.float64]
    q: NDArray[np.float64]


def simulate_batch(
    population: Population,
    *,
    numbers: range | None = None,
    noise: Literal["design"] | Sequence[Path] = DESIGN,
    durations: tuple[float, ...] = DURATIONS,
    shape: tuple[int, int] = PICTURE_SHAPE,
    device: torch.device | str | None = None,
    progress: Progress | None = None,
) -> Glitches:
    """Simulate a population, or a part of it, in memory: n D H W bytes of it.

    Parameters
    ----------
    population : Population
        What to simulate.
    numbers : range, optional
        Which of its glitches, by default all: parts that several processes simulate are the bytes of the whole.
    noise : "design" or sequence of Path
        Design noise of H1 and L1, or noise measured from GWOSC strain files; detectors without a file are left out.
    durations : tuple of float
        Views, s.
    shape : tuple of int
        Rows and columns of a view.
    device : device, optional
        Where the Q-transform runs.
    progress : callable, optional
        Called with (glitches done, glitches in all).

    Returns
    -------
    Glitches
    """
    population, detectors = prepare_detectors(population, noise, BLOCK_S)
    parts = list(
        view_batches(
            population, detectors, numbers=numbers, durations=durations, shape=shape, device=device, progress=progress
        )
    )
    return Glitches(
        np.concatenate([part.levels for part in parts]),
        tuple(entry for part in parts for entry in part.entries),
        tuple(injection for part in parts for injection in part.injections),
        np.concatenate([part.snr for part in parts]),
        np.concatenate([part.frequency for part in parts]),
        np.concatenate([part.q for part in parts]),
    )


def prepare_detectors(
    population: Population, noise: Literal["design"] | Sequence[Path], seconds: float
) -> tuple[Population, dict[str, Detector]]:
    """Prepare the detectors' noise on the grid of a block; with strain files the population is drawn from their detectors alone.

    Raises
    ------
    InputError
        When the noise is neither "design" nor a list of usable strain files.
    """
    if isinstance(noise, str):
        if noise != DESIGN:
            raise InputError(f"noise {noise!r} is neither 'design' nor a list of strain files")
        return population, {ifo: detector(ifo, seconds=seconds) for ifo in population.ifos}
    files: dict[str, list[Path]] = {}
    for path in map(Path, noise):
        files.setdefault(file_detector(path), []).append(path)
    if not files:
        raise InputError("no strain files were given; name at least one, or use noise='design'")
    ifos = tuple(sorted(files))
    return replace(population, ifos=ifos), {ifo: detector(ifo, tuple(files[ifo]), seconds) for ifo in ifos}


def view_batches(
    population: Population,
    detectors: Mapping[str, Detector],
    *,
    numbers: range | None = None,
    durations: tuple[float, ...] = DURATIONS,
    shape: tuple[int, int] = PICTURE_SHAPE,
    device: torch.device | str | None = None,
    progress: Progress | None = None,
) -> Iterator[Glitches]:
    """Yield the views batch by batch; while one batch is transformed, two threads draw the next.

    Raises
    ------
    InputError
        When the numbers are not among those of the population.
    """
    numbers = range(population.n) if numbers is None else numbers
    if not numbers or min(numbers) < 0 or max(numbers) >= population.n:
        raise InputError(
            f"numbers {numbers} are not within 0 to {population.n - 1}, those of the population's glitches"
        )

    def draw(index: int) -> tuple[Entry, Injection, NDArray[np.float32]]:
        entry = population.entry(index)
        rng = stream(population.seed, index, 1)
        spectrum, injection = lay(entry.family, detectors[entry.ifo], rng)
        return entry, injection, whitened_block(spectrum, detectors[entry.ifo], rng)

    with ThreadPoolExecutor(max_workers=2) as pool:
        ahead = [pool.submit(draw, index) for index in numbers[:BATCH]]
        for stop in range(BATCH, len(numbers) + BATCH, BATCH):
            ready = [future.result() for future in ahead]
            ahead = [pool.submit(draw, index) for index in numbers[stop : stop + BATCH]]
            blocks = np.stack([block for _, _, block in ready])
            scale = [_SCALES[entry.normalisation] for entry, _, _ in ready]
            scan = q_scan(
                blocks, float(SAMPLE_RATE), whitened=True, durations=durations, shape=shape, scale=scale, device=device
            )
            yield Glitches(
                quantise(scan.energies).cpu().numpy(),
                tuple(entry for entry, _, _ in ready),
                tuple(injection for _, injection, _ in ready),
                scan.snr.cpu().numpy(),
                scan.frequency.cpu().numpy(),
                scan.q.cpu().numpy(),
            )
            if progress is not None:
                progress(min(stop, len(numbers)), len(numbers))
