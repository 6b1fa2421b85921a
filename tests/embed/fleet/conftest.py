"""One local cluster for the tests of this folder."""

from pathlib import Path

import pytest


@pytest.fixture(scope="package")
def fleet():
    pytest.importorskip("ray")
    from embed.fleet.cluster import Fleet

    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))  # of tests/support, for the workers
        patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        with Fleet("local:2", joined=said.append) as own:
            yield own
    assert said == ["Ray: 2 workers on 1 machine"]
