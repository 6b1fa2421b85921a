"""What the documentation promises of a study: it can be moved and copied, and one of version 0.1 opens in the present version."""

import json
import shutil
import sqlite3
import tarfile
from pathlib import Path

import numpy as np
import pytest
from support.gallery import make_gallery
from support.terminal import run

from embed import Study, embed, ingest_folder
from embed.errors import StudyError
from embed.study.clusterings import latest_clustering, latest_clusters, save_clusters
from embed.study.database import SCHEMA_VERSION
from embed.study.records import View
from embed.vectors.store import stores
from embed.views.cache import ViewCache
from embed.views.decoding import decode

KEPT = Path(__file__).parent / "data" / "version-0.1.tar.gz"


@pytest.fixture
def old(tmp_path):
    """A study that version 0.1 wrote: 30 glitches, vectors, a clustering with a named cluster, an audit; its pictures are elsewhere."""
    with tarfile.open(KEPT) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "study"


def test_a_study_of_version_0_1_opens(old, capsys):
    with Study(old) as study:
        table = study.glitches()
        assert (len(table), study.counts_by_label().to_dict()) == (30, {"Blip": 9, "Chirp": 12, "Koi_Fish": 9})
        stored = latest_clustering(study)
        assert (stored.run, stored.label, len(stored.table)) == (3, "None_of_the_Above", 12)
        assert list(study.runs()["command"]) == ["ingest", "embed", "cluster", "name", "audit"]
        assert {view.source for view in study.views([1])} == {"/data/pictures/Blip/H1_a000000000_spectrogram_4.0.png"}
    (store,) = stores(old)
    assert store.graph.neighbours.shape == (30, 29)
    assert np.isfinite(store.vectors).all()
    assert store.index.exact
    for command in (
        "status",
        "search H1_a000000000 -k 3",
        "name 0 Chirp --dry-run",
        "export --to csv --out all.csv",
    ):
        arguments = [str(old.parent / part) if part == "all.csv" else part for part in command.split()]
        assert run(capsys, *arguments, "--study", old)[0] == 0, command


def test_a_study_of_version_0_1_is_checked_and_gets_hashes(old, capsys):
    found = json.loads(run(capsys, "check", "--study", old, "--json")[1])
    assert {own["state"] for own in found["findings"] if not own["part"].startswith("picture")} == {"fine"}
    assert (found["missing"], found["damaged"]) == (30, 0)  # the pictures, which were left behind
    run(capsys, "check", "--study", old, "--repair")
    assert (old / "study.sums.json").exists()
    assert len(list(old.rglob("SHA256SUMS"))) == 1


def test_a_clustering_is_kept_under_its_run_and_a_killed_one_is_never_read(old):
    """Clustered twice is stored twice; the latest finished one counts."""
    with Study(old) as study:
        before = latest_clusters(study)
        for outcome in ("", "failed: no space", "done"):
            cursor = study.connection.execute(
                "INSERT INTO runs (command, arguments, started, outcome) SELECT command, arguments, 1, ? FROM runs WHERE run = 3",
                (outcome,),
            )
            again = before.assign(cluster=7)
            save_clusters(study, cursor.lastrowid, again.index.to_numpy(), again["cluster"], again["probability"])
            found = latest_clusters(study)
            expected = again if outcome == "done" else before
            assert found["cluster"].tolist() == expected["cluster"].tolist()
            assert latest_clustering(study).run == (8 if outcome == "done" else 3)
        assert study.count("clusters") == 4 * len(before)


def test_a_study_of_another_format_is_refused_in_one_line(old, capsys):
    connection = sqlite3.connect(old / "study.db")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    code, _, err = run(capsys, "status", "--study", old)
    assert (code, err.count("\n")) == (2, 1)
    assert f"has format {SCHEMA_VERSION + 1}, this version reads format {SCHEMA_VERSION}" in err


def test_a_study_that_holds_its_pictures_can_be_moved(tmp_path, tiny, capsys):
    """What lies in the study's folder is kept by relative paths, and found again at the new place."""
    make_gallery(tmp_path / "study" / "pictures", {"Blip": 3, "Koi_Fish": 3})
    make_gallery(tmp_path / "elsewhere", {"Whistle": 2})
    with Study(tmp_path / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, tmp_path / "study" / "pictures")
            ingest_folder(study, tmp_path / "elsewhere")
        store = embed(study)
        name = store.name
    shutil.move(tmp_path / "study", tmp_path / "moved")
    with Study(tmp_path / "moved") as study:
        assert all(decode(view, 64).shape == (64, 64) for view in study.views())
        with study.run("ingest"):
            report = ingest_folder(study, tmp_path / "moved" / "pictures")
        assert (report.views, report.unchanged, report.skipped) == (0, 6, [])
        assert embed(study).name == name
    assert run(capsys, "check", "--study", tmp_path / "moved")[0] == 0


def test_pictures_that_were_moved_are_found_by_ingesting_them_again(tmp_path, capsys):
    make_gallery(tmp_path / "pictures", {"Blip": 3})
    run(capsys, "ingest", tmp_path / "pictures", "--study", tmp_path / "study")
    (tmp_path / "pictures").rename(tmp_path / "archive")
    assert run(capsys, "check", "--study", tmp_path / "study")[0] == 1
    assert run(capsys, "ingest", tmp_path / "archive", "--study", tmp_path / "study")[0] == 0
    assert run(capsys, "check", "--study", tmp_path / "study")[0] == 0


def test_a_copy_of_the_database_by_sqlite_is_a_backup(old, tmp_path):
    """SQLite's own backup while the study is open; the folder's other files are never changed in place."""
    with Study(old) as study:
        copy = sqlite3.connect(tmp_path / "backup.db")
        study.connection.backup(copy)
        assert list(copy.iterdump()) == list(study.connection.iterdump())
        copy.close()


def test_a_hash_that_is_none_is_one_clear_line(tmp_path):
    with (
        ViewCache(tmp_path, 8, plain=False) as cache,
        pytest.raises(
            StudyError,
            match=r"the study's hash of a.png is 'bad', no SHA-256; another program has changed it, restore a copy",
        ),
    ):
        cache.get(View(1, 1, 4.0, "spectrogram", "a.png", "", "bad"))
