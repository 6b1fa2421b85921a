"""The nearest glitches: from the graph as from the index, of the rows that are asked for alone, and without the engines of a network."""

import subprocess
import sys

import numpy as np
import pytest

from discovery.candidates.search import nearest
from embed import Study
from embed.vectors import index as index_module
from embed.vectors.graph import search
from embed.vectors.index import exact_index
from embed.vectors.similarity import normalise
from embed.vectors.store import stores


@pytest.fixture
def opened(embedded):
    with Study(embedded) as study:
        yield study, stores(study.folder)[0]


def test_graph_and_index_give_the_same_neighbours(opened):
    study, store = opened
    assert store.graph.k == 23
    for identifier in study.glitches()["id"]:
        few, all_others = nearest(study, store, identifier, 5), nearest(study, store, identifier, 24)
        assert all_others.shape[0] == 23
        assert few.equals(all_others.head(5))
        row = int(store.rows(np.array([study.known_glitch(identifier)]))[0])
        similarity = store.index.vectors.astype(float) @ store.index.vectors[row].astype(float)
        similarity[row] = -1
        assert sorted(few["similarity"], reverse=True) == pytest.approx(np.sort(similarity)[::-1][:5], abs=1e-6)


@pytest.mark.parametrize("block", [1, 5, 23, 24])
def test_blocks_of_vectors_give_what_all_at_once_give(opened, block, monkeypatch):
    """Ties too: two rows of the store are the same vector."""
    study, store = opened
    vectors = np.array(store.vectors)
    vectors[20] = vectors[3]
    monkeypatch.setattr(store, "vectors", vectors)
    monkeypatch.setitem(store.passport, "k", 1)
    whole = nearest(study, store, study.glitches()["id"].iloc[7], 9)
    monkeypatch.setattr("discovery.candidates.search.BLOCK", block)
    said = []
    parts = nearest(study, store, study.glitches()["id"].iloc[7], 9, progress=lambda done, of: said.append((done, of)))
    assert parts.equals(whole)
    assert said == [(0, 24), *((min(done + block, 24), 24) for done in range(0, 24, block))]
    rows, _ = search(exact_index(normalise(vectors)), vectors[7:8], 10)
    assert whole["id"].tolist() == [study.glitches()["id"].iloc[row] for row in rows[0] if row != 7]


def test_glitches_of_some_rows(opened):
    study, _ = opened
    every = study.glitches()
    assert study.glitches([7, 3]).equals(every.loc[[3, 7]])
    assert study.glitches([]).empty


def test_few_queries_are_compared_as_many(monkeypatch):
    monkeypatch.setattr(index_module, "COMPARE_ALL_BELOW", 1)
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(3000, 24)).astype(np.float32)
    vectors[10:20] = vectors[5]  # ties
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    index = exact_index(unit)
    few = search(index, unit[:6], 12)
    monkeypatch.setattr(index_module, "FEW_SCORES", 0)
    many = search(index, unit[:6], 12)
    np.testing.assert_array_equal(few[0], many[0])
    np.testing.assert_array_equal(few[1], many[1])


def test_a_search_loads_no_network(embedded):
    script = (
        "import sys; from discovery.cli import main\n"
        "code = main(['search', sys.argv[1], '--study', sys.argv[2]])\n"
        "print(code, [name for name in ('torch', 'timm', 'matplotlib') if name in sys.modules])"
    )
    with Study(embedded) as study:
        identifier = study.glitches()["id"].iloc[0]
    done = subprocess.run(
        [sys.executable, "-c", script, identifier, str(embedded)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 []"
