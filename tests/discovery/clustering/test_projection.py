"""Maps: judged by scikit-learn's trustworthiness beside a random layout, and by what they do at the edges."""

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from discovery.clustering.projection import LEAST_ROWS, principal_components, project, tsne
from embed.errors import InputError
from embed.vectors.graph import neighbour_graph
from embed.vectors.similarity import normalise

METHODS = ["tsne", "umap"]


def families(n=240, groups=6, width=40, seed=0):
    """Draw groups of curved families in many components; returns vectors and the group of each."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % groups
    along = rng.random((n, 1))
    centres, bends = 0.6 * rng.normal(size=(groups, width)), rng.normal(size=(2, groups, width))
    curve = bends[0][group] * along + bends[1][group] * along**2
    return centres[group] + 0.8 * curve + 0.05 * rng.normal(size=(n, width)), group


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dims", [2, 3])
def test_neighbours_stay_neighbours(method, dims):
    vectors, group = families()
    layout = project(vectors, neighbour_graph(vectors, 30), method=method, dims=dims, seed=1)
    random = np.random.default_rng(0).normal(size=layout.shape)
    assert layout.shape == (240, dims)
    assert layout.dtype == np.float32
    assert trustworthiness(vectors, layout, n_neighbors=8, metric="cosine") > 0.95
    assert trustworthiness(vectors, random, n_neighbors=8, metric="cosine") < 0.6
    halves = np.arange(240) < 120
    classifier = KNeighborsClassifier(5)
    assert classifier.fit(layout[halves], group[halves]).score(layout[~halves], group[~halves]) > 0.95
    assert classifier.fit(random[halves], group[halves]).score(random[~halves], group[~halves]) < 0.4
    np.testing.assert_allclose(layout.mean(axis=0), 0, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dims", [2, 3])
def test_same_seed_same_bytes(method, dims):
    vectors, _ = families(90)
    graph = neighbour_graph(vectors, 30)
    first = project(vectors, graph, method=method, dims=dims, seed=7)
    assert project(vectors, graph, method=method, dims=dims, seed=7).tobytes() == first.tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_threads_do_not_show(method):
    vectors, _ = families(400, width=300)
    graph = neighbour_graph(vectors, 30)
    layouts = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            layouts.append(project(vectors, graph, method=method, dims=3, seed=7))
    assert layouts[0].tobytes() == layouts[1].tobytes()


def test_a_layout_leaves_the_number_of_threads_as_it_was():
    """In a process of its own: numba starts its threads once, at the first layout, and sets torch's number to that of the cores then."""
    code = """
import numpy as np, torch
from discovery.clustering.projection import project
from embed.vectors.graph import neighbour_graph
torch.set_num_threads(3)
print(torch.get_num_threads())
vectors = np.random.default_rng(0).standard_normal((60, 8)).astype(np.float32)
project(vectors, neighbour_graph(vectors, 30), method="umap", seed=0)
print(torch.get_num_threads())
"""
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout.split() == ["3", "3"]


def test_what_numba_compiles_for_umap_is_kept():
    from umap import layouts, umap_

    vectors, _ = families(60)
    project(vectors, neighbour_graph(vectors, 30), method="umap", seed=0)
    for function in (umap_.smooth_knn_dist, layouts._nb_optimize_layout_euclidean_single_epoch):
        found = function.stats
        assert found.cache_path
        assert sum(found.cache_hits.values()) + sum(found.cache_misses.values())


def test_another_seed_is_another_umap():
    vectors, _ = families(90)
    graph = neighbour_graph(vectors, 30)
    assert not np.array_equal(*(project(vectors, graph, method="umap", seed=seed) for seed in (0, 1)))


def test_tsne_takes_the_graph_it_is_given():
    """Rows joined in pairs by the graph alone must end in pairs, wherever they started."""
    from embed.vectors.graph import NeighbourGraph

    rng = np.random.default_rng(1)
    partners = np.arange(40) ^ 1
    graph = NeighbourGraph(
        np.column_stack([partners, *((np.arange(40) + 7 * j) % 40 for j in (1, 2, 3))]),
        np.tile(np.float32([0.99, 0.1, 0.1, 0.1]), (40, 1)),
        k=4,
        requested_k=4,
        exact=True,
        recall=1.0,
    )
    layout = tsne(graph, rng.normal(size=(40, 2)), seed=0)
    nearest = neighbour_of(layout)
    assert (nearest == partners).mean() > 0.9


def neighbour_of(layout):
    distances = np.linalg.norm(layout[:, None] - layout[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return distances.argmin(axis=1)


def test_interpolated_forces_beside_barnes_hut(monkeypatch):
    """Above the stated size the two-dimensional forces are interpolated: the map must be as good."""
    vectors, _ = families(120)
    graph = neighbour_graph(vectors, 30)
    exact = project(vectors, graph)
    monkeypatch.setattr("discovery.clustering.projection.INTERPOLATED_ABOVE", 100)
    interpolated = project(vectors, graph)
    assert not np.array_equal(exact, interpolated)
    scores = [trustworthiness(vectors, layout, n_neighbors=8, metric="cosine") for layout in (exact, interpolated)]
    assert abs(scores[0] - scores[1]) < 0.02
    assert project(vectors, graph, dims=3).shape == (120, 3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("n", [*range(1, 12), 16, 21, 40])
def test_every_small_number_of_rows_has_a_map(method, dims, n):
    vectors = families(n)[0]
    layout = project(vectors, neighbour_graph(vectors, 30), method=method, dims=dims)
    assert layout.shape == (n, dims)
    assert np.isfinite(layout).all()
    if 2 <= n < LEAST_ROWS:
        expected = PCA(min(dims, n - 1)).fit_transform(normalise(vectors))
        np.testing.assert_allclose(np.abs(layout[:, : expected.shape[1]]), np.abs(expected), atol=1e-5)
        np.testing.assert_allclose(layout[:, expected.shape[1] :], 0, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_identical_vectors_lie_on_one_point(method):
    vectors = np.ones((30, 5))
    assert not project(vectors, neighbour_graph(vectors, 10), method=method, dims=3).any()


@pytest.mark.parametrize("method", METHODS)
def test_many_duplicates_are_no_obstacle(method):
    vectors = np.repeat(families(4)[0], 15, axis=0)
    layout = project(vectors, neighbour_graph(vectors, 30), method=method)
    assert np.isfinite(layout).all()
    assert trustworthiness(vectors, layout, n_neighbors=5, metric="cosine") > 0.9


@pytest.mark.parametrize("shape", [(30, 200), (200, 30), (5, 5)])
def test_principal_components_against_scikit_learn(shape):
    unit = normalise(np.random.default_rng(2).normal(size=shape))
    mine, theirs = principal_components(unit, 3), PCA(3, svd_solver="full").fit_transform(unit.astype(float))
    np.testing.assert_allclose(np.abs(mine), np.abs(theirs), atol=1e-6)
    assert (mine[np.abs(mine).argmax(axis=0), range(3)] > 0).all()


def test_bad_input_is_refused():
    vectors = families(20)[0]
    graph = neighbour_graph(vectors, 5)
    with pytest.raises(InputError, match="unknown projection method 'pca': use one of tsne, umap"):
        project(vectors, graph, method="pca")
    with pytest.raises(InputError, match="2 or 3 dimensions, got 4"):
        project(vectors, graph, dims=4)
    with pytest.raises(InputError, match="graph has 20 rows and there are 19 vectors"):
        project(vectors[1:], graph)
    with pytest.raises(InputError, match="1 of 20 vectors are all zeros"):
        project(np.where(np.arange(20)[:, None] == 0, 0.0, vectors), graph)
