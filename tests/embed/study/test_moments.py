"""A copy of a study is taken back to when a run began: what came later is gone."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from embed.study.clusterings import save_clusters
from embed.study.moments import circumstances, relabelled_since, take_back
from embed.study.records import Label
from embed.study.study import Study


@pytest.fixture
def study(tmp_path):
    with Study(tmp_path / "study", create=True) as opened:
        yield opened


def grow(study, *, keep):
    """Two glitches and their clusters; the run in question; another label, a prediction, a glitch and clusters. Returns the run."""
    with study.run("cluster") as run:
        for name in "ab":
            study.add_label(study.add_glitch(name, None, None)[0], Label("Blip", "folder", "test"))
        save_clusters(study, run, np.array([1, 2]), np.array([0, 0]), np.ones(2))
    with study.run("audit", circumstances(study) if keep else {}) as asked:
        pass
    with study.run("cluster") as run:
        study.add_label(1, Label("Tomte", "person", "test"))
        study.add_label(2, Label("Tomte", "model", "test"))
        study.add_label(study.add_glitch("c", None, None)[0], Label("Tomte", "person", "test"))
        save_clusters(study, run, np.array([1, 3]), np.array([1, 1]), np.ones(2))
    return asked


def test_what_came_later_is_gone_and_the_study_is_as_it_was(study, tmp_path):
    asked = grow(study, keep=True)
    assert relabelled_since(study, asked) == 1
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        study.connection.backup(copy)
        take_back(copy, asked)
        assert copy.execute("SELECT glitch, label FROM labels").fetchall() == [(1, "Blip"), (2, "Blip")]
        assert copy.execute("SELECT id FROM glitches").fetchall() == [("a",), ("b",)]
        assert copy.execute("SELECT glitch, cluster FROM clusters").fetchall() == [(1, 0), (2, 0)]
        assert copy.execute("SELECT run FROM runs").fetchall() == [(1,)]
        assert copy.execute("PRAGMA foreign_key_check").fetchall() == []
    assert [study.count(table) for table in ("labels", "glitches", "clusters", "runs")] == [5, 3, 4, 3]


def test_a_run_of_an_earlier_version_goes_by_the_clock(study, tmp_path, monkeypatch):
    ticks = iter(range(1000))
    monkeypatch.setattr("embed.study.study.now", lambda: next(ticks))
    asked = grow(study, keep=False)
    assert relabelled_since(study, asked) == 2  # which glitches there were it does not say
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        study.connection.backup(copy)
        take_back(copy, asked)
        assert copy.execute("SELECT glitch, label FROM labels").fetchall() == [(1, "Blip"), (2, "Blip")]
        assert copy.execute("SELECT count(*) FROM glitches").fetchone() == (3,)
