"""Commands in the background: their lines, their end, and that nothing of them is left running."""

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


def test_closing_stops_what_runs(jobs, reviewable):
    jobs.start(["explore", f"--study={reviewable}", "--port=0", "--no-browser"])
    jobs.close()
    assert jobs.list()[0]["state"] == "stopped"
