"""What became of runs that were stopped, by real signals."""

import json
import signal
import subprocess
import sys

import pytest
from support.terminal import run

from embed import Study
from embed.study.moments import circumstances
from embed.study.outcomes import outcomes

CODE = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background hands it on as ignored
from embed import Study
with Study(sys.argv[1]) as study, study.run('embed', {'views': '4.0'}):
    print('begun', flush=True)
    time.sleep(60)
"""


def begin(folder):
    begun = subprocess.Popen(
        [sys.executable, "-c", CODE, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert begun.stdout.readline() == b"begun\n"
    return begun


def end(begun, number):
    begun.send_signal(number)
    begun.communicate()


@pytest.fixture
def folder(tmp_path):
    with Study(tmp_path / "study", create=True) as study, study.run("ingest"):
        pass
    return tmp_path / "study"


def said(folder):
    with Study(folder) as study:
        return list(outcomes(study).values())


def test_stopped_runs_name_the_one_that_did_their_work(capsys, folder):
    end(begin(folder), signal.SIGINT)
    assert said(folder) == ["done", "stopped"]
    killed = begin(folder)
    assert said(folder)[-1] == "running, or killed"
    end(killed, signal.SIGKILL)
    with Study(folder) as study, study.run("embed", {"views": "1.0"}):
        assert said(folder) == ["done", "stopped", "stopped", "running, or killed"]
    with pytest.raises(ValueError, match="broken"), Study(folder) as study, study.run("embed", {"views": "4.0"}):
        raise ValueError("broken")
    assert said(folder) == ["done", "stopped", "stopped", "done", "failed: broken"]
    with Study(folder) as study, study.run("embed", {"views": "4.0"}):
        pass
    whole = ["done", "stopped; done by run 6", "stopped; done by run 6", "done", "failed: broken", "done"]
    assert said(folder) == whole
    _, out, _ = run(capsys, "status", "--study", folder)
    assert "unfinished" not in out
    assert out.count("stopped; done by run 6") == 2
    runs = json.loads(run(capsys, "status", "--json", "--study", folder)[1])["runs"]
    assert [(one["state"], one["outcome"]) for one in runs[:2]] == [("done", "done"), (whole[1], "")]


def test_what_a_study_held_when_a_run_began_is_not_what_it_was_asked(folder):
    with Study(folder) as study:
        for asked, outcome in ((circumstances(study) | {"label": "Blip"}, ""), ({"label": "Blip"}, "done"), ("x", "")):
            with study.transaction():
                query = "INSERT INTO runs (command, arguments, started, outcome) VALUES ('cluster', ?, 1, ?)"
                study.connection.execute(query, (asked if asked == "x" else json.dumps(asked), outcome))
    assert said(folder) == ["done", "stopped; done by run 3", "done", "stopped"]
