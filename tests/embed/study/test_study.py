import errno
import os
import sqlite3
import subprocess
import sys
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed import Study
from embed.errors import InputError, StorageError, StudyError
from embed.study.records import Label


@pytest.fixture
def study(tmp_path):
    with Study(tmp_path / "study", create=True) as opened:
        yield opened


def add(study, identifier="abc", ifo="H1", **rest):
    with study.transaction():
        return study.add_glitch(identifier, ifo, rest.pop("gps", None), rest or None)


def test_no_study(tmp_path):
    with pytest.raises(StudyError, match=r"no study in .*nowhere; make one with `discover ingest PATH"):
        Study(tmp_path / "nowhere")


def test_another_file_is_no_study(tmp_path):
    (tmp_path / "study.db").write_text("this is no database, but long enough to look at" * 50)
    with pytest.raises(StudyError, match="is not a study database"):
        Study(tmp_path)


def test_another_version(study):
    study.connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StudyError, match="has format 99, this version reads format 1"):
        Study(study.folder)


@pytest.mark.parametrize("name", ["views", "clusters"])
def test_a_study_that_lacks_a_table(study, name):
    study.connection.execute(f"DROP TABLE {name}")
    with pytest.raises(StudyError, match=f"has no table '{name}'; another program has changed it"):
        Study(study.folder)


@pytest.mark.parametrize(
    ("statement", "read", "message"),
    [
        ("UPDATE glitches SET metadata = '{'", Study.metadata, r"study.db: the metadata of glitch 1 is no JSON"),
        ("UPDATE glitches SET metadata = '[]'", Study.metadata, r"the metadata of glitch 1 is '\[\]', no JSON object"),
        (
            "UPDATE glitches SET metadata = '{'",
            lambda study: add(study, snr=1.0),
            r"the metadata of glitch 1 is no JSON",
        ),
        ("UPDATE glitches SET gps = 'soon'", Study.glitches, r"study.db has a gps or confidence that is no number"),
        (
            "INSERT INTO runs (command, arguments, started, outcome) VALUES ('embed', 'x', 1, 'done')",
            lambda study: study.latest_arguments("embed"),
            r"what the latest run of embed was given is no JSON",
        ),
    ],
)
def test_rows_that_another_program_damaged(study, statement, read, message):
    add(study, gps=1.5)
    study.connection.execute(statement)
    with pytest.raises(StudyError, match=message):
        read(study)


def test_a_clock_that_is_no_number(study, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "today")
    with pytest.raises(InputError, match="SOURCE_DATE_EPOCH is 'today'; set it to whole seconds"), study.run("ingest"):
        pass


def test_one_glitch_one_row(study):
    first, added = add(study, "abc", "H1", gps=1.5, snr=10.0)
    assert added
    assert add(study, "abc", "H1", gps=9.0, snr=99.0, peak_frequency=60.0) == (first, False)
    other, added = add(study, "abc", "L1")
    assert added
    assert other != first
    table = study.glitches()
    assert list(table["id"]) == ["H1_abc", "L1_abc"]
    assert table.loc[first, "gps"] == 1.5
    assert study.metadata().loc[first].to_dict() == {"snr": 10.0, "peak_frequency": 60.0}


def test_the_detector_may_become_known_later(study):
    first, _ = add(study, "abc", None)
    assert add(study, "abc", "L1", gps=7.0) == (first, False)
    assert study.glitches().loc[first, ["ifo", "gps"]].tolist() == ["L1", 7.0]


def test_an_id_of_two_detectors_is_ambiguous(study):
    add(study, "abc", "H1")
    add(study, "abc", "L1")
    with pytest.raises(InputError, match=r"'abc' is in the study for several detectors \(H1, L1\); name one"):
        study.find_glitch("abc", None)
    assert study.find_glitch("L1_abc", None) == 2


def test_labels_are_events_and_the_latest_that_is_no_models_counts(study):
    glitch, _ = add(study)
    with study.transaction():
        assert study.add_label(glitch, Label("Blip", "folder", "ingest"))
        assert not study.add_label(glitch, Label("Blip", "folder", "ingest"))
        assert study.add_label(glitch, Label("Whistle", "model", "gravityspy", 0.7))
        assert study.add_label(glitch, Label("Koi_Fish", "person", "me"))
    table = study.glitches()
    assert table.loc[glitch, ["label", "predicted", "confidence"]].tolist() == ["Koi_Fish", "Whistle", 0.7]
    assert study.count("labels") == 3


@pytest.mark.parametrize("statement", ["DELETE FROM labels", "UPDATE labels SET label = 'x'"])
def test_labels_cannot_be_changed(study, statement):
    glitch, _ = add(study)
    with study.transaction():
        study.add_label(glitch, Label("Blip", "folder", "ingest"))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        study.connection.execute(statement)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from("ABC"), st.sampled_from(["folder", "person", "model"])),
        max_size=30,
    )
)
def test_the_label_of_a_history(tmp_path_factory, history):
    """Whatever the history, a plain dictionary kept beside it agrees."""
    with Study(tmp_path_factory.mktemp("s"), create=True) as study:
        given_labels, predicted = {}, {}
        for number, label, by in history:
            glitch, _ = add(study, f"g{number}")
            with study.transaction():
                study.add_label(glitch, Label(label, by, "test"))
            # a repeated word of the same author is no new event, so it does not outrank a later one by another
            last = study.connection.execute(
                "SELECT label, by FROM labels WHERE glitch = ? ORDER BY event", (glitch,)
            ).fetchall()
            words = [word for word, author in last if author != "model"]
            if words:
                given_labels[f"g{number}"] = words[-1]
            models = [word for word, author in last if author == "model"]
            if models:
                predicted[f"g{number}"] = models[-1]
        table = study.glitches().set_index("gravityspy_id")
        assert {key: value for key, value in table["label"].items() if value} == given_labels
        assert {key: value for key, value in table["predicted"].items() if value} == predicted


def test_members(study):
    for number, label in enumerate(["Blip", "Blip", "Whistle"]):
        glitch, _ = add(study, f"g{number}")
        with study.transaction():
            study.add_label(glitch, Label(label, "folder", "ingest"))
            study.add_label(glitch, Label("Chirp", "model", "net"))
    assert study.members("Blip").tolist() == [1, 2]
    assert study.members("Chirp", predicted=True).tolist() == [1, 2, 3]
    with pytest.raises(InputError, match=r"no glitch is labelled 'Tomte'; there are: Blip \(2\), Whistle \(1\)"):
        study.members("Tomte")
    with pytest.raises(InputError, match=r"labelled 'blips'; did you mean 'Blip'\? There are: Blip \(2\), Whistle"):
        study.members("blips")
    with pytest.raises(InputError, match=r"3 glitches have it as predicted label \(add --predicted\)"):
        study.members("Chirp")


def test_runs_are_logged(study):
    with study.run("first", {"k": 3}):
        pass
    with pytest.raises(ValueError, match="broken"), study.run("second"):
        raise ValueError("broken")
    runs = study.runs()
    assert runs["outcome"].tolist() == ["done", "failed: broken"]
    assert runs["started"].tolist() == [1700000000, 1700000000]


def test_a_study_that_another_process_writes_is_refused(study):
    """A real second process holds the lock; killed, it leaves none behind."""
    code = "import sys,time; from embed import Study\nwith Study(sys.argv[1]) as s, s.run('embed'):\n print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(study.folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(StudyError, match=rf"is locked by process {holder.pid} \(discover embed\); wait for it"),
            study.run("ingest"),
        ):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with study.run("ingest"):
        assert (study.folder / ".lock").read_text().startswith(f"process {os.getpid()}")
    assert (study.folder / ".lock").read_text() == ""


def test_a_forked_child_that_ends_keeps_its_parents_lock(study):
    """The child leaves the run as it exits; filelock before 3.30 would then release the lock of both."""
    code = (
        "import os, sys; from embed import Study\n"
        "with Study(sys.argv[1]) as s, s.run('embed'):\n"
        " if os.fork() == 0: sys.exit(0)\n"
        " os.wait(); print('held', flush=True); sys.stdin.read()"
    )
    line = [sys.executable, "-c", code, str(study.folder)]
    holder = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StudyError, match="is locked by"), study.run("ingest"):
            pass
    finally:
        holder.communicate()
    with study.run("ingest"):
        pass


def test_a_second_writer_of_the_same_process_is_refused_too(study):
    with (
        Study(study.folder) as other,
        study.run("embed"),
        pytest.raises(StudyError, match=rf"is locked by process {os.getpid()} \(discover embed\)"),
        other.run("ingest"),
    ):
        pass
    with other_run(study):
        assert study.runs()["command"].tolist() == ["embed", "status"]


@contextmanager
def other_run(study):
    with Study(study.folder) as other, other.run("status"):
        yield


def test_a_file_system_without_locks_is_an_error_and_no_lock_of_another_kind(study, monkeypatch):
    import fcntl

    def no_locks(*_):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(StorageError, match=r"cannot write .*\.lock: Function not implemented"), study.run("ingest"):
        pass


def test_a_lock_file_that_cannot_be_written(study):
    (study.folder / ".lock").mkdir()
    with pytest.raises(StorageError, match=r"cannot write .*\.lock: Is a directory"), study.run("ingest"):
        pass


def test_what_needs_no_table_agrees_with_the_tables(tmp_path):
    """Labels, members and metadata columns are read without pandas, and are those of `glitches` and `metadata`."""
    with Study(tmp_path, create=True) as study, study.run("ingest"):
        for name, metadata in (("c", {"snr": 8.0}), ("a", {"q_value": 5.0, "snr": 9.0}), ("b", {})):
            study.add_glitch(name, "H1", 1e9, metadata)
        for glitch, label, by in (
            (1, "Blip", "folder"),
            (2, "Blip", "folder"),
            (1, "Whistle", "person"),
            (1, "Blip", "model"),
        ):
            study.add_label(glitch, Label(label, by, "test"))
        table = study.glitches()
        for predicted, column in ((False, "label"), (True, "predicted")):
            assert study.latest_labels(predicted=predicted) == list(zip(table.index, table[column], strict=True))
        assert study.metadata_columns() == list(study.metadata().columns) == ["snr", "q_value"]
        assert study.members("Blip").tolist() == table.index[table["label"] == "Blip"].tolist() == [2]
        assert study.members("Blip", predicted=True).tolist() == [1]
        assert study.known_glitch("H1_a") == study.known_glitch("a") == 2
        with pytest.raises(InputError, match="no glitch 'd' in the study"):
            study.known_glitch("d")
        with pytest.raises(InputError, match="did you mean 'H1_"):
            study.known_glitch("H1_s")
