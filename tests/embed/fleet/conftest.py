"""One local cluster for the tests of this folder."""

from pathlib import Path

import pytest

WORKERS = {"PYTHONPATH": str(Path(__file__).parents[2]), "SOURCE_DATE_EPOCH": "1700000000"}
"""Environment of the workers, which need tests/support, and of the tests that compare with them; of no other test."""


@pytest.fixture(scope="session")
def cluster():
    pytest.importorskip("ray")
    from embed.fleet.cluster import Fleet

    said = []
    with Fleet("local:2", joined=said.append) as own:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in WORKERS.items():
                patch.setenv(name, value)
            assert list(own(abs, [-1])) == [(0, 1)]  # starts it
        yield own
    assert said == ["Ray: 2 workers on 1 machine"]


@pytest.fixture
def fleet(cluster, monkeypatch):
    for name, value in WORKERS.items():
        monkeypatch.setenv(name, value)
    return cluster
