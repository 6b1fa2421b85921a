import csv
import io
import json
import shutil

import numpy as np
import pytest
from support.gallery import png, published, view_name, write
from support.models import counted_glitches
from support.terminal import error_of, run

from embed import Study
from embed.errors import InputError
from embed.metrics.accuracy import top_classes


@pytest.fixture
def study(tmp_path, modelled):
    return shutil.copytree(modelled, tmp_path / "study")


def state(folder):
    """Everything in the study's database, and its files of vectors and models."""
    with Study(folder) as study:
        rows = {
            name: study.connection.execute(f"SELECT * FROM {name}").fetchall()
            for name in ("glitches", "views", "labels", "runs", "clusters")
        }
    files = {path: path.stat().st_mtime_ns for part in ("vectors", "models") for path in (folder / part).rglob("*")}
    return rows, files


@pytest.mark.parametrize("embedded", [False, True])
def test_a_dry_run_gives_the_same_table_and_writes_nothing(capsys, study, embedded):
    """Whether or not the model's vectors exist, which a real run would keep."""
    if embedded:
        assert run(capsys, "embed", "--weights", "model:one", "--runtime", "torch", "--study", study)[0] == 0
    before = state(study)
    arguments = ("predict", "one", "--runtime", "torch", "--study", study)
    code, dry, said = run(capsys, *arguments, "--dry-run")
    assert code == 0
    assert "dry run: 6 label events would be added, the study is unchanged" in said
    assert state(study) == before
    code, real, said = run(capsys, *arguments)
    assert code == 0
    assert "6 label events added" in said
    assert dry == real
    assert len(list(csv.DictReader(io.StringIO(dry)))) == 6
    assert state(study) != before


def test_a_dry_run_reads_what_predictions_kept_and_adds_nothing_to_it(capsys, study, monkeypatch):
    through = counted_glitches(monkeypatch)
    own = ("--none-of-these", 0, "--runtime", "torch", "--study", study)
    assert run(capsys, "predict", "one", "--label", "Whistle", *own)[0] == 0
    before = state(study)
    code, _, said = run(capsys, "predict", "one", "--all", "--dry-run", *own)
    assert code == 0, said
    assert state(study) == before
    assert through == [24, 54]


def test_a_dry_run_as_json_and_into_a_file(capsys, study, tmp_path):
    out = tmp_path / "list.csv"
    arguments = ("predict", "one", "--runtime", "torch", "--study", study, "--json", "--out", out)
    code, text, _ = run(capsys, *arguments, "--dry-run")
    assert code == 0
    result = json.loads(text)
    assert (result["dry_run"], result["added"], result["would_add"]) == (True, 0, 6)
    listed = out.read_bytes()
    code, text, _ = run(capsys, *arguments)
    assert json.loads(text)["added"] == 6
    assert "dry_run" not in json.loads(text)
    assert out.read_bytes() == listed


def test_single_glitches_are_asked_for_by_their_ids(capsys, study):
    with Study(study) as opened:
        names = sorted(opened.ids().values())[:2]
    own = ("--none-of-these", 0, "--runtime", "torch", "--study", study)
    code, out, said = run(capsys, "predict", "one", "--id", *names[::-1], names[0].partition("_")[2], *own)
    assert code == 0
    assert sorted(row["id"] for row in csv.DictReader(io.StringIO(out))) == names
    assert "2 glitches labelled by one" in said
    code, out, said = run(capsys, "predict", "one", "--id", names[0], *own, "--dry-run")
    assert [row["id"] for row in csv.DictReader(io.StringIO(out))] == names[:1]
    assert "1 glitch labelled by one" in said
    slip = f"{names[0][:-1]}x"
    assert f"no glitch {slip!r} in the study {study}; did you mean" in error_of(
        capsys, "predict", "one", "--id", slip, *own
    )
    with pytest.raises(SystemExit):
        run(capsys, "predict", "one", "--all", "--id", names[0], *own)
    assert "argument --id: not allowed with argument --all" in capsys.readouterr().err


def test_glitches_far_from_every_class_get_no_label(capsys, study, tmp_path):
    """Flat grey pictures are like nothing that the model learnt; of the others hardly any is withheld."""
    grey = np.full((479, 573), 120, np.uint8)
    for number in range(4):
        write(tmp_path / "grey" / view_name(f"grey{number}", 4.0), png(published(grey)))
    assert run(capsys, "ingest", tmp_path / "grey", "--study", study)[0] == 0
    code, out, said = run(capsys, "predict", "one", "--runtime", "torch", "--study", study)
    assert code == 0
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(out))}
    far = {name for name, row in rows.items() if row["none_of_these"] == "1"}
    assert {name for name in rows if "grey" in name} <= far
    assert f"none of these: {len(far)} glitches are farther from every class" in said
    assert f"{len(rows) - len(far)} label events added" in said
    assert "none of these: it finds " in said
    _, text, _ = run(capsys, "predict", "one", "--runtime", "torch", "--study", study, "--json", "--dry-run")
    hidden = json.loads(text)["hidden_classes"]
    assert hidden["low"] <= hidden["share"] <= hidden["high"]
    assert {"name", "asked", "far", "share", "low", "high", "training_glitches_asked"} == set(hidden["classes"][0])
    _, _, said = run(capsys, "predict", "two", "--none-of-these", 0, "--runtime", "torch", "--study", study)
    assert "10 label events added" in said
    assert "none of these" not in said


def test_the_listing_is_written_in_blocks(capsys, study, tmp_path, monkeypatch):
    """Of any size, to standard output or into a file: the same bytes."""
    arguments = ("predict", "one", "--all", "--runtime", "torch", "--study", study, "--dry-run")
    whole = run(capsys, *arguments)[1]
    assert whole.count("\n") == 79
    monkeypatch.setattr("discovery.commands.predict._ROWS", 5)
    blocks = []
    monkeypatch.setattr(
        "discovery.commands.predict.top_classes", lambda p, k: blocks.append(len(p)) or top_classes(p, k)
    )
    assert run(capsys, *arguments)[1] == whole
    assert max(blocks[:-1]) == 5  # the last one is for the summary
    assert run(capsys, *arguments, "--out", tmp_path / "list.csv")[0] == 0
    assert (tmp_path / "list.csv").read_text() == whole


def test_a_prediction_leaves_no_store_that_others_could_take_for_whole(capsys, study):
    """Status and check say what is kept; a dry run keeps nothing, and cluster and audit first embed what is missing."""
    arguments = ("predict", "one", "--label", "Whistle", "--none-of-these", 0, "--runtime", "torch", "--study", study)
    assert run(capsys, *arguments, "--dry-run")[0] == 0
    assert json.loads(run(capsys, "status", "--study", study, "--json")[1])["kept_vectors"] == {}
    assert run(capsys, *arguments)[0] == 0
    said = json.loads(run(capsys, "status", "--study", study, "--json")[1])
    ((name, count),) = said["kept_vectors"].items()
    assert (count, name in {store["name"] for store in said["stores"]}) == (24, False)
    assert (
        f"Vectors kept for {name} by predictions or an unfinished embedding, not in its store yet: 24"
        in run(capsys, "status", "--study", study)[1]
    )
    code, out, _ = run(capsys, "check", "--study", study, "--json")
    assert code == 0
    assert f"vectors {name}.parts" in {part["part"] for part in json.loads(out)["findings"]}
    own = ("--weights", "model:one", "--runtime", "torch", "--study", study)
    assert run(capsys, "cluster", "Blip", *own)[0] == 0
    said = json.loads(run(capsys, "status", "--study", study, "--json")[1])
    assert said["kept_vectors"] == {}
    assert {store["name"]: store["rows"] for store in said["stores"]}[name] == 78


def test_an_audit_after_a_prediction_is_given_the_vectors_of_all_glitches(capsys, study, monkeypatch):
    own = ("--runtime", "torch", "--study", study)
    assert run(capsys, "predict", "one", "--label", "Whistle", "--none-of-these", 0, *own)[0] == 0
    given = []

    def stop(_, store, *__, **___):
        given.append((store.passport["weights"], len(store.glitches)))
        raise InputError("seen enough")

    monkeypatch.setattr("discovery.commands.audit.audit_study", stop)
    assert "seen enough" in run(capsys, "audit", "--weights", "model:one", "--trust-vectors", *own)[2]
    assert given == [("model:one", 78)]


def test_check_finds_a_damaged_part_and_repair_removes_it(capsys, study):
    own = ("--runtime", "torch", "--study", study)
    assert run(capsys, "predict", "one", "--label", "Whistle", "--none-of-these", 0, *own)[0] == 0
    (path,) = (study / "vectors").glob("*.parts/*.npz")
    data = path.read_bytes()
    damaged = {
        "a bit of the vectors": data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 4]) + data[len(data) // 2 + 1 :],
        "cut off": data[:-700],
        "another's name": data,
    }
    for what, content in damaged.items():
        place = path if what != "another's name" else path.with_name("0" * 24 + ".npz")
        path.unlink(missing_ok=True)
        place.write_bytes(content)
        code, out, _ = run(capsys, "check", "--study", study, "--json")
        (fault,) = (part for part in json.loads(out)["findings"] if part["state"] != "fine")
        assert (code, fault["state"], fault["repairable"]) == (1, "damaged", True), what
        assert place.name in fault["part"]
        run(capsys, "check", "--repair", "--study", study)
        assert not place.exists()
        assert run(capsys, "check", "--study", study)[0] == 0
    assert run(capsys, "predict", "one", "--label", "Whistle", *own)[0] == 0
