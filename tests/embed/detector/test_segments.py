"""Strain of files cut into whitened segments, and vectors of the glitches of a study from it."""

import h5py
import numpy as np
import pytest

from embed import Study
from embed.detector import DetectorOptions, SourceOptions, load_detector, train_detector, whitened_segments
from embed.detector.embedding import embed_strain
from embed.detector.segments import whiten_at
from embed.errors import InputError
from embed.simulator import Population, write_study
from embed.strain.files import open_strain
from embed.strain.record import records

START = 1_000_000_000


def write_strain(path, ifo, seconds=100, rate=4096, start=START, gap=None):
    strain = 1e-21 * np.random.default_rng(len(path.name) + ord(ifo[0])).standard_normal(seconds * rate)
    if gap is not None:
        strain[gap[0] * rate : gap[1] * rate] = np.nan
    with h5py.File(path, "w") as file:
        file["strain/Strain"] = strain
        file["strain/Strain"].attrs.update({"Xstart": start, "Xspacing": 1 / rate})
        file["meta/Detector"] = ifo
    return open_strain(path)


def test_segments_cover_the_good_strain_that_all_detectors_have(tmp_path):
    files = [
        write_strain(tmp_path / "h.hdf5", "H1", gap=(70, 72)),
        write_strain(tmp_path / "l.hdf5", "L1", start=START + 10, rate=2048),
    ]
    source = SourceOptions()
    parts = list(whitened_segments(records(files), source, stride=0.25))
    times = np.concatenate([part.times for part in parts])
    # H1 from 0 to 70 and 72 to 100, L1 from 10: common 10 to 70 and 72 to 100, without a second at each end
    expected = np.concatenate([np.arange(11, 68.01, 0.25), np.arange(73, 98.01, 0.25)])
    assert times - START == pytest.approx(expected)
    whole = np.concatenate([part.cut(0, len(part)) for part in parts])
    assert whole.shape == (len(expected), 2, 2048)
    assert whole.dtype == np.float32
    assert whole.std(axis=(0, 2)) == pytest.approx([0.95, 0.95], abs=0.03)
    by_hand = whiten_at(records(files)["H1"].read(START + 10, 60), 4096, source)
    assert np.array_equal(parts[0].cut(3, 4)[0, 0], by_hand[2048 + 3 * 512 :][:2048])


def test_segments_across_blocks_are_on_one_grid(tmp_path):
    file = write_strain(tmp_path / "h.hdf5", "H1", seconds=150, rate=2048)
    source = SourceOptions(ifos=("H1",))
    parts = list(whitened_segments(records([file]), source, stride=0.5))
    assert len(parts) == 3
    times = np.concatenate([part.times for part in parts]) - START
    assert times == pytest.approx(np.arange(1, 148.01, 0.5))


def test_strain_that_does_not_suit_is_refused(tmp_path):
    h1 = write_strain(tmp_path / "h.hdf5", "H1", seconds=20)
    source = SourceOptions()
    with pytest.raises(InputError, match="reads H1 and L1, and there is no strain of L1, only of H1"):
        next(whitened_segments(records([h1]), source, stride=0.5))
    slow = write_strain(tmp_path / "l.hdf5", "L1", seconds=20, rate=1024)
    with pytest.raises(InputError, match="strain at 1024 Hz does not suit a detector for 2048 Hz"):
        next(whitened_segments(records([h1, slow]), source, stride=0.5))
    later = write_strain(tmp_path / "l2.hdf5", "L1", seconds=20, start=START + 50)
    with pytest.raises(InputError, match="H1 and L1 have no 8 s of good strain in common"):
        next(whitened_segments(records([h1, later]), source, stride=0.5))
    with pytest.raises(InputError, match="a stride of 0 s is less than a sample"):
        next(whitened_segments(records([h1]), SourceOptions(ifos=("H1",)), stride=0.0))


@pytest.fixture(scope="module")
def one_detector(tmp_path_factory):
    source = SourceOptions(ifos=("H1",), waveform="bundled", masses=(30.0, 60.0))
    out = tmp_path_factory.mktemp("detectors") / "one"
    train_detector(DetectorOptions(out=out, source=source, examples=16, batch=8, device="cpu", workers=0))
    return load_detector(out)


def test_glitches_get_vectors_of_their_strain_and_those_without_are_left_out(tmp_path, one_detector):
    population = Population(3, 1, classes=("Blip", "Koi_Fish"))
    write_study(tmp_path / "strain", population, output="strain")
    entries = [population.entry(index) for index in range(3)]
    paths = [tmp_path / "strain" / f"{entry.ifo}_{entry.gravityspy_id}.hdf5" for entry in entries]
    with Study(tmp_path / "study", create=True) as study:
        with study.run("scan", {"strain": [str(path) for path in paths[:2]], "whitened": False}):
            for entry in entries:
                study.add_glitch(entry.gravityspy_id, entry.ifo, entry.gps)
            study.add_glitch("timeless", "H1", None)
        store = embed_strain(study, one_detector)
        names = study.ids()
        assert [names[glitch] for glitch in store.glitches] == [path.stem for path in paths[:2]]
        reasons = {item.glitch: item.reason for item in store.left_out}
        assert reasons == {3: f"no strain of {entries[2].ifo} at its time", 4: "its time is not known"}
        assert store.passport["weights"] == "vectors:strain-one"
        whole = embed_strain(study, one_detector, strain=[paths[2]])
        assert [names[glitch] for glitch in whole.glitches] == [path.stem for path in paths]
        record = records([open_strain(paths[0])])[entries[0].ifo]
        first = round((entries[0].gps - record.start - 0.5) * 2048)
        segment = whiten_at(record.read(record.start, 64), 8192, one_detector.source)[first : first + 2048]
        vector = one_detector.features(segment[None, None])[0]
        assert whole.vectors[0] == pytest.approx(vector, abs=1e-4)


def test_a_study_without_strain_is_refused(tmp_path, one_detector):
    with Study(tmp_path / "study", create=True) as study:
        with study.run("ingest"):
            study.add_glitch("abc", "H1", float(START))
        with pytest.raises(
            InputError, match=r"none of the 1 glitches has strain within reach .*discover embed --strain FILE"
        ):
            embed_strain(study, one_detector)
