"""``discover simulate`` and ``discover scan``, as a user types them."""

import json
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from support.terminal import run

from embed import Study
from embed.errors import InputError
from embed.strain.opendata import fetch_open_strain


def simulate(capsys, out, *arguments, n=6, seed=3):
    return run(capsys, "simulate", "--out", out, "--n", n, "--seed", seed, *arguments)


def test_simulated_glitches_are_ingested_as_gravity_spys(capsys, tmp_path):
    code, out, _ = simulate(capsys, tmp_path / "sim", "--classes", "Blip", "Whistle", "--json")
    assert code == 0
    counts = json.loads(out)["labels"]
    assert sum(counts.values()) == 6
    code, out, _ = run(capsys, "ingest", tmp_path / "sim", "--study", tmp_path / "study", "--json")
    assert code == 0
    assert json.loads(out)["views"] == 24
    run(capsys, "ingest", tmp_path / "sim" / "metadata.csv", "--study", tmp_path / "study")
    truth = pd.read_csv(tmp_path / "sim" / "truth.csv")
    with Study(tmp_path / "study") as study:
        table = study.glitches()
        assert study.counts_by_label().to_dict() == counts
    assert set(table["id"]) == set(truth["ifo"] + "_" + truth["id"])
    assert np.allclose(table.set_index("gravityspy_id").loc[truth["id"], "gps"], truth["gps"], atol=1e-5)


def test_same_seed_same_bytes(capsys, tmp_path):
    trees = []
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        assert simulate(capsys, tmp_path / name, "--classes", "Blip", "Tomte", n=3, seed=seed)[0] == 0
        trees.append(
            {
                path.relative_to(tmp_path / name): path.read_bytes()
                for path in sorted((tmp_path / name).rglob("*"))
                if path.is_file()
            }
        )
    assert trees[0] == trees[1]
    assert trees[0] != trees[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--classes", "Blob"], "Blob"),
        (["--onset", "Blip"], "--onset 'Blip' is not CLASS=GPS"),
        (["--label-noise", "2"], "label noise 2.0 is no fraction"),
        (["--noise", "nothing.hdf5"], "nothing.hdf5"),
    ],
)
def test_what_cannot_be_simulated(capsys, tmp_path, arguments, message):
    code, _, err = simulate(capsys, tmp_path / "sim", *arguments)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_a_folder_that_is_not_empty(capsys, tmp_path):
    (tmp_path / "something").touch()
    code, _, err = simulate(capsys, tmp_path)
    assert code == 2
    assert "exists and is not an empty folder; name a new one" in err


def test_simulated_strain_is_scanned_to_the_simulated_pictures(capsys, tmp_path):
    """The same glitches, once drawn as pictures and once as strain that is then scanned, look the same."""
    for kind in ("--images", "--strain"):
        assert simulate(capsys, tmp_path / kind, kind, "--classes", "Koi_Fish", n=2)[0] == 0
    files = sorted((tmp_path / "--strain").glob("*.hdf5"))
    metadata = tmp_path / "--strain" / "metadata.csv"
    for file in files:
        code, out, err = run(capsys, "scan", file, "--triggers", metadata, "--study", tmp_path / "study", "--json")
        assert code == 0, err
        assert json.loads(out)["scanned"] == 1
        # the other file's trigger is listed, not silently dropped
        assert "no strain of" in out or "not in the" in out
    with Study(tmp_path / "study") as study:
        views = study.views()
        assert len(views) == 8
    for view in views:
        name = view.source.rsplit("/", 1)[-1]
        drawn = np.asarray(Image.open(tmp_path / "--images" / "Koi_Fish" / name)).astype(float)
        scanned = np.asarray(
            Image.open(view.source).resize((drawn.shape[1], drawn.shape[0]), Image.Resampling.BOX)
        ).astype(float)
        assert ((drawn > 200) & (scanned > 120)).sum() > 0.5 * (drawn > 200).sum()


@pytest.fixture
def gw150914(real_data):
    files = sorted((real_data / "strain" / "gwosc").glob("*1126259446*"))
    assert len(files) == 2
    return files


def test_a_real_chirp_is_scanned_and_found(capsys, tmp_path, gw150914):
    for _ in range(2):
        code, out, _ = run(capsys, "scan", *gw150914, "--at", 1126259462.43, "--study", tmp_path / "study", "--json")
        assert code == 0
    assert json.loads(out)["glitches"] == 0  # the second run adds nothing
    with Study(tmp_path / "study") as study:
        assert study.durations() == {0.5: 2, 1.0: 2, 2.0: 2, 4.0: 2}
        assert study.glitches()["ifo"].tolist() == ["H1", "L1"]
    code, out, _ = run(capsys, "scan", gw150914[0], "--find", "--study", tmp_path / "found", "--json")
    assert code == 0
    table = pd.read_csv(tmp_path / "found" / "reports" / "scan.csv")
    assert abs(table["gps"] - 1126259462.42).min() < 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--at", "1126259447"], "1.00 s from an end of good strain"),
        (["--at", "1200000000"], "not in the H1 file, which spans GPS 1126259446.000 to 1126259478.000"),
        (["--at", "5"], "5.0 is not a GPS time"),
        ([], "no trigger given; give one of --triggers CSV, --at GPS and --find"),
        (["--find", "--at", "1126259462"], "--at and --find given"),
        (["--find", "--snr", "500"], "nothing in 32 s of good strain is as loud as SNR 500; lower --snr"),
        (["--find", "--label", " "], "--label ' ' cannot be a label"),
        (["--find", "--ifo", "L1"], "L1"),
    ],
)
def test_what_cannot_be_scanned(capsys, tmp_path, gw150914, arguments, message):
    code, _, err = run(capsys, "scan", gw150914[0], *arguments, "--study", tmp_path / "study")
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_find_runs_on_the_chosen_device(capsys, monkeypatch, tmp_path, gw150914):
    from discovery.commands import scan
    from embed.strain.detection import find_triggers

    used = []

    def find(record, *, device=None, **options):
        used.append(device)
        return find_triggers(record, device=device, **options)

    monkeypatch.setattr(scan, "find_triggers", find)
    assert run(capsys, "scan", gw150914[0], "--find", "--device", "cpu", "--study", tmp_path / "study")[0] == 0
    assert used == [torch.device("cpu")]


def write_gwpy(path, strain, rate=1024, start=1126259000):
    with h5py.File(path, "w") as file:
        file.create_dataset("H1", data=strain).attrs.update({"x0": start, "dx": 1 / rate})
    return path


def test_a_table_without_rows_and_strain_without_data(capsys, tmp_path):
    table = tmp_path / "triggers.csv"
    table.write_text("gps,ifo\n")
    path = write_gwpy(tmp_path / "H-H1_x.hdf5", np.full(32 * 1024, np.nan))
    for arguments, message in (
        (("--triggers", table), f"no trigger could be scanned: {table} has no rows"),
        (("--find",), "no trigger could be scanned: 0 s of good strain are too short to search; the rest is gaps"),
    ):
        code, out, err = run(capsys, "scan", path, *arguments, "--study", tmp_path / "study")
        assert (code, out) == (2, "")
        assert message in err
    with Study(tmp_path / "study") as study:
        assert study.runs()["outcome"].str.startswith("failed: no trigger could be scanned").tolist() == [True, True]
    code, _, err = run(capsys, "scan", path, "--find", "--snr", -1, "--study", tmp_path / "other")
    assert (code, err) == (2, "discover scan: error: --snr -1 is not above 0\n")
    assert not (tmp_path / "other").exists()


def test_from_strain_to_clusters(capsys, tmp_path):
    """Glitches of a scan have a label where one is asked for; without one, what is next is said."""
    path = write_gwpy(tmp_path / "H-H1_x.hdf5", np.random.default_rng(0).standard_normal(64 * 1024))
    times, study = [1126259010 + k for k in range(0, 44, 2)], tmp_path / "study"
    code, out, _ = run(capsys, "scan", path, "--at", *times[:21], "--study", study)
    assert code == 0
    assert "... and 1 more\n" in out
    assert "added 21 glitches and 84 views to" in out
    run(capsys, "embed", "--study", study)
    assert "Next: `discover ingest PATH --labels CSV` labels them" in run(capsys, "status", "--study", study)[1]
    err = run(capsys, "cluster", "None_of_the_Above", "--study", study)[2]
    assert "no glitch has a label; `discover ingest PATH --labels CSV` adds labels" in err
    err = run(capsys, "cluster", "Blip", "--predicted", "--study", study)[2]
    assert "no glitch has a prediction; `discover predict MODEL` makes some" in err
    out = run(capsys, "scan", path, "--at", *times, "--label", "none of the above", "--study", study)[1]
    assert "added 1 glitch, 4 views and 22 labels to" in out
    assert run(capsys, "cluster", "None_of_the_Above", "--study", study)[0] == 0


def test_strain_that_is_none(capsys, tmp_path):
    path = tmp_path / "x.hdf5"
    path.write_text("no strain")
    code, _, err = run(capsys, "scan", path, "--find", "--study", tmp_path / "study")
    assert code == 2
    assert "is neither HDF5 nor GWF" in err


def test_open_data_without_a_network(monkeypatch, tmp_path):
    import gwpy.timeseries

    def refuse(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(gwpy.timeseries.TimeSeries, "fetch_open_data", refuse)
    message = r"no open strain of H1 at GPS 1126259430 to 1126259494 could be fetched \(no route to host\); is there a network"
    with pytest.raises(InputError, match=message):
        fetch_open_strain("H1", 1126259462.4, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_open_data_is_scanned_as_files_are(capsys, monkeypatch, tmp_path, gw150914):
    """Up to the download: what GWOSC would send is scanned to the same pictures as its file."""
    import gwpy.timeseries

    series = gwpy.timeseries.TimeSeries.read(gw150914[0], format="hdf5.gwosc")
    monkeypatch.setattr(gwpy.timeseries.TimeSeries, "fetch_open_data", lambda *_, **__: series)
    assert run(capsys, "scan", gw150914[0], "--at", 1126259462.43, "--study", tmp_path / "file")[0] == 0
    code, _, err = run(
        capsys, "scan", "--open-data", "--ifo", "H1", "--at", 1126259462.43, "--study", tmp_path / "open"
    )
    assert code == 0, err
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name / "views").iterdir()} for name in ("file", "open")
    )
    assert one == two
    shutil.rmtree(tmp_path / "open" / "views")
