import csv
import io
import json
import shutil

import numpy as np
import pytest
from support.gallery import png, published, view_name, write
from support.terminal import run

from embed import Study


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
    _, _, said = run(capsys, "predict", "two", "--none-of-these", 0, "--runtime", "torch", "--study", study)
    assert "10 label events added" in said
    assert "none of these" not in said
