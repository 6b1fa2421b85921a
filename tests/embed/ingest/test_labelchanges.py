"""What an ingest says of labels that the study had already."""

import pytest

from embed import Study, ingest_labels, ingest_table
from embed.study.records import Label

FIRST = "gravityspy_id,ifo,label\na,H1,Blip\nb,H1,Blip\nc,H1,Tomte\nd,H1,\n"


@pytest.fixture
def study(tmp_path):
    with Study(tmp_path / "study", create=True) as study:
        added = table(study, FIRST, tmp_path)
        assert (added.glitches, added.labels, added.repeated, added.relabelled) == (4, 3, 0, 0)
        yield study


def table(study, text, tmp_path, name="first.csv", read=ingest_table):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with study.run("ingest"):
        return read(study, tmp_path / name)


@pytest.mark.parametrize("read", [ingest_table, ingest_labels])
def test_the_same_labels_by_another_file(study, tmp_path, read):
    found = table(study, FIRST.replace("d,H1,\n", ""), tmp_path, "second.csv", read)
    assert (found.labels, found.repeated, found.relabelled, found.warnings) == (3, 3, 0, [])


def test_other_labels_by_another_file(study, tmp_path):
    decided = study.find_glitch("b", "H1")
    with study.run("name"):
        study.add_label(decided, Label("Whistle", by="person", source="a name"))
    found = table(
        study, FIRST.replace("a,H1,Blip", "a,H1,Helix").replace("d,H1,", "d,H1,Chirp"), tmp_path, "second.csv"
    )
    assert (found.labels, found.repeated, found.relabelled) == (4, 1, 2)
    (said,) = found.warnings
    assert said.startswith("2 glitches have another label now than before: Blip to Helix (1), Whistle to Blip (1); ")
    assert said.endswith("; 1 of the earlier labels was given by people. The earlier labels stay on record")


def test_two_labels_for_one_glitch(study, tmp_path):
    found = table(
        study, "gravityspy_id,ifo,label\ne,H1,Blip\ne,H1,Tomte\nf,H1,Blip\nf,H1,Blip\n", tmp_path, "second.csv"
    )
    assert found.warnings == [
        "1 glitch has more than one label here, of which the last applies; the first is H1_e (Blip, Tomte)"
    ]


def test_a_table_that_completes_known_glitches(study, tmp_path):
    text = "gravityspy_id,ifo,event_time,snr\na,H1,5.5,9\nb,H1,,8\nc,H1,,\n"
    found = table(study, text, tmp_path, "second.csv")
    assert (found.glitches, found.completed, found.unchanged) == (0, 2, 1)
    again = table(study, text, tmp_path, "third.csv")
    assert (again.completed, again.unchanged) == (0, 3)
