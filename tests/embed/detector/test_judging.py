"""Glitches judged by a detector: where in a segment they are, and the share of noise above the threshold."""

from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from embed import Study
from embed.detector.judging import judge_glitches, noise_threshold
from embed.detector.noise import NoiseSource
from embed.detector.options import SourceOptions

START, RATE = 1_000_000_000, 4096


def detector(statistic, **source):
    options = SourceOptions(ifos=("H1",), waveform="bundled", **source)
    return SimpleNamespace(folder=Path("one"), source=options, statistic=statistic)


def test_the_threshold_is_exceeded_by_the_stated_share_of_noise():
    seen = []

    def loudness(segments):
        seen.append(segments)
        return np.abs(segments[:, 0]).max(-1)

    threshold = noise_threshold(detector(loudness), count=200, share=0.05)
    strain = np.concatenate(seen)[:200, 0]
    assert (np.abs(strain).max(-1) > threshold).sum() == 10
    assert strain.std() == pytest.approx(0.95, abs=0.02)
    learnt = NoiseSource(SourceOptions(ifos=("H1",)), 0).block(0)
    assert not np.array_equal(seen[0][0, 0], learnt.values[0, :2048])


def test_a_glitch_is_where_mergers_are(tmp_path, monkeypatch):
    monkeypatch.setattr("embed.detector.judging.noise_threshold", lambda _: 3.0)
    strain = np.random.default_rng(0).standard_normal(100 * RATE)
    strain[50 * RATE] = 300
    path = tmp_path / "h.hdf5"
    with h5py.File(path, "w") as file:
        file["strain/Strain"] = 1e-21 * strain
        file["strain/Strain"].attrs.update({"Xstart": START, "Xspacing": 1 / RATE})
        file["meta/Detector"] = "H1"
    table = [("a", "H1", START + 50.0), ("b", "H1", START + 500.0)]
    place = detector(lambda segments: np.abs(segments[:, 0]).argmax(-1).astype(float), placement=(0.6, 0.8))
    with Study(tmp_path / "study", create=True) as study:
        found = judge_glitches(study, place, table, strain=[path])
        assert found.statistic[0] == pytest.approx(0.7 * 2048, abs=1)
        assert np.isnan(found.statistic[1])
        assert found.unreached == {"no strain of H1 at its time": 1}
        assert (found.detector, found.threshold) == ("one", 3.0)
        none = judge_glitches(study, place, table[1:], strain=[path])
        assert np.isnan(none.statistic).all()
        assert none.unreached == {"no strain of H1 at its time": 1}
