"""Clusters of glitches by HDBSCAN and by spectral clustering, with no parameter that must be guessed.

Both methods start from the neighbour graph. Settings are swept, and the result on which most settings agree is kept;
`Clustering.tried` lists every setting with its result.

* Spectral: the number of clusters has the largest relative eigengap, averaged over graphs of three sizes.
* HDBSCAN: run on 5-dimensional UMAP layouts of the graph. Density is hard to estimate among 1,280 components, and on
  glitches of known class this space did at least as well as the vectors themselves, 5 or 15 principal components, the
  graph's eigenvectors and t-SNE. The smallest cluster size is swept over a range that grows with N, on layouts from
  several seeds; the number of clusters that most settings give is taken.

Data without clusters must come out as one cluster, and density clustering alone finds some in any cloud. A split by
HDBSCAN is therefore kept only when one of its clusters persists over a wide range of densities or when the graph's
eigengap supports a split as well.

No truth enters any choice. HDBSCAN's noise is -1; spectral clustering leaves no noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from discovery.clustering.methods import CLUSTER_METHODS, ClusterMethod
from discovery.clustering.projection import umap
from discovery.clustering.result import NOISE, PROBABILITY_DECIMALS, Clustering, Method, finished, one_cluster
from discovery.clustering.spectral import assign, gap_scores, laplacian_spectrum
from discovery.clustering.sweep import DENSITY_NEIGHBOURS, LEAST_CLUSTER, density_fit, most_agreed, swept_sizes
from embed.errors import InputError
from embed.vectors.graph import NeighbourGraph, affinity, neighbour_graph
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from embed.types import Vectors

LEAST_ROWS = 2 * LEAST_CLUSTER
"""Fewer rows cannot be split."""
GRAPH_SIZES = (7, 10, 15)
"""Neighbours; fewer leave islands by chance, more blur small clusters."""
ROWS_PER_NEIGHBOUR = 4
"""A small label's graph must not join everything to everything."""
LEAST_NEIGHBOURS = 4
"""Neighbours of the smallest graph."""
CLEAR_GAP = 0.225
"""Arcs, circles and squares, which have no clusters, reached 0.22; most mixtures more."""
MOST_CLUSTERS = 20
"""The eigengap is sought up to here; `k` can be larger."""
LAYOUT_DIMS = 5
"""Between the 2 of a map, which tears clusters apart, and the 10 where density thins out."""
LAYOUT_SEEDS = 3
"""Layouts of different seeds, so that no result depends on one."""
LAYOUT_SEEDS_UP_TO = 5000
"""Rows; above this a layout takes minutes and differs little with the seed: one."""
PERSISTENT = 0.4
"""Clusters of one Gaussian or one class stayed below 0.35, those of real mixtures mostly above 0.5."""


def cluster(
    vectors: ArrayLike,
    graph: NeighbourGraph | None = None,
    *,
    method: ClusterMethod = "hdbscan",
    k: int | None = None,
    seed: int = 0,
) -> Clustering:
    """Cluster vectors by one of the two methods; see `hdbscan_clusters` and `spectral_clusters`.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        One row for each glitch.
    graph : NeighbourGraph, optional
        The neighbour graph of exactly these rows; computed when absent.
    method : {"hdbscan", "spectral"}
    k : int, optional
        Number of clusters, for the spectral method only; chosen by the eigengap when absent.
    seed : int

    Raises
    ------
    InputError
        An unknown method, `k` with HDBSCAN, and see the two functions.
    """
    if method not in CLUSTER_METHODS:
        raise InputError(f"no clustering method {method!r}; use one of {', '.join(CLUSTER_METHODS)}")
    if method == "spectral":
        return spectral_clusters(vectors, graph, k=k, seed=seed)
    if k is not None:
        raise InputError(f"k={k} goes with the spectral method; HDBSCAN chooses the number of clusters automatically")
    return hdbscan_clusters(vectors, graph, seed=seed)


def spectral_clusters(
    vectors: ArrayLike, graph: NeighbourGraph | None = None, *, k: int | None = None, seed: int = 0
) -> Clustering:
    """Cluster by the eigenvectors of the sparse neighbour graph.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        One row for each glitch.
    graph : NeighbourGraph, optional
        The neighbour graph of exactly these rows (`embed.vectors.graph.subgraph` for those of one label); computed when
        absent.
    k : int, optional
        Number of clusters, 1 to N; by the eigengap when absent.
    seed : int
        Start vector of the eigensolver. It changes only the last bits.

    Returns
    -------
    Clustering
        Fewer than `LEAST_ROWS` rows, or rows that are all alike, are one cluster unless `k` says otherwise.

    Raises
    ------
    InputError
        k out of range, more clusters than the graph separates, a graph of other rows, vectors that `normalise`
        refuses.
    """
    unit = normalise(vectors)
    n = len(unit)
    if k is not None and not 1 <= k <= n:
        raise InputError(f"{k} clusters cannot be made of {n} glitches: ask for 1 to {n}")
    parameters = {"k": k, "seed": seed, "neighbours": list(GRAPH_SIZES)}
    if k == 1 or (k is None and (reason := _indivisible(unit))):
        return one_cluster(unit, Method("spectral", parameters, pd.DataFrame(), () if k == 1 else (reason,)))
    graph = _fitting_graph(unit, graph, max(GRAPH_SIZES))
    count = min(n, max(_eigengaps(n), 0 if k is None else k) + 1)
    graphs = [affinity(graph.nearest(size)) for size in _graph_sizes(n)]
    spectra = [laplacian_spectrum(edges, count, seed=seed) for edges in graphs]
    scores = np.mean([gap_scores(spectrum.eigenvalues[: _eigengaps(n) + 1]) for spectrum in spectra], axis=0)
    chosen = int(scores.argmax()) + 1 if k is None else k
    tried = pd.DataFrame(
        {
            "clusters": np.arange(1, scores.size + 1),
            "eigengap": scores.round(PROBABILITY_DECIMALS),
            "chosen": np.arange(1, scores.size + 1) == chosen,
        }
    )
    if chosen == 1:
        note = "one cluster: no number of clusters above one has a larger eigengap"
        return one_cluster(unit, Method("spectral", parameters | {"clusters": 1}, tried, (note,)))
    notes: tuple[str, ...] = ()
    if k is None and scores.max() < CLEAR_GAP:
        unclear = (
            f"no clear eigengap ({scores.max():.2f}, below {CLEAR_GAP}): the glitches may form one continuous family "
            "or many clusters of unlike sizes; compare the density clusters, or set the number of clusters"
        )
        notes = (unclear,)
    middle = len(graphs) // 2
    labels = assign(spectra[middle].eigenvectors, chosen)
    edges = graphs[middle].tocoo()
    within = np.bincount(edges.row, edges.data * (labels[edges.row] == labels[edges.col]), minlength=n)
    probability = within / graphs[middle].sum(axis=1)
    return finished(unit, labels, probability, Method("spectral", parameters | {"clusters": chosen}, tried, notes))


def hdbscan_clusters(
    vectors: ArrayLike,
    graph: NeighbourGraph | None = None,
    *,
    min_cluster_size: int | None = None,
    seed: int = 0,
) -> Clustering:
    """Cluster by density: HDBSCAN on UMAP layouts of the neighbour graph.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        One row for each glitch.
    graph : NeighbourGraph, optional
        The neighbour graph of exactly these rows (`embed.vectors.graph.subgraph` for those of one label); computed when
        absent.
    min_cluster_size : int, optional
        Smallest cluster, at least 2; swept when absent, from max(5, sqrt(N) / 2) to 0.1 N.
    seed : int
        Of the layouts; several follow from it.

    Returns
    -------
    Clustering
        Fewer than `LEAST_ROWS` rows, or rows that are all alike, are one cluster without noise.

    Raises
    ------
    InputError
        A `min_cluster_size` below 2 or above N, a graph of other rows, vectors that `normalise` refuses.
    """
    unit = normalise(vectors)
    n = len(unit)
    if min_cluster_size is not None and not 2 <= min_cluster_size <= n:
        raise InputError(f"a min_cluster_size of {min_cluster_size} does not fit {n} glitches: give 2 to {n}")
    parameters: dict[str, Any] = {
        "seed": seed,
        "layout": f"UMAP, {LAYOUT_DIMS} dimensions",
        "min_samples": DENSITY_NEIGHBOURS,
    }
    if reason := _indivisible(unit):
        return one_cluster(unit, Method("hdbscan", parameters, pd.DataFrame(), (reason,)))
    graph = _fitting_graph(unit, graph, max(GRAPH_SIZES))
    sizes = swept_sizes(n) if min_cluster_size is None else [min_cluster_size]
    seeds = np.random.SeedSequence(seed).generate_state(LAYOUT_SEEDS if n <= LAYOUT_SEEDS_UP_TO else 1)
    layouts = [umap(unit, graph, dims=LAYOUT_DIMS, seed=int(state), min_dist=0.0) for state in seeds]
    settings = [(number, size) for number in range(len(layouts)) for size in sizes]
    fits = [density_fit(layouts[number], size) for number, size in settings]
    counts = np.array([fit.labels_.max() + 1 for fit in fits])
    noise = np.array([(fit.labels_ == NOISE).mean() for fit in fits])
    persistence = np.array([max(fit.cluster_persistence_, default=0.0) for fit in fits])
    chosen, agreement = most_agreed([fit.labels_ for fit in fits], counts, noise)
    tried = pd.DataFrame(
        {
            "layout": [number for number, _ in settings],
            "min_cluster_size": [size for _, size in settings],
            "clusters": counts,
            "noise": noise.round(PROBABILITY_DECIMALS),
            "persistence": persistence.round(PROBABILITY_DECIMALS),
            "agreement": agreement.round(PROBABILITY_DECIMALS),
            "chosen": np.arange(len(fits)) == chosen,
        }
    )
    parameters["min_cluster_size"] = settings[chosen][1]
    if note := _unsupported(int(counts[chosen]), float(persistence[chosen]), unit, graph, seed):
        inlying = 1 - np.nan_to_num(fits[chosen].outlier_scores_)  # GLOSH (Campello et al. 2015)
        return one_cluster(unit, Method("hdbscan", parameters, tried.assign(chosen=False), (note,)), inlying)
    return finished(unit, fits[chosen].labels_, fits[chosen].probabilities_, Method("hdbscan", parameters, tried))


def _unsupported(count: int, persistence: float, unit: Vectors, graph: NeighbourGraph, seed: int) -> str:
    """Return why a split by density is not reliable; empty where it is."""
    if count < 2:
        return "one cluster: density clustering found no two clusters at any size tried"
    if persistence >= PERSISTENT:
        return ""
    spectral = spectral_clusters(unit, graph, seed=seed)
    if spectral.clusters >= 2 and spectral.tried["eigengap"].max() >= CLEAR_GAP:
        return ""
    return (
        f"one cluster: the {count} found by density persist over a share of {persistence:.2f} of the densities at most "
        f"(below {PERSISTENT}), and the graph's eigengap does not speak for a split"
    )


def _indivisible(unit: Vectors) -> str:
    """Return why these rows cannot be split; empty where they can."""
    if len(unit) < LEAST_ROWS:
        return f"one cluster: {len(unit)} glitches are too few to split (at least {LEAST_ROWS}, two of {LEAST_CLUSTER})"
    if (unit == unit[0]).all():
        return f"one cluster: all {len(unit)} vectors are identical"
    return ""


def _fitting_graph(unit: Vectors, graph: NeighbourGraph | None, wanted: int) -> NeighbourGraph:
    """Return the graph given if it fits the vectors, or a new one."""
    wanted = min(wanted, len(unit) - 1)
    if graph is None:
        return neighbour_graph(unit, wanted)
    if len(graph.neighbours) != len(unit):
        raise InputError(
            f"the neighbour graph has {len(graph.neighbours)} rows and there are {len(unit)} vectors: "
            "give the graph of these vectors, or none"
        )
    if graph.k < wanted:
        raise InputError(
            f"the neighbour graph lists {graph.k} neighbours a row; clustering needs {wanted}, or none given"
        )
    return graph


def _graph_sizes(n: int) -> list[int]:
    """Return the numbers of neighbours of the graphs whose eigengaps are averaged."""
    return [min(size, max(LEAST_NEIGHBOURS, n // ROWS_PER_NEIGHBOUR), n - 1) for size in GRAPH_SIZES]


def _eigengaps(n: int) -> int:
    """Return how many numbers of clusters the eigengap is sought among: each must have its least rows."""
    return max(1, min(MOST_CLUSTERS, n // LEAST_CLUSTER))
