"""One decision at a time: stored once, as an import would store it, and never over what the person did not see."""

import re

import pytest
from support.audited import make_reviewed, write_csv

from audit.answers.decisions import SOURCE, Seen, decide, seen_now, undo_decision
from audit.answers.importing import import_answers, read_answers
from audit.answers.precision import measured_precision
from audit.answers.undo import undo_import
from embed import Study
from embed.errors import ConflictError, InputError, LockedError
from embed.study.database import write_lock
from embed.study.records import Label

LABELS = {"H1_a": "Blip", "H1_b": "Blip", "H1_c": "Koi_Fish", "H1_d": "Whistle"}


@pytest.fixture
def reviewed(tmp_path):
    study, audit = make_reviewed(tmp_path / "study", LABELS)
    with study:
        yield study, audit


def say(reviewed, name, text, key="key-0001", **options):
    study, audit = reviewed
    glitch = study.known_glitch(name)
    options.setdefault("seen", seen_now(study, audit, glitch))
    return decide(study, audit, glitch, text, key=key, **options)


def label_of(study, name):
    return study.glitches().set_index("id")["label"][name]


def stored(study):
    """What the study keeps of its decisions, without when and by which run."""
    events = study.connection.execute(
        "SELECT glitch, label, by, confidence, why FROM labels WHERE event > 4"
    ).fetchall()
    columns = "glitch, audit, subject, by, outcome, label, event IS NULL"
    return events, study.connection.execute(f"SELECT {columns} FROM decisions ORDER BY decision").fetchall()


ANSWERS = {"H1_a": "suggested", "H1_b": "keep", "H1_c": "wrong", "H1_d": "unsure"}


def test_decisions_are_stored_as_an_import_stores_them(reviewed, tmp_path):
    for number, (name, text) in enumerate(ANSWERS.items()):
        say(reviewed, name, text, f"key-000{number}")
    other, _ = make_reviewed(tmp_path / "other", LABELS)
    rows = [
        {"id": name, "label": LABELS[name], "passport": "audit-test", "decision": text}
        for name, text in ANSWERS.items()
    ]
    path = write_csv(tmp_path / "answers.csv", rows)
    with other:
        import_answers(other, path, read_answers(other, path))
        assert stored(reviewed[0]) == stored(other)
    assert measured_precision(*reviewed).wrong == 2
    assert measured_precision(*reviewed).answered == 3
    assert measured_precision(*reviewed).expected == 1.5


def test_a_decision_sent_twice_is_stored_once(reviewed):
    first = say(reviewed, "H1_a", "Whistle", seen=Seen(1, 0))
    again = say(reviewed, "H1_a", "Whistle", seen=Seen(1, 0))
    assert (first.repeated, again.repeated, first.run) == (False, True, again.run)
    assert len(stored(reviewed[0])[0]) == len(stored(reviewed[0])[1]) == 1


def test_a_decision_of_a_killed_run_is_not_stored_again(reviewed, monkeypatch):
    """The decision was written, and the process killed before its run was closed."""
    monkeypatch.setattr(Study, "_end_run", lambda *_: None)
    say(reviewed, "H1_a", "Whistle", seen=Seen(1, 0))
    monkeypatch.undo()
    assert say(reviewed, "H1_a", "Whistle", seen=Seen(1, 0)).repeated
    assert len(stored(reviewed[0])[1]) == 1


def test_what_was_labelled_elsewhere_in_between_is_not_overwritten(reviewed):
    study, _ = reviewed
    with study.run("ingest"), study.transaction():
        study.add_label(1, Label("Tomte", "person", "my.csv"))
    message = re.escape(
        "this glitch was decided elsewhere in between: it is now 'Tomte' by person (my.csv); decide again"
    )
    with pytest.raises(ConflictError, match=message):
        say(reviewed, "H1_a", "Whistle", seen=Seen(1, 0))
    assert label_of(study, "H1_a") == "Tomte"
    assert say(reviewed, "H1_a", "Whistle", "key-0002").label == "Whistle"


def test_a_decision_without_a_label_elsewhere_is_a_conflict_too(reviewed):
    say(reviewed, "H1_a", "unsure")
    with pytest.raises(ConflictError, match="decided elsewhere in between: it is now 'Blip'"):
        say(reviewed, "H1_a", "Whistle", "key-0002", seen=Seen(1, 0))


def test_a_confirmation_does_not_override_a_later_label(reviewed):
    study, _ = reviewed
    with study.run("ingest"), study.transaction():
        study.add_label(1, Label("Tomte", "person", "my.csv"))
    with pytest.raises(ConflictError, match="'Blip' was changed to 'Tomte' after the audit; a confirmation does not"):
        say(reviewed, "H1_a", "keep")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("Blap", {}, "H1_a: 'Blap' is no answer: did you mean 'Blip'?"),
        ("New_Class", {}, "'New_Class' is no answer"),
        ("New\nClass", {"new_class": True}, "is no answer"),
        ("N" * 81, {"new_class": True}, "is no answer"),
    ],
)
def test_what_is_no_answer_is_refused(reviewed, text, options, message):
    with pytest.raises(InputError, match=re.escape(message)):
        say(reviewed, "H1_a", text, **options)
    assert stored(reviewed[0]) == ([], [])


def test_a_new_class_is_taken_where_it_is_meant(reviewed):
    assert say(reviewed, "H1_a", "New_Class", new_class=True).label == "New_Class"
    assert say(reviewed, "H1_b", "unsure", "key-0002", new_class=True).outcome == "unsure"


def test_an_unaudited_glitch_is_refused(reviewed):
    with pytest.raises(InputError, match="glitch 99 was not audited in audit-test"):
        decide(*reviewed, 99, "keep", key="key-0001", seen=Seen(0, 0))


def test_an_undo_names_its_decision(reviewed):
    study, audit = reviewed
    say(reviewed, "H1_a", "Whistle", "key-0001")
    say(reviewed, "H1_b", "Whistle", "key-0002")
    undone = undo_decision(study, "key-0001")
    assert (undone.file, undone.events, undone.changed_since) == (SOURCE, 1, 0)
    assert (label_of(study, "H1_a"), label_of(study, "H1_b")) == ("Blip", "Whistle")
    assert undo_decision(study, "key-0001") is None
    assert measured_precision(study, audit).answered == 1
    assert undo_import(study).events == 1  # `discover audit undo` takes the other one
    assert label_of(study, "H1_b") == "Blip"
    with pytest.raises(InputError, match="no decision 'key-0009' is stored"):
        undo_decision(study, "key-0009")


def test_an_undo_keeps_a_later_label(reviewed):
    study, _ = reviewed
    say(reviewed, "H1_a", "Whistle", "key-0001")
    with study.run("ingest"), study.transaction():
        study.add_label(1, Label("Tomte", "person", "my.csv"))
    assert undo_decision(study, "key-0001").changed_since == 1
    assert label_of(study, "H1_a") == "Tomte"


def test_another_writer_is_waited_for_and_then_named(reviewed, monkeypatch):
    monkeypatch.setattr("audit.answers.decisions.SHORT_WAIT_S", 0.05)
    with (
        write_lock(reviewed[0].folder, "cluster"),
        pytest.raises(LockedError, match=r"is locked by process \d+ \(discover cluster\)"),
    ):
        say(reviewed, "H1_a", "Whistle")
    assert not say(reviewed, "H1_a", "Whistle").repeated
