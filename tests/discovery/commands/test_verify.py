"""A report comes out the same again; where it does not, the difference is said."""

import json
import shutil

import pytest
from support.terminal import error_of, run

from discovery.candidates.verification import compare_reports
from embed import Study
from embed.errors import InputError
from embed.study.records import Label


@pytest.fixture
def study(tmp_path, embedded):
    return shutil.copytree(embedded, tmp_path / "study")


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


def test_a_change_is_found_and_explained(capsys, study):
    assert run(capsys, "cluster", "None_of_the_Above", "--study", study)[0] == 0
    with Study(study) as opened, opened.run("test"):
        glitch = int(opened.members("None_of_the_Above")[0])
        opened.add_label(glitch, Label("Blip", "person", "test"))
    code, out, _ = run(capsys, "verify", "None_of_the_Above", "--study", study)
    assert code == 1
    assert "differs: clusters.csv" in out
    assert "1 glitches of the report no longer have the label, and 0 others have it now" in out


def test_a_changed_file_is_named(capsys, study):
    assert run(capsys, "cluster", "None_of_the_Above", "--out", study / "mine", "--study", study)[0] == 0
    assert "there is no report in" in error_of(capsys, "verify", "--study", study)
    with (study / "mine" / "report.html").open("a") as page:
        page.write("<!-- changed -->")
    code, out, _ = run(capsys, "verify", "--report", study / "mine", "--study", study)
    assert code == 1
    assert [line for line in out.splitlines() if line.startswith("differs")] == ["differs: report.html"]


def test_clusters_that_moved_are_counted(tmp_path):
    for name, clusters in (("a", (0, 0, 1, 1)), ("b", (0, 0, 1, 0))):
        (tmp_path / name).mkdir()
        rows = "".join(f"g{number},{cluster}\n" for number, cluster in enumerate(clusters))
        (tmp_path / name / "clusters.csv").write_text("id,cluster\n" + rows)
    compared = compare_reports(tmp_path / "a", tmp_path / "b")
    assert not compared.is_same
    assert compared.differences == ["1 of 4 glitches are in another cluster (adjusted Rand index 0.000)"]
    assert compare_reports(tmp_path / "a", tmp_path / "a").differences == []
    with pytest.raises(InputError, match=r"holds no clusters\.csv: name a report"):
        compare_reports(tmp_path, tmp_path / "a")


def test_without_a_clustering(capsys, study):
    assert "the study has no clustering; run `discover cluster LABEL` first" in error_of(
        capsys, "verify", "--study", study
    )
