"""The way back: answers become label events once, controls are scored, and every file that is not ours is refused whole."""

import json
import sqlite3

import numpy as np
import pytest
from support.audited import classification, copy_study, make_study, read_csv, run_audit, write_csv

from audit.answers.importing import import_answers, read_answers
from audit.answers.undo import undo_import
from audit.review.ledger import find_audit, subjects_of
from audit.review.manifest import AUDIT, SUBJECT
from embed import Study
from embed.errors import InputError
from embed.study.records import Label


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder, truth = make_study(tmp_path_factory.mktemp("answers"))
    return folder, truth, run_audit(folder)


@pytest.fixture
def study(made, tmp_path):
    folder = copy_study(made[0], tmp_path / "study")
    with Study(folder) as opened:
        yield opened


@pytest.fixture
def table(study):
    return read_csv(study.folder / "reports" / "audit" / "audit.csv")


@pytest.fixture
def ranking(study):
    return read_csv(study.folder / "reports" / "audit" / "ranking.csv")


def bring(study, path, **options):
    return import_answers(study, path, read_answers(study, path, **options))


def labels_of(study):
    table = study.glitches()
    return dict(zip(table["id"], table["label"], strict=True))


def everything(study):
    """The whole database as text: what is not to change when a file is refused."""
    return "\n".join(study.connection.iterdump())


def with_decisions(rows, decisions):
    return [row | {"decision": decisions.get(row["id"], "")} for row in rows]


# The audit's own table


def test_decisions_become_label_events(study, table, made, tmp_path):
    truth = made[1]
    rows = with_decisions(table, {row["id"]: truth[row["id"]] for row in table})
    done = bring(study, write_csv(tmp_path / "answers.csv", rows))
    wrong = sum(row["label"] != truth[row["id"]] for row in table)
    assert (done.decisions, done.new, done.events, done.relabelled) == (len(table), len(table), len(table), wrong)
    assert done.outcomes == {outcome: n for outcome, n in (("right", len(table) - wrong), ("wrong", wrong)) if n}
    assert labels_of(study) == labels_of(study) | {row["id"]: truth[row["id"]] for row in table}
    by, source, why = study.connection.execute("SELECT by, source, why FROM labels ORDER BY event DESC").fetchone()
    assert (by, source) == ("person", "answers.csv")
    assert why.startswith(f"{made[2].passport}, rank {len(table)}, p_wrong 0.")
    assert done.precision.wrong == wrong
    assert done.precision.answered == len(table)
    assert done.precision.expected == pytest.approx(sum(float(row["p_wrong"]) for row in table), abs=0.01)
    assert done.precision.low < wrong / len(table) <= done.precision.high


def test_importing_twice_adds_nothing(study, table, made, tmp_path):
    path = write_csv(tmp_path / "answers.csv", with_decisions(table, {row["id"]: "suggested" for row in table}))
    first = bring(study, path)
    before = everything(study)
    again = bring(study, path)
    assert (again.new, again.events) == (0, 0)
    assert everything(study) == before
    assert again.precision == first.precision


def test_the_words_that_answer(study, table, tmp_path):
    ids = [row["id"] for row in table[:7]]
    words = ("keep", "wrong", "unsure", "SUGGESTED", "koi fish", " Whistle ", "?")
    done = bring(study, write_csv(tmp_path / "a.csv", with_decisions(table, dict(zip(ids, words, strict=True)))))
    labels = labels_of(study)
    assert labels[ids[0]] == table[0]["label"]
    assert labels[ids[1]] == table[1]["label"]  # wrong, but nobody said what it is
    assert labels[ids[3]] == table[3]["suggested_label"]
    assert labels[ids[4]] == "Koi_Fish"
    assert labels[ids[5]] == "Whistle"
    assert done.decisions == 7
    assert done.outcomes["unsure"] == 2
    assert done.precision.answered == 5


def test_a_new_class_is_named_on_purpose(study, table, tmp_path):
    path = write_csv(tmp_path / "a.csv", with_decisions(table, {table[0]["id"]: "Crown2"}))
    with pytest.raises(InputError, match=r"a\.csv, line 2: 'Crown2' is no answer: .*--new-class"):
        read_answers(study, path)
    bring(study, path, new=["Crown2"])
    assert labels_of(study)[table[0]["id"]] == "Crown2"
    path = write_csv(tmp_path / "b.csv", with_decisions(table, {table[1]["id"]: "Whistel"}))
    with pytest.raises(InputError, match="did you mean 'Whistle'"):
        read_answers(study, path)


def test_semicolons_byte_order_marks_and_reordered_columns(study, table, tmp_path):
    rows = [dict(reversed(row.items())) for row in with_decisions(table, {table[0]["id"]: "keep"})]
    path = write_csv(tmp_path / "a.csv", rows, separator=";")
    path.write_text("\ufeff" + path.read_text("utf-8"), encoding="utf-8")
    assert bring(study, path).decisions == 1


def test_undo_restores_and_can_be_repeated_and_nothing_is_deleted(study, table, tmp_path):
    before = labels_of(study)
    one = write_csv(tmp_path / "one.csv", with_decisions(table, {table[0]["id"]: "suggested"}))
    two = write_csv(tmp_path / "two.csv", with_decisions(table, {table[0]["id"]: "Tomte", table[1]["id"]: "suggested"}))
    bring(study, one)
    middle = labels_of(study)
    bring(study, two)
    events = study.count("labels")
    done = undo_import(study)
    assert (done.file, done.events, done.changed_since) == ("two.csv", 2, 0)
    assert labels_of(study) == middle
    assert undo_import(study).file == "one.csv"
    assert labels_of(study) == before
    assert study.count("labels") == events + 3
    with pytest.raises(InputError, match="has no import of answers to undo"):
        undo_import(study)
    assert bring(study, one).events == 1  # and what was undone can be said again
    assert labels_of(study) == middle


def test_undo_leaves_what_somebody_said_later(study, table, tmp_path):
    bring(study, write_csv(tmp_path / "a.csv", with_decisions(table, {row["id"]: "suggested" for row in table[:2]})))
    glitch = study.find_glitch(table[0]["id"], None)
    with study.run("later"), study.transaction():
        study.add_label(glitch, Label("Tomte", "person", "somebody"))
    done = undo_import(study)
    assert (done.events, done.changed_since) == (1, 1)
    assert labels_of(study)[table[0]["id"]] == "Tomte"
    assert labels_of(study)[table[1]["id"]] == table[1]["label"]


def test_a_confirmation_does_not_overrule_a_later_label(study, table, tmp_path):
    glitch = study.find_glitch(table[0]["id"], None)
    with study.run("later"), study.transaction():
        study.add_label(glitch, Label("Tomte", "person", "somebody"))
    done = bring(study, write_csv(tmp_path / "a.csv", with_decisions(table, {table[0]["id"]: "keep"})))
    assert done.events == 0
    assert "1 confirmed label was changed after the audit" in done.notes[0]
    assert labels_of(study)[table[0]["id"]] == "Tomte"


def test_the_ledger_is_append_only(study):
    for table in ("audits", "verdicts", "subjects"):
        with pytest.raises(sqlite3.IntegrityError, match=f"{table} are append-only"):
            study.connection.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda rows: rows[0].update(passport="audit-000000000000"),
            r"line 2: answers to audit 'audit-0+', which is none of the study",
        ),
        (
            lambda rows: rows[2].update(passport="audit-000000000000"),
            r"line 4: answers to audit 'audit-0+', which is none",
        ),
        (lambda rows: rows[1].update(id="H1_nobody"), r"line 3: id 'H1_nobody' was not audited in audit-"),
        (
            lambda rows: rows[1].update(label="Tomte"),
            r"line 3: .* the table says 'Tomte'; write answers into the column 'decision'",
        ),
        (
            lambda rows: rows.append(rows[0] | {"decision": "unsure"}),
            r"line \d+: H1_g\d+ has another answer in a\.csv, line 2",
        ),
        (lambda rows: rows[3].update(decision="=1+1"), r"line 5: '=1\+1' is no answer"),
        (lambda rows: [row.update(decision="") for row in rows], "holds no answer: write class names"),
        (
            lambda rows: [row.pop("decision") for row in rows],
            r"no column 'decision': it is neither the audit's table with answers .audit.csv with a further column 'decision'",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_refused_whole(study, table, tmp_path, change, message):
    rows = with_decisions(table, {row["id"]: "suggested" for row in table})
    change(rows)
    path = write_csv(tmp_path / "a.csv", rows)
    before = everything(study)
    with pytest.raises(InputError, match=message):
        bring(study, path)
    assert everything(study) == before


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"id,label,passport,decision\n\xe9,x,y,z\n", "is not UTF-8"),
        (b"id,id,passport,decision\n", "has two columns 'id'"),
        (b"id,label,passport,decision\na,b\n", r"a\.csv, line 2: 2 cells under 4 columns"),
        (b'id,label,passport,decision\n"a,b,c,d\n', r"a\.csv, line 2: not CSV"),
    ],
)
def test_files_that_are_no_tables(study, tmp_path, data, message):
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_answers(study, tmp_path / "a.csv")


def test_a_write_that_fails_leaves_nothing_half_written(study, table, tmp_path):
    path = write_csv(tmp_path / "a.csv", with_decisions(table, {row["id"]: "suggested" for row in table}))
    answers = read_answers(study, path)
    answers.decisions.append(answers.decisions[0].__class__(10**9, "", "person", "wrong", "Blip"))  # no such glitch
    counts = study.count("labels"), labels_of(study)
    with pytest.raises(Exception, match="FOREIGN KEY"):
        import_answers(study, path, answers)
    assert (study.count("labels"), labels_of(study)) == counts
    assert study.connection.execute("SELECT count(*) FROM decisions").fetchone() == (0,)


# Zooniverse's export


@pytest.fixture
def subjects(study, made):
    return subjects_of(study, find_audit(study, made[2].passport))


def export(study, made, subjects, answer, users=("ann", "bob", "cat", "dan", "not-logged-in-9f"), **options):
    """Every user's classification of every subject; `answer` maps (subject, id, user) to what they say."""
    names = study.glitches()["id"].to_dict()
    rows = []
    for subject in subjects.values():
        keys = {SUBJECT: subject.key, AUDIT: made[2].passport, "label": subject.shown, "Filename1": "x.png"}
        for user in users:
            said = answer(subject, names[subject.glitch], user)
            if said is not None:
                rows.append(classification(len(rows), user, keys, said, **options))
    return rows


def test_votes_become_labels_and_controls_are_scored(study, made, subjects, tmp_path):
    truth = made[1]

    def answer(subject, name, user):
        return "Tomte" if user == "dan" else truth[name]  # dan is always wrong, the others never

    path = write_csv(tmp_path / "export.csv", export(study, made, subjects, answer, survey=True))
    done = bring(study, path)
    asked = [subject for subject in subjects.values() if not subject.control]
    names = study.glitches()["id"].to_dict()
    wrong = sum(truth[names[subject.glitch]] != subject.shown for subject in asked)
    assert done.events == len(asked)
    assert done.relabelled == wrong == done.precision.wrong
    assert done.precision.answered == len(asked)
    score = done.controls
    controls = {kind: sum(subject.control == kind for subject in subjects.values()) for kind in ("right", "planted")}
    assert (score.right, score.right_of) == (4 * controls["right"], 5 * controls["right"])
    assert (score.planted, score.planted_of) == (4 * controls["planted"], 5 * controls["planted"])
    assert score.share == pytest.approx(0.8)
    assert score.low < 0.8 < score.high
    labels = labels_of(study)
    assert all(labels[names[subject.glitch]] == truth[names[subject.glitch]] for subject in subjects.values())
    assert study.connection.execute(
        "SELECT DISTINCT by, confidence FROM labels WHERE source = 'export.csv'"
    ).fetchall() == [("volunteers", 0.8)]
    before = everything(study)
    assert bring(study, path).new == 0
    assert everything(study) == before
    undo_import(study)
    assert labels_of(study) == dict(zip(made[2].glitches["id"], made[2].glitches["label"], strict=True))


@pytest.mark.parametrize("as_number", [False, True])
def test_yes_and_no_answer_the_label_shown(study, made, subjects, tmp_path, as_number):
    truth = made[1]

    def answer(subject, name, user):
        yes = truth[name] == subject.shown
        return int(not yes) if as_number else ("Yes" if yes else "No!")

    path = write_csv(tmp_path / "export.csv", export(study, made, subjects, answer))
    if as_number:
        with pytest.raises(InputError, match=r"line 2: the answer is number [01] of the question's choices"):
            read_answers(study, path)
    done = bring(study, path, choices=["Yes", "No", "Not sure"])
    assert done.controls.share == 1.0
    assert done.relabelled == 0
    assert done.precision.wrong == done.outcomes["wrong"]
    assert done.events == done.outcomes.get("right", 0)


def test_too_few_or_split_votes_decide_nothing_and_repeats_count_once(study, made, subjects, tmp_path):
    first, second, third, *_ = [subject for subject in subjects.values() if not subject.control]

    def answer(subject, name, user):
        if subject is first:
            return "Tomte" if user in ("ann", "bob") else None  # two votes are too few
        if subject is second:
            return {"ann": "Tomte", "bob": "Helix", "cat": "Chirp", "dan": second.shown}.get(user)
        if subject is third:
            return {"ann": "Tomte", "bob": "Helix", "cat": "Chirp", "dan": "Not sure"}.get(user)
        return None

    rows = export(study, made, subjects, answer)
    later = {
        "created_at": "2026-02-01 00:00:00 UTC",
        "annotations": rows[5]["annotations"],
    }  # they come round to dan's view
    rows = [row | later | {"classification_id": str(900 + n)} for n, row in enumerate(rows[2:5])] + rows
    rows += [row | later | {"classification_id": str(950 + n)} for n, row in enumerate(rows[5:8])]
    rows.append(classification(990, "eve", {"some": "other subject"}, "Blip"))
    done = bring(study, write_csv(tmp_path / "export.csv", rows))
    assert done.outcomes == {"wrong": 2}  # Tomte, Helix or Chirp: wrong, but not which
    assert done.events == 0
    notes = " ".join(done.notes)
    assert "1 glitch is undecided" in notes
    assert "6 later votes of a volunteer" in notes
    assert "1 classification of other subjects ignored" in notes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda row: row.update(annotations=row["annotations"][:-5]),
            r"line 3: the cell 'annotations' is damaged JSON",
        ),
        (lambda row: row.update(subject_data='{"1": {"#disc'), r"line 3: the cell 'subject_data' is damaged JSON"),
        (lambda row: row.update(subject_data="[]"), r"line 3: 'subject_data' does not hold one subject"),
        (lambda row: row.update(annotations='"Blip"'), r"line 3: 'annotations' is no list of tasks"),
        (
            lambda row: row.update(annotations='[{"task": "T0", "value": "Nonsense"}]'),
            r"line 3: 'Nonsense' is no answer",
        ),
        (
            lambda row: row.update(
                subject_data=row["subject_data"].replace('"#discover_subject": "', '"#discover_subject": "f00')
            ),
            r"line 3: subject 'f00.*is none of those that audit-",
        ),
        (
            lambda row: row.update(subject_data=row["subject_data"].replace('"#discover_audit"', '"#other"')),
            r"line 3: the subject carries #discover_audit None",
        ),
    ],
)
def test_a_damaged_export_is_refused_whole(study, made, subjects, tmp_path, change, message):
    rows = export(study, made, subjects, lambda *asked: made[1][asked[1]])
    change(rows[1])
    path = write_csv(tmp_path / "export.csv", rows)
    before = everything(study)
    with pytest.raises(InputError, match=message):
        bring(study, path)
    assert everything(study) == before


def test_an_export_of_another_study(study, made, subjects, tmp_path):
    rows = export(study, made, subjects, lambda *asked: made[1][asked[1]])
    foreign = [
        row | {"subject_data": row["subject_data"].replace(made[2].passport, "audit-123456789abc")} for row in rows
    ]
    path = write_csv(tmp_path / "export.csv", foreign)
    with pytest.raises(InputError, match=r"line 2: answers to audit 'audit-123456789abc', which is none of the study"):
        read_answers(study, path)
    mixed = bring(study, write_csv(tmp_path / "mixed.csv", rows + foreign[:5]))
    assert any("5 votes on audits of other studies" in note or "later votes" in note for note in mixed.notes)
    nothing = [row | {"subject_data": json.dumps({"5": {"a": 1}})} for row in rows]
    with pytest.raises(
        InputError, match=r"none of its \d+ classifications carries both an answer and #discover_subject"
    ):
        read_answers(study, write_csv(tmp_path / "none.csv", nothing))


def test_a_study_that_was_never_audited(tmp_path, table):
    with Study(tmp_path / "new", create=True) as other:
        path = write_csv(tmp_path / "a.csv", with_decisions(table, {table[0]["id"]: "keep"}))
        with pytest.raises(InputError, match="which is none of the study"):
            read_answers(other, path)
        with pytest.raises(InputError, match="no import of answers to undo"):
            undo_import(other)


def test_untested_rows_do_not_count_for_the_precision(study, ranking, tmp_path):
    path = write_csv(tmp_path / "a.csv", with_decisions(ranking, {row["id"]: "keep" for row in ranking[:50]}))
    done = bring(study, path)
    assert done.precision.answered == 50
    assert done.precision.wrong == 0
    assert not np.isnan(done.precision.low)
