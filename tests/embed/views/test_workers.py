"""Processes decode what threads decode, only where views and threads are many, and are gone afterwards."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support.gallery import draw_levels, png, published, write

from embed.errors import InputError
from embed.study.records import View
from embed.views import workers
from embed.views.cache import ViewCache
from embed.views.workers import Workers


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """Twelve views, of which the fifth is damaged and the ninth is missing."""
    folder = tmp_path_factory.mktemp("pictures")
    found = []
    for number in range(12):
        data = png(published(draw_levels(np.random.default_rng(number))))
        path = write(folder / f"{number}.png", data[:-40] if number == 4 else data)
        found.append(View(number + 1, number + 1, 1.0, "spectrogram", str(path), "", f"{number:064x}"))
    Path(found[8].source).unlink()
    return found


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(workers, "FEW_THREADS", 1)
    monkeypatch.setattr(workers, "MANY_VIEWS", 4)


def decode_all(one, views):
    with ThreadPoolExecutor(2) as pool:
        parts = pool.map(lambda start: one.decode(views[start : start + 2], 96), range(0, len(views), 2))
        return [found for part in parts for found in part]


def same(ours, theirs):
    return all(
        str(one) == str(other) if isinstance(one, InputError) else np.array_equal(one, other)
        for one, other in zip(ours, theirs, strict=True)
    )


def ids(one):
    return list(one._processes._processes)


def are_gone(processes):
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{process}").exists() for process in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(Path(f"/proc/{process}").exists() for process in processes)


def test_processes_give_what_threads_give_errors_too_and_end(views, few, monkeypatch):
    with Workers(1) as threads, Workers(2) as processes:
        expected = decode_all(threads, views)
        assert threads._processes is None
        assert processes.decode(views[:2], 96)  # not many yet
        assert processes._processes is None
        assert processes.decode(views[:4], 96)
        monkeypatch.setattr(workers, "decode", lambda *_: pytest.fail("decoded in this process"))
        found = decode_all(processes, views)
        children = ids(processes)
    assert same(found, expected)
    assert [place for place, one in enumerate(found) if isinstance(one, InputError)] == [4, 8]
    assert str(found[4]).startswith(f"{views[4].source}: truncated PNG")
    assert str(found[8]) == f"{views[8].source} cannot be read (No such file or directory)"
    assert len(children) == 2
    assert are_gone(children)


def test_a_killed_process_costs_nothing_but_time(views, few):
    with Workers(1) as threads, Workers(2) as processes:
        processes.decode(views[:8], 96)
        for child in ids(processes):
            os.kill(child, signal.SIGKILL)
        assert same(decode_all(processes, views), decode_all(threads, views))


def test_where_no_process_can_be_started_threads_decode(views, few, monkeypatch, caplog):
    tries = []

    def refused(number):
        tries.append(number)
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(workers, "_start", refused)
    with Workers(1) as threads, Workers(2) as processes:
        for _ in range(2):
            assert same(decode_all(processes, views), decode_all(threads, views))
    assert tries == [2]  # and it is not tried again
    assert "threads decode the other pictures: processes do not work here" in caplog.text


def test_the_cache_is_the_same_by_threads_and_by_processes(tmp_path, views, few):
    files = []
    for threads in (1, 2):
        with ViewCache(tmp_path / str(threads), 96, plain=False, threads=threads) as cache:
            out = np.zeros((12, 96, 96), np.uint8)
            reasons = cache.fill(views[:6], out[:6]) + cache.fill(views[6:], out[6:])
            assert [place for place, reason in enumerate(reasons) if reason] == [4, 8]
            assert cache.fill(views, out) == reasons
            assert cache.read(views, out).sum() == 10
            with pytest.raises(InputError, match="truncated PNG"):
                cache.get(views[4])
            children = [] if threads == 1 else ids(cache._workers)
        files.append(cache.path.read_bytes())
        assert are_gone(children)
    assert files[0] == files[1]


SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from embed.study.records import View
from embed.views import workers
print("the script runs", flush=True)
workers.FEW_THREADS, workers.MANY_VIEWS = 1, 0
view = View(1, 1, 1.0, "spectrogram", sys.argv[1], "", 64 * "0")
with workers.Workers(2) as one:
    print(one.decode([view], 96)[0].sum(), *one._processes._processes, flush=True)
    while sys.argv[2] == "on":
        one.decode([view], 96)
"""


@pytest.mark.parametrize("stopped", [False, True], ids=["to its end", "Ctrl-C"])
def test_a_script_without_a_guard(tmp_path, views, stopped):
    script = write(tmp_path / "script.py", SCRIPT.encode())
    with subprocess.Popen(
        [sys.executable, script, views[0].source, "on" if stopped else "once"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stdout.readline() == "the script runs\n"
        total, *children = running.stdout.readline().split()
        if stopped:
            os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to the processes too
        out, err = running.communicate(timeout=60)
    assert int(total) == Workers(1).decode(views[:1], 96)[0].sum()
    assert not out
    assert err.count("Traceback") == stopped
    assert err.rstrip().endswith("KeyboardInterrupt") if stopped else err == ""
    assert are_gone(children)


def started(parent):
    """Wait for loky's processes of a parent, whose first moment is over within a tenth of a second, and return their numbers."""
    while True:
        children = " ".join(path.read_text() for path in Path(f"/proc/{parent}/task").glob("*/children")).split()
        found = [child for child in children if b"popen_loky" in Path(f"/proc/{child}/cmdline").read_bytes()]
        if found:
            return found
        time.sleep(0.005)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="no /proc")
@pytest.mark.parametrize("later", [0.0, 0.1, 0.3])
def test_ctrl_c_while_the_processes_start(tmp_path, views, later):
    """They import for half a second: interrupted there, each would print a traceback of its own."""
    script = write(tmp_path / "script.py", SCRIPT.encode())
    with subprocess.Popen(
        [sys.executable, script, views[0].source, "on"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        children = started(running.pid)
        time.sleep(later)
        os.killpg(running.pid, signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert err.count("Traceback") == 1
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert are_gone(children)
