"""The example that judges vectors from strain, on few glitches, with a network that knows two classes by their loudness."""

import runpy
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.detectors import fresh_detector

from embed.detector.model import Detector
from embed.detector.options import SourceOptions

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_strain_is_judged_beside_its_spectrograms(tmp_path, monkeypatch, capsys):
    fresh_detector(tmp_path / "one", SourceOptions(ifos=("H1",), glitches=True))
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "real.hdf5", "w") as file:
        file.attrs["sample_rate_hz"] = 4096
        for name, loud in (("Faint", 10), ("Loud", 40)):
            for number in range(8):
                strain = 57 * rng.standard_normal(14 * 4096)  # of any unit
                strain[7 * 4096 : 7 * 4096 + 8] += 57 * loud * np.array([1, 1, -1, -1, 1, 1, -1, -1])
                file[f"{name}/O3a_H1_{number}"] = strain.astype(np.float32)
    seen = []

    def loudness(_, segments):
        seen.append(segments)
        loud = np.log(np.abs(segments[:, 0]).max(1))
        return np.stack([loud, np.full_like(loud, 3.0)], 1)

    monkeypatch.setattr(Detector, "features", loudness)
    typed = ("one", "--each", 6, "--classes", "Blip", "Whistle", "--real", "real.hdf5", "--seeds", 1)
    monkeypatch.setattr(sys, "argv", ["strain_vectors.py", *map(str, typed)])
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "strain_vectors.py"), run_name="__main__")
    made, real = seen
    assert made.shape == (12, 1, 2048)
    assert real.shape == (16, 1, 2048)
    assert np.abs(np.abs(real[:, 0]).argmax(1) - 1024).max() <= 4  # the glitch in the middle
    assert np.median(np.abs(real)) * 1.4826 == pytest.approx(1, rel=0.05)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    rows = [line for line in lines if line[0] in ("simulated", "real")]
    assert [(line[0], line[1]) for line in rows] == [("simulated", "12")] * 5 + [("real", "16")] * 5
    by_strain = next(line for line in rows if line[0] == "real" and line[2] == "strain")
    assert float(by_strain[3]) == 1  # loudness tells these classes apart
