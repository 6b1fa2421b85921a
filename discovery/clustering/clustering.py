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
import scipy.sparse
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import adjusted_rand_score

from discovery.clustering.hierarchy import LEAST_CLUSTER, LOOSE, DensitySettings, DensityTree, density_tree
from discovery.clustering.methods import CLUSTER_METHODS, ClusterMethod
from discovery.clustering.result import NOISE, PROBABILITY_DECIMALS, Clustering, Method, finished, one_cluster
from discovery.clustering.spectral import assign, gap_scores, laplacian_spectrum
from embed.errors import InputError
from embed.vectors.graph import NeighbourGraph, affinity, neighbour_graph
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from embed.types import Codes, Floats, Rows, Vectors

LEAST_ROWS = 2 * LEAST_CLUSTER
"""Fewer rows cannot be split."""
GRAPH_SIZES = (7, 10, 15)
"""Neighbours; fewer leave islands by chance, more blur small clusters."""
ROWS_PER_NEIGHBOUR = 4
"""A small label's graph must not join everything to everything."""
LEAST_NEIGHBOURS = 4
"""Neighbours of the smallest graph."""
CLEAR_GAP = 0.1
"""Of 6,000 glitches of 34 classes 0.13 to 0.16, of few classes 0.2 and more. What lies within one family is joined again: see `MOST_CROSSING`."""
MOST_CROSSING = 0.06
"""Share of a part's nearest neighbours that are in another: pieces of one class mostly have 0.1 and more, classes 0.03 and less."""
WINDOWS = (20, 60)
"""Numbers of clusters up to which one part's eigengap is sought: the second where the first shows none that is clear. Each part is
looked at again, so that neither is a ceiling."""
ASKED_NEIGHBOURS = 10
"""Nearest neighbours that say which cluster a row belongs to, and how firmly."""
MAJORITY = 0.6
"""Share of them from which a row between the branches joins a cluster."""
SETTINGS_TRIED: dict[str, DensitySettings] = {
    "as used": DensitySettings(),
    "10 neighbours": DensitySettings(neighbours=10),
    "density from 3 neighbours": DensitySettings(density_neighbours=3),
    "density from 5 neighbours": DensitySettings(density_neighbours=5),
    "contrast 1.0": DensitySettings(contrast=1.0),
    "contrast 1.5": DensitySettings(contrast=1.5),
    "firmness 6": DensitySettings(firmness=6.0),
    "at least 10 glitches": DensitySettings(least=10),
}
"""One setting is changed at a time, to see what depends on it."""


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
    if k is None and (reason := _indivisible(unit)):
        return one_cluster(unit, Method("spectral", parameters, pd.DataFrame(), (reason,)))
    graph = _fitting_graph(unit, graph, max(GRAPH_SIZES))
    graphs = [affinity(graph.nearest(size)) for size in _graph_sizes(n)]
    if k is None:
        labels, tried = _by_eigengaps(graph, graphs, seed)
    else:
        labels = assign(laplacian_spectrum(_middle(graphs), k + 1, seed=seed).eigenvectors, k)
        tried = pd.DataFrame({"glitches": [n], "clusters": [k], "chosen": [True]})
    parameters["clusters"] = int(labels.max()) + 1
    if parameters["clusters"] == 1:
        note = "one cluster: the neighbour graph has no part with a clear eigengap"
        return one_cluster(unit, Method("spectral", parameters, tried, () if k == 1 else (note,)))
    return finished(unit, labels, neighbour_share(labels, graph), Method("spectral", parameters, tried))


def _by_eigengaps(graph: NeighbourGraph, graphs: list[scipy.sparse.csr_array], seed: int) -> tuple[Codes, pd.DataFrame]:
    """Split into the components of the largest graph, and each part by its eigengap, until none has a clear one."""
    n = graphs[0].shape[0]
    labels = np.zeros(n, np.int64)
    parts, settled, tables = [np.arange(n)], 0, []
    while parts:
        rows = parts.pop()
        pieces = _components(graphs[-1], rows)
        if len(pieces) == 1 and len(rows) >= LEAST_ROWS:
            own, tried = _eigengap_split([edges[rows][:, rows] for edges in graphs], seed)
            own = _rejoined(own, rows, graph)
            pieces = [rows[own == piece] for piece in np.unique(own)]
            tables.append(tried.assign(parts=len(pieces)))
        if len(pieces) == 1:
            labels[rows] = settled
            settled += 1
        else:
            parts.extend(reversed(pieces))
    return labels, pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _components(edges: scipy.sparse.csr_array, rows: Rows) -> list[Rows]:
    """Return the connected components among some rows; too small ones are counted to the largest."""
    _, component = connected_components(edges[rows][:, rows], directed=False)
    sizes = np.bincount(component)
    component = np.where(sizes[component] < LEAST_CLUSTER, sizes.argmax(), component)
    return [rows[component == number] for number in np.unique(component)]


def _eigengap_split(graphs: list[scipy.sparse.csr_array], seed: int) -> tuple[Codes, pd.DataFrame]:
    """Split connected rows by the mean eigengap of the graphs where it is clear; returns the labels and the best score of each window."""
    n = graphs[0].shape[0]
    labels, tried = np.zeros(n, np.int64), []
    for window in WINDOWS:
        most = max(1, min(window, n // LEAST_CLUSTER))  # each cluster must have its least rows
        spectra = [laplacian_spectrum(edges, min(n, most + 1), seed=seed) for edges in graphs]
        scores = np.mean([gap_scores(spectrum.eigenvalues) for spectrum in spectra], axis=0)
        number, best = int(scores.argmax()) + 1, round(float(scores.max()), PROBABILITY_DECIMALS)
        clear = number > 1 and best >= CLEAR_GAP
        if clear:
            labels = assign(_middle(spectra).eigenvectors, number)
        tried.append(
            {
                "glitches": n,
                "sought up to": most,
                "largest eigengap at": number,
                "eigengap": best,
                "chosen": clear,
            }
        )
        if clear or most < window:
            break
    return labels, pd.DataFrame(tried)


def _rejoined(labels: Codes, rows: Rows, graph: NeighbourGraph) -> Codes:
    """Join parts of some rows where too many of a part's nearest neighbours are in another: pieces of one family."""
    count = int(labels.max()) + 1
    part = np.full(len(graph.neighbours), NOISE, np.int64)
    part[rows] = labels
    sizes = np.bincount(labels, minlength=count)
    asked = np.clip((sizes - 1) // 2, 1, ASKED_NEIGHBOURS)[labels]  # a small part has few neighbours of its own
    nearest = part[graph.neighbours[rows][:, :ASKED_NEIGHBOURS]]
    counted = (np.arange(nearest.shape[1]) < asked[:, None]) & (nearest != NOISE)
    votes = np.zeros((count, count))
    np.add.at(votes, (np.broadcast_to(labels[:, None], nearest.shape)[counted], nearest[counted]), 1)
    crossing = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(crossing, 0.0)
    return np.asarray(
        connected_components(scipy.sparse.csr_array(crossing > MOST_CROSSING), directed=False)[1][labels], np.int64
    )


def _middle(items: list[Any]) -> Any:  # noqa: ANN401
    return items[len(items) // 2]


def hdbscan_clusters(
    vectors: ArrayLike,
    graph: NeighbourGraph | None = None,
    *,
    min_cluster_size: int = LEAST_CLUSTER,
    seed: int = 0,
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
    tree = density_tree(unit, graph, replace(LOOSE, least=min_cluster_size))
    labels = _labels(tree, used, graph)
    tried = _tried(unit, graph, labels, min_cluster_size)
    method = Method("hdbscan", parameters | {"dimension": round(tree.dimension, 3)}, tried, tree=tree)
    if labels.max() < 1:
        note = (
            "one cluster: nothing splits these glitches into groups that are clearly denser than the pass between them"
        )
        return one_cluster(unit, replace(method, notes=(note,)))
    return finished(unit, labels, neighbour_share(labels, graph), method)


def _labels(tree: DensityTree, settings: DensitySettings, graph: NeighbourGraph) -> Codes:
    """Number the clusters of a tree; rows between them join the cluster of most of their neighbours, or are noise."""
    labels = np.full(len(graph.neighbours), NOISE, np.int64)
    for number, branch in enumerate(tree.clusters(settings)):
        labels[tree.branches[branch].rows] = number
    nearest = graph.neighbours[:, :ASKED_NEIGHBOURS]
    rows = np.flatnonzero(labels == NOISE)
    while rows.size:
        favourite, share = _favourite(labels[nearest[rows]])
        joining = share >= MAJORITY
        labels[rows[joining]] = favourite[joining]
        rows = rows[~joining] if joining.any() else rows[:0]
    return labels


def _favourite(labels: Codes) -> tuple[Codes, Floats]:
    """Return the cluster that most of each row's neighbours have, labels (M, k), and its share; ties: the lower number."""
    count = int(labels.max(initial=0)) + 1
    votes = np.zeros((len(labels), count), np.int64)
    rows, places = np.nonzero(labels != NOISE)
    np.add.at(votes, (rows, labels[rows, places]), 1)
    return votes.argmax(axis=1), votes.max(axis=1) / labels.shape[1]


def neighbour_share(labels: Codes, graph: NeighbourGraph) -> Floats:
    """Return the share of each row's nearest neighbours that are in its cluster: of ten, or of as many as there are."""
    sizes = np.bincount(labels[labels != NOISE], minlength=int(labels.max()) + 1)
    asked = np.where(labels == NOISE, ASKED_NEIGHBOURS, np.minimum(sizes[labels] - 1, ASKED_NEIGHBOURS))
    nearest = graph.neighbours[:, :ASKED_NEIGHBOURS]
    counted = np.arange(nearest.shape[1]) < asked[:, None]
    same = (labels[nearest] == labels[:, None]) & counted
    return np.asarray(same.sum(axis=1) / np.maximum(counted.sum(axis=1), 1))


def _tried(unit: Vectors, graph: NeighbourGraph, labels: Codes, least: int) -> pd.DataFrame:
    """Say what other settings give, and how well it agrees (adjusted Rand index) with the clusters found."""
    rows = []
    for name, settings in SETTINGS_TRIED.items():
        own = replace(settings, least=max(settings.least, least))
        found = (
            labels
            if name == "as used"
            else _labels(density_tree(unit, graph, replace(LOOSE, **_graph_part(own))), own, graph)
        )
        rows.append(
            {
                "setting": name,
                "clusters": int(found.max()) + 1,
                "noise": round(float((found == NOISE).mean()), PROBABILITY_DECIMALS),
                "agreement": round(float(adjusted_rand_score(labels, found)), PROBABILITY_DECIMALS),
                "chosen": name == "as used",
            }
        )
    return pd.DataFrame(rows)


def _graph_part(settings: DensitySettings) -> dict[str, Any]:
    return {
        "neighbours": settings.neighbours,
        "density_neighbours": settings.density_neighbours,
        "least": settings.least,
    }


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
