"""``discover audit``, ``discover audit import`` and ``discover audit undo``, as a user types them; and what they refuse."""

import json
import re
import shutil

import numpy as np
import pytest
from support.audited import CLASSES, copy_study, make_study, read_csv, run_audit, store_vectors, write_csv
from support.terminal import error_of, run

from audit import AuditOptions
from audit.review.table import COLUMNS
from discovery.cli import create_parser
from discovery.labelaudit.labelaudit import audit_study
from embed import Study
from embed.errors import InputError
from embed.study.records import Label
from embed.vectors.store import stores


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("cli"))


@pytest.fixture
def study(made, tmp_path):
    return copy_study(made[0], tmp_path / "study")


@pytest.fixture
def probabilities(study):
    return read_csv(study / "probabilities.csv")


def relabel(folder, labels):
    with Study(folder) as study, study.run("label"), study.transaction():
        for name, label in labels.items():
            study.add_label(study.find_glitch(name, None), Label(label, "person", "test"))


def test_the_whole_path_on_pictures(capsys, embedded, tmp_path):
    """From existing vectors to the list and to imported answers."""
    folder = shutil.copytree(embedded, tmp_path / "study")
    wrong = {"H1_a000000002": "Power_Line", "H1_b000000004": "None_of_the_Above"}
    relabel(folder, wrong)
    code, out, _ = run(capsys, "audit", "--splits", 10, "--rate", 0.5, "--study", folder, "--json")
    assert code == 0
    said = json.loads(out)
    assert (said["glitches"], said["classes"], said["left_out"]) == (24, 3, {"no label": 0, "no vector": 0})
    reports = folder / "reports" / "audit"
    ranking = read_csv(reports / "ranking.csv")
    assert tuple(ranking[0]) == COLUMNS
    assert {row["id"] for row in ranking[:2]} == set(wrong)
    assert {row["suggested_label"] for row in ranking[:2]} == {"Blip", "Power_Line"}
    assert len(read_csv(reports / "audit.csv")) == said["listed"]
    page = (reports / "audit.html").read_text("utf-8")
    assert "vectors from glitch weights, which saw none of these labels" in page
    assert said["listed"] <= page.count("<article") <= 12
    answers = write_csv(tmp_path / "a.csv", [row | {"decision": "suggested"} for row in ranking[:2]])
    code, out, _ = run(capsys, "audit", "import", answers, "--study", folder)
    assert code == 0
    assert "2 label events written" in out
    assert "precision so far: 2 of 2 labels were found wrong, 100 %" in out
    code, out, _ = run(capsys, "audit", "--study", folder, "import", "--json", answers)
    assert json.loads(out)["label_events"] == 0
    code, out, _ = run(capsys, "audit", "undo", "--study", folder, "--json")
    assert json.loads(out)["events"] == 2
    assert "no import of answers to undo" in error_of(capsys, "audit", "undo", "--study", folder)


def test_by_probabilities_same_seed_same_bytes(capsys, study, tmp_path):
    trees = []
    for name in ("one", "two"):
        code, out, _ = run(
            capsys, "audit", "--probabilities", study / "probabilities.csv", "--study", study, "--out", tmp_path / name
        )
        assert code == 0
        trees.append(
            {path.name: path.read_bytes() for path in (tmp_path / name).glob("*.*") if path.name != "audit.html"}
        )
    assert trees[0] == trees[1]
    assert "listed labels about" in out
    assert "Wrong labels expected" in out
    assert "the probabilities were taken as held out" in out
    with Study(study) as opened:
        assert opened.connection.execute("SELECT count(*) FROM audits").fetchone() == (1,)


def test_the_vectors_find_the_wrong_labels(made, study, tmp_path):
    folder, truth = made
    found = run_audit(study, tmp_path / "out", vectors=True, split="time")
    wrong = [truth[name] != label for name, label in zip(found.glitches["id"], found.glitches["label"], strict=True)]
    head = found.result.order[: found.result.listed]
    assert np.mean(np.array(wrong)[head]) >= 0.7
    assert sum(np.array(wrong)[head]) >= 6
    rows = read_csv(tmp_path / "out" / "audit.csv")
    assert all(row["image_4.0"].endswith("_spectrogram_4.0.png") for row in rows)
    assert folder.exists()


def test_unlabelled_glitches_and_those_without_vectors_are_left_out_and_counted(study, tmp_path):
    with Study(study) as opened:
        with opened.run("more"), opened.transaction():
            opened.add_glitch("extra1", "H1", None)
            glitch, _ = opened.add_glitch("extra2", "H1", None)
            opened.add_label(glitch, Label("Blip", "person", "test"))
        found = audit_study(opened, stores(study)[0], AuditOptions(splits=10), out=tmp_path / "out")
    assert found.left_out == {"no label": 1, "no vector": 1}
    assert len(found.result) == 120
    page = (tmp_path / "out" / "audit.html").read_text("utf-8")
    assert "1 glitch was left out: no label" in page
    assert "1 glitch was left out: no vector" in page


def test_a_class_of_one_is_kept_and_said_to_be_untested(capsys, study, probabilities):
    relabel(study, {"H1_g000000000": "Chirp"})
    rows = [row | {"Chirp": "0.0"} for row in probabilities]
    path = write_csv(study / "p.csv", rows)
    code, _, _ = run(capsys, "audit", "--probabilities", path, "--study", study)
    assert code == 0
    relabel(study, {"H1_g000000000": "Lone"})
    found = run_audit(study, vectors=True)
    row = read_csv(study / "reports" / "audit" / "ranking.csv")[-1]
    assert (row["id"], row["p_wrong"], row["times_tested"]) == ("H1_g000000000", "", "0")
    assert row["reason"].startswith("Not tested: nothing else labelled Lone")
    assert any("could not be tested: their class (Lone)" in note for note in found.result.notes)


def test_all_one_class(study):
    relabel(study, {f"H1_g{n:09d}": "Blip" for n in range(120)})
    with pytest.raises(InputError, match="all 120 labels are 'Blip': a wrong label shows only against another class"):
        run_audit(study, vectors=True)


def test_labels_without_vectors_and_vectors_without_labels(tmp_path):
    with Study(tmp_path / "study", create=True) as study:
        with study.run("x"), study.transaction():
            numbers = [study.add_glitch(f"g{n}", "H1", None)[0] for n in range(8)]
        store = store_vectors(study, np.array(numbers[:4]), np.eye(4, dtype=np.float32))
        with pytest.raises(InputError, match=r"none of the 8 glitches in .* has a label to audit; add labels with"):
            audit_study(study, store, AuditOptions())
        with study.run("x"), study.transaction():
            for number in numbers[4:]:
                study.add_label(number, Label("Blip", "person", "test"))
        with pytest.raises(
            InputError, match=r"none of the 4 labelled glitches has a vector with the views 1\.0,2\.0,4\.0"
        ):
            audit_study(study, store, AuditOptions())
        with pytest.raises(InputError, match="an audit needs vectors or a CSV of probabilities"):
            audit_study(study, None, AuditOptions())


def test_vectors_that_may_have_learnt_the_labels(study, tmp_path):
    with Study(study) as opened:
        own = stores(study)[0]
        store = store_vectors(opened, own.glitches, np.asarray(own.vectors), weights="tuned.safetensors")
        with pytest.raises(InputError, match=r"'tuned\.safetensors' may have been fine-tuned on these very labels"):
            audit_study(opened, store, AuditOptions(splits=10), out=tmp_path / "out")
        assert not (tmp_path / "out").exists()
        found = audit_study(opened, store, AuditOptions(splits=10), trust_vectors=True, out=tmp_path / "out")
    assert "trusted all the same" in found.facts["origin"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.append(rows[0]), r"p\.csv, line 122: id 'H1_g\d+' is in p\.csv, line 2 already"),
        (lambda rows: rows[3].update(Blip="nan"), r"p\.csv, line 5: nan in column 'Blip' is no probability"),
        (lambda rows: rows[3].update(Blip="much"), r"p\.csv, line 5: 'much' in column 'Blip' is no number"),
        (lambda rows: rows[3].update(Blip="-0.5"), r"p\.csv, line 5: -0\.5 in column 'Blip' is no probability"),
        (
            lambda rows: rows[3].update(dict.fromkeys(CLASSES, "0.3")),
            r"p\.csv, line 5: the probabilities sum to 1\.2000, not to 1",
        ),
        (
            lambda rows: [row.update(Tomte=row.pop("Blip")) for row in rows],
            "the probabilities have no column 'Blip', which is a label",
        ),
        (
            lambda rows: [row.update(name=row.pop("id")) for row in rows],
            "has no column gravityspy_id or uniqueID or id",
        ),
        (lambda rows: [row.pop(kind) for row in rows for kind in CLASSES[1:]], "has 1 column of classes beside 'id'"),
        (
            lambda rows: [row.update(id="x" + row["id"]) for row in rows],
            r"none of the 120 ids .*'xH1_g\d+', is a labelled glitch",
        ),
    ],
)
def test_probabilities_that_do_not_fit(capsys, study, probabilities, change, message):
    change(probabilities)
    path = write_csv(study / "p.csv", probabilities)
    with Study(study) as opened:
        before = opened.count("labels")
    err = error_of(capsys, "audit", "--probabilities", path, "--study", study)
    assert re.search(message, err), err
    with Study(study) as opened:
        assert opened.count("labels") == before
    assert not (study / "reports").exists()


def test_gravity_spys_metadata_columns_are_no_classes_and_lacking_rows_are_counted(capsys, study, probabilities):
    rows = [
        {
            "event_time": "1.1",
            "ifo": "H1",
            "snr": "8",
            "gravityspy_id": row.pop("id")[3:],
            **row,
            "ml_label": "x",
            "url1": "?",
        }
        for row in probabilities[5:]
    ]
    rows.append(rows[0] | {"gravityspy_id": "elsewhere"})
    code, out, _ = run(capsys, "audit", "--probabilities", write_csv(study / "p.csv", rows), "--study", study, "--json")
    assert code == 0
    assert json.loads(out)["left_out"] == {
        "no label": 0,
        "no probabilities": 5,
        "probabilities, but not a labelled glitch here": 1,
    }


def test_answers_for_another_study(capsys, study, tmp_path):
    run_audit(study)
    rows = [row | {"decision": "keep"} for row in read_csv(study / "reports" / "audit" / "audit.csv")]
    other, _ = make_study(tmp_path / "other", count=60, wrong=6, seed=1)
    path = write_csv(tmp_path / "a.csv", rows)
    err = error_of(capsys, "audit", "import", path, "--study", other)
    assert "a.csv, line 2: answers to audit 'audit-" in err
    assert "which is none of the study" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rate", "0"], "false discovery rate of 0.0"),
        (["--rate", "1.5"], "false discovery rate of 1.5"),
    ],
)
def test_numbers_that_cannot_be(capsys, study, arguments, message):
    path = study / "probabilities.csv"
    assert message in error_of(capsys, "audit", "--probabilities", path, "--study", study, *arguments)


def test_the_parser():
    parse = create_parser().parse_args
    options = parse(["audit", "--study", "s", "--splits", "7", "--split", "time", "--rate", "0.2", "--all-splits"])
    assert (options.splits, options.split, options.rate, options.all_splits, options.action) == (
        7,
        "time",
        0.2,
        True,
        None,
    )
    before = parse(["audit", "--study", "s", "--json", "import", "f"])
    behind = parse(["audit", "import", "f", "--study", "s", "--json"])
    assert (str(before.study), str(before.file), before.json) == (str(behind.study), str(behind.file), behind.json)
    assert parse(["audit", "import", "f", "--choice", "Yes", "--choice", "No"]).choice == ["Yes", "No"]
    for bad in (["audit", "import"], ["audit", "undo", "x"], ["audit", "--split", "folds"]):
        with pytest.raises(SystemExit):
            parse(bad)
