"""The neighbour graph: equal to brute force in exact rational arithmetic, and the same bytes whatever the threads."""

import math
from dataclasses import replace
from fractions import Fraction

import faiss
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from embed.errors import DeviceError, InputError, StudyError
from embed.vectors import cells
from embed.vectors import graph as nb
from embed.vectors import index as index_module
from embed.vectors.regraph import extended
from embed.vectors.similarity import group_sums, normalise, top_k


def brute_force(unit, k):
    """Sort all pairs in plain Python: `math.fsum` of exact products, rounded once to float32, ties by row."""
    rows, similarities = [], []
    for i, mine in enumerate(unit.tolist()):
        scored = [
            (-float(np.float32(math.fsum(a * b for a, b in zip(mine, theirs, strict=True)))), j)
            for j, theirs in enumerate(unit.tolist())
            if j != i
        ]
        best = sorted(scored)[:k]
        rows.append([j for _, j in best])
        similarities.append([-s for s, _ in best])
    return np.array(rows, np.int64).reshape(len(unit), -1), np.array(similarities, np.float32).reshape(len(unit), -1)


def clumps(n, d, groups, seed, spread=0.3):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(groups, d))
    return (centres[rng.integers(groups, size=n)] + spread * rng.normal(size=(n, d))).astype(np.float32)


@st.composite
def vector_sets(draw):
    """Draw vectors with ties and duplicates: few distinct integer rows, or floats, with rows repeated at will."""
    d = draw(st.integers(1, 6))
    element = draw(
        st.sampled_from([st.integers(-2, 2).map(float), st.floats(-1e3, 1e3, width=32, allow_subnormal=False)])
    )
    distinct = draw(hnp.arrays(np.float32, (draw(st.integers(1, 12)), d), elements=element))
    picks = draw(st.lists(st.integers(0, len(distinct) - 1), min_size=1, max_size=40))
    vectors = distinct[picks]
    vectors[~vectors.any(axis=1), 0] = 1.0
    return vectors


@settings(max_examples=150, deadline=None)
@given(vectors=vector_sets(), k=st.integers(1, 45))
def test_graph_equals_brute_force(vectors, k):
    graph = nb.neighbour_graph(vectors, k)
    rows, similarities = brute_force(normalise(vectors), k)
    np.testing.assert_array_equal(graph.neighbours, rows)
    np.testing.assert_array_equal(graph.similarities, similarities)
    assert graph.k == min(k, len(vectors) - 1)
    assert graph.requested_k == k


@pytest.fixture
def _faiss_always(monkeypatch):
    """Small sets are compared in full because that is faster; here FAISS must propose."""
    monkeypatch.setattr(index_module, "COMPARE_ALL_BELOW", 1)


@pytest.mark.usefixtures("_faiss_always")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(90, 160), copies=st.integers(1, 120), k=st.integers(1, 12))
def test_graph_equals_brute_force_where_faiss_proposes_candidates(seed, n, copies, k):
    """More rows than k + margin, so that FAISS and the check of its boundary are at work; many rows are duplicates."""
    vectors = clumps(n, 8, 4, seed)
    vectors[np.random.default_rng(seed).integers(n, size=copies)] = vectors[0]
    graph = nb.neighbour_graph(vectors, k)
    rows, similarities = brute_force(normalise(vectors), k)
    np.testing.assert_array_equal(graph.neighbours, rows)
    np.testing.assert_array_equal(graph.similarities, similarities)


@pytest.mark.usefixtures("_faiss_always")
def test_duplicates_beyond_the_margin_come_in_row_order():
    vectors = np.repeat(clumps(3, 64, 3, 1), 200, axis=0)
    graph = nb.neighbour_graph(vectors, 10)
    assert graph.neighbours[0].tolist() == list(range(1, 11))
    assert graph.neighbours[599].tolist() == list(range(400, 410))
    assert np.unique(graph.similarities).size <= 3


def test_similarity_is_the_exact_sum_rounded_once():
    unit = normalise(clumps(6, 1280, 6, 2))
    graph = nb.neighbour_graph(unit, 5)
    for i in range(6):
        for j, s in zip(graph.neighbours[i], graph.similarities[i], strict=True):
            exact = sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(unit[i], unit[j], strict=True))
            assert np.float32(float(exact)) == s


def test_against_scikit_learn():
    vectors = clumps(400, 32, 5, 3)
    graph = nb.neighbour_graph(vectors, 12)
    distances, rows = NearestNeighbors(n_neighbors=13, metric="cosine", algorithm="brute").fit(vectors).kneighbors()
    np.testing.assert_allclose(1 - graph.similarities, distances[:, :12], atol=2e-6)
    assert (graph.neighbours == rows[:, :12]).mean() > 0.999


@pytest.mark.usefixtures("_faiss_always")
def test_bytes_do_not_depend_on_threads_or_batches(monkeypatch):
    vectors = clumps(1500, 48, 3, 4, spread=0.01)
    reference = nb.neighbour_graph(vectors, 15)
    before = faiss.omp_get_max_threads()
    try:
        for threads, block in ((1, 4096), (4, 700), (2, 1)):
            faiss.omp_set_num_threads(threads)
            monkeypatch.setattr(index_module, "QUERY_BLOCK", block)
            rows = slice(0, 40) if block == 1 else slice(None)
            index = nb.build_index(vectors)
            found, similarities = nb.search(index, vectors[rows], 15)
            assert found[:, 0].tolist() == np.arange(1500)[rows].tolist()
            np.testing.assert_array_equal(found[:, 1:], reference.neighbours[rows, :14])
            np.testing.assert_array_equal(similarities[:, 1:], reference.similarities[rows, :14])
    finally:
        faiss.omp_set_num_threads(before)


def test_faiss_alone_would_not_do():
    """The control: in float32, FAISS's order of these near-ties is not the exact one."""
    vectors = normalise(clumps(1500, 48, 3, 4, spread=0.001))
    index = faiss.IndexFlatIP(48)
    index.add(vectors)
    _, rows = index.search(vectors, 16)
    exact, _ = top_k(vectors, vectors, 16)
    assert (rows != exact).mean() > 0.05


@pytest.mark.parametrize(("n", "k"), [(1, 5), (2, 5), (3, 2), (3, 10)])
def test_few_rows_clamp_k_and_say_so(n, k):
    graph = nb.neighbour_graph(clumps(n, 4, 1, 5), k)
    assert graph.neighbours.shape == graph.similarities.shape == (n, min(k, n - 1))
    assert (graph.k, graph.requested_k) == (min(k, n - 1), k)


def test_constant_vectors_are_neighbours_in_row_order():
    graph = nb.neighbour_graph(np.ones((50, 7)), 4)
    assert graph.neighbours[0].tolist() == [1, 2, 3, 4]
    assert graph.neighbours[49].tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(graph.similarities, 1.0, atol=1e-6)
    assert not np.isnan(graph.distances()).any()


def test_nearest_is_the_graph_of_fewer_neighbours():
    vectors = clumps(200, 8, 2, 6)
    cut, direct = nb.neighbour_graph(vectors, 20).nearest(7), nb.neighbour_graph(vectors, 7)
    np.testing.assert_array_equal(cut.neighbours, direct.neighbours)
    np.testing.assert_array_equal(cut.similarities, direct.similarities)
    assert cut.k == 7


def test_subgraph_is_brute_force_on_the_subset():
    vectors = clumps(300, 8, 3, 7)
    rows = np.flatnonzero(np.random.default_rng(0).random(300) < 0.2)
    graph = nb.subgraph(vectors, rows, 6)
    expected, similarities = brute_force(normalise(vectors)[rows], 6)
    np.testing.assert_array_equal(graph.neighbours, expected)
    np.testing.assert_array_equal(graph.similarities, similarities)


def test_normalise_is_unit_idempotent_and_on_the_grid():
    unit = normalise(clumps(50, 1280, 4, 8) * np.logspace(-30, 30, 50)[:, None])
    assert unit.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(unit.astype(float), axis=1), 1.0, atol=2**-20)
    short = normalise(np.random.default_rng(8).normal(size=(500, 3)))
    for once in (unit, short):
        np.testing.assert_array_equal(normalise(once), once)
    np.testing.assert_array_equal(unit * 2.0**26, np.rint(unit.astype(float) * 2**26))


def test_normalise_does_not_depend_on_the_company_a_row_keeps():
    vectors = clumps(300, 1280, 4, 16)
    order = np.random.default_rng(0).permutation(300)
    np.testing.assert_array_equal(normalise(vectors[order]), normalise(vectors)[order])
    np.testing.assert_array_equal(normalise(vectors[7:8]), normalise(vectors)[7:8])


def test_normalise_gives_the_same_in_threads(monkeypatch):
    vectors = np.random.default_rng(12).normal(size=(1000, 70)).astype(np.float32)
    whole = normalise(vectors)
    monkeypatch.setattr("embed.vectors.similarity.THREAD_VALUES", 130 * 70)
    np.testing.assert_array_equal(normalise(vectors), whole)
    vectors[[129, 130, 999]] = np.nan
    with pytest.raises(InputError, match=r"3 of 1000 vectors hold NaN or infinity \(first rows: 129, 130, 999\)"):
        normalise(vectors)


def test_normalise_keeps_direction_at_the_extremes_of_float64():
    unit = normalise(np.array([[3e300, 4e300], [3e-300, 4e-300], [-3.0, 4.0]]))
    np.testing.assert_allclose(unit, [[0.6, 0.8], [0.6, 0.8], [-0.6, 0.8]], atol=1e-7)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.array([[1.0, 2], [np.nan, 1], [1, np.inf]]), r"2 of 3 vectors hold NaN or infinity \(first rows: 1, 2\)"),
        (np.array([[1.0, 2], [0, 0]]), r"1 of 2 vectors are all zeros \(first rows: 1\)"),
        (np.full((9, 3), np.nan), r"9 of 9 vectors hold NaN .*first rows: 0, 1, 2, 3, 4\)"),
        (np.ones(4), r"shape \(rows, components\), got float64 \(4,\)"),
        (np.array([["a", "b"]]), "vectors must be a real array"),
        (np.ones((0, 8)), r"no vectors to compare: the array has shape \(0, 8\)"),
        (np.ones((8, 0)), r"no vectors to compare: the array has shape \(8, 0\)"),
    ],
)
def test_bad_vectors_are_refused(vectors, message):
    with pytest.raises(InputError, match=message):
        nb.neighbour_graph(vectors, 3)


def test_bad_rows_of_later_tiles_are_counted(monkeypatch):
    vectors = np.ones((5000, 2))
    vectors[[10, 4500]] = np.nan
    with pytest.raises(InputError, match=r"2 of 5000 .*first rows: 10, 4500"):
        normalise(vectors)


def test_bad_options_are_refused(monkeypatch):
    with pytest.raises(InputError, match="k must be at least 1 neighbour, got 0"):
        nb.neighbour_graph(np.eye(3), 0)
    with pytest.raises(InputError, match="unknown device 'tpu': use one of cpu, cuda"):
        nb.neighbour_graph(np.eye(3), 1, device="tpu")
    with pytest.raises(InputError, match="queries have 2 components and the index 3"):
        nb.search(nb.build_index(np.eye(3)), np.eye(2), 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="no CUDA device; use device 'cpu'"):
        nb.neighbour_graph(np.eye(3), 1, device="cuda")


@pytest.mark.usefixtures("_faiss_always")
def test_search_clamps_k_and_matches_brute_force():
    vectors, queries = clumps(120, 16, 3, 9), clumps(5, 16, 3, 10)
    rows, similarities = nb.search(nb.build_index(vectors), queries, 500)
    expected = normalise(queries).astype(float) @ normalise(vectors).astype(float).T
    assert rows.shape == (5, 120)
    np.testing.assert_array_equal(similarities, -np.sort(-expected.astype(np.float32), axis=1))
    near, _ = nb.search(nb.build_index(vectors), queries, 9)
    np.testing.assert_array_equal(near, rows[:, :9])  # the first 9 of 120 are the 9 (FAISS issue 1985)


@pytest.mark.parametrize(("rows", "added"), [(200, 40), (12, 30), (60, 1)])
def test_an_extended_graph_is_the_one_made_afresh(rows, added):
    unit = normalise(np.round(clumps(rows + added, 8, 4, 21), 1) + 0.01)  # rounded: many ties
    near = nb.neighbour_graph(unit[:rows])
    mine, afresh = extended(near, unit), nb.neighbour_graph(unit)
    np.testing.assert_array_equal(mine.neighbours, afresh.neighbours)
    np.testing.assert_array_equal(mine.similarities, afresh.similarities)
    assert (mine.k, mine.requested_k, mine.exact) == (afresh.k, afresh.requested_k, True)


def test_a_graph_by_cells_measures_its_recall_truthfully():
    vectors = clumps(3000, 16, 30, 11)
    approximate = nb.neighbour_graph(vectors, 10, seed=5, exact_limit=1000)
    exact = nb.neighbour_graph(vectors, 10)
    true_recall = np.mean([np.isin(a, b).mean() for a, b in zip(approximate.neighbours, exact.neighbours, strict=True)])
    assert not approximate.exact
    assert exact.exact
    assert exact.recall == 1.0
    assert approximate.recall >= index_module.RECALL_TARGET
    assert abs(approximate.recall - true_recall) < 0.01
    assert not (approximate.neighbours == np.arange(3000)[:, None]).any()


@pytest.mark.parametrize(("spread", "shortened"), [(12, True), (512, False)])
def test_wide_vectors_are_compared_by_few_components_where_these_tell_neighbours(spread, shortened):
    rng = np.random.default_rng(4)
    plane = np.linalg.qr(rng.normal(size=(512, spread)))[0]
    vectors = normalise(
        (rng.normal(size=(30, spread)).repeat(100, axis=0) + 0.4 * rng.normal(size=(3000, spread))) @ plane.T
    )
    graph, exact = nb.neighbour_graph(vectors, 10, exact_limit=1000), nb.neighbour_graph(vectors, 10)
    first = rng.permutation(3000)[:100]
    assert (cells._shortened(vectors, first, exact.neighbours[first], rng)[0] is not vectors) == shortened
    found = np.mean([np.isin(mine, true).mean() for mine, true in zip(graph.neighbours, exact.neighbours, strict=True)])
    assert graph.recall == pytest.approx(found, abs=0.01)
    assert found >= index_module.RECALL_TARGET
    products = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    np.testing.assert_array_equal(
        graph.similarities, np.take_along_axis(products, graph.neighbours, axis=1).astype(np.float32)
    )


def test_a_class_too_rare_to_be_in_the_sample_is_found_by_its_own(monkeypatch):
    """Eight of 9,000 rows, half of whose squared norm lies off the others' directions, none of them in the sample of the components."""
    rng = np.random.default_rng(8)
    plane = np.linalg.qr(rng.normal(size=(640, 300)))[0]
    centres = rng.normal(size=(40, 60)) @ plane[:, :60].T
    rare = (centres[0] / np.linalg.norm(centres[0]) + plane[:, 250]) * np.linalg.norm(centres[0]) / np.sqrt(2)
    vectors = np.concatenate([centres.repeat(225, axis=0)[:8992], np.tile(rare, (8, 1))])
    vectors = normalise(vectors + 0.3 * rng.normal(size=(9000, 60)) @ plane[:, :60].T)
    monkeypatch.setattr(cells, "WIDTH_SAMPLE", 300)
    graph = nb.neighbour_graph(vectors, 5, seed=2, exact_limit=1000)
    assert (graph.neighbours[-8:] >= 8992).all()


def test_wide_vectors_give_the_same_graph_on_any_number_of_threads():
    rng = np.random.default_rng(6)
    vectors = normalise(clumps(2500, 16, 20, 12) @ rng.normal(size=(16, 300)))
    graphs = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            graphs.append(nb.neighbour_graph(vectors, 8, seed=1, exact_limit=100))
    np.testing.assert_array_equal(graphs[0].neighbours, graphs[1].neighbours)
    np.testing.assert_array_equal(graphs[0].similarities, graphs[1].similarities)


@pytest.mark.parametrize("count", [3, 40, 1500])
def test_sums_of_groups_are_exact(count):
    rng = np.random.default_rng(count)
    unit, groups = normalise(rng.normal(size=(2500, 6))), rng.integers(0, count, 2500)
    sums = [[math.fsum(column) for column in unit[groups == group].T.tolist()] or [0.0] * 6 for group in range(count)]
    np.testing.assert_array_equal(group_sums(unit, groups, count), sums)


def test_too_few_cells_are_caught_by_the_recall(monkeypatch):
    """The control: without the target each cell is compared with itself alone, and the recall says so."""
    vectors = np.random.default_rng(3).normal(size=(3000, 32)).astype(np.float32)  # no clusters: the hard case
    monkeypatch.setattr(cells, "REACHED", 1e-9)
    assert nb.neighbour_graph(vectors, 10, exact_limit=1000).recall < 0.5


def test_a_graph_by_cells_is_the_same_for_a_seed_and_any_threads():
    vectors = clumps(2500, 16, 20, 12)
    before = faiss.omp_get_max_threads()
    try:
        graphs = []
        for threads in (1, 4):
            faiss.omp_set_num_threads(threads)
            graphs.append(nb.neighbour_graph(vectors, 8, seed=1, exact_limit=100))
    finally:
        faiss.omp_set_num_threads(before)
    np.testing.assert_array_equal(graphs[0].neighbours, graphs[1].neighbours)
    np.testing.assert_array_equal(graphs[0].similarities, graphs[1].similarities)
    assert graphs[0].recall == graphs[1].recall


def test_a_graph_by_cells_survives_duplicates():
    graph = nb.neighbour_graph(np.repeat(np.eye(4), 100, axis=0), 5, exact_limit=10)
    assert graph.neighbours[0].tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(graph.similarities, 1.0)


@pytest.mark.parametrize("limit", [10_000, 100])
def test_index_file_gives_the_same_answers(tmp_path, limit):
    vectors = clumps(600, 16, 6, 13)
    index = nb.build_index(vectors, k=5, exact_limit=limit)
    nb.save_index(index, tmp_path / "index.faiss")
    again = nb.load_index(tmp_path / "index.faiss", recall=index.recall)
    assert (again.exact, again.recall) == (index.exact, index.recall)
    np.testing.assert_array_equal(again.vectors, index.vectors)
    for mine, theirs in zip(nb.search(index, vectors, 5), nb.search(again, vectors, 5), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    nb.save_index(again, tmp_path / "again.faiss")
    assert (tmp_path / "again.faiss").read_bytes() == (tmp_path / "index.faiss").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.faiss", "index.faiss"]


def test_one_row_of_a_graph_file_is_read_alone(tmp_path):
    graph, file = nb.neighbour_graph(clumps(50, 4, 2, 14), 5), tmp_path / "graph.npz"
    nb.save_graph(graph, file)
    for row in (0, 17, 49):
        rows, similarities = nb.load_neighbours(file, row)
        np.testing.assert_array_equal(rows, graph.neighbours[row])
        np.testing.assert_array_equal(similarities, graph.similarities[row])
    nb.save_graph(replace(graph, neighbours=graph.neighbours + 49), file)
    with pytest.raises(StudyError, match=r"is damaged \(rows \d+ to \d+ of 50\); delete it and embed again"):
        nb.load_neighbours(file, 3)
    for broken in (file.read_bytes()[:900], b"no zip"):
        file.write_bytes(broken)
        with pytest.raises(StudyError, match="cannot be read; delete it and embed again"):
            nb.load_neighbours(file, 3)
    with pytest.raises(StudyError, match="cannot be read"):
        nb.load_neighbours(tmp_path / "absent.npz", 3)


def test_graph_file_is_the_same_bytes_at_another_time(tmp_path, monkeypatch):
    graph = nb.neighbour_graph(clumps(50, 4, 2, 14), 5)
    nb.save_graph(graph, tmp_path / "a.npz")
    monkeypatch.setattr("time.time", lambda: 1e9)
    monkeypatch.setattr("time.localtime", lambda *_: (2001, 9, 9, 1, 46, 40, 6, 252, 0))
    nb.save_graph(graph, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = nb.load_graph(tmp_path / "a.npz")
    np.testing.assert_array_equal(again.neighbours, graph.neighbours)
    np.testing.assert_array_equal(again.similarities, graph.similarities)
    assert (again.k, again.requested_k, again.exact, again.recall, again.metric) == (5, 5, True, 1.0, "cosine")


@pytest.mark.parametrize("content", [b"", b"not a file of ours", b"PK\x03\x04broken"])
def test_damaged_files_are_named(tmp_path, content):
    for name in ("graph.npz", "index.faiss"):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(StudyError, match=r"graph .*graph\.npz cannot be read; delete it"):
        nb.load_graph(tmp_path / "graph.npz")
    with pytest.raises(StudyError, match=r"index .*index\.faiss cannot be read; delete it"):
        nb.load_index(tmp_path / "index.faiss")


def test_affinity_by_hand():
    """Points on a quarter circle at 0, 10, 30 and 80 degrees, two neighbours each."""
    angles = np.radians([0, 10, 30, 80])
    graph = nb.neighbour_graph(np.column_stack([np.cos(angles), np.sin(angles)]), 2)
    assert graph.neighbours.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    np.testing.assert_array_equal(
        nb.affinity(graph).toarray(), [[0, 1, 1, 0], [1, 0, 1, 0.5], [1, 1, 0, 0.5], [0, 0.5, 0.5, 0]]
    )


def test_affinity_of_one_row_is_empty():
    assert nb.affinity(nb.neighbour_graph(np.ones((1, 3)), 4)).toarray().tolist() == [[0]]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_the_same_bytes():
    vectors = clumps(3000, 96, 5, 15, spread=0.01)
    vectors[100:400] = vectors[0]
    cpu, cuda = nb.neighbour_graph(vectors, 20), nb.neighbour_graph(vectors, 20, device="cuda")
    np.testing.assert_array_equal(cpu.neighbours, cuda.neighbours)
    np.testing.assert_array_equal(cpu.similarities, cuda.similarities)


@pytest.mark.parametrize("row", [-1, 9, 2**40])
def test_a_graph_whose_rows_are_out_of_range_is_refused(tmp_path, row):
    """Compiled code (openTSNE, UMAP) would read outside its memory."""
    graph = nb.neighbour_graph(np.eye(9, dtype=np.float32), 3)
    rows = graph.neighbours.copy()
    rows[4, 1] = row
    nb.save_graph(replace(graph, neighbours=rows), tmp_path / "graph.npz")
    with pytest.raises(StudyError, match=r"graph\.npz is damaged \(rows .* of 9\); delete it and embed again"):
        nb.load_graph(tmp_path / "graph.npz")


def test_a_graph_of_unlike_arrays_is_refused(tmp_path):
    graph = nb.neighbour_graph(np.eye(9, dtype=np.float32), 3)
    for neighbours in (graph.neighbours[:5], graph.neighbours.astype(np.float64), graph.neighbours.ravel()):
        nb.save_graph(replace(graph, neighbours=neighbours), tmp_path / "graph.npz")
        with pytest.raises(StudyError, match=r"graph\.npz (is damaged|cannot be read)"):
            nb.load_graph(tmp_path / "graph.npz")
