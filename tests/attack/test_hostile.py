"""Hostile files, names and databases, four writers at once, a folder that cannot be written, a full disk: each attempt ends well or in one clear line.

Every entry of the list was once a traceback, a hang or a crash; what each reader says of it is tested beside the reader.
"""

import os
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from support.attack import Driver, differences, is_clear, state_of
from support.gallery import make_gallery, view_name
from support.models import make_model

from discovery.overview.index import refresh_index
from embed import Study, embed, ingest_folder
from embed.vectors.store import stores

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

PATIENCE_S = 240
"""Seconds after which an attempt counts as a hang."""
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    driver = Driver(tmp_path_factory.mktemp("driver"))
    yield driver
    driver.close()


@pytest.fixture(scope="module")
def base(tmp_path_factory, tiny):
    """A study with vectors, a model and an audit's worth of labels, that anybody may read."""
    folder = tmp_path_factory.mktemp("hostile")
    make_gallery(
        folder / "pictures", {"Blip": 9, "Koi_Fish": 7}
    )  # from 8 on a map needs UMAP, which every child would compile
    with Study(folder / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, folder / "pictures")
        parts = {name: ("train", "validation", "test")[place % 3] for place, name in enumerate(study.glitches()["id"])}
        make_model(study, tiny, "mine", parts=parts, classes=("Blip", "Koi_Fish"))
        embed(study)
    refresh_index(folder / "study")
    return folder / "study"


@pytest.fixture
def study(tmp_path, base):
    return shutil.copytree(base, tmp_path / "study")


# Files: name -> (what lies in the folder `at`, the command line after `discover`)


def csv(text):
    return lambda at: (at / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())


def hdf5(build):
    def make(at):
        with h5py.File(at / "t.h5", "w") as file:
            build(file)

    return make


def strain(build, name="s.hdf5"):
    def make(at):
        with h5py.File(at / name, "w") as file:
            build(file)

    return make


def picture(name, data=b"\x89PNG\r\n\x1a\n"):
    def make(at):
        (at / "in" / "Blip").mkdir(parents=True)
        (at / "in" / "Blip" / os.fsdecode(name)).write_bytes(data)

    return make


def pipe(name):
    def make(at):
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(at / name)

    return make


def link(name, target):
    def make(at):
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).symlink_to(target)

    return make


def huge(samples):
    def build(file):
        data = file.create_dataset("strain/Strain", shape=(samples,), dtype="f8", chunks=(1 << 16,))
        data.attrs.update({"Npoints": samples, "Xstart": 0, "Xspacing": 1 / 16384})

    return build


VIEW = view_name("abc", 4.0)
FILES = {
    "a pipe named as a picture": (pipe(f"in/Blip/{VIEW}"), "ingest in"),
    "/dev/zero named as a picture": (link(f"in/Blip/{VIEW}", "/dev/zero"), "ingest in"),
    "a link that leads to itself": (link("in/Blip", "."), "ingest in"),
    "a name that is not UTF-8": (picture(b"H1_\xff_spectrogram_4.0.png"), "ingest in"),
    "a very long name": (picture(b"H1_" + b"a" * 220 + b"_spectrogram_4.0.png"), "ingest in"),
    "a name with markup": (picture(b"H1_<img src=x onerror=1>_spectrogram_4.0.png"), "ingest in"),
    "a name with a newline": (picture(b"H1_a\nb_spectrogram_4.0.png"), "ingest in"),
    "a picture of 60 GB by its header": (
        picture(VIEW.encode(), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0\x08\2\0\0\0"),
        "ingest in",
    ),
    "a pipe as a table": (pipe("t.csv"), "ingest t.csv"),
    "NaN and inf in a table": (csv("gravityspy_id,snr,event_time\nabc,nan,inf\ndef,inf,1e999\n"), "ingest t.csv"),
    "markup and .. as ids": (csv(f"gravityspy_id,label\n../../x,Blip\nabc,{HOSTILE}\n"), "ingest t.csv"),
    "a table that is not UTF-8": (csv(b"gravityspy_id,label\nabc,\xff\xfe\n"), "ingest t.csv"),
    "a table with a zero byte": (csv(b"gravityspy_id,label\nabc\0,Blip\n"), "ingest t.csv"),
    "an empty table": (csv(""), "ingest t.csv"),
    "a table of one line of 3 MB": (csv("gravityspy_id," + "x" * 3_000_000 + "\n"), "ingest t.csv"),
    "HDF5 with external links": (
        hdf5(lambda file: file.__setitem__("Blip", h5py.ExternalLink("/etc/passwd", "/"))),
        "ingest t.h5",
    ),
    "HDF5 with a loop of links": (hdf5(lambda file: file.__setitem__("Blip", h5py.SoftLink("/Blip"))), "ingest t.h5"),
    "HDF5 whose leaf is empty": (
        hdf5(lambda file: file.create_dataset("Blip/train/abcdefghij/4.0.png", data=h5py.Empty("f4"))),
        "ingest t.h5",
    ),
    "HDF5 whose leaf is text": (
        hdf5(lambda file: file.__setitem__("Blip/train/abcdefghij/4.0.png", "no picture")),
        "ingest t.h5",
    ),
    "HDF5 with a plane of no size": (
        hdf5(lambda file: file.__setitem__("Blip/train/abcdefghij/4.0.png", np.zeros((0, 5), np.float32))),
        "ingest t.h5",
    ),
    "a pipe as strain": (pipe("s.hdf5"), "scan s.hdf5 --find"),
    "strain of two dimensions": (
        strain(lambda file: file.__setitem__("strain/Strain", np.zeros((4, 4)))),
        "scan s.hdf5 --find --ifo H1",
    ),
    "strain of text": (strain(lambda file: file.__setitem__("strain/Strain", "abc")), "scan s.hdf5 --find --ifo H1"),
    "strain of 10^10 samples": (strain(huge(10**10)), "scan s.hdf5 --find --ifo H1"),
    "strain of 10^12 samples": (strain(huge(10**12)), "scan s.hdf5 --find --ifo H1"),
    "HDF5 named .gwf": (
        strain(lambda file: file.__setitem__("strain/Strain", np.zeros(9)), "s.gwf"),
        "scan s.gwf --find --ifo H1",
    ),
    "a torch file with integer keys": (
        lambda at: torch.save({1: torch.zeros(3), 2: {3: 4}}, at / "w.pth"),
        "embed --backbone resnet18 --weights w.pth",
    ),
    "a torch file that is text": (
        lambda at: (at / "w.pth").write_text("x"),
        "embed --backbone resnet18 --weights w.pth",
    ),
    "no GPU": (lambda _: None, "simulate --n 1 --out sim --device cuda"),
    "vectors with NaN": (
        lambda at: (
            np.save(at / "v.npy", np.full((2, 4), np.nan, np.float32)),
            (at / "i.csv").write_text("id\nabcdefghij\nbbcdefghij\n"),
        ),
        "ingest v.npy --ids i.csv",
    ),
    "vectors that are a pickle": (
        lambda at: (np.save(at / "v.npy", np.array([{}, []], object)), (at / "i.csv").write_text("id\na\nb\n")),
        "ingest v.npy --ids i.csv",
    ),
}


def attempt(driver, tally, kind, command, name):
    """Run a command that must end well or in one clear line; returns why it did not, or an empty string."""
    code, _, output = driver.run(command, after=PATIENCE_S)
    clear = is_clear(code, output) or (code == 1 and command[0] == "check" and "Traceback" not in output)
    why = "" if clear else f"{name}: {' '.join(map(str, command))} -> {code}: {output[-400:]}"
    tally.add(kind, survived=clear, clear=clear and code == 2, why=why)
    return why


def typed(command, at, study):
    parts = [
        str(at / part) if (at / part).is_symlink() or (at / part).exists() or part == "sim" else part
        for part in command.split()
    ]
    return [*parts, "--study", str(study)]


def test_hostile_files_and_names(driver, tally, study, tmp_path):
    failures = []
    for number, (name, (make, command)) in enumerate(FILES.items()):
        at = tmp_path / f"at-{number}"
        at.mkdir()
        make(at)
        failures.append(attempt(driver, tally, "hostile files and names", typed(command, at, study), name))
        failures.append(attempt(driver, tally, "hostile files and names: status", ["status", "--study", study], name))
    assert [why for why in failures if why] == []
    assert HOSTILE not in (study / "index.html").read_text("utf-8")


# What the study itself holds

STORE = {
    "vectors.npy": (b"", b"\x93NUMPY"),
    "glitches.npy": (b"rubbish",),
    "left-out.csv": (None, b"\xff\xfe\x00glitch"),
    "graph.npz": (b"rubbish",),
    "index.faiss": (b"rubbish",),
    "passport.json": (b"{}", b"[]", b"null", b'{"rows": "many"}'),
}
MODEL = {
    "weights.safetensors": (b"", b"rubbish"),
    "model.json": (b"{}", b"[1]", b'{"backbone": 3, "classes": "Blip", "views": [], "trained_on": null}'),
    "parts.csv": (b"\xff\xfe", b"a,b\n1", None),
}
SQL = (
    "DROP TABLE clusters",
    "UPDATE glitches SET metadata = 'garbage'",
    "UPDATE glitches SET metadata = '[1]'",
    "UPDATE glitches SET gps = 'tomorrow'",
    "UPDATE views SET sha256 = 'bad'",
    "UPDATE runs SET arguments = 'garbage'",
    "UPDATE glitches SET id = '<img src=x onerror=1>' WHERE glitch = 1",
    "UPDATE views SET source = '/dev/zero' WHERE view = 1",
)
READERS = (
    "status",
    "search H1_b000000001 -k 2",
    "cluster Koi_Fish",
    "embed",
    "project --dims 2",
    "audit --splits 5",
    "check",
)


def test_damaged_stores_models_and_databases(driver, tally, base, tmp_path):
    """What another program did to a study; each of the commands that read it then ends well or in one clear line."""
    cases = [(f"{name} is {data!r}", "store", name, data) for name, every in STORE.items() for data in every]
    cases += [(f"{name} is {data!r}", "model", name, data) for name, every in MODEL.items() for data in every]
    cases += [(sql, "sql", sql, None) for sql in SQL]
    failures = []
    for number, (name, kind, what, data) in enumerate(cases):
        copy = shutil.copytree(base, tmp_path / f"case-{number}")
        if kind == "sql":
            connection = sqlite3.connect(copy / "study.db")
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute(what)
            connection.commit()
            connection.close()
        else:
            folder = (
                copy / "models" / "mine"
                if kind == "model"
                else next(s.folder for s in stores(copy) if "lite0" in s.name)
            )
            (folder / what).unlink() if data is None else (folder / what).write_bytes(data)
        readers = ("predict mine --all --out p.csv", "status", "check") if kind == "model" else READERS
        for reader in readers if kind != "sql" else (*READERS[:2], READERS[4], READERS[6]):
            command = [str(copy / part) if part == "p.csv" else part for part in reader.split()]
            failures.append(attempt(driver, tally, f"damaged {kind}", [*command, "--study", copy], name))
        shutil.rmtree(copy)
    assert [why for why in failures if why] == []


# Writers, permissions, space


def test_four_writers_at_once(driver, tally, study, tmp_path):
    """One of them writes, the others are told; in the end nothing is lost and nothing is doubled."""
    pictures = []
    for number in range(4):
        make_gallery(tmp_path / f"more-{number}", {"Whistle": 6}, prefix=f"w{number}", seed=number)
        pictures.append(["ingest", tmp_path / f"more-{number}", "--study", study])
    for _ in range(4):
        done, _ = driver.together(pictures)
        for code, output in done:
            told = code == 2 and "is locked by" in output
            tally.add("four writers at once", survived=code == 0 or told, clear=told)
            assert is_clear(code, output), output
    with Study(study) as opened:
        counts = opened.counts_by_label()
        assert opened.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        missing = [number for number in range(4) if not opened.find_glitch(f"w{number}a000000000", "H1")]
    for number in missing:
        assert driver.run(pictures[number])[0] == 0
    with Study(study) as opened:
        assert opened.counts_by_label()["Whistle"] == 24 >= counts.get("Whistle", 0)
        assert opened.count("views") == 16 + 24


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without permissions")
def test_a_study_that_cannot_be_written(driver, tally, base):
    """Readers read or say why not, writers say it in one line, and not a byte changes."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        study = shutil.copytree(base, Path(name) / "study")
        for path in (study, *study.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
        failures = []
        for command in (*READERS, "name 0 X", "predict mine --all --out p.csv", "check --repair", f"ingest {study}"):
            code, _, output = driver.run([*command.split(), "--study", study], after=PATIENCE_S, nobody=True)
            clear = is_clear(code, output) or (code == 1 and "check" in command and "Traceback" not in output)
            tally.add("read-only study", survived=clear, clear=clear and code == 2)
            if not clear:
                failures.append(f"{command} -> {code}: {output[-400:]}")
        assert failures == []
        assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file() and path in before} == before


def test_no_space(driver, tally, base, tmp_path, tiny):
    """Files may not grow past a limit, as on a full disk: one clear line, a whole database; with room again the same command does the rest."""
    failures = []
    commands = (
        "ingest more",
        "cluster Koi_Fish",
        "project --dims 2",
        "audit --splits 5",
        "predict mine --all --out p.csv",
    )
    make_gallery(tmp_path / "more", {"Whistle": 40}, prefix="w")
    at = tmp_path / "full"
    for command in commands:
        start = time.monotonic()
        name = f"no space: {command.split()[0]}"
        paths = {"more": tmp_path / "more", "p.csv": at / "p.csv"}
        parts = [*(paths.get(part, part) for part in command.split()), "--study", at / "study"]
        shutil.copytree(base, at / "study")
        assert driver.run(parts)[0] == 0
        expected = state_of(at)
        for limit in (4_096, 100_000, 400_000):
            shutil.rmtree(at)
            shutil.copytree(base, at / "study")
            code, _, output = driver.run(parts, after=PATIENCE_S, limit=limit)
            with Study(at / "study") as study:
                whole = study.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            again, _, more = driver.run(parts) if code else (0, 0, "")
            wrong = differences(expected, state_of(at))
            clear = is_clear(code, output)
            survived = whole and clear and again == 0 and not wrong
            why = "" if survived else f"{limit}: {code}, then {again}: {wrong[:6]} {output[-300:]} {more[-300:]}"
            tally.add(name, survived=survived, clear=clear and code == 2, lost=bool(wrong) or not whole, why=why)
            failures += [why] if why else []
        tally.spend(name, time.monotonic() - start)
        shutil.rmtree(at)
    assert failures == []
