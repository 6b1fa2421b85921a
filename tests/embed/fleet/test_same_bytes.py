"""Each work on a cluster and in one process: the same bytes; and what is killed is made again, no more."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from support.gallery import make_gallery
from support.mixtures import mixture

from discovery.scorecard.scorecard import score
from embed import EmbeddingOptions, Study, embed, ingest_folder
from embed.errors import InputError
from embed.ingest.strain import ingest_strain
from embed.simulator import simulate
from embed.strain.detection import find_triggers
from embed.strain.files import open_strain
from embed.strain.record import records
from embed.vectors import embedding

pytest.importorskip("ray")


def digests(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def make_study(folder, data):
    with Study(folder, create=True) as study, study.run("ingest"):
        ingest_folder(study, data)
    return folder


def test_vectors(fleet, tmp_path, gallery, tiny, monkeypatch):
    """By both runtimes, of a study with a picture that cannot be decoded."""
    monkeypatch.setattr(embedding, "PART", 5)
    data = tmp_path / "data"
    data.symlink_to(gallery)
    for options in (tiny, tiny | {"runtime": "onnx"}):
        stores, calls = [], []
        there = {"spread": fleet, "progress": lambda *now, calls=calls: calls.append(now)}
        for name, more in (("here", {}), ("there", there)):
            folder = make_study(tmp_path / f"{name}-{options['runtime']}", data)
            with Study(folder) as study:
                view = next(iter(study.views()))
                kept = Path(view.source).read_bytes()
                Path(view.source).write_bytes(b"no picture")
                try:
                    store = embed(study, EmbeddingOptions(**options), **more)
                finally:
                    Path(view.source).write_bytes(kept)
            assert len(store.left_out) == 1
            assert not list((folder / "vectors").glob("*.parts"))
            stores.append(digests(store.folder))
        assert stores[0] == stores[1]
        assert [done for done, _ in calls] == sorted(done for done, _ in calls)
        assert calls[-1] == (24, 24)
    assert (tmp_path / "here-torch" / "cache").exists()
    assert not (tmp_path / "there-torch" / "cache").exists()  # a worker writes nothing into the study


@pytest.mark.parametrize("output", ["images", "strain"])
def test_simulations(fleet, tmp_path, monkeypatch, output):
    monkeypatch.setattr("embed.simulator.folder.PICTURES", 3)
    monkeypatch.setattr("embed.simulator.folder.STRAINS", 2)
    options = {"classes": ("Blip", "Whistle"), "output": output, "shape": (24, 30)}
    simulate(tmp_path / "here", 5, 3, **options)
    simulate(tmp_path / "there", 5, 3, spread=fleet, **options)
    assert digests(tmp_path / "here") == digests(tmp_path / "there")


def test_scans(fleet, tmp_path, monkeypatch):
    simulate(tmp_path / "strain", 2, 8, classes=("Koi_Fish",), output="strain")
    monkeypatch.setattr("embed.ingest.strain.PART", 2)
    monkeypatch.setattr("embed.strain.detection.SEARCHED", 1)
    (path, *_) = sorted((tmp_path / "strain").glob("*.hdf5"))
    strain = records([open_strain(path)])
    (record,) = strain.values()
    found = find_triggers(record, snr=6)
    assert found
    assert find_triggers(record, snr=6, spread=fleet) == found
    tables = []
    for name, more in (("here", {}), ("there", {"spread": fleet})):
        with Study(tmp_path / name, create=True) as study, study.run("scan"):
            report = ingest_strain(study, strain, found[:3], **more)
            tables.append((report.scanned, report.skipped, study.glitches().to_csv(), study.metadata().to_csv()))
    assert tables[0] == tables[1]
    assert digests(tmp_path / "here" / "views") == digests(tmp_path / "there" / "views")


def test_scorecards(fleet):
    vectors, classes = mixture([30] * 3, seed=3)
    labels = [f"class {code}" for code in classes]
    calls = []
    there = score(vectors, labels, spread=fleet, progress=lambda *now: calls.append(now))
    here = score(vectors, labels)
    assert there.table.equals(here.table)
    assert calls == [(number + 1, len(here.table)) for number in range(len(here.table))]


def test_a_gpu_is_refused(fleet, tmp_path):
    with pytest.raises(InputError, match="Ray's workers compute on a processor core each, not on cuda"):
        simulate(tmp_path / "x", 2, 0, device="cuda", spread=fleet)


PARTS, SECONDS = 12, 1.5


def started(study, log, weights):
    """A run of `support.fleets` in a process of its own."""
    folders = [str(Path(__file__).parents[2]), *filter(None, sys.path)]
    script = Path(__file__).parents[2] / "support" / "fleets.py"
    arguments = [sys.executable, str(script), str(study), str(log), str(SECONDS), "2", weights]
    with log.with_name("errors").open("w") as errors:
        return subprocess.Popen(arguments, env=os.environ | {"PYTHONPATH": os.pathsep.join(folders)}, stderr=errors)


def lines(log):
    return [tuple(line.split()) for line in log.read_text().splitlines()] if log.exists() else []


def wait_for(ready, process, seconds=120):
    until = time.monotonic() + seconds
    while not ready():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)


def wait_for_none(children):
    """Wait until a cluster has ended with its driver; two of Ray's helpers take some minutes, idle."""
    assert not psutil.wait_procs([child for child in children if "Agent" not in child.name()], timeout=30)[1]


@pytest.mark.long
def test_five_workers_and_the_driver_are_killed(tmp_path, tiny):
    """The bytes are those of a run in one go; no part is computed again but those that were under way or not yet written."""
    data, log = tmp_path / "data", tmp_path / "log"
    make_gallery(data, {"Blip": PARTS, "Power_Line": PARTS})
    stores = {}
    for name in ("whole", "killed"):
        stores[name] = make_study(tmp_path / name, data) / "vectors"
    with Study(tmp_path / "whole") as study:
        embed(study, EmbeddingOptions(**tiny))
    rng = random.Random(1)
    process = started(tmp_path / "killed", log, tiny["weights"])
    lost = []
    for kills in range(1, 6):
        wait_for(lambda kills=kills: len([line for line in lines(log) if line[0] == "end"]) >= kills, process)
        time.sleep(rng.uniform(0, 0.5))
        ended = {(name, worker) for what, name, worker in lines(log) if what == "end"}
        busy = [(name, worker) for what, name, worker in lines(log) if what == "begin"]
        name, worker = next(pair for pair in reversed(busy) if pair not in ended and psutil.pid_exists(int(pair[1])))
        os.kill(int(worker), signal.SIGKILL)
        lost.append(name)
    wait_for(lambda: len(list(stores["killed"].glob("*.parts/*.npz"))) >= 7, process)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    wait_for_none(children)
    written = len(list(stores["killed"].glob("*.parts/*.npz")))
    before = lines(log)
    process = started(tmp_path / "killed", log, tiny["weights"])
    assert process.wait(timeout=120) == 0, (tmp_path / "errors").read_text()
    assert digests(stores["killed"]) == digests(stores["whole"])
    again = Counter(name for what, name, _ in lines(log)[len(before) :] if what == "end")
    assert set(again.values()) == {1}
    assert len(again) == PARTS - written
    first = Counter(name for what, name, _ in before if what == "end")
    begun = Counter(name for what, name, _ in before if what == "begin")
    assert set(first.values()) == {1}
    assert all(begun[name] - first[name] <= 1 + lost.count(name) for name in begun)
    print(
        f"{len(lost)} workers and the driver killed; {written} of {PARTS} parts were written, {sum(first.values())} had ended"
    )
