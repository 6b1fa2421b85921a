"""A network over strain: segments a second beside a plain loop over the same segments, times real time, and memory over an hour of strain."""

import subprocess
import sys
import time
from statistics import median

import h5py
import numpy as np
import pytest
from support.detectors import fresh_detector

from discovery.sensitivity.statistic import NetworkStatistic, stride_of
from embed.detector.model import load_detector
from embed.detector.options import SourceOptions

pytestmark = pytest.mark.benchmark
ROUNDS = 5
SOURCE = SourceOptions()

SCAN = """
import resource, sys
from discovery.sensitivity.scan import scan_strain
from discovery.sensitivity.statistic import segment_count
from embed.detector.options import SourceOptions
from embed.strain.files import open_strain
from embed.strain.record import records
import numpy as np

class Quiet:
    name = "quiet"
    def of_series(self, values, stride, turns):
        return np.random.default_rng(0).standard_normal((len(turns), segment_count(values.shape[-1], 2048, stride)))

found = scan_strain(Quiet(), records(map(open_strain, sys.argv[1:])), SourceOptions(), slides=2, loudest=10)
print(found.seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return load_detector(fresh_detector(tmp_path_factory.mktemp("detector")))


def test_segments_a_second_beside_a_plain_loop(detector):
    """The same 62 s of whitened strain, in turns."""
    values = np.random.default_rng(0).standard_normal((2, 62 * 2048)).astype(np.float32)
    stride = stride_of(SOURCE)
    statistic = NetworkStatistic("bench", detector)
    starts = range(0, values.shape[-1] - SOURCE.samples + 1, stride)
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        together = statistic.of_series(values, stride, (0,))[0]
        middle = time.perf_counter()
        alone = [float(detector.statistic(values[None, :, start : start + SOURCE.samples])[0]) for start in starts]
        times.append((middle - begin, time.perf_counter() - middle))
        np.testing.assert_allclose(together, alone, atol=1e-4)
    ours, loop = (median(column) for column in zip(*times, strict=True))
    print(
        f"\n{len(together) / ours:.0f} segments a second, {62 / ours:.0f} times real time; plain loop {len(together) / loop:.0f}; "
        f"ratio {median(one[1] / one[0] for one in times):.2f}"
    )
    assert median(other / own for own, other in times) > 1.0


def test_memory_is_flat_over_an_hour(tmp_path):
    """One file of 4096 s at 4096 Hz of each detector takes no more memory than 512 s do, but for a few megabytes."""
    peaks = {}
    for seconds in (512, 4096):
        files = []
        for ifo in ("H1", "L1"):
            path = tmp_path / f"{ifo[0]}-{ifo}_X-{seconds}.hdf5"
            with h5py.File(path, "w") as file:
                data = file.create_dataset("strain/Strain", shape=(seconds * 4096,), dtype=np.float64, chunks=(65536,))
                rng = np.random.default_rng(ord(ifo[0]))
                for first in range(0, len(data), 1 << 20):
                    data[first : first + (1 << 20)] = rng.standard_normal(min(1 << 20, len(data) - first)) * 1e-21
                data.attrs.update({"Xstart": 1_240_000_000, "Xspacing": 1 / 4096, "Npoints": seconds * 4096})
                file["meta/Detector"] = ifo
            files.append(str(path))
        begin = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", SCAN, *files], capture_output=True, text=True, check=True)
        searched, peak = map(float, done.stdout.split())
        assert seconds - 2.3 < searched <= seconds - 2
        peaks[seconds] = peak
        print(
            f"\n{seconds} s: peak {peak:.0f} MB, {seconds / (time.perf_counter() - begin):.0f} times real time without the network"
        )
    assert peaks[4096] - peaks[512] < 30
