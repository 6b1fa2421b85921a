"""Anybody's vectors: which files are read, which are refused, and what the store says of them."""

import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from embed import EmbeddingOptions, Study, embed, ingest_vectors
from embed.errors import InputError
from embed.vectors import importing, vectorfile
from embed.vectors.store import stores


@pytest.fixture
def study(tmp_path):
    with Study(tmp_path / "study", create=True) as study:
        yield study


def draw(count=30, width=6, seed=0):
    return np.random.default_rng(seed).normal(size=(count, width))


def table(count=30, **columns):
    ids = [f"g{number:04d}" for number in range(count)]
    return pd.DataFrame({"id": ids, "ifo": "L1", **columns})


def files(folder, vectors, frame):
    np.save(folder / "v.npy", vectors)
    frame.to_csv(folder / "ids.csv", index=False)
    return folder / "v.npy", folder / "ids.csv"


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_an_array_with_a_table(study, tmp_path, dtype, monkeypatch):
    monkeypatch.setattr(vectorfile, "ROWS", 7)  # several blocks
    monkeypatch.setattr(importing, "ROWS", 11)
    vectors = draw().astype(dtype)
    frame = table(label=["Blip"] * 20 + [""] * 10, event_time=1.1e9 + np.arange(30) / 4, snr=7.5, site="Hanford")
    given = ingest_vectors(study, *files(tmp_path, vectors, frame))
    assert (given.report.glitches, given.report.labels) == (30, 20)
    np.testing.assert_array_equal(given.store.vectors, vectors.astype(np.float32))
    glitches = study.glitches()
    assert glitches["id"].tolist() == [f"L1_g{number:04d}" for number in range(30)]
    assert glitches["gps"].tolist() == frame["event_time"].tolist()
    assert glitches["label"].tolist() == frame["label"].tolist()
    assert study.metadata().to_dict("list") == {"site": ["Hanford"] * 30, "snr": [7.5] * 30}
    passport = given.store.passport
    assert passport["file"] == "v.npy"
    assert passport["sha256"] == hashlib.sha256((tmp_path / "v.npy").read_bytes()).hexdigest()
    assert passport["table_sha256"] == hashlib.sha256((tmp_path / "ids.csv").read_bytes()).hexdigest()
    assert (passport["dtype"], passport["weights"], passport["views"]) == (str(np.dtype(dtype)), "vectors:v", "none")
    assert given.store.graph.k == 29


def test_every_step_is_named_as_it_begins(study, tmp_path):
    seen = []
    ingest_vectors(
        study,
        *files(tmp_path, draw(), table()),
        step=lambda name: seen.append((name, None)),
        progress=lambda done, _: seen.append(("done", done)),
    )
    assert [name for name, done in seen if done is None] == ["check", "rows", "write", "graph", "index"]
    places = [place for place, (name, _) in enumerate(seen) if name == "done"]
    assert seen.index(("rows", None)) < min(places)
    assert max(places) < seen.index(("write", None))


def parquet_of(kind, vectors):
    if kind == "lists":
        return {"vector": pa.array(list(vectors))}
    if kind == "fixed":
        return {"embedding": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])}
    prefix, first = {"bare": ("", 0), "named": ("dim_", 1)}[kind]
    return {f"{prefix}{first + column}": vectors[:, column] for column in range(vectors.shape[1])}


@pytest.mark.parametrize("kind", ["lists", "fixed", "bare", "named"])
def test_parquet(study, tmp_path, kind, monkeypatch):
    """Gravity Spy's own feature table has the columns 0 to 199."""
    monkeypatch.setattr(vectorfile, "ROWS", 7)
    vectors = draw(width=12).astype(np.float32)
    columns = {"gravityspy_id": [f"g{n}" for n in range(30)], "ifo": ["H1"] * 30, "event_time": 1.1e9 + np.arange(30)}
    columns |= {"label": ["Blip", None] * 15, "links": [None] * 30, "url1": ["https://a.b/c.png"] * 30}
    parquet.write_table(pa.table(columns | parquet_of(kind, vectors)), tmp_path / "v.parquet", row_group_size=13)
    given = ingest_vectors(study, tmp_path / "v.parquet", name="mine")
    np.testing.assert_array_equal(given.store.vectors, vectors)
    assert study.glitches()["label"].tolist() == ["Blip", ""] * 15
    assert study.metadata().to_dict("list") == {"url1": ["https://a.b/c.png"] * 30}
    assert given.store.name == "given-mine"
    assert not list((tmp_path / "study" / "vectors").glob(".*"))


def test_glitches_that_the_study_has_keep_their_rows(study, tmp_path):
    """The study's order is another one than the file's; one glitch has no vector."""
    with study.run("ingest"), study.transaction():
        for number in (4, 2, 0, 3, 1, 99):
            study.add_glitch(f"g{number:04d}", "L1", None)
    vectors = draw(5)
    store = ingest_vectors(study, *files(tmp_path, vectors, table(5))).store
    ids = study.glitches()["id"]
    assert len(ids) == 6
    assert store.glitches.tolist() == [1, 2, 3, 4, 5]
    assert store.rows(np.array([3, 1])).tolist() == [2, 0]
    for row, glitch in enumerate(store.glitches.tolist()):
        np.testing.assert_array_equal(store.vectors[row], vectors[int(ids[glitch][4:])].astype(np.float32))
    assert store.rows(ids.index.to_numpy())[-1] == -1


def bad_row(value):
    vectors = draw()
    vectors[17, 3] = value
    return vectors


@pytest.mark.parametrize(
    ("vectors", "frame", "message"),
    [
        (bad_row(np.nan), table(), r"v\.npy, row 17 \(counted from 0, L1_g0017\): the vector holds NaN"),
        (
            bad_row(-np.inf),
            table(),
            r"row 17 \(counted from 0, L1_g0017\): the vector holds NaN, or a number that is no",
        ),
        (bad_row(1e39), table(), "no finite float32"),
        (draw() * (np.arange(30) != 8)[:, None], table(), "row 8 .* the vector is all zero"),
        (draw(), table(29), r"v\.npy has 30 vectors and ids\.csv 29 ids; give one id for each vector"),
        (draw(29), table(), r"v\.npy has 29 vectors and ids\.csv 30 ids"),
        (draw(), table().assign(id="g1"), r"ids\.csv, line 3: id 'L1_g1' is in ids\.csv, line 2 already"),
        (draw(), table().assign(id="../x"), r"ids\.csv, line 2: '\.\./x' cannot be an id"),
        (draw(), table().assign(snr="loud"), r"ids\.csv, line 2: snr 'loud' is not a number"),
        (draw(), table().drop(columns="id"), "has no column gravityspy_id or uniqueID or id"),
        (np.ones(30), table(), r"have shape \(30,\) and type float64: give one row of numbers a glitch"),
        (np.full((30, 2), "x"), table(), "type <U1: give one row of numbers a glitch"),
        (np.ones((30, 0)), table(), r"have shape \(30, 0\)"),
        (np.ones((30, 2), complex), table(), "type complex128"),
    ],
)
def test_what_is_refused_changes_nothing(study, tmp_path, vectors, frame, message):
    with pytest.raises(InputError, match=message):
        ingest_vectors(study, *files(tmp_path, vectors, frame))
    assert study.count("glitches") == 0
    assert study.count("runs") == 0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"vector": [[1.0, 2.0], [1.0], [2.0, 3.0]]},
            r"v\.parquet, row 1 \(counted from 0\): 1 numbers, the first row has 2",
        ),
        ({"vector": [[1.0, 2.0], [3.0, 1.0], None]}, r"row 2 \(counted from 0\): 0 numbers, the first row has 2"),
        ({"vector": [["a"], ["b"], ["c"]]}, "not numbers alone"),
        ({"v0": [1.0, 2.0, 3.0], "v2": [1.0, 2.0, 3.0]}, "has no vectors: no column of lists"),
        ({"snr": [1.0, 2.0, 3.0]}, "has no vectors"),
        ({"vector": [[1.0]] * 3, "embedding": [[1.0]] * 3}, "has several columns of lists"),
        ({"v0": [1.0, None, 3.0], "v1": [1.0, 2.0, 3.0]}, r"row 1 \(counted from 0, b\): the vector holds NaN"),
    ],
)
def test_parquet_that_is_refused(study, tmp_path, columns, message):
    parquet.write_table(pa.table({"id": ["a", "b", "c"], **columns}), tmp_path / "v.parquet")
    with pytest.raises(InputError, match=message):
        ingest_vectors(study, tmp_path / "v.parquet")
    assert study.count("glitches") == 0


def test_files_that_are_no_vectors(study, tmp_path):
    table().to_csv(tmp_path / "ids.csv", index=False)
    np.savez(tmp_path / "v.npz", a=draw())
    (tmp_path / "v.npz").rename(tmp_path / "several.npy")
    (tmp_path / "text.npy").write_text("no array")
    (tmp_path / "text.parquet").write_text("no table")
    np.save(tmp_path / "objects.npy", np.array([{}] * 30))
    for name, message in (
        ("several.npy", "type several arrays"),
        ("text.npy", "the file holds no plain array"),
        ("objects.npy", "the file holds no plain array"),
        ("text.parquet", "cannot be read as Parquet"),
    ):
        with pytest.raises(InputError, match=message):
            ingest_vectors(study, tmp_path / name, tmp_path / "ids.csv" if name.endswith("npy") else None)


def test_a_second_ingest_adds_nothing_and_another_file_needs_another_name(study, tmp_path):
    paths = files(tmp_path, draw(), table())
    first = ingest_vectors(study, *paths)
    stamp = (first.store.folder / "vectors.npy").stat().st_mtime_ns
    again = ingest_vectors(study, *paths)
    assert (again.report.glitches, again.report.unchanged) == (0, 30)
    assert (again.store.folder / "vectors.npy").stat().st_mtime_ns == stamp
    np.save(paths[0], draw(seed=1))
    with pytest.raises(
        InputError, match=r"the study has other vectors named 'v' already, of v\.npy; give another --name"
    ):
        ingest_vectors(study, *paths)
    ingest_vectors(study, *paths, name="second")
    assert [store.name for store in stores(study.folder)] == ["given-second", "given-v"]
    assert embed(study).name == "given-second"
    assert embed(study, EmbeddingOptions(weights="vectors:v")).name == "given-v"
    assert embed(study).name == "given-second"
    assert embed(study, EmbeddingOptions(weights="vectors:v"), retry=True).name == "given-v"
    assert embed(study, EmbeddingOptions(device="cpu")).name == "given-v"


def test_two_ids_of_one_glitch(study, tmp_path):
    with study.run("ingest"), study.transaction():
        study.add_glitch("a", "H1", None)
    frame = pd.DataFrame({"id": ["a", "H1_a"]})
    with pytest.raises(InputError, match="ids 'a' and 'H1_a' are one glitch"):
        ingest_vectors(study, *files(tmp_path, draw(2), frame))
