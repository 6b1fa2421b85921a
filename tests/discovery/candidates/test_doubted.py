"""Members whose label the audit doubts are said before a name is given, and can be left out of it."""

import json

import numpy as np
import pytest
from support.terminal import error_of, run

from discovery.candidates.doubted import doubted, doubted_sentence
from embed import Study
from embed.study.audits import insert_audit, prepare_audits
from embed.study.clusterings import save_clusters
from embed.study.records import Label


@pytest.fixture
def study(tmp_path):
    """Eight glitches of None_of_the_Above, six of them in cluster 0; the audit doubts the first, the fourth to the sixth, and the seventh."""
    with Study(tmp_path / "study", create=True) as opened:
        with opened.run("ingest"):
            rows = [opened.add_glitch(f"g{number}", "H1", 1.0e9 + number)[0] for number in range(8)]
            for row in rows:
                opened.add_label(row, Label("None_of_the_Above", "file", "test"))
        with opened.run("cluster", {"label": "None_of_the_Above"}) as number:
            save_clusters(opened, number, np.array(rows), np.array([0] * 6 + [-1] * 2), np.ones(8))
        said = [
            ("Blip", 0.998),
            ("Blip", 0.49),
            ("", None),
            ("Tomte", 0.7),
            ("Comb", 0.9),
            ("Blip", 0.9),
            ("Blip", 0.9),
        ]
        with opened.run("audit") as number:
            prepare_audits(opened)
            verdicts = [
                (rows[place], place, "None_of_the_Above", suggested, p_wrong)
                for place, (suggested, p_wrong) in enumerate(said)
            ]
            insert_audit(opened, number, "audit-1", {}, verdicts=verdicts, subjects=[])
        with opened.run("test"):
            opened.add_label(rows[5], Label("Whistle", "person", "test"))  # since the audit
        yield opened


def test_who_is_doubted(study):
    """Not who is as likely right, untested, doubted in favour of the name, or labelled anew."""
    members = study.glitches().index.to_numpy()[:6]
    found = doubted(study, members, "Comb")
    assert [row.id for row in found] == ["H1_g0", "H1_g3"]
    assert doubted_sentence(found, 6) == (
        "2 of the 6 members are doubted by the audit: H1_g0 (Blip, 0.998), H1_g3 (Tomte, 0.700); "
        "--without H1_g0 leaves one out, and in `discover explore` members are unticked"
    )
    assert [row.id for row in doubted(study, members, "Tomte")] == ["H1_g0", "H1_g4"]


def test_a_study_without_an_audit_doubts_nobody(tmp_path):
    with Study(tmp_path / "other", create=True) as other:
        assert doubted(other, np.array([1]), "Comb") == []


def test_the_command_lists_them_and_leaves_out(study, capsys):
    code, out, _ = run(capsys, "name", 0, "Comb", "--study", study.folder, "--dry-run")
    assert code == 0
    assert "2 of the 6 members are doubted by the audit: H1_g0 (Blip, 0.998)" in out
    code, out, _ = run(capsys, "name", 0, "Comb", "--study", study.folder, "--without", "H1_g0", "H1_g5", "--json")
    facts = json.loads(out)
    assert (facts["glitches"], facts["added"], [row["id"] for row in facts["doubted"]]) == (4, 4, ["H1_g3"])
    labels = study.glitches().set_index("id")["label"]
    assert labels[[f"H1_g{number}" for number in range(6)]].tolist() == [
        "None_of_the_Above",
        *["Comb"] * 4,
        "Whistle",
    ]


def test_who_is_no_member_cannot_be_left_out(study, capsys):
    where = ("--study", study.folder)
    assert "'H1_g7' is no member of cluster 0; give ids as clusters.csv has them" in error_of(
        capsys, "name", 0, "Comb", "--without", "H1_g7", *where
    )
    everyone = [f"H1_g{number}" for number in range(6)]
    assert "--without names all 6 members of cluster 0" in error_of(
        capsys, "name", 0, "Comb", "--without", *everyone, *where
    )
    assert "--without is for one cluster" in error_of(
        capsys, "name", "--from", "names.csv", "--without", "H1_g0", *where
    )
