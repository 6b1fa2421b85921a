"""Commands in the background: their lines, their end, and that nothing of them is left running."""

import subprocess
import sys
import time

import pytest

from discovery.app.jobs import Jobs


@pytest.fixture
def jobs():
    made = Jobs()
    yield made
    made.close()


def wait(jobs):
    for _ in range(600):
        job = jobs.list()[-1]
        if job["state"] != "running":
            return job
        time.sleep(0.1)
    raise TimeoutError(job)


def test_a_job_shows_its_lines_and_how_it_ended(jobs, reviewable):
    jobs.start(["status", f"--study={reviewable}"])
    job = wait(jobs)
    assert job["state"] == "done"
    assert any("glitches" in line and "120" in line for line in job["lines"])
    jobs.start(["status", "--study=nowhere"])
    job = wait(jobs)
    assert job["state"] == "failed"
    assert "discover status: error: no study in" in job["lines"][-1]
    assert [one["number"] for one in jobs.list()] == [1, 2]


def test_progress_is_told_and_is_no_line(jobs, monkeypatch):
    told = '{"what": "embed", "done": 5, "whole": 20, "seconds": 3.0, "left": 9.0}'
    script = f"import sys, time; print('one'); print('two\\x1e' + {told!r}); print('\\x1e{{cut'); print('\\x1e' + {told!r}, flush=True); time.sleep(30)"
    popen = subprocess.Popen
    monkeypatch.setattr(
        "discovery.app.jobs.subprocess.Popen", lambda _, **more: popen([sys.executable, "-c", script], **more)
    )
    assert jobs.start(["anything"], before=40)["before"] == 40
    for _ in range(100):
        job = jobs.list()[-1]
        if job["progress"]:
            break
        time.sleep(0.1)
    assert job["progress"] == {"what": "embed", "done": 5, "whole": 20, "seconds": 3.0, "left": 9.0}
    assert job["lines"] == ["one", "two"]
    stopped = jobs.stop(job["number"])
    assert (stopped["state"], stopped["progress"]) == ("stopped", None)


def test_closing_stops_what_runs(jobs, reviewable):
    jobs.start(["explore", f"--study={reviewable}", "--port=0", "--no-browser"])
    jobs.close()
    assert jobs.list()[0]["state"] == "stopped"
