"""What the clusterings cost and what the choices behind their defaults are worth, on planted and on real glitches."""

import time
from statistics import median

import hdbscan
import numpy as np
import pytest
import umap
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.metrics import adjusted_mutual_info_score
from support.mixtures import mixture

from discovery.clustering.clustering import hdbscan_clusters, spectral_clusters
from discovery.clustering.projection import principal_components
from discovery.clustering.projection import umap as umap_layout
from embed.vectors.graph import affinity, neighbour_graph
from embed.vectors.similarity import normalise

pytestmark = pytest.mark.benchmark
HALVES = 10
SEEDS = 3


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def density(layout):
    """HDBSCAN at one plain setting, to compare spaces by."""
    size = max(5, len(layout) // 12)
    return hdbscan.HDBSCAN(min_cluster_size=size, min_samples=5).fit_predict(np.asarray(layout, np.float64))


def variants(unit, seed):
    graph = neighbour_graph(unit, 15)
    yield "hdbscan_clusters (default)", hdbscan_clusters(unit, graph, seed=seed).labels
    yield "spectral_clusters (default)", spectral_clusters(unit, graph, seed=seed).labels
    yield "spectral, one graph of 15", spectral_clusters(unit, graph, k=2, seed=seed).labels
    for dims in (2, 5, 10):
        yield f"UMAP {dims}-d + HDBSCAN", density(umap_layout(unit, graph, dims=dims, seed=seed, min_dist=0.0))
    for dims in (5, 15):
        yield f"principal components {dims}-d + HDBSCAN", density(principal_components(unit, dims))
    yield "vectors themselves + HDBSCAN", density(unit)
    yield "k-means, k told", KMeans(2, n_init=10, random_state=seed).fit_predict(unit)


def test_variants_on_random_halves(unknown_glitches):
    vectors, truth = unknown_glitches
    rng = np.random.default_rng(1)
    scores, clusters, noise = {}, {}, {}
    for _ in range(HALVES):
        rows = rng.choice(len(truth), len(truth) // 2, replace=False)
        for seed in range(SEEDS):
            for name, labels in variants(normalise(vectors[rows]), seed):
                scores.setdefault(name, []).append(adjusted_mutual_info_score(truth[rows], labels))
                clusters.setdefault(name, []).append(labels.max() + 1)
                noise.setdefault(name, []).append((labels < 0).mean())
    print(f"\n{HALVES} random halves x {SEEDS} seeds: adjusted mutual information, noise a cluster of its own")
    for name, values in scores.items():
        print(
            f"{name:42s} mean {np.mean(values):.3f} least {min(values):.3f} "
            f"clusters {min(clusters[name])}-{max(clusters[name])} noise {np.mean(noise[name]):.1%}"
        )
    for name in ("hdbscan_clusters (default)", "spectral_clusters (default)"):
        assert min(scores[name]) >= 0.85


def test_sparse_spectrum_beside_a_dense_one():
    vectors, truth = mixture([900, 700, 400], seed=1)
    graph = neighbour_graph(vectors, 15)
    edges = affinity(graph.nearest(10)).toarray()
    ours, theirs = [], []
    for _ in range(3):
        ours.append(seconds(lambda: spectral_clusters(vectors, graph)))
        theirs.append(
            seconds(
                lambda: SpectralClustering(
                    3, affinity="precomputed", eigen_solver="lobpcg", random_state=0
                ).fit_predict(edges)
            )
        )
    print(
        f"\nN=2000: three sparse graphs {median(ours):.2f} s, scikit-learn on one dense affinity {median(theirs):.2f} s"
    )
    assert adjusted_mutual_info_score(spectral_clusters(vectors, graph).labels, truth) > 0.95


def test_umap_with_the_graph_beside_its_own_search():
    vectors, _ = mixture([1500, 1500, 1500, 1500], seed=2, width=256)
    unit = normalise(vectors)
    graph = neighbour_graph(unit, 15)
    umap_layout(unit[:500], neighbour_graph(unit[:500], 15), dims=2, seed=0, min_dist=0.0)  # compiles
    ours, theirs = [], []
    for seed in range(2):
        ours.append(seconds(lambda s=seed: umap_layout(unit, graph, dims=2, seed=s, min_dist=0.0)))
        theirs.append(
            seconds(lambda s=seed: umap.UMAP(n_neighbors=15, min_dist=0.0, metric="cosine", random_state=s).fit(unit))
        )
    print(f"\nN=6000: UMAP with the graph given {median(ours):.1f} s, with its own search {median(theirs):.1f} s")


@pytest.mark.parametrize("method", [hdbscan_clusters, spectral_clusters])
def test_time_and_truth_by_size(method):
    method(mixture([30, 30])[0])  # compiles
    print()
    for n in (20, 200, 2000):
        vectors, truth = mixture([n // 2, 3 * n // 10, n // 5], seed=3, spread=0.45)
        start = time.perf_counter()
        result = method(vectors)
        score = adjusted_mutual_info_score(truth, result.labels)
        print(
            f"{method.__name__} N={n}: {time.perf_counter() - start:.2f} s, {result.clusters} clusters (3 planted), "
            f"noise {result.noise_share:.1%}, AMI {score:.3f}"
        )


def groups_found(labels, truth):
    """How many groups are the majority of a cluster with a purity of 0.9."""
    found = set()
    for cluster in range(labels.max() + 1):
        counts = np.bincount(truth[labels == cluster])
        if counts.max() >= 0.9 * counts.sum():
            found.add(int(counts.argmax()))
    return len(found)


@pytest.mark.parametrize("n", [5_000, 20_000, 100_000])
def test_thirty_groups_beside_umap_and_hdbscan(n):
    """Graph included; processor time is compared, too, because other programs change the time on the clock."""
    sizes = np.maximum(20, np.random.default_rng(n).dirichlet(np.full(30, 2.0)) * n).astype(int)
    vectors, truth = mixture(sizes.tolist(), dims=20, seed=4, width=1280)
    vectors = normalise(vectors)  # the same geometry for both

    def timed(run):
        start, processor = time.perf_counter(), time.process_time()
        result = run()
        return result, np.array([time.perf_counter() - start, time.process_time() - processor])

    graph, graph_cost = timed(lambda: neighbour_graph(vectors))
    results = {
        "hdbscan_clusters": timed(lambda: hdbscan_clusters(vectors, graph).labels),
        "spectral_clusters": timed(lambda: spectral_clusters(vectors, graph).labels),
        "umap-learn + hdbscan": timed(lambda: hdbscan.HDBSCAN().fit_predict(umap.UMAP().fit_transform(vectors))),
    }
    theirs = results["umap-learn + hdbscan"][1]
    print(f"\nN={len(truth):,}, 1,280 components, thirty groups")
    for name, (labels, own) in results.items():
        cost = own if name == "umap-learn + hdbscan" else own + graph_cost
        print(
            f"{name:22s}{cost[0]:6.0f} s, {cost[1]:6.0f} s of processor time, {groups_found(labels, truth)} of 30 groups, "
            f"AMI {adjusted_mutual_info_score(truth, labels):.4f}, {theirs[1] / cost[1]:.1f} times as fast"
        )
    for name in ("hdbscan_clusters", "spectral_clusters"):
        labels, own = results[name]
        assert groups_found(labels, truth) >= 29
        assert adjusted_mutual_info_score(truth, labels) >= 0.995
        assert theirs[1] >= 2.0 * (own + graph_cost)[1]
