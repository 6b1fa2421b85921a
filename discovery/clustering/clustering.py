"""Clusters of glitches by HDBSCAN and by spectral clustering, with no parameter that must be guessed.

Both methods start from the neighbour graph, take 20 rows as 200,000, and set no ceiling to the number of clusters.

* HDBSCAN: the finest branches of the density tree that are clearly denser than the passes between them
  (`discovery.clustering.hierarchy`). Rows between the branches join the cluster of most of their neighbours, or are noise.
* Spectral: the number of clusters has the largest relative eigengap, averaged over graphs of three sizes; each part is then
  looked at in the same way, until no part has a clear gap.

`Clustering.tried` lists what other settings give and how well they agree with the clusters returned. No truth enters any
choice. Spectral clustering leaves no noise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from discovery.clustering.agreement import adjusted_rand
from discovery.clustering.density import density_clusterings, neighbour_share
from discovery.clustering.hierarchy import LEAST_CLUSTER, LEAST_ROWS, DensitySettings
from discovery.clustering.methods import CLUSTER_METHODS, ClusterMethod
from discovery.clustering.prepared import prepare
from discovery.clustering.result import NOISE, PROBABILITY_DECIMALS, Clustering, Method, finished, one_cluster
from discovery.clustering.spectral import assign, laplacian_spectrum, spectral_parts
from embed.errors import InputError
from embed.vectors.graph import NeighbourGraph, affinity, neighbour_graph
from embed.vectors.index import DEFAULT_K
from embed.vectors.regraph import extended
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from embed.types import Codes, Vectors

GRAPH_SIZES = (7, 10, 15)
"""Neighbours; fewer leave islands by chance, more blur small clusters."""
ROWS_PER_NEIGHBOUR = 4
"""A small label's graph must not join everything to everything."""
LEAST_NEIGHBOURS = 4
"""Neighbours of the smallest graph."""


def cluster(
    vectors: ArrayLike,
    graph: NeighbourGraph | None = None,
    *,
    method: ClusterMethod = "hdbscan",
    k: int | None = None,
    seed: int = 0,
    background: ArrayLike | None = None,
    background_graph: NeighbourGraph | None = None,
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
    background, background_graph : optional
        For HDBSCAN: see `hdbscan_clusters`. The spectral method does without.

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
    return hdbscan_clusters(vectors, graph, seed=seed, background=background, background_graph=background_graph)


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
    if k is None and (reason := _indivisible(unit)):
        return one_cluster(unit, Method("spectral", parameters, pd.DataFrame(), (reason,)))
    graph = _fitting_graph(unit, graph, max(GRAPH_SIZES))
    graphs = [affinity(graph.nearest(size)) for size in _graph_sizes(n)]
    if k is None:
        labels, tried = spectral_parts(graph, graphs, seed)
    else:
        labels = assign(laplacian_spectrum(graphs[len(graphs) // 2], k + 1, seed=seed).eigenvectors, k)
        tried = pd.DataFrame({"glitches": [n], "clusters": [k], "chosen": [True]})
    parameters["clusters"] = int(labels.max()) + 1
    if parameters["clusters"] == 1:
        note = "one cluster: the neighbour graph has no part with a clear eigengap"
        return one_cluster(unit, Method("spectral", parameters, tried, () if k == 1 else (note,)))
    return finished(unit, labels, neighbour_share(labels, graph), Method("spectral", parameters, tried, graph=graph))


def hdbscan_clusters(
    vectors: ArrayLike,
    graph: NeighbourGraph | None = None,
    *,
    min_cluster_size: int = LEAST_CLUSTER,
    seed: int = 0,
    background: ArrayLike | None = None,
    background_graph: NeighbourGraph | None = None,
) -> Clustering:
    """Cluster by density: the branches of HDBSCAN's hierarchy on the neighbour graph that are clearly denser than the passes between them.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        One row for each glitch.
    graph : NeighbourGraph, optional
        The neighbour graph of exactly these rows (`embed.vectors.graph.subgraph` for those of one label); computed when
        absent.
    min_cluster_size : int
        Smallest cluster, at least 2.
    seed : int
        Of the neighbour graph, where it is computed here; nothing else is drawn.
    background : array_like, shape (M, D), optional
        Known glitches around those that are clustered. They are in no cluster, but a small family stands out against the classes
        beside it even where few of their glitches are among the rows: of eight families of 25 among 600 leftovers, seven are found
        with 50 known glitches of each class, three without.
    background_graph : NeighbourGraph, optional
        Of the background's rows among themselves, with `discovery.clustering.prepared.NEIGHBOURS` a row at least; computed when absent.

    Returns
    -------
    Clustering
        With its `tree`. Fewer than `LEAST_ROWS` rows, or rows that are all alike, are one cluster without noise.

    Raises
    ------
    InputError
        A `min_cluster_size` below 2 or above N, a graph of other rows, vectors that `normalise` refuses.
    """
    unit = normalise(vectors)
    n = len(unit)
    if not 2 <= min_cluster_size <= max(n, LEAST_CLUSTER):
        raise InputError(f"a min_cluster_size of {min_cluster_size} does not fit {n} glitches: give 2 to {n}")
    used = DensitySettings(least=min_cluster_size)
    parameters: dict[str, Any] = {"seed": seed, **vars(used)}
    if reason := _indivisible(unit):
        return one_cluster(unit, Method("hdbscan", parameters, pd.DataFrame(), (reason,)))
    graph = _fitting_graph(unit, graph, max(GRAPH_SIZES))
    around, around_graph, least = unit, graph, 2
    if background is not None and np.size(background):
        own = graph if graph.k >= min(DEFAULT_K, n - 1) else neighbour_graph(unit, seed=seed)
        around = np.concatenate([unit, normalise(background)])
        around_graph = extended(own, around, rest=background_graph)
        parameters["background"] = len(around) - n
        least = 1  # against a background one cluster is one, and not all rows are in it
    prepared = prepare(around, around_graph)
    labels, tree, others = density_clusterings(prepared, around_graph, used, n)
    parameters["dimension"] = round(tree.dimension, 3)
    tried = _tried({"as used": labels, **others})
    method = Method("hdbscan", parameters, tried, tree=tree, others=others, graph=around_graph)
    if labels.max() + 1 < least:
        note = (
            "one cluster: nothing splits these glitches into groups that are clearly denser than the pass between them"
        )
        return one_cluster(unit, replace(method, notes=(note,)))
    return finished(unit, labels, neighbour_share(labels, graph), method)


def _tried(labellings: dict[str, Codes]) -> pd.DataFrame:
    """Say what each setting gives, and how well it agrees (adjusted Rand index) with the first."""
    first, *_ = labellings.values()
    rows = [
        {
            "setting": name,
            "clusters": int(labels.max()) + 1,
            "noise": round(float((labels == NOISE).mean()), PROBABILITY_DECIMALS),
            "agreement": round(adjusted_rand(first, labels), PROBABILITY_DECIMALS),
            "chosen": labels is first,
        }
        for name, labels in labellings.items()
    ]
    return pd.DataFrame(rows)


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
        return neighbour_graph(unit)
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
