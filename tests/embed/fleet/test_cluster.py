"""A local cluster: results, order, threads, lost workers, refusals, and what is left behind."""

import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from support.fleets import Deadly, place, refuse, square

from embed.errors import FleetError, InputError
from embed.fleet import cluster, node
from embed.fleet.cluster import Fleet
from embed.fleet.node import Terms, make_terms, objection
from embed.fleet.spread import check_processor, here

ray = pytest.importorskip("ray")


def test_here_is_map():
    assert list(here(square, [3, 1, 2])) == [(0, 9), (1, 1), (2, 4)]
    check_processor(here, "cuda")
    with pytest.raises(InputError, match=r"Ray's workers compute on a processor core each, not on cuda; give --device"):
        check_processor(Fleet("local"), "cuda")


def test_results_and_their_order(fleet):
    assert list(fleet(square, range(20), in_order=True)) == [(number, number**2) for number in range(20)]
    assert sorted(fleet(square, range(20))) == [(number, number**2) for number in range(20)]
    assert list(fleet(square, [])) == []


def test_parts_are_taken_as_they_are_needed(fleet):
    taken = []
    results = fleet(square, (taken.append(number) or number for number in range(100)), in_order=True)
    assert next(results) == (0, 0)
    assert len(taken) <= 2 * 2 * cluster.AHEAD
    results.close()


def test_workers_have_one_thread_and_the_drivers_folder(fleet):
    places = {result for _, result in fleet(place, range(8))}
    assert {(threads, folder) for _, threads, folder in places} == {("1", str(Path.cwd()))}
    assert os.getpid() not in {process for process, _, _ in places}


def test_an_error_of_a_part_is_the_same_as_here(fleet):
    with pytest.raises(InputError, match=r"^7 is refused; give another$"):
        list(fleet(refuse, [7]))
    with pytest.raises(ZeroDivisionError):
        list(fleet((1).__truediv__, [0]))


def test_a_lost_worker_s_part_runs_again_and_the_console_stays_clean(fleet, tmp_path, capfd, caplog):
    caplog.set_level(logging.INFO, "embed.fleet.cluster")
    assert sorted(fleet(Deadly(3, tmp_path), range(8))) == [(number, number + 1) for number in range(8)]
    assert len((tmp_path / "3.log").read_text().split()) == 2
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    for _ in range(50):
        if "died or was killed" in caplog.text:
            break
        time.sleep(0.1)
    assert "ray: A worker died or was killed" in caplog.text


def test_a_part_that_always_kills_its_worker(fleet, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "RETRIES", 1)
    with pytest.raises(FleetError, match=r"a part lost its worker 2 times \(.*\); give the machines more memory"):
        list(fleet(Deadly(0, tmp_path, always=True), [0]))


def test_files_that_a_machine_does_not_see(fleet, tmp_path, monkeypatch):
    file = tmp_path / "picture.png"
    file.write_bytes(b"here")
    assert list(fleet(square, [2], needs=[file, tmp_path / "missing here too"])) == [(0, 4)]
    honest = cluster.make_terms
    gone = str(tmp_path / "not there.png")
    monkeypatch.setattr(cluster, "make_terms", lambda _: Terms(honest([]).versions, {gone: "4:0"}, str(tmp_path)))
    with pytest.raises(
        FleetError,
        match=r"the machine \S+ of the Ray cluster cannot read .*not there\.png \(No such file or directory\); put the files on a disk that every machine sees",
    ):
        list(fleet(square, [2]))
    monkeypatch.setattr(cluster, "make_terms", lambda _: Terms(honest([]).versions, {str(file): "4:0"}, str(tmp_path)))
    with pytest.raises(
        FleetError, match=r"has another file at .*picture\.png than the driver; put the files on a disk"
    ):
        list(fleet(square, [2]))


def test_a_machine_with_other_versions(fleet, monkeypatch):
    honest = cluster.make_terms
    wrong = dict(honest([]).versions) | {"torch": "1.0"}
    monkeypatch.setattr(cluster, "make_terms", lambda _: Terms(wrong, {}, "/"))
    with pytest.raises(
        FleetError,
        match=r"the machine \S+ of the Ray cluster has torch [\d.+a-z]+, and the driver 1\.0; install the same",
    ):
        list(fleet(square, [2]))
    monkeypatch.setattr(Fleet, "_inspect", lambda *_: None)  # as a machine that joined later
    with pytest.raises(FleetError, match=r"a worker on \S+ has torch .* and the driver 1\.0"):
        list(fleet(square, [2]))


def test_terms(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"one")
    terms = make_terms([tmp_path / "a", tmp_path / "none"])
    assert list(terms.files) == [str(tmp_path / "a")]
    assert objection(terms) is None
    (tmp_path / "a").write_bytes(b"two")
    assert "has another file at" in objection(terms)
    before = node.own_versions()["this project's code"]
    (tmp_path / "embed").mkdir()
    (tmp_path / "embed" / "x.py").write_text("1")
    monkeypatch.setattr(node, "root", lambda: tmp_path)
    node.own_versions.cache_clear()
    other = node.own_versions()["this project's code"]
    node.own_versions.cache_clear()
    assert before != other


def test_what_a_run_leaves_behind(tmp_path, monkeypatch):
    """Environment, signals, processes and files are as before; the cluster's own token is not in the home folder."""
    script = f"""
import os, signal, sys, glob
from embed.fleet.cluster import Fleet
from support.fleets import square
before = dict(os.environ), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), set(os.listdir("/tmp"))
with Fleet("local:1") as fleet:
    assert list(fleet(square, [6])) == [(0, 36)]
after = dict(os.environ), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), set(os.listdir("/tmp"))
assert before[:3] == after[:3]
assert not [name for name in after[3] - before[3] if name.startswith("ray-")]
assert os.listdir({str(tmp_path)!r}) == [], os.listdir({str(tmp_path)!r})
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_connected_process_and_no_cluster(fleet, tmp_path, monkeypatch):
    assert list(fleet(square, [1])) == [(0, 1)]
    with pytest.raises(InputError, match="this process is connected to a Ray cluster already"), Fleet("local") as other:
        list(other(square, [1]))


@pytest.mark.long
def test_no_cluster_to_join():
    script = """
from embed.fleet.cluster import Fleet
from embed.errors import FleetError
from support.fleets import square
try:
    with Fleet("auto") as fleet:
        list(fleet(square, [1]))
except FleetError as error:
    print(error)
"""
    paths = {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "RAY_TMPDIR": tempfile.mkdtemp(prefix="r", dir="/tmp"),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, env=os.environ | paths, capture_output=True, text=True, timeout=90
    )
    assert done.stdout.startswith("no Ray cluster can be joined at auto (")
    assert (
        "start one (ray start --head), set RAY_AUTH_MODE=token if it asks for a token, or give --ray local"
        in done.stdout
    )
