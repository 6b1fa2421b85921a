"""The log file of a command: what it said, with the time, and where an error came from."""

import logging
import re

import pytest

from discovery.commands.console import Terminal
from discovery.commands.runlog import log_file
from embed.errors import InputError


def logs(study):
    return [path.read_text(encoding="utf-8").splitlines() for path in sorted((study / "logs").glob("*"))]


def test_what_is_said_is_kept_with_its_time(tmp_path):
    (tmp_path / "study.db").touch()
    with log_file(tmp_path, "cluster", "discover cluster Blip"):
        terminal = Terminal(as_json=True)  # prints nothing of it
        terminal.say("2 clusters")
        terminal.table("t", ("cluster", "size"), [("0", "12")])
        logging.getLogger("a.library").warning("odd")
    (lines,) = logs(tmp_path)
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in lines)
    said = [line.split("Z ", 1)[1] for line in lines]
    assert said == ["discover cluster Blip", "2 clusters", "  cluster  size", "  0  12", "odd", "done after 0 s"]
    assert re.match(r"\d{8}T\d{6}Z-cluster-\d+\.log$", next((tmp_path / "logs").iterdir()).name)
    Terminal(as_json=True).say("after it")
    assert logs(tmp_path) == [lines]


def test_an_error_is_kept_with_where_it_came_from(tmp_path):
    (tmp_path / "study.db").touch()
    with pytest.raises(InputError, match="bad"), log_file(tmp_path, "audit", "discover audit"):
        raise InputError("bad input")
    (lines,) = logs(tmp_path)
    assert lines[1].endswith("error after 0 s: bad input")
    assert any("test_runlog.py" in line for line in lines)


def test_a_study_is_not_made_for_it_and_one_that_comes_gets_all_lines(tmp_path):
    with log_file(tmp_path / "study", "ingest", "discover ingest a"):
        pass
    assert not (tmp_path / "study").exists()
    with log_file(tmp_path / "study", "ingest", "discover ingest b"):
        Terminal(as_json=True).say("read")
        (tmp_path / "study").mkdir()
        (tmp_path / "study" / "study.db").touch()
        Terminal(as_json=True).say("written")
    assert [line.split("Z ", 1)[1] for line in logs(tmp_path / "study")[0]][:3] == [
        "discover ingest b",
        "read",
        "written",
    ]


def test_a_log_that_cannot_be_written_is_said_once_and_stops_nothing(tmp_path, capsys):
    (tmp_path / "study.db").touch()
    (tmp_path / "logs").touch()  # no folder
    with log_file(tmp_path, "cluster", "discover cluster"):
        Terminal(as_json=True).say("on")
    assert capsys.readouterr().err.count("the log file was not written") == 1
