"""Every writing command is killed (SIGKILL) at random moments and typed again: files and database are those of a run that was never killed."""

import csv
import json
import shutil

import numpy as np
import pytest
from support.attack import Driver, is_clear, state_of
from support.gallery import make_gallery

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

KILLS = 4
"""Of each command."""
TINY = ("--backbone", "timm:test_efficientnet", "--runtime", "torch", "--weights")

# a study's life in the order in which it is lived: name -> command line; what each leaves is the next one's beginning
LIFE = {
    "simulate": "simulate --out simulated --n 4 --seed 3 --classes Blip",
    "simulate --strain": "simulate --out strain --n 3 --seed 3 --classes Blip --strain",
    "ingest": "ingest pictures",
    "ingest CSV": "ingest simulated/metadata.csv",
    "embed": "embed TINY",
    "scan": "scan STRAIN --find --snr 12",
    "embed again": "embed",
    "cluster": "cluster Koi_Fish",
    "name": "name 0 Chirp",
    "ingest more": "ingest more",
    "update": "update Koi_Fish",
    "project": "project --dims 2",
    "audit": "audit --splits 5 --trust-vectors",
    "audit import": "audit import decided.csv",
    "audit undo": "audit undo",
    "train": "train --name mine --epochs 2 --batch 8 --split random --device cpu TINY",
    "predict": "predict mine --all --out predicted.csv",
    "evaluate": "evaluate mine",
    "novel": "novel -n 3",
    "onset": "onset",
    "guide": "guide Blip",
    "export": "export --to csv --out exported.csv",
    "generate": "generate Blip -n 2 --model simulator --out made",
    "check --repair": "check --repair",
}


@pytest.fixture(scope="module")
def work(tmp_path_factory, tiny):
    """One folder, in which everything happens: pages quote paths."""
    folder = tmp_path_factory.mktemp("killed")
    make_gallery(folder / "work" / "pictures", {"Blip": 12, "Koi_Fish": 12})
    make_gallery(folder / "work" / "more", {"Koi_Fish": 4}, prefix="more", seed=5)
    return folder / "work"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    driver = Driver(tmp_path_factory.mktemp("driver"))
    yield driver
    driver.close()


def line_of(name, work, tiny):
    """The command line, with whole paths."""
    parts = LIFE[name].replace("TINY", " ".join((*TINY, tiny["weights"]))).split()
    paths = {"pictures", "simulated", "strain", "more", "made", "decided.csv", "predicted.csv", "exported.csv"}
    strain = sorted(str(path) for path in (work / "strain").glob("*.hdf5"))
    parts = [own for part in parts for own in (strain if part == "STRAIN" else [part])]
    parts = [str(work / part) if part.split("/")[0] in paths else part for part in parts]
    return [*parts, "--study", str(work / "study")]


def prepare(name, work):
    """What people do between two commands."""
    if name == "audit import":
        with (work / "study" / "reports" / "audit" / "ranking.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))[:3]
        passport = json.loads((work / "study" / "reports" / "audit" / "passport.json").read_text())["passport"]
        with (work / "decided.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(("id", "label", "passport", "decision"))
            table.writerows((row["id"], row["label"], row.get("passport", passport), "Koi_Fish") for row in rows)
    if name == "check --repair":
        (store,) = (path for path in (work / "study" / "vectors").iterdir() if (path / "index.faiss").exists())
        (store / "index.faiss").write_bytes(b"damaged")
        (store / "graph.npz").write_bytes(b"damaged")


def test_killed_at_random_moments_and_typed_again(work, driver, tiny, tally, tmp_path):
    """The whole life of a study; each command is killed `KILLS` times from the same beginning, and what it leaves is compared."""
    rng = np.random.default_rng(17)
    failures = []
    for name in LIFE:
        prepare(name, work)
        command = line_of(name, work, tiny)
        before, after = tmp_path / "before", tmp_path / "after"
        shutil.copytree(work, before)
        code, lasts, output = driver.run(command)
        assert code == 0, f"{name}: {output[-600:]}"
        expected = state_of(work)
        shutil.move(work, after)
        struck = 0
        for _ in range(3 * KILLS):
            if struck == KILLS:
                break
            shutil.copytree(before, work)
            code, _, _ = driver.run(command, after=rng.uniform(0, lasts))
            struck += code is None
            again, _, output = driver.run(command)
            found = state_of(work)
            wrong = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
            bad = wrong or not is_clear(again, output)
            why = f"{wrong[:6]} {output[-300:] if again else ''}" if bad else ""
            if code is None:
                clear = again == 2 and is_clear(again, output)
                tally.add(f"killed: {name}", survived=not wrong, clear=clear, why=why)
            if bad:
                failures.append(f"{name}: {why}")
            shutil.rmtree(work)
        shutil.rmtree(before)
        shutil.move(after, work)
    assert failures == []
