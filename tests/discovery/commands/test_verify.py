"""A report comes out the same again; where it does not, the difference is said."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from support.audited import copy_study, make_study, run_audit
from support.gallery import make_gallery
from support.terminal import error_of, run

from discovery.candidates.candidates import find_candidates
from discovery.candidates.maps import draw_map
from discovery.candidates.options import MapOptions
from embed import Study, ingest_folder
from embed.study.clusterings import save_clusters
from embed.study.moments import what_computes
from embed.study.records import Label
from embed.study.reports import add_report
from embed.vectors.store import stores


@pytest.fixture
def study(tmp_path, embedded):
    return shutil.copytree(embedded, tmp_path / "study")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("verify"), count=60, wrong=6)[0]


def test_a_report_is_the_same_again(capsys, study):
    assert run(capsys, "cluster", "None_of_the_Above", "--study", study)[0] == 0
    with Study(study) as opened:
        before = opened.count("runs"), opened.count("clusters")
    code, out, _ = run(capsys, "verify", "--study", study, "--json")
    said = json.loads(out)
    assert (code, said["same"], said["differences"]) == (0, True, [])
    assert set(said["files"]) >= {
        "clusters.csv",
        "certificates.csv",
        "report.html",
        "embedding.html",
        "contact-sheet.png",
    }
    with Study(study) as opened:
        assert (opened.count("runs"), opened.count("clusters")) == before


def test_labels_that_changed_since_are_told(capsys, study):
    assert run(capsys, "cluster", "None_of_the_Above", "--study", study)[0] == 0
    with Study(study) as opened, opened.run("test"):
        glitch = int(opened.members("None_of_the_Above")[0])
        opened.add_label(glitch, Label("Blip", "person", "test"))
    code, out, _ = run(capsys, "verify", "None_of_the_Above", "--study", study)
    assert code == 0
    assert "1 glitch has another label since; the clusters were made again of the labels as they were" in out
    with Study(study) as opened, opened.transaction():  # a run of an earlier version, within the second of the label
        opened.connection.execute("UPDATE runs SET arguments = json_remove(arguments, '$.held', '$.versions')")
    code, out, _ = run(capsys, "verify", "None_of_the_Above", "--study", study)
    assert code == 1
    assert "differs: clusters.csv" in out
    assert "1 no longer has the label, and 0 others have it now" in out
    assert "run 3 is of an earlier version, which did not keep versions and what the study held" in out


def test_a_changed_file_is_named(capsys, study):
    assert run(capsys, "cluster", "None_of_the_Above", "--out", study / "mine", "--study", study)[0] == 0
    with (study / "mine" / "report.html").open("a") as page:
        page.write("<!-- changed -->")
    for line in ((), ("None_of_the_Above",), ("--report", study / "mine")):
        code, out, _ = run(capsys, "verify", *line, "--study", study)
        assert code == 1
        assert [line for line in out.splitlines() if line.startswith("differs")] == ["differs: report.html"]
        assert "clusters of None_of_the_Above by hdbscan: same clusters; " in out
    shutil.rmtree(study / "mine")
    assert f"there is no report in {study / 'mine'}" in error_of(capsys, "verify", "--study", study)


def test_pictures_in_the_study_keep_their_paths(capsys, tmp_path):
    make_gallery(tmp_path / "study" / "pictures", {"Blip": 8, "Power_Line": 8})
    assert run(capsys, "ingest", tmp_path / "study" / "pictures", "--study", tmp_path / "study")[0] == 0
    assert run(capsys, "cluster", "Blip", "--study", tmp_path / "study")[0] == 0
    assert run(capsys, "verify", "--study", tmp_path / "study")[0] == 0


def test_a_folder_that_another_command_wrote_into_later_is_still_of_its_run(capsys, study):
    assert run(capsys, "cluster", "None_of_the_Above", "--out", study / "mine", "--study", study)[0] == 0
    with Study(study) as opened, opened.run("onset") as number:
        (study / "mine" / "onset.html").write_text("a page")
        add_report(opened, number, study / "mine" / "onset.html", "Onset", "none")
    for line in ((), ("--report", study / "mine"), ("--report", study / "vectors" / ".." / "mine")):
        code, out, _ = run(capsys, "verify", *line, "--study", study)
        assert code == 0
        assert "clusters of None_of_the_Above by hdbscan: same clusters; " in out


def test_what_is_not_there_is_refused(capsys, study):
    for line, said in (
        ((), "the study has nothing to verify; run `discover cluster LABEL`, `discover audit` or `discover project`"),
        (("Blip",), "the study has no clustering of 'Blip'; run `discover cluster Blip` first"),
        (("--audit",), "the study has no audit; run `discover audit` first"),
        (("--map",), "the study has no map; run `discover project` first"),
        (("--report", study / "vectors"), "holds none of clusters.csv, audit.csv, coordinates.csv"),
        (("--report", study / "none"), "there is no report in"),
        (("--report", study, "--map"), "--report names the one folder that is verified; leave --audit and --map out"),
    ):
        assert said in error_of(capsys, "verify", *line, "--study", study)


@pytest.fixture
def reported(made, tmp_path):
    """A study with clusters (run 2), an audit (run 3) and a map (run 4)."""
    folder = copy_study(made, tmp_path / "reported")
    with Study(folder) as opened:
        (store,) = stores(folder)
        find_candidates(opened, store, "None_of_the_Above")
        run_audit(folder, rate=0.3)
        draw_map(opened, store, options=MapOptions("umap", 2, "gps"))
    return folder


def change(folder):
    """What people and commands do later: labels, a prediction, glitches, clusters."""
    make_gallery(folder.parent / "later", {"Blip": 2}, seed=7, prefix="later")
    with Study(folder) as opened, opened.run("test") as number:
        glitch = int(opened.members("Koi_Fish")[0])
        opened.add_label(glitch, Label("Blip", "person", "test"))
        opened.add_label(glitch, Label("Blip", "model", "test"))
        ingest_folder(opened, folder.parent / "later")
        save_clusters(opened, number, np.array([glitch]), np.array([0]), np.array([1.0]))


def test_clusters_audit_and_map_are_the_same_after_later_decisions(capsys, reported):
    change(reported)
    code, out, err = run(capsys, "verify", "--study", reported)
    assert code == 0, out + err
    assert [line.partition("; ")[0] for line in out.splitlines() if line.startswith("run")] == [
        "run 2, clusters of None_of_the_Above by hdbscan: same clusters",
        "run 3, audit: same flags",
        "run 4, map of all glitches by umap: map drift 0",
    ]
    assert "1 glitch has another label since; the audit was made again of the labels as they were" in out
    code, out, _ = run(capsys, "verify", "--audit", "--map", "--json", "--study", reported)
    said = json.loads(out)
    assert (code, set(said)) == (0, {"audit", "map", "same"})
    assert {"audit.csv", "audit.html", "ranking.csv", "volunteers/manifest.csv"} <= set(said["audit"]["files"])
    assert (said["audit"]["differences"], said["map"]["moved"], said["map"]["kept"]) == ([], 0.0, 1.0)


def test_a_report_that_cannot_be_made_again_does_not_keep_others_from_it(capsys, reported):
    table = reported / "probabilities.csv"
    table.rename(reported / "moved.csv")
    code, out, err = run(capsys, "verify", "--study", reported)
    assert code == 2
    assert [line.partition("; ")[0] for line in out.splitlines() if line.startswith("run")] == [
        "run 2, clusters of None_of_the_Above by hdbscan: same clusters",
        f"run 3, audit: cannot be made again: the probabilities {table} of run 3 are not there",
        "run 4, map of all glitches by umap: map drift 0",
    ]
    assert err.splitlines()[-1] == "discover verify: error: 1 report of 3 cannot be made again: audit (run 3)"
    code, out, _ = run(capsys, "verify", "--audit", "--map", "--json", "--study", reported)
    said = json.loads(out)
    assert (code, said["same"], said["audit"]["same"], said["map"]["same"]) == (2, False, False, True)
    assert said["audit"]["error"].startswith(f"the probabilities {table} of run 3 are not there; put the table back")
    alone = error_of(capsys, "verify", "--audit", "--study", reported)
    assert alone.startswith(f"discover verify: error: the probabilities {table} of run 3 are not there")


@pytest.mark.long
def test_an_audit_by_vectors_is_the_same(capsys, made, tmp_path):
    folder = copy_study(made, tmp_path / "study")
    run_audit(folder, vectors=True, rate=0.3)
    change(folder)
    code, out, err = run(capsys, "verify", "--study", folder)
    assert (code, "run 2, audit: same flags; " in out) == (0, True), out + err


def test_what_differs_is_said_with_what_may_be_the_reason(capsys, reported, monkeypatch):
    """Another version, an answer in the table, a point that was moved by hand."""
    now = what_computes()
    monkeypatch.setattr("discovery.verification.changes.what_computes", lambda: now | {"numpy": "0.1"})
    audit, chart = (reported / "reports" / name for name in ("audit/audit.csv", "map-umap-2d/coordinates.csv"))
    header, *lines = audit.read_text().splitlines()
    audit.write_text("\n".join([header + ",decision", *(line + ",keep" for line in lines)]))
    table = pd.read_csv(chart)
    table.loc[0, "x"] += 10
    table.to_csv(chart, index=False)
    code, out, _ = run(capsys, "verify", "--audit", "--map", "--study", reported)
    assert code == 1
    assert [line for line in out.splitlines() if line.startswith("differs")] == [
        "differs: audit.csv",
        "differs: coordinates.csv",
    ]
    assert f"{len(lines)} decisions were written into audit.csv" in out
    assert out.count(f"numpy was {now['numpy']} and is 0.1") == 2
    assert "by umap: map drift " in out
    assert "of 15 nearest neighbours kept; 2 of 3 files have the same bytes" in out


def test_the_tables_of_a_map_that_were_written_later_are_named(capsys, study):
    assert run(capsys, "cluster", "None_of_the_Above", "--study", study)[0] == 0
    assert run(capsys, "project", "--dims", 2, "--method", "umap", "--study", study)[0] == 0
    with (study / "reports" / "map-umap-2d" / "embedding.html").open("a") as page:
        page.write("<!-- changed -->")
    assert run(capsys, "cluster", "None_of_the_Above", "--study", study)[0] == 0
    out = run(capsys, "verify", "--map", "--study", study)[1]
    assert "tables that the map reads were written since: clusters or oddness (run 5)" in out


@pytest.mark.long
def test_networks_of_an_audit_are_trained_again(capsys, study, tiny):
    line = ("--refit", "backbone", "--backbone", tiny["backbone"], "--weights", tiny["weights"], "--trust-vectors")
    assert run(capsys, "audit", *line, "--epochs", 1, "--rate", 0.5, "--study", study)[0] == 0
    before = sorted(path for path in study.rglob("*") if path.name not in {"study.db-wal", "study.db-shm"})
    code, out, err = run(capsys, "verify", "--audit", "--study", study)
    assert code == 0, out + err
    assert "trained a network for each of 5 splits, in 0 s; they are trained again" in out
    assert sorted(path for path in study.rglob("*") if path.name not in {"study.db-wal", "study.db-shm"}) == before
