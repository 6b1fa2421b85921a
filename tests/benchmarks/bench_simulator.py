"""What a simulated glitch costs, beside gwpy's own transform of as much strain, and beside the Q-transform alone."""

import time
from statistics import median

import numpy as np
import pytest

from embed.qtransform.transform import q_scan
from embed.simulator import SAMPLE_RATE, Population, detector, lay, simulate, simulate_batch, whitened_block
from embed.simulator.population import stream

pytestmark = pytest.mark.benchmark
ROUNDS = 3
SHAPE = (256, 256)


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def blocks(population):
    made = []
    for index in range(population.n):
        entry, rng = population.entry(index), stream(population.seed, index, 1)
        where = detector(entry.ifo)
        made.append(whitened_block(lay(entry.family, where, rng)[0], where, rng))
    return np.stack(made)


def test_a_glitch_beside_gwpy_s_four_views():
    """Noise, waveform, whitening and four views here; there only gwpy's transform of a 64 s block, once a view."""
    gwpy = pytest.importorskip("gwpy.timeseries")
    population = Population(16, 1)
    series = gwpy.TimeSeries(np.random.default_rng(0).standard_normal(64 * SAMPLE_RATE), sample_rate=SAMPLE_RATE)

    def theirs():
        for half in (0.25, 0.5, 1.0, 2.0):
            series.q_transform(qrange=(4, 64), frange=(10, 2048), outseg=(32 - half, 32 + half), search=0.5)

    pairs = [(seconds(lambda: simulate_batch(population, shape=SHAPE)) / 16, seconds(theirs)) for _ in range(ROUNDS)]
    ratio = median(b / a for a, b in pairs)
    print(f"\n{1e3 * median(a for a, _ in pairs):.0f} ms a glitch; gwpy's four views {ratio:.0f} times that")
    assert ratio > 8


def test_drawing_beside_transforming():
    population = Population(32, 2)
    ready = blocks(population)
    pairs = [
        (
            seconds(lambda: blocks(population)) / 32,
            seconds(lambda: q_scan(ready, float(SAMPLE_RATE), whitened=True, shape=SHAPE)) / 32,
        )
        for _ in range(ROUNDS)
    ]
    draw, scan = (1e3 * median(column) for column in zip(*pairs, strict=True))
    print(f"\ndrawing {draw:.0f} ms, four views {scan:.0f} ms a glitch")
    assert draw < 3 * scan


def test_writing_costs_little_beside_making(tmp_path):
    pairs = []
    for number in range(ROUNDS):
        memory = seconds(lambda: simulate_batch(Population(32, 3), shape=SHAPE))
        disk = seconds(lambda number=number: simulate(tmp_path / str(number), 32, 3))
        pairs.append((memory, disk))
    ratio = median(disk / memory for memory, disk in pairs)
    print(f"\nto disk {1e3 * median(disk for _, disk in pairs) / 32:.0f} ms a glitch, {ratio:.2f} of in memory")
    assert ratio < 2
