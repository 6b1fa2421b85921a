"""Strain into a study, from Python."""

import csv

import h5py
import numpy as np
import pytest

from embed import Study, ingest_strain
from embed.ingest.strain import SCAN_COLUMNS, write_scan_table
from embed.strain.files import open_strain
from embed.strain.record import records
from embed.strain.triggers import Trigger, trigger_at
from embed.study.records import Label

RATE = 1024
START = 1126259000


@pytest.fixture
def strain(tmp_path):
    path = tmp_path / "H-H1_TEST-1126259000-64.hdf5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("strain", data=np.random.default_rng(0).standard_normal(64 * RATE))
        data.attrs.update({"x0": START, "dx": 1 / RATE})
    return records([open_strain(path)])


def test_triggers_become_glitches_with_four_views_once(tmp_path, strain):
    triggers = [trigger_at(START + 20.5, "H1"), Trigger(START + 1, "H1", "edge"), Trigger(START + 30, "L1", "other")]
    calls = []
    with Study(tmp_path / "study", create=True) as study:
        for added in (1, 0):
            with study.run("scan"):
                report = ingest_strain(study, strain, triggers, progress=lambda *counts: calls.append(counts))
            assert (report.glitches, report.views, report.unchanged) == (added, 4 * added, 4 - 4 * added)
            assert [trigger.gravityspy_id for trigger in report.scanned] == [f"{START + 20.5:.9f}"]
            assert [skip.path for skip in report.skipped] == ["H1_edge", "L1_other"]
        assert study.durations() == {0.5: 1, 1.0: 1, 2.0: 1, 4.0: 1}
        found = study.metadata().iloc[0]
        assert (found["snr"], found["q_value"]) == (report.scanned[0].snr, report.scanned[0].q_value)
        assert study.glitches()["gps"].tolist() == [START + 20.5]
    assert calls == [(1, 3), (2, 3), (3, 3)] * 2


def test_the_numbers_of_the_trigger_table_are_kept(tmp_path, strain):
    trigger = Trigger(START + 20.5, "H1", "abc", snr=9.0, metadata={"duration": 0.5, "bandwidth": 30.0})
    with Study(tmp_path / "study", create=True) as study, study.run("scan"):
        ingest_strain(study, strain, [trigger])
        found = study.metadata().iloc[0].to_dict()
    assert (found["snr"], found["duration"], found["bandwidth"]) == (9.0, 0.5, 30.0)


def test_a_label_is_for_those_that_have_none(tmp_path, strain):
    one, other = trigger_at(START + 20.5, "H1"), trigger_at(START + 30.5, "H1")
    with Study(tmp_path / "study", create=True) as study, study.run("scan"):
        assert ingest_strain(study, strain, [one]).labels == 0
        with study.transaction():
            study.add_label(1, Label("Blip", "person", "a test"))
        assert ingest_strain(study, strain, [one, other], label="None_of_the_Above").labels == 1
        assert ingest_strain(study, strain, [one, other], label="None_of_the_Above").labels == 0
        assert study.glitches()["label"].tolist() == ["Blip", "None_of_the_Above"]


def test_the_table_of_scanned_triggers(tmp_path):
    path = tmp_path / "scan.csv"
    write_scan_table(path, [Trigger(START + 0.5, "H1", "abc", 8.25, None, 11.5)])
    with path.open() as file:
        assert list(csv.DictReader(file)) == [
            dict(zip(SCAN_COLUMNS, ("H1_abc", "H1", f"{START + 0.5}", "8.25", "", "11.5"), strict=True))
        ]
