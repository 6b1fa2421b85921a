"""Every writing command is killed (SIGKILL) in the middle of its work and typed again: files and database are those of a run that was never killed."""

import csv
import json
import os
import shutil
import time

import numpy as np
import pytest
from support.attack import Driver, differences, is_clear, state_of
from support.gallery import draw_levels, make_gallery, png, published
from support.server import serving

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

AT_WRITES, AT_TIMES = 3, 1
"""Kills of each command: just before a write of its own, drawn from all of them, and at moments drawn from the time that it takes."""
TINY = "--backbone timm:test_efficientnet --weights WEIGHTS"
GENERATOR = "--resolution 8 --images 160 --batch 8 --channels 4 --device cpu"
DETECTOR = "--ifos H1 --examples 96 --batch 16 --patience 1 --device cpu"

# a study's life in the order in which it is lived: name -> command line; what each leaves is the next one's beginning
LIFE = {
    "simulate": "simulate --out simulated --n 4 --seed 3 --classes Blip",
    "simulate --strain": "simulate --out strain --n 3 --seed 3 --classes Blip --strain",
    "ingest": "ingest pictures",
    "ingest CSV": "ingest simulated/metadata.csv",
    "embed": f"embed {TINY} --runtime torch",
    "scan": "scan STRAIN --find --snr 12",
    "ingest addresses": "ingest addresses.csv",
    "fetch": "fetch g0 g1 g2 --out fetched --rate 500",
    "embed again": "embed",
    "cluster": "cluster Koi_Fish",
    "name": "name 0 Chirp",
    "ingest more": "ingest more",
    "update": "update Koi_Fish",
    "watch": "watch daily",
    "project": "project --dims 2",
    "audit": "audit --splits 5 --trust-vectors",
    "audit import": "audit import decided.csv",
    "audit undo": "audit undo",
    "train": f"train --name mine --epochs 2 --batch 8 --split random --device cpu {TINY}",
    "predict": "predict mine --all --out predicted.csv",
    "evaluate": "evaluate mine",
    "novel": "novel -n 3",
    "onset": "onset",
    "guide": "guide Blip",
    "scorecard": "scorecard",
    "export": "export --to csv --out exported.csv",
    "generate": "generate Blip -n 2 --model simulator --out made",
    "generator train": f"generator train --name gan --classes Blip {GENERATOR}",
    "detector train": f"detector train --out network {DETECTOR}",
    "check --repair": "check --repair",
}
PATHS = "pictures simulated strain fetched more daily made network addresses.csv decided.csv predicted.csv exported.csv"
"""Words of a command line that name a place in the folder of the study."""


class Life:
    """A study's life, lived command by command; everything happens in one folder, since pages quote paths."""

    def __init__(self, folder, driver, tiny):
        self.work = folder / "work"
        self.before, self._after = folder / "before", folder / "after"
        self.driver = driver
        self._weights = tiny["weights"]
        self._lived = 0

    def until(self, name):
        """Live all that comes before the command `name`."""
        for earlier in list(LIFE)[self._lived : list(LIFE).index(name)]:
            self.live(earlier)
            shutil.rmtree(self.before)

    def live(self, name):
        """Run a command; returns how long it lasts, and how many writes it does. What was there before it is in `before`."""
        self._prepare(name)
        shutil.rmtree(self.before, ignore_errors=True)
        shutil.copytree(self.work, self.before)
        self._lived = list(LIFE).index(name) + 1
        code, lasts, output = self.driver.run(self.line_of(name), strike=0)
        assert code == 0, f"{name}: {output[-600:]}"
        return lasts, self.driver.writes

    def set_aside(self):
        """Move what is there now out of the way, for `put_back`."""
        shutil.move(self.work, self._after)

    def begin_again(self):
        """Lay what was there before the command again."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.before, self.work)

    def put_back(self):
        """Go on with what was set aside."""
        for folder in (self.work, self.before):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.move(self._after, self.work)

    def line_of(self, name):
        """The command line, with whole paths."""
        parts = LIFE[name].replace("WEIGHTS", self._weights).split()
        strain = sorted(str(path) for path in (self.work / "strain").glob("*.hdf5"))
        parts = [own for part in parts for own in (strain if part == "STRAIN" else [part])]
        parts = [str(self.work / part) if part.split("/")[0] in PATHS.split() else part for part in parts]
        return [*parts, "--study", str(self.work / "study")]

    def _prepare(self, name):
        """What people do between two commands."""
        study = self.work / "study"
        if name == "audit import":
            with (study / "reports" / "audit" / "ranking.csv").open(newline="") as file:
                rows = list(csv.DictReader(file))[:3]
            passport = json.loads((study / "reports" / "audit" / "passport.json").read_text())["passport"]
            with (self.work / "decided.csv").open("w", newline="") as file:
                table = csv.writer(file)
                table.writerow(("id", "label", "passport", "decision"))
                table.writerows((row["id"], row["label"], row.get("passport", passport), "Koi_Fish") for row in rows)
        if name == "check --repair":
            store = min(path for path in (study / "vectors").iterdir() if (path / "index.faiss").exists())
            (store / "index.faiss").write_bytes(b"damaged")
            (store / "graph.npz").write_bytes(b"damaged")


@pytest.fixture(scope="module")
def life(tmp_path_factory, tiny):
    """The pictures and tables from which the study grows, and a server that has some more."""
    folder = tmp_path_factory.mktemp("killed")
    make_gallery(folder / "work" / "pictures", {"Blip": 12}, (1.0, 2.0, 4.0))  # a generator needs all three
    few = {"": 0, "Koi_Fish": 6, "Whistle": 14}  # from 8 on a cluster's map needs UMAP, which every child would compile
    make_gallery(folder / "work" / "pictures", few, seed=1)
    make_gallery(folder / "work" / "more", {"Koi_Fish": 4}, prefix="more", seed=5)
    make_gallery(folder / "work" / "daily", {"Koi_Fish": 4, "": 2}, prefix="daily", seed=6)
    os.environ["NO_PROXY"] = "127.0.0.1"
    driver = Driver(tmp_path_factory.mktemp("driver"))
    with serving() as server:
        for number in range(3):
            server.paths[f"/{number}.png"] = [png(published(draw_levels(np.random.default_rng(number))))]
        rows = [f"g{number},H1,Blip,{server.url}/{number}.png" for number in range(3)]
        (folder / "work" / "addresses.csv").write_text("\n".join(["gravityspy_id,ifo,label,url4", *rows]) + "\n")
        yield Life(folder, driver, tiny)
    driver.close()


def _twice(life, name):
    """What a command leaves that is typed twice and never killed."""
    life.begin_again()
    for _ in range(2):
        assert life.driver.run(life.line_of(name))[0] == 0
    return state_of(life.work)


@pytest.mark.parametrize("name", LIFE)
def test_killed_and_typed_again(life, tally, name):
    """A command is killed again and again from the same beginning, and what it leaves when it is typed again is compared.

    A kill that comes after all work is done leaves what two runs leave: `discover cluster` makes a second clustering.
    """
    start = time.monotonic()
    life.until(name)
    lasts, writes = life.live(name)
    expected = state_of(life.work)
    life.set_aside()
    rng = np.random.default_rng(list(LIFE).index(name))
    at_writes = [{"strike": int(at) + 1} for at in rng.permutation(writes)]
    at_times = [{"after": lasts * float(at)} for at in rng.random(3 * AT_TIMES)]
    failures = []
    for kills, most in ((at_writes[: 2 * AT_WRITES], AT_WRITES), (at_times, AT_TIMES)):
        struck = 0
        for kill in kills:
            if struck == most:
                break
            life.begin_again()
            code, _, output = life.driver.run(life.line_of(name), **kill)
            if code is not None:  # it had ended before
                assert code == 0, output
                continue
            struck += 1
            again, _, output = life.driver.run(life.line_of(name))
            if "give --resume to continue it" in output:
                again, _, output = life.driver.run([*life.line_of(name), "--resume"])
            found = state_of(life.work)
            wrong = differences(expected, found)
            if wrong and again == 0:
                wrong = wrong if differences(_twice(life, name), found) else []
            clear = is_clear(again, output)
            why = f"{kill}: {wrong[:6]} {output[-300:] if again else ''}" if wrong or not clear else ""
            tally.add(f"killed: {name}", survived=not why, clear=again == 2 and clear, lost=bool(wrong), why=why)
            failures += [why] if why else []
    life.put_back()
    tally.spend(f"killed: {name}", time.monotonic() - start)
    assert failures == []
