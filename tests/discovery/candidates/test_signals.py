"""A label of two families, one of which is signals to a detector: the certificates, the page and the table say so, and it is verified."""

import csv
import json
import shlex
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.detectors import fresh_detector
from support.mixtures import mixture
from support.terminal import error_of, run

from embed.detector.model import Detector
from embed.detector.options import SourceOptions

START, RATE, SECONDS = 1_126_259_000, 2048, 128
SIZES = {"signals": 16, "glitches": 16, "Chirp": 6, "Blip": 12, "Whistle": 12}
LABELS = {"signals": "None_of_the_Above", "glitches": "None_of_the_Above"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A study of vectors, strain with a spike at the time of each signal and Chirp, and a detector that calls loud strain a signal."""
    monkeypatch.chdir(tmp_path)
    vectors, truth = mixture(list(SIZES.values()), dims=12, seed=1)
    order = np.argsort(truth, kind="stable")  # the signals are the first of the table
    vectors, families = vectors[order], np.array(list(SIZES))[truth[order]]
    strain = np.random.default_rng(0).standard_normal(SECONDS * RATE)
    with Path("ids.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("id", "label", "ifo", "event_time"))
        for number, family in enumerate(families):
            at = 20 + 1.3 * number
            table.writerow((f"g{number}", LABELS.get(family, family), "H1", START + at))
            if family in ("signals", "Chirp"):
                strain[round(at * RATE)] = 200.0
        table.writerow(("far", "Whistle", "H1", START + 10_000))
    np.save("vectors.npy", np.concatenate([vectors, vectors[-1:]]).astype(np.float32))
    with h5py.File("h.hdf5", "w") as file:
        file["strain/Strain"] = 1e-21 * strain
        file["strain/Strain"].attrs.update({"Xstart": START, "Xspacing": 1 / RATE})
        file["meta/Detector"] = "H1"
    fresh_detector(tmp_path / "bbh", SourceOptions(ifos=("H1",)))
    monkeypatch.setattr("embed.detector.judging.noise_threshold", lambda _: 20.0)
    monkeypatch.setattr(Detector, "statistic", lambda _, segments: np.abs(segments[:, 0]).max(-1).astype(float))
    return tmp_path


def discover(capsys, line):
    return run(capsys, *shlex.split(line))


def test_certificates_say_what_is_called_a_signal(capsys, place):
    assert discover(capsys, "ingest vectors.npy --ids ids.csv")[0] == 0
    line = "cluster None_of_the_Above --detector bbh --strain h.hdf5 --out report"
    code, out, _ = discover(capsys, line + " --json")
    assert code == 0
    for own in json.loads(out)["clusters"]:
        signals = 16 if int(own["medoid"].rpartition("g")[2]) < 16 else 0
        assert (own["members_signals"], own["members_judged"]) == (signals, 16)
        assert (own["others_signals"], own["others_judged"]) == (16 - signals, 16)
        assert (own["chirps_signals"], own["chirps_judged"]) == (6, 6)
        assert (own["known_signals"], own["known_judged"]) == (0, 24)
        assert f"calls {signals} of 16 members a signal (1 % of noise" in own["reasons"][-1]
        assert ("may be signals" in own["reasons"][-1]) == bool(signals)
    with Path("report/certificates.csv").open(newline="") as file:
        assert {row["members_signals"] for row in csv.DictReader(file)} == {"0", "16"}
    page = Path("report/report.html").read_text()
    assert page.count("calls 16 of 16 members a signal") == 1
    assert "glitches that bbh did not judge: 1 (no strain of H1 at its time)" in page
    _, out, _ = discover(capsys, line)
    assert sorted(row.split()[-3:] for row in out.splitlines() if row.split()[-3:-1][-1:] == ["of"]) == [
        ["0", "of", "16"],
        ["16", "of", "16"],
    ]
    code, out, _ = discover(capsys, "verify --report report --json")
    assert (code, json.loads(out)["same"]) == (0, True)


def test_births_of_an_update_are_judged_too(capsys, place):
    """The signals get their label after the clustering; the other half of the label is what is beside them."""
    lines = Path("ids.csv").read_text().splitlines()
    later = [line.partition(",")[0] for line in lines[1:17]]
    early = [line.replace("None_of_the_Above", "") if n in range(1, 17) else line for n, line in enumerate(lines)]
    Path("ids.csv").write_text("\n".join(early))
    assert discover(capsys, "ingest vectors.npy --ids ids.csv")[0] == 0
    assert discover(capsys, "cluster None_of_the_Above")[0] == 0
    Path("later.csv").write_text("id,label\n" + "".join(f"{name},None_of_the_Above\n" for name in later))
    assert discover(capsys, "ingest --labels later.csv")[0] == 0
    refused = error_of(capsys, "update", "--detector", "none", "--strain", "h.hdf5")
    assert "no detector in none: it has no detector.json" in refused
    assert "--strain h.hdf5 goes with --detector" in error_of(capsys, "update", "--strain", "h.hdf5")
    code, out, err = discover(capsys, "update --detector bbh --strain h.hdf5 --out report --json")
    assert code == 0, err
    said = json.loads(out)
    (own,) = said["births"]
    assert [own[f"members_{name}"] for name in ("signals", "judged")] == [16, 16]
    assert [own[f"others_{name}"] for name in ("signals", "judged")] == [0, 16]
    assert [own[f"known_{name}"] for name in ("signals", "judged")] == [0, 24]
    assert (own["chirps_signals"], own["chirps_judged"]) == (6, 6)
    assert "glitches that bbh did not judge: 1 (no strain of H1 at its time)" in said["notes"]
    page = Path("report/update.html").read_text()
    assert "calls 16 of 16 members a signal" in page
    assert "They may be signals" in page
    assert "glitches that bbh did not judge: 1" in page


def test_a_detector_that_has_nothing_to_judge_is_refused(capsys, place):
    discover(capsys, "ingest vectors.npy --ids ids.csv")
    for options, said in (
        ("--detector none --strain h.hdf5", "no detector in none: it has no detector.json"),
        (
            "--detector bbh",
            "--detector bbh judges strain, and none of this study is known; give its files with --strain",
        ),
        ("--strain h.hdf5", "--strain h.hdf5 goes with --detector; name the detector"),
    ):
        assert said in error_of(capsys, *shlex.split(f"cluster None_of_the_Above {options}"))
