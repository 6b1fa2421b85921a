"""Generators on the command line: trained, judged, asked for glitches, which nothing takes for real ones."""

import csv
import json
import shutil

import pytest
from support.generators import make_study
from support.terminal import run

from discovery.cli import create_parser
from embed import Study


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study of two classes; read only."""
    return make_study(tmp_path_factory.mktemp("made"), {"Blip": 30, "Koi_Fish": 24})


def test_train_generate_ingest_and_judge(capsys, made, tiny, tmp_path):
    folder = shutil.copytree(made, tmp_path / "study")
    small = ("--resolution", 8, "--images", 240, "--batch", 8, "--channels", 8, "--critic", "own")
    options = (*small, "--device", "cpu", "--study", folder)
    code, out, _ = run(capsys, "generator", "train", "--name", "g", *options)
    assert code == 0
    assert "240 pictures" in out
    assert "learned from" in out
    code, out, _ = run(
        capsys, "generate", "Blip", "-n", 3, "--model", "g", "--out", tmp_path / "new", "--seed", 2, "--study", folder
    )
    assert code == 0
    assert "3 generated glitches" in out
    code, out, _ = run(
        capsys, "generator", "evaluate", "--model", "g", "-n", 12, "--device", "cpu", "--study", folder, "--json"
    )
    assert code == 0
    judged = json.loads(out)
    assert [row["label"] for row in judged["classes"]] == ["Blip", "Koi_Fish"]
    assert judged["summary"]["real_accuracy"] > 0.9
    report = folder / "reports" / "generator-g"
    with (report / "evaluation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["kid"]) == pytest.approx(judged["classes"][0]["kid"], rel=1e-4)
    page = (report / "generator.html").read_text()
    assert page.count("<img") >= 6
    assert "https://" not in page
    assert judged["cautions"] == []
    code, out, _ = run(capsys, "generator", "anomalies", "--model", "g", "--device", "cpu", "--study", folder)
    assert code == 0
    assert "Labels that the critic of g finds improbable: the first 20 of 54" in out
    with (report / "anomalies.csv").open() as file:
        listed = list(csv.DictReader(file))
    assert [row["rank"] for row in listed] == [str(rank) for rank in range(1, 55)]
    assert {row["learned"] for row in listed} == {"yes", "no"}
    (folder / "generators" / "g" / "parts.csv").unlink()
    again = ("Blip", "-n", 3, "--model", "g", "--seed", 2, "--study", folder)
    out = run(capsys, "generate", *again, "--out", tmp_path / "again")[1]
    assert "caution: which glitches the generator g learned from is not known" in out
    for path in (tmp_path / "new", tmp_path / "new" / "metadata.csv"):
        assert run(capsys, "ingest", path, "--study", folder)[0] == 0
    small = (
        "--backbone",
        tiny["backbone"],
        "--weights",
        tiny["weights"],
        "--epochs",
        1,
        "--batch",
        8,
        "--device",
        "cpu",
    )
    code, out, _ = run(capsys, "train", "--name", "m", "--generated", "--generator", "g", *small, "--study", folder)
    assert code == 0
    assert "what their generators learned from is not known (g)" in out
    assert "which glitches the generator g learned from is not known" in out
    assert "0 of 2 classes" in page or "1 of 2 classes" in page or "2 of 2 classes" in page


def test_generated_glitches_are_in_nothing_unless_asked_for(capsys, made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "study")
    run(capsys, "generate", "Koi_Fish", "-n", 6, "--model", "simulator", "--out", tmp_path / "new", "--study", folder)
    for path in (tmp_path / "new", tmp_path / "new" / "metadata.csv"):
        assert run(capsys, "ingest", path, "--study", folder)[0] == 0
    status = json.loads(run(capsys, "status", "--study", folder, "--json")[1])
    assert (status["glitches"], status["generated"], status["given"]) == (54, 6, {"Blip": 30, "Koi_Fish": 24})
    assert run(capsys, "embed", "--runtime", "torch", "--study", folder)[0] == 0
    assert run(capsys, "novel", "-n", 60, "--study", folder, "--out", tmp_path / "novel")[0] == 0
    assert "generated-" not in (tmp_path / "novel" / "novel.csv").read_text()
    assert run(capsys, "audit", "--splits", 5, "--study", folder, "--out", tmp_path / "audit")[0] == 0
    with (tmp_path / "audit" / "ranking.csv").open() as file:
        ids = [row["id"] for row in csv.DictReader(file)]
    assert ids
    assert not any("generated-" in name for name in ids)
    with Study(folder) as study:
        assert len(study.generated_ids()) == 6
        assert (
            "generated" in study.connection.execute("SELECT metadata FROM glitches ORDER BY glitch DESC").fetchone()[0]
        )


@pytest.mark.long
def test_clusters_hold_them_only_if_asked(capsys, made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "study")
    run(capsys, "generate", "Koi_Fish", "-n", 6, "--model", "simulator", "--out", tmp_path / "new", "--study", folder)
    run(capsys, "ingest", tmp_path / "new", "--study", folder)
    for more, glitches in (((), 24), (("--generated",), 30), ((), 24)):
        code, out, _ = run(capsys, "cluster", "Koi_Fish", "--study", folder, "--json", *more)
        assert code == 0
        assert json.loads(out)["glitches"] == glitches


@pytest.mark.parametrize("command", ["cluster Blip", "novel", "onset", "scorecard"])
def test_commands_that_can_show_them(command):
    assert not create_parser().parse_args(command.split()).generated
    assert create_parser().parse_args([*command.split(), "--generated"]).generated
