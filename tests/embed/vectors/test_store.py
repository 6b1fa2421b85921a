"""A vector store whose files were damaged after it was written: one clear line each."""

import json

import numpy as np
import pytest

from embed.errors import StudyError
from embed.vectors.passport import Passport
from embed.vectors.store import StoreRows, VectorStore, write_store
from embed.views.selection import LeftOut


@pytest.fixture
def folder(tmp_path):
    """A store of 12 vectors of 5 numbers; one glitch was left out."""
    passport = Passport("net", "none", "bundled", "0" * 64, "4.0", 1, 48, (0.5,) * 3, (0.5,) * 3, "none", "cpu", {})
    rows = StoreRows(np.arange(12), np.zeros((12, 32), np.uint8), [f"H1_{number}" for number in range(12)])
    vectors = np.random.default_rng(0).normal(size=(12, 5)).astype(np.float32)
    left_out = [LeftOut(20, "has no 4.0 s view")]
    path = tmp_path / "vectors" / passport.name
    return write_store(path, passport, rows, [vectors], left_out=left_out, asked="a hash", k=3).folder


def test_a_store_comes_back_as_it_was_written(folder):
    store = VectorStore(folder)
    assert store.vectors.shape == (12, 5)
    assert store.inputs.shape == (12, 32)
    assert store.left_out == [LeftOut(20, "has no 4.0 s view")]
    assert store.graph.neighbours.shape == (12, 3)
    assert store.rows(np.array([11, 20, 0])).tolist() == [11, -1, 0]


@pytest.mark.parametrize("text", ["{}", "[]", "3", "null"])
def test_a_passport_without_its_fields_is_refused(folder, text):
    (folder / "passport.json").write_text(text)
    with pytest.raises(StudyError, match=r"passport\.json is damaged \(.*\); delete .* and run `discover embed`"):
        VectorStore(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [("rows", "12"), ("rows", True), ("dimension", 5.0), ("views", None), ("recall", "high"), ("exact", 1)],
)
def test_a_passport_of_wrong_types_is_refused(folder, key, value):
    passport = json.loads((folder / "passport.json").read_text())
    (folder / "passport.json").write_text(json.dumps(passport | {key: value}))
    with pytest.raises(StudyError, match=rf"passport\.json is damaged \({key} is {value!r}\); delete"):
        VectorStore(folder)


def test_arrays_that_are_empty_or_short_are_refused(folder):
    np.save(folder / "vectors.npy", np.zeros((7, 5), np.float32))
    np.save(folder / "glitches.npy", np.arange(7))
    np.save(folder / "inputs.npy", np.zeros((12, 3), np.uint8))
    store = VectorStore(folder)
    with pytest.raises(StudyError, match=r"vectors\.npy is damaged \(shape \(7, 5\), the passport says \(12, 5\)\)"):
        store.vectors  # noqa: B018
    with pytest.raises(StudyError, match=r"glitches\.npy is damaged \(shape \(7,\), the passport says \(12,\)\)"):
        store.glitches  # noqa: B018
    with pytest.raises(StudyError, match=r"inputs\.npy is damaged \(shape \(12, 3\), the passport says \(12, 32\)\)"):
        store.inputs  # noqa: B018
    (folder / "vectors.npy").write_bytes(b"")
    (folder / "glitches.npy").write_bytes(b"")
    with pytest.raises(StudyError, match=r"vectors\.npy is damaged \(.+\); delete .* and run `discover embed`"):
        VectorStore(folder).vectors  # noqa: B018
    with pytest.raises(StudyError, match=r"glitches\.npy is damaged \(.+\); delete .* and run `discover embed`"):
        VectorStore(folder).glitches  # noqa: B018


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"", b"glitch,reason\nmany,none\n", b"a,b\n1,2\n"])
def test_a_list_of_left_out_glitches_that_cannot_be_read_is_refused(folder, content):
    path = folder / "left-out.csv"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StudyError, match=r"left-out\.csv is damaged \(.+\); delete .* and run `discover embed`"):
        VectorStore(folder).left_out  # noqa: B018


def test_a_graph_of_other_rows_is_refused(folder, tmp_path):
    from embed.vectors.graph import neighbour_graph, save_graph

    save_graph(neighbour_graph(np.eye(9, dtype=np.float32), 3), folder / "graph.npz")
    with pytest.raises(StudyError, match=r"graph\.npz is damaged \(9 rows for 12 vectors\); delete"):
        VectorStore(folder).graph  # noqa: B018
