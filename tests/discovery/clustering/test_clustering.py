"""Clusters: hand-made graphs, planted mixtures and single clouds, and the real glitches whose class is known."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_mutual_info_score
from support.mixtures import mixture
from threadpoolctl import threadpool_limits

from discovery.clustering.clustering import cluster, hdbscan_clusters, spectral_clusters
from discovery.clustering.result import NOISE, by_size
from discovery.clustering.spectral import assign, gap_scores, laplacian_spectrum
from embed.errors import InputError
from embed.vectors.graph import affinity, neighbour_graph
from embed.vectors.similarity import normalise

METHODS = [hdbscan_clusters, spectral_clusters]


def arc(n, degrees=90):
    angles = np.radians(np.linspace(0, degrees, n))
    return np.column_stack([np.cos(angles), np.sin(angles)])


def dense_laplacian(edges):
    weights = edges.toarray()
    degree = weights.sum(axis=1)
    return np.eye(len(weights)) - weights / np.sqrt(np.outer(degree, degree))


# --- the spectrum


def test_spectrum_of_a_triangle_and_an_edge_by_hand():
    """A triangle has eigenvalues 0, 3/2, 3/2; an edge 0, 2; apart from each other they simply add up."""
    edges = scipy.sparse.csr_array(
        [[0.0, 1, 1, 0, 0], [1, 0, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 1, 0]]
    )
    spectrum = laplacian_spectrum(edges, 5, seed=0)
    np.testing.assert_allclose(spectrum.eigenvalues, [0, 0, 1.5, 1.5, 2], atol=1e-12)
    labels = assign(spectrum.eigenvectors, 2)
    assert labels[0] == labels[1] == labels[2] != labels[3] == labels[4]


@pytest.mark.parametrize("dense_below", [10_000, 50])
def test_spectrum_against_dense_eigenvalues(monkeypatch, dense_below):
    """The Lanczos path too, on three components, whose zeros it could miss were they not solved apart."""
    monkeypatch.setattr("discovery.clustering.spectral.DENSE_BELOW", dense_below)
    vectors = np.vstack([mixture([150], seed=s, dims=6)[0] + 9 * np.eye(3, 64)[s] * (-1) ** s for s in range(3)])
    edges = affinity(neighbour_graph(vectors, 8))
    spectrum = laplacian_spectrum(edges, 12, seed=3)
    expected = np.linalg.eigvalsh(dense_laplacian(edges))[:12]
    assert (expected < 1e-9).sum() == 3
    np.testing.assert_allclose(spectrum.eigenvalues, expected, atol=1e-7)
    residual = dense_laplacian(edges) @ spectrum.eigenvectors - spectrum.eigenvectors * spectrum.eigenvalues
    assert np.abs(residual).max() < 1e-6
    np.testing.assert_allclose(spectrum.eigenvectors.T @ spectrum.eigenvectors, np.eye(12), atol=1e-7)
    assert (spectrum.eigenvectors[np.abs(spectrum.eigenvectors).argmax(axis=0), np.arange(12)] > 0).all()


def test_gap_scores_by_hand():
    scores = gap_scores(np.array([0.0, 0.01, 0.5, 1.0]))  # the floor is a fifth of the last eigenvalue
    np.testing.assert_allclose(scores, [0.01 / 0.21, 0.49 / 0.7, 0.5 / 1.2])
    assert scores.argmax() + 1 == 2


def test_assignment_agrees_with_scikit_learn():
    vectors, truth = mixture([40, 60, 30, 50], seed=2)
    edges = affinity(neighbour_graph(vectors, 10))
    edges = (edges + scipy.sparse.csr_array(np.full(edges.shape, 1e-6))).tocsr()  # scikit-learn warns of components
    mine = assign(laplacian_spectrum(edges, 4, seed=0).eigenvectors, 4)
    theirs = SpectralClustering(4, affinity="precomputed", random_state=0).fit_predict(edges.toarray())
    assert adjusted_mutual_info_score(mine, theirs) > 0.97
    assert adjusted_mutual_info_score(mine, truth) > 0.97


# --- the conventions of a clustering


@settings(max_examples=200, deadline=None)
@given(labels=hnp.arrays(np.int64, st.integers(1, 40), elements=st.integers(-1, 6)))
def test_by_size_orders_clusters_and_moves_nothing(labels):
    numbered = by_size(labels)
    assert ((numbered == NOISE) == (labels == NOISE)).all()
    for a in range(len(labels)):
        assert ((numbered == numbered[a]) == (labels == labels[a])).all()
    found = range(numbered.max() + 1)
    keys = [(-(numbered == c).sum(), np.flatnonzero(numbered == c)[0]) for c in found]
    assert keys == sorted(keys)


@pytest.mark.parametrize("method", METHODS)
def test_result_keeps_its_conventions(method):
    vectors, truth = mixture([25, 60, 40], seed=1)
    result = method(vectors, seed=1)
    unit = normalise(vectors).astype(float)
    assert result.labels.dtype == np.int64
    assert result.probability.dtype == np.float64
    assert result.clusters == 3
    assert np.bincount(result.labels + 1)[1:].tolist() == sorted(np.bincount(result.labels + 1)[1:], reverse=True)
    assert adjusted_mutual_info_score(truth, result.labels) > 0.95
    assert result.probability.min() >= 0
    assert result.probability.max() <= 1
    assert (result.probability[result.labels == NOISE] == 0).all()
    for number, medoid in result.medoids.items():
        members = np.flatnonzero(result.labels == number)
        means = (unit[members] @ unit[members].T).mean(axis=1)
        assert means[members == medoid] == pytest.approx(means.max())
    assert len(result.tried)
    assert result.noise_share == (result.labels == NOISE).mean()


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_bytes(method):
    vectors, _ = mixture([40, 30], seed=3, stray=5)
    first, second = method(vectors, seed=4), method(vectors.copy(), seed=4)
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.probability.tobytes() == second.probability.tobytes()
    assert first.medoids == second.medoids
    assert first.tried.to_csv() == second.tried.to_csv()


@pytest.mark.parametrize("method", METHODS)
def test_threads_do_not_show(method):
    vectors, _ = mixture([150, 120, 100], seed=4, stray=10, width=200)
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            results.append(method(vectors, seed=4))
    assert results[0].labels.tobytes() == results[1].labels.tobytes()
    assert results[0].probability.tobytes() == results[1].probability.tobytes()
    assert results[0].tried.to_csv() == results[1].tried.to_csv()


@pytest.mark.parametrize("method", METHODS)
def test_a_larger_graph_gives_the_same_answer(method):
    vectors, _ = mixture([40, 30, 30], seed=5)
    alone, given_graph = method(vectors, seed=0), method(vectors, neighbour_graph(vectors, 30), seed=0)
    np.testing.assert_array_equal(alone.labels, given_graph.labels)


# --- planted truth


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("sizes", "dims", "stray"),
    [([10, 10], 8, 0), ([30, 30], 12, 0), ([100, 12], 12, 0), ([80, 60, 40, 20], 12, 0), ([300, 200, 100], 8, 30)],
    ids=str,
)
def test_planted_clusters_are_found(method, sizes, dims, stray):
    vectors, truth = mixture(sizes, dims=dims, seed=6, stray=stray)
    result = method(vectors)
    planted = truth != NOISE
    assert result.clusters == len(sizes)
    assert adjusted_mutual_info_score(truth[planted], result.labels[planted]) > 0.9


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [20, 60, 250])
@pytest.mark.parametrize("dims", [5, 30])
def test_one_cloud_is_one_cluster(method, n, dims):
    """One Gaussian on one side of the sphere; the control is the test above, on the same code."""
    rng = np.random.default_rng(n)
    vectors = np.hstack([np.full((n, 1), 2.0 * np.sqrt(dims)), rng.normal(size=(n, dims))])
    result = method(vectors)
    assert result.clusters == 1
    assert result.noise_share == 0
    assert len(result.notes) == 1
    assert result.notes[0].startswith("one cluster: ")


@pytest.mark.parametrize("method", METHODS)
def test_one_continuous_family_is_not_chopped(method):
    result = method(arc(200))
    assert result.clusters == 1
    assert result.notes[0].startswith("one cluster: ")


def test_why_there_is_one_cluster():
    assert hdbscan_clusters(arc(200)).notes == (
        "one cluster: nothing splits these glitches into groups that are clearly denser than the pass between them",
    )


def test_spectral_takes_k_as_told():
    vectors, truth = mixture([40, 40, 40], seed=8)
    for k in (1, 2, 3, 5, 30):
        result = spectral_clusters(vectors, k=k)
        assert result.clusters == k
        assert (result.labels >= 0).all()
    assert adjusted_mutual_info_score(spectral_clusters(vectors, k=3).labels, truth) > 0.95
    assert spectral_clusters(vectors[:4], k=2).clusters == 2


def test_hdbscan_takes_the_cluster_size_as_told():
    vectors, _ = mixture([60, 50, 15], seed=9)
    assert hdbscan_clusters(vectors, min_cluster_size=5).clusters == 3
    coarse = hdbscan_clusters(vectors, min_cluster_size=30)
    assert coarse.clusters == 2
    assert coarse.parameters["least"] == 30


# --- few, equal or unusable vectors


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_too_few_are_one_cluster(method, n):
    result = method(mixture([n], seed=n)[0])
    assert result.labels.tolist() == [0] * n
    assert result.probability.tolist() == [1.0] * n
    assert result.clusters == 1
    assert f"{n} glitches are too few to split" in result.notes[0]


@pytest.mark.parametrize("method", METHODS)
def test_identical_vectors_are_one_cluster(method):
    result = method(np.ones((40, 8)))
    assert result.labels.tolist() == [0] * 40
    assert result.medoids == {0: 0}
    assert result.notes == ("one cluster: all 40 vectors are identical",)


@pytest.mark.parametrize("method", METHODS)
def test_two_groups_of_identical_vectors_are_two_clusters(method):
    result = method(np.repeat(np.eye(2), [30, 20], axis=0))
    assert result.labels.tolist() == [0] * 30 + [1] * 20
    assert result.medoids == {0: 0, 1: 30}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", range(10, 24))
def test_every_small_number_of_rows_works(method, n):
    result = method(mixture([n], seed=n)[0])
    assert len(result.labels) == n


@pytest.mark.parametrize("method", METHODS)
def test_bad_input_is_refused(method):
    vectors = mixture([20], seed=0)[0]
    with pytest.raises(InputError, match=r"no vectors to compare: the array has shape \(0, 8\)"):
        method(np.empty((0, 8)))
    with pytest.raises(InputError, match="1 of 20 vectors hold NaN"):
        method(np.where(np.arange(20)[:, None] == 3, np.nan, vectors))
    with pytest.raises(InputError, match="graph has 10 rows and there are 20 vectors"):
        method(vectors, neighbour_graph(vectors[:10], 9))
    with pytest.raises(InputError, match="lists 3 neighbours a row; clustering needs 15"):
        method(vectors, neighbour_graph(vectors, 3))


@pytest.mark.parametrize("k", [0, 21])
def test_impossible_numbers_are_refused(k):
    vectors = mixture([20], seed=0)[0]
    with pytest.raises(InputError, match=f"{k} clusters cannot be made of 20 glitches: ask for 1 to 20"):
        spectral_clusters(vectors, k=k)
    with pytest.raises(InputError, match=f"min_cluster_size of {k} does not fit 20 glitches: give 2 to 20"):
        hdbscan_clusters(vectors, min_cluster_size=k)


# --- size


def test_spectral_memory_grows_with_the_edges():
    """The eigenvectors of 6,000 rows must not cost a 6,000 x 6,000 matrix (288 MB)."""
    tracemalloc = pytest.importorskip("tracemalloc")
    edges = affinity(neighbour_graph(mixture([3000, 3000], seed=10, width=16)[0], 10))
    tracemalloc.start()
    laplacian_spectrum(edges, 21, seed=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60e6


@pytest.mark.long
@pytest.mark.parametrize("method", METHODS)
def test_twenty_thousand(method):
    vectors, truth = mixture([8000, 5000, 4000, 2000, 1000], seed=11, spread=0.45)
    result = method(vectors, neighbour_graph(vectors, 15))
    assert result.clusters == 5
    assert adjusted_mutual_info_score(truth, result.labels) > 0.9


# --- real glitches


@pytest.mark.parametrize("method", METHODS)
def test_real_glitches_fall_into_their_classes(method, unknown_glitches):
    """Fast_Scattering and Scattered_Light under None_of_the_Above, all of them and three random halves."""
    vectors, truth = unknown_glitches
    rng = np.random.default_rng(0)
    for rows in (np.arange(len(truth)), *(rng.choice(len(truth), len(truth) // 2, replace=False) for _ in range(3))):
        result = method(vectors[rows])
        score = adjusted_mutual_info_score(truth[rows], result.labels)
        print(
            f"{method.__name__} N={len(rows)} AMI {score:.3f} clusters {result.clusters} noise {result.noise_share:.3f}"
        )
        assert score >= 0.85
        assert 2 <= result.clusters <= 4
        assert result.noise_share <= 0.1


def test_a_few_glitches_of_each_of_six_families_are_told_apart():
    """With only six rows each, most neighbours are of other families; the dimension must not be measured among these."""
    rng = np.random.default_rng(1)
    truth = np.repeat(np.arange(6), 6)
    spread = np.pad(rng.normal(size=(36, 12)), ((0, 0), (6, 46)))
    assert adjusted_mutual_info_score(truth, cluster(np.eye(64)[truth] + 0.2 * spread).labels) == 1.0
