"""What exactness costs: our graph beside raw FAISS, brute force in float64, and scikit-learn, interleaved in one run."""

import time
from statistics import median

import faiss
import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from embed.vectors.graph import neighbour_graph
from embed.vectors.similarity import normalise, top_k

pytestmark = pytest.mark.benchmark
ROUNDS = 3


def study(n, d, seed=0):
    """Make vectors as crowded as a pooled ImageNet layer's: 20 clumps, cosines mostly 0.6 to 0.95."""
    rng = np.random.default_rng(seed)
    clumps = 1.0 + rng.normal(size=(20, d))
    return normalise(np.abs(clumps[rng.integers(20, size=n)] + 0.6 * rng.normal(size=(n, d))))


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


@pytest.mark.parametrize(("n", "d"), [(2000, 1280), (10_000, 1280)])
def test_exact_graph(n, d):
    k = 30
    unit = study(n, d)

    def raw_faiss():
        index = faiss.IndexFlatIP(d)
        index.add(unit)
        index.search(unit, k + 1)

    contestants = {
        "neighbour_graph": lambda: neighbour_graph(unit, k),
        "raw FAISS (float32, not reproducible)": raw_faiss,
        "every pair in float64": lambda: top_k(unit, unit, k, exclude=np.arange(n)),
        "scikit-learn brute force": lambda: (
            NearestNeighbors(n_neighbors=k, metric="cosine", algorithm="brute").fit(unit).kneighbors()
        ),
    }
    times = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, run in contestants.items():
            times[name].append(seconds(run))
    ours = median(times["neighbour_graph"])
    for name, taken in times.items():
        print(f"N={n} D={d} {name}: {median(taken):.2f} s, {median(taken) / ours:.2f} x ours")
    assert ours < 1.3 * median(times["every pair in float64"])


def test_inverted_file_beside_exact():
    n, d, k = 20_000, 64, 30
    unit = study(n, d, 1)
    exact, approximate = [], []
    for _ in range(ROUNDS):
        exact.append(seconds(lambda: neighbour_graph(unit, k)))
        approximate.append(seconds(lambda: neighbour_graph(unit, k, exact_limit=1000)))
    recall = neighbour_graph(unit, k, exact_limit=1000).recall
    print(f"N={n} D={d}: exact {median(exact):.2f} s, inverted file {median(approximate):.2f} s at recall {recall:.4f}")
    assert recall >= 0.99
