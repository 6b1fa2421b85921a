import builtins
import io
import os

import pytest

from embed.processors import usable_processors


@pytest.fixture
def machine(monkeypatch):
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    limits = {}
    exists, opened = os.path.exists, builtins.open

    def is_there(path):
        return path in limits if str(path).startswith("/sys/fs/cgroup") else exists(path)

    def read(path, *rest, **named):
        return io.StringIO(limits[path]) if path in limits else opened(path, *rest, **named)

    monkeypatch.setattr(os.path, "exists", is_there)
    monkeypatch.setattr(builtins, "open", read)
    return limits


def test_a_job_uses_the_processors_that_it_was_given(monkeypatch, machine):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 9}, raising=False)
    assert usable_processors() == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    assert usable_processors() == 64


@pytest.mark.parametrize(("limit", "count"), [("250000 100000", 3), ("50000 100000", 1), ("max 100000", 16)])
def test_a_container_uses_its_share_of_the_time(monkeypatch, machine, limit, count):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    machine["/sys/fs/cgroup/cpu.max"] = limit
    assert usable_processors() == count


def test_the_environment_can_say_less(monkeypatch, machine):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "5")
    assert usable_processors() == 5
