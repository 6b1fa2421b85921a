"""Corruptions planted in a study, one at a time: each is found, named, and repaired where what it is made from is whole."""

import json
import shutil
import sqlite3
from argparse import Namespace
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from support.gallery import make_gallery
from support.models import make_model
from support.terminal import error_of, run

from discovery.commands import check
from discovery.integrity.check import check_study
from discovery.overview.index import refresh_index
from embed import EmbeddingOptions, Study, embed, ingest_folder
from embed.study.audits import prepare_audits
from embed.study.database import write_lock
from embed.study.records import Label
from embed.study.reports import add_report
from embed.study.sums import keep_sums, read_sums
from embed.sums import SUMS, check_sums
from embed.vectors.graph import neighbour_graph, save_graph
from embed.vectors.index import build_index, save_index
from embed.vectors.store import stores

LABELS = {"Blip": 9, "Koi_Fish": 9, "Whistle": 6}


@pytest.fixture(scope="module")
def kept(tmp_path_factory, tiny):
    """A study with everything that can be damaged: pictures, two stores, two models, a report, an audit's tables, cache and index.html."""
    folder = tmp_path_factory.mktemp("kept")
    other = folder / "other.safetensors"
    save_file({name: tensor + 0.01 for name, tensor in load_file(tiny["weights"]).items()}, other)
    make_gallery(folder / "pictures", LABELS)
    with Study(folder / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, folder / "pictures")
        ids = study.glitches()["id"]
        parts = {name: ("train", "validation", "test")[place % 3] for place, name in enumerate(ids)}
        for seed, name in enumerate(("one", "two")):
            make_model(study, tiny, name, parts=parts, seed=seed)
        embed(study, EmbeddingOptions(**{**tiny, "weights": str(other)}), command="test")
        with study.run("cluster") as number:
            prepare_audits(study)
            page = folder / "study" / "reports" / "cluster-Blip" / "report.html"
            page.parent.mkdir(parents=True)
            page.write_text("<p>a report</p>" * 40)
            add_report(study, number, page, "Clusters of Blip", "one cluster")
            study.connection.executemany(
                "INSERT INTO clusters VALUES (?, ?, ?, ?)", [(number, row, row % 2, 0.5) for row in range(1, 20)]
            )
    refresh_index(folder / "study")
    assert all(finding.is_fine for finding in check_study(folder / "study"))
    return folder


@pytest.fixture
def study(tmp_path, kept):
    """A copy of the study; its pictures lie where they were."""
    return shutil.copytree(kept / "study", tmp_path / "copy" / "study")


def with_pictures(study):
    """Give a copy of the study pictures of its own, and return them."""
    with Study(study) as copy, copy.run("ingest"):
        ((kept,),) = copy.connection.execute(
            "SELECT rtrim(source, replace(source, '/', '')) FROM views LIMIT 1"
        ).fetchall()
        kept = str(Path(kept).parent)
        shutil.copytree(kept, study.parent / "pictures")
        copy.connection.execute(
            "UPDATE views SET source = replace(source, ?, ?)", (kept, str(study.parent / "pictures"))
        )
    refresh_index(study)
    return sorted((study.parent / "pictures").rglob("*.png"))


def flip(path, seed, within=None):
    """Turn one bit of a file at a place drawn by the seed, or of a text that it holds."""
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    start = data.index(within) if within else 0
    place = start + int(rng.integers(len(within) if within else len(data)))
    data[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(data)


def cut(path, seed):
    path.write_bytes(path.read_bytes()[: int(np.random.default_rng(seed).integers(1, path.stat().st_size))])


def swap(one, other):
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def store_of(study, place=0):
    return stores(study)[place].folder


def unsealed(study):
    """A store without its hashes."""
    (store_of(study) / SUMS).unlink()
    return store_of(study)


def change(path, place, value):
    array = np.load(path)
    array[place] = value
    np.save(path, array)


def swap_lines(path, one, other):
    lines = path.read_bytes().splitlines(keepends=True)
    lines[one], lines[other] = lines[other], lines[one]
    path.write_bytes(b"".join(lines))


def swap_names(one, other):
    one.rename(one.with_name("between"))
    other.rename(one)
    one.with_name("between").rename(other)


def stale(study):
    """Index and graph as they were when the store had two rows less."""
    folder = store_of(study)
    index = build_index(np.load(folder / "vectors.npy")[:-2], seed=0)
    save_index(index, folder / "index.faiss")
    save_graph(neighbour_graph(index.vectors, 5, seed=0), folder / "graph.npz")


def unreadable(path):
    """Put a file in its place whose reading fails as on a broken disk."""
    path.unlink()
    path.symlink_to("/proc/self/mem")


def execute(study, *lines):
    """Do to the database what another program might."""
    with closing(sqlite3.connect(study / "study.db")) as connection:
        for line in lines:
            connection.execute(line)
        connection.commit()


def index_page(study):
    """Turn a bit in a page of an index of the database, which holds the glitches' ids in another order than the table."""
    connection = sqlite3.connect(study / "study.db")
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'glitches_gravityspy_id'").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with (study / "study.db").open("r+b") as file:
        file.seek(page * size - 30)
        byte = file.read(1)[0]
        file.seek(page * size - 30)
        file.write(bytes([byte ^ 4]))


REPAIRED, LEFT = True, False
PLANTED = {
    "a bit of vectors.npy": (lambda s: flip(store_of(s) / "vectors.npy", 1), "vectors.npy", LEFT),
    "vectors.npy cut": (lambda s: cut(store_of(s) / "vectors.npy", 2), "vectors.npy", LEFT),
    "a bit of index.faiss": (lambda s: flip(store_of(s) / "index.faiss", 3), "index.faiss", REPAIRED),
    "index.faiss cut": (lambda s: cut(store_of(s) / "index.faiss", 4), "index.faiss", REPAIRED),
    "a bit of graph.npz": (lambda s: flip(store_of(s) / "graph.npz", 5), "graph.npz", REPAIRED),
    "graph.npz of no rows": (
        lambda s: np.savez(store_of(s) / "graph.npz", neighbours=np.zeros((0, 3), np.int64)),
        "graph.npz",
        REPAIRED,
    ),
    "no graph.npz": (lambda s: (store_of(s) / "graph.npz").unlink(), "graph.npz", REPAIRED),
    "a bit of glitches.npy": (lambda s: flip(store_of(s) / "glitches.npy", 6), ": glitches.npy", REPAIRED),
    "a bit of inputs.npy": (lambda s: flip(store_of(s) / "inputs.npy", 7), ": inputs.npy", REPAIRED),
    "a bit of ids.txt": (lambda s: flip(store_of(s) / "ids.txt", 8), "ids.txt", REPAIRED),
    "no left-out.csv": (lambda s: (store_of(s) / "left-out.csv").unlink(), "left-out.csv", REPAIRED),
    "a bit of a passport": (lambda s: flip(store_of(s) / "passport.json", 9), "passport.json", REPAIRED),
    "no passport": (lambda s: (store_of(s) / "passport.json").unlink(), "passport.json", REPAIRED),
    "a bit of a list of hashes": (lambda s: flip(store_of(s) / SUMS, 10), SUMS, REPAIRED),
    "a bit of a label": (lambda s: flip(s / "study.db", 11, b"Koi_Fishfolder"), "database", LEFT),
    "a bit of an id in an index": (index_page, "database", REPAIRED),
    "database cut": (lambda s: cut(s / "study.db", 12), "database", LEFT),
    "a bit of a model's weights": (
        lambda s: flip(s / "models" / "one" / "weights.safetensors", 13),
        "weights.safetensors",
        LEFT,
    ),
    "a bit of a model's card": (lambda s: flip(s / "models" / "one" / "model.json", 14), "model.json", REPAIRED),
    "two models' weights swapped": (
        lambda s: swap(*(s / "models" / name / "weights.safetensors" for name in ("one", "two"))),
        "model two: weights.safetensors",
        LEFT,
    ),
    "a bit of a picture": (lambda s: flip(with_pictures(s)[0], 15), "picture", LEFT),
    "a picture cut": (lambda s: cut(with_pictures(s)[1], 16), "picture", LEFT),
    "no picture": (lambda s: with_pictures(s)[2].unlink(), "picture", LEFT),
    "two pictures swapped": (lambda s: swap(*with_pictures(s)[3:5]), "picture", LEFT),
    "a bit of the cache": (lambda s: flip(next((s / "cache").glob("*.bin")), 17), "cache", REPAIRED),
    "a bit of a report": (lambda s: flip(s / "reports" / "cluster-Blip" / "report.html", 18), "report", LEFT),
    "a bit of index.html": (lambda s: flip(s / "index.html", 19), "index.html", REPAIRED),
    "a bit of the kept hashes": (lambda s: flip(s / "study.sums.json", 20), "study.sums.json", REPAIRED),
    "two ids swapped": (lambda s: swap_lines(store_of(s) / "ids.txt", 3, 4), "ids.txt", REPAIRED),
    "two stores' vectors swapped": (
        lambda s: swap(*(store_of(s, place) / "vectors.npy" for place in (0, 1))),
        "vectors.npy",
        LEFT,
    ),
    "two stores' names swapped": (lambda s: swap_names(store_of(s), store_of(s, 1)), "passport.json", LEFT),
    "a list of hashes cut": (lambda s: cut(store_of(s) / SUMS, 21), SUMS, REPAIRED),
    "an empty list of hashes": (lambda s: (store_of(s) / SUMS).write_bytes(b""), SUMS, REPAIRED),
    "no passport and no hashes": (lambda s: (unsealed(s) / "passport.json").unlink(), "passport.json", LEFT),
    "no hashes, two ids swapped": (lambda s: swap_lines(unsealed(s) / "ids.txt", 3, 4), "ids.txt", REPAIRED),
    "no hashes, a row of glitches.npy": (
        lambda s: change(unsealed(s) / "glitches.npy", -1, 99),
        "glitches.npy",
        REPAIRED,
    ),
    "no hashes, a byte of inputs.npy": (
        lambda s: change(unsealed(s) / "inputs.npy", (7, 3), 0),
        "inputs.npy",
        REPAIRED,
    ),
    "the database on a broken disk": (lambda s: unreadable(s / "study.db"), "database", LEFT),
    "vectors on a broken disk": (lambda s: unreadable(store_of(s) / "vectors.npy"), "vectors.npy", LEFT),
    "index and graph of an older store": (stale, "graph.npz", REPAIRED),
    "a model's weights on a broken disk": (
        lambda s: unreadable(s / "models" / "one" / "weights.safetensors"),
        "weights.safetensors",
        LEFT,
    ),
    "a report on a broken disk": (lambda s: unreadable(s / "reports" / "cluster-Blip" / "report.html"), "report", LEFT),
    "the cache on a broken disk": (lambda s: unreadable(next((s / "cache").glob("*.bin"))), "cache", REPAIRED),
    "no hashes and no card of a model": (
        lambda s: [(s / "models" / "one" / name).unlink() for name in (SUMS, "model.json")],
        "model one",
        LEFT,
    ),
    "a label deleted": (
        lambda s: execute(s, "DROP TRIGGER labels_kept", "DELETE FROM labels WHERE event = 5"),
        "database",
        LEFT,
    ),
    "a row of clusters deleted": (lambda s: execute(s, "DELETE FROM clusters WHERE glitch = 3"), "database", LEFT),
    "a trigger dropped": (lambda s: execute(s, "DROP TRIGGER verdicts_no_delete"), "database", REPAIRED),
    "an index dropped": (lambda s: execute(s, "DROP INDEX views_source"), "database", REPAIRED),
}
SEVERAL = ("database", "picture", "model two: weights.safetensors", "glitches.npy", "inputs.npy")
"""Parts of which more than one fault may be found."""
TWO = ("two stores' vectors swapped", "two stores' names swapped", "index and graph of an older store")
"""Corruptions that are two faults."""


def faults_of(study, capsys, *, repair=False):
    """What the command prints with --json: the faults, and all; without the command line's parser, which costs more than the check."""
    code = check.run(Namespace(study=study, json=True, repair=repair))
    found = json.loads(capsys.readouterr().out)
    assert code == (0 if found["whole"] else 1)
    return [finding for finding in found["findings"] if finding["state"] != "fine"], found


@pytest.mark.parametrize("name", PLANTED)
def test_each_corruption_is_found_and_repaired_where_it_can_be(study, capsys, name):
    plant, part, repaired = PLANTED[name]
    before = {path.name: path.read_bytes() for path in store_of(study).iterdir()}
    folder = store_of(study)
    plant(study)
    faults, _ = faults_of(study, capsys)
    assert [own["part"] for own in faults if part in own["part"]], f"not found; {faults}"
    if name in TWO or part not in SEVERAL:
        assert len(faults) == 1 + (name in TWO), faults
    damaged = {path: path.read_bytes() for path in study.rglob("*") if path.is_file() and not path.is_symlink()}
    faults, found = faults_of(study, capsys, repair=True)
    if repaired:
        assert faults == []
        assert any(own["done"] for own in found["repairs"])
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    else:
        assert [own["part"] for own in faults if part in own["part"]]
        assert all(
            path.read_bytes() == data
            for path, data in damaged.items()
            if path.exists() and path.suffix not in (".json", ".db", ".db-wal")
        )


@pytest.mark.parametrize("seed", range(24))
def test_any_bit_of_the_database_is_found_and_no_row_is_changed_by_a_repair(study, capsys, seed):
    """A bit of a row is told from one of an index, and from one that no row uses."""
    rows = dump(study)
    flip(study / "study.db", 100 + seed)
    faults, _ = faults_of(study, capsys)
    assert "database" in [own["part"] for own in faults]
    faults, _ = faults_of(study, capsys, repair=True)
    if not faults:
        assert dump(study) == rows
    else:
        assert not (study / "study.db.damaged").exists()


def dump(study):
    with Study(study) as opened:
        return list(opened.connection.iterdump())


def test_the_database_may_be_written_to_by_other_programs_that_keep_no_hashes(study, capsys):
    """Rows that came later are no damage; the rows before them stay covered."""
    with Study(study) as opened, opened.run("audit import"):
        opened.add_label(1, Label("Whistle", by="person", source="me"))
    assert faults_of(study, capsys)[0] == []
    flip(study / "study.db", 11, b"Koi_Fishfolder")
    assert "of labels have changed" in faults_of(study, capsys)[0][0]["what"]


def test_the_command_line_checks_and_repairs(study, capsys):
    (store_of(study) / "graph.npz").write_bytes(b"damaged")
    code, out, _ = run(capsys, "check", "--study", study)
    assert code == 1
    assert "1 fault, 1 of them can be repaired: `discover check --repair`" in out
    code, out, _ = run(capsys, "check", "--repair", "--study", study)
    assert code == 0
    assert out.endswith("everything is whole\n")


def test_a_table_that_a_person_filled_in_is_no_damage(study, capsys):
    table = study / "reports" / "cluster-Blip" / "clusters.csv"
    table.write_text("id,decision\n")
    assert faults_of(study, capsys)[0] == []


def test_a_study_that_keeps_no_hashes_is_checked_by_itself_and_gets_them(study, capsys):
    """As an earlier version wrote it: the index and the graph are compared with the vectors."""
    for path in [*study.rglob(SUMS), study / "study.sums.json"]:
        path.unlink()
    faults, found = faults_of(study, capsys)
    assert faults == []
    assert sum("no hashes" in own["what"] for own in found["findings"]) == 6
    folder = store_of(study)
    whole = {path: path.read_bytes() for path in folder.iterdir()}
    vectors, graph = folder / "vectors.npy", folder / "graph.npz"
    for path, place, part in ((vectors, 5000, "vectors.npy"), (folder / "index.faiss", 5000, "index.faiss")):
        data = bytearray(whole[path])
        data[place] ^= 16
        path.write_bytes(data)
        assert [own["part"].split(": ")[1] for own in faults_of(study, capsys)[0]] == [part]
        path.write_bytes(whole[path])
    stored = dict(np.load(graph))
    for change in ("far", "self", "order", "other"):
        arrays = {name: array.copy() for name, array in stored.items()}
        rows, similarities = arrays["neighbours"], arrays["similarities"]
        if change == "far":
            rows[3, 0] = 10**6
        elif change == "self":
            rows[3, 0] = 3
        elif change == "order":
            similarities[3, 0], similarities[3, -1] = similarities[3, -1], similarities[3, 0]
        else:
            rows[3, 0], rows[3, 1] = rows[3, 1], rows[3, 0]
        np.savez(graph, **arrays)
        faults, _ = faults_of(study, capsys)
        assert [own["part"].split(": ")[1] for own in faults] == ["graph.npz"], change
    assert faults_of(study, capsys, repair=True)[0] == []
    assert graph.read_bytes() == whole[graph]
    assert not [own for own in faults_of(study, capsys)[1]["findings"] if "no hashes" in own["what"]]
    assert check_sums(folder, "passport.json").damaged == []
    assert read_sums(study) is not None


def test_hashes_are_kept_once_and_grow(study):
    """Blocks of rows that are full are never hashed again: damage stays visible."""
    before = read_sums(study)["tables"]["labels"]["blocks"]
    with Study(study) as opened, opened.run("audit import"):
        opened.add_label(1, Label("Whistle", by="person", source="me"))
    with Study(study) as opened:
        keep_sums(opened, {})
    (grown,) = read_sums(study)["tables"]["labels"]["blocks"]
    assert grown[:3] == [before[0][0], before[0][1] + 1, before[0][2] + 1]
    flip(study / "study.db", 11, b"Koi_Fishfolder")
    with Study(study) as opened, opened.run("audit import"):
        opened.add_label(2, Label("Whistle", by="person", source="me"))
    with Study(study) as opened:
        keep_sums(opened, {})
    assert read_sums(study)["tables"]["labels"]["blocks"][0] == grown
    assert not all(finding.is_fine for finding in check_study(study))


def test_a_folder_without_a_study_is_one_clear_line(tmp_path, capsys):
    assert "it has no study.db; name its folder with --study, or restore a copy" in error_of(
        capsys, "check", "--study", tmp_path
    )


def test_a_study_that_is_written_to_is_not_checked(study, capsys):
    with write_lock(study, "embed"):
        assert "is locked by process" in error_of(capsys, "check", "--study", study)
