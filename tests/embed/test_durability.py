"""What a power cut must not undo: the order in which bytes reach the disk."""

import os
from pathlib import Path

import pytest

from embed.storage import write_text
from embed.study.database import connect


@pytest.fixture
def calls(monkeypatch):
    """The calls of the operating system that a write makes, in order: ('fsync', inode) and ('rename', inode)."""
    made = []
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor):
        made.append(("fsync", os.fstat(descriptor).st_ino))
        fsync(descriptor)

    def recorded_replace(source, target, **options):
        made.append(("rename", Path(source).stat().st_ino))
        replace(source, target, **options)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    return made


def test_a_file_is_on_the_disk_before_its_name_and_the_name_before_the_return(calls, tmp_path):
    path = tmp_path / "clusters.csv"
    write_text(path, "id,cluster\n")
    file, folder = path.stat().st_ino, tmp_path.stat().st_ino
    assert calls == [("fsync", file), ("rename", file), ("fsync", folder)]


def test_a_committed_transaction_is_whole_after_a_power_cut(tmp_path):
    """WAL with synchronous=NORMAL keeps the database consistent; OFF (0) may corrupt it (sqlite.org/pragma.html)."""
    connection = connect(tmp_path / "study.db", create=True)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone()[0] >= 1
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    connection.close()
