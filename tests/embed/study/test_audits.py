"""The tables of label audits: made once, append-only, latest labels without predictions, and history without what was undone."""

import sqlite3

import pytest

from embed import Study
from embed.study.audits import (
    current_labels,
    has_audits,
    imported_events,
    insert_audit,
    insert_decision,
    insert_label,
    insert_restored,
    insert_undone,
    label_history,
    last_import,
    prepare_audits,
    select_audit,
    select_decisions,
    select_subjects,
    select_verdicts,
)
from embed.study.records import MODEL, Label

VERDICTS = [(1, 2, "Blip", "Tomte", 0.25), (2, 1, "Tomte", "Blip", None)]
SUBJECTS = [("key", 1, "Blip", "")]


@pytest.fixture
def study(tmp_path):
    with Study(tmp_path / "study", create=True) as opened:
        with opened.run("first"), opened.transaction():
            for name, label in (("a", "Blip"), ("b", "Tomte")):
                glitch, _ = opened.add_glitch(name, "H1", None)
                opened.add_label(glitch, Label(label, "folder", "data"))
        yield opened


@pytest.fixture
def audited(study):
    prepare_audits(study)
    assert insert_audit(study, 1, "audit-x", {"b": 1, "a": "\u00e9"}, verdicts=VERDICTS, subjects=SUBJECTS)
    return study


def test_a_study_without_audits(study):
    assert not has_audits(study)
    assert select_audit(study, "audit-x") is None
    assert last_import(study) is None


def test_an_audit_is_stored_once_and_read_back(audited):
    prepare_audits(audited)  # a second time makes nothing
    assert not insert_audit(audited, 1, "audit-x", {}, verdicts=VERDICTS, subjects=())
    assert select_audit(audited, "audit-x") == (1, {"a": "\u00e9", "b": 1})
    assert select_audit(audited, "audit-y") is None
    assert sorted(select_verdicts(audited, 1)) == [("H1_a", *VERDICTS[0]), ("H1_b", *VERDICTS[1])]
    assert select_subjects(audited, 1) == SUBJECTS


@pytest.mark.parametrize("verb", ["DELETE FROM verdicts", "UPDATE verdicts SET rank = 0", "DELETE FROM audits"])
def test_the_tables_are_append_only(audited, verb):
    with pytest.raises(sqlite3.IntegrityError, match="are append-only"):
        audited.connection.execute(verb)


def test_predictions_are_no_labels(audited):
    event = insert_label(audited, 1, Label("Koi_Fish", "person", "me"))
    insert_label(audited, 1, Label("Whistle", MODEL, "m", 0.9))
    assert current_labels(audited)[1] == (event, "Koi_Fish")
    assert label_history(audited, 1) == [(event, "Koi_Fish"), (1, "Blip")]


def test_an_undone_import_leaves_the_history_and_the_decisions(audited):
    with audited.run("audit import", {"file": "a.csv"}) as run:
        event = insert_label(audited, 1, Label("Koi_Fish", "person", "a.csv"))
        insert_decision(audited, run, 1, (1, "", "person", "wrong", "Koi_Fish"), event)
        insert_decision(audited, run, 1, (2, "", "person", "unsure", ""), None)
    assert last_import(audited) == (run, "a.csv")
    assert imported_events(audited, run) == [(1, event)]
    assert select_decisions(audited, 1) == [(1, "", "person", "wrong", "Koi_Fish"), (2, "", "person", "unsure", "")]
    with audited.run("audit undo") as undo:
        insert_restored(audited, insert_label(audited, 1, Label("Blip", "audit", "a.csv")), undo)
        insert_undone(audited, run, undo)
    assert last_import(audited) is None
    assert select_decisions(audited, 1) == []
    assert label_history(audited, 1) == [(1, "Blip")]
    assert current_labels(audited)[1][1] == "Blip"
