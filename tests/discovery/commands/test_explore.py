"""``discover explore``: what it refuses, and how it ends."""

import signal

import pytest
from support.reviewing import start
from support.terminal import error_of

from embed import Study


@pytest.fixture
def study(tmp_path):
    with Study(tmp_path / "study", create=True) as made:
        return made.folder


def test_missing_packages_are_named(capsys, monkeypatch, study):
    monkeypatch.setattr("discovery.checks.explore.find_spec", lambda _: None)
    assert error_of(capsys, "explore", "--study", study) == (
        "discover explore: error: this needs starlette and uvicorn; pip install 'glitch-discovery[app]'\n"
    )


def test_an_interrupt_ends_it_in_order(study):
    """An empty study opens too: every part says what is missing."""
    server = start(study)
    assert "run `discover audit`" in server.client.get("/api/review").json()["message"]
    assert server.client.get("/api/study").json()["maps"] == []
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(20) == 0
    server.kill()
