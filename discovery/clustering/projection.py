"""Two- and three-dimensional maps of the vectors, drawn from the neighbour graph: t-SNE and UMAP.

A map is for looking; clusters are found elsewhere (`discovery.clustering.clustering`). Both methods take the study's neighbour
graph instead of searching again, run on one thread, and give the same bytes for the same seed, however many threads
the linear algebra has.

In three dimensions t-SNE's forces are summed by Barnes and Hut: the faster interpolation (FIt-SNE) exists in one and
two dimensions only, and openTSNE's own default would stop with an error.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from discovery.clustering.methods import MAP_DIMENSIONS, MAP_METHODS
from embed.errors import InputError
from embed.vectors.graph import neighbour_graph
from embed.vectors.principal import leading_eigenvectors
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

    from discovery.clustering.methods import MapMethod
    from embed.types import Floats, Vectors
    from embed.vectors.graph import NeighbourGraph


LEAST_ROWS = 8
"""Below this no neighbourhood is smaller than the whole: the map is the principal components."""
PERPLEXITY = 30.0
"""Van der Maaten and Hinton (2008) advise 5 to 50."""
ROWS_PER_PERPLEXITY = 3
"""Neighbours that a unit of perplexity needs."""
UMAP_NEIGHBOURS = 15
"""UMAP's default, the row itself among them."""
MAP_MIN_DIST = 0.1
"""UMAP's default for maps."""
INTERPOLATED_ABOVE = 10_000
"""Rows; with fewer, Barnes-Hut is as fast and has no grid."""
PRINCIPAL_SPREAD = 1e-4
"""Standard deviation of t-SNE's start (Kobak and Berens 2019)."""
UMAP_START_NOISE = 1e-4
"""Added to a start 10 wide, as UMAP does to its own start, so that duplicates separate."""
START_DECIMALS = 6
"""Of the principal components of unit vectors; later digits are rounding and differ with the number of threads."""
NEGLIGIBLE = 1e-12
"""Variance a row, for unit vectors, below which a component is rounding, no direction."""


def project(
    vectors: ArrayLike, graph: NeighbourGraph | None = None, *, method: MapMethod = "tsne", dims: int = 2, seed: int = 0
) -> Vectors:
    """Lay the rows out in two or three dimensions.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        One row a glitch.
    graph : NeighbourGraph, optional
        The neighbour graph of the same rows; computed when absent.
    method : {"tsne", "umap"}
        t-SNE keeps neighbourhoods best; UMAP spreads clusters further apart.
    dims : {2, 3}
        Dimensions of the map.
    seed : int
        Same seed, same bytes.

    Returns
    -------
    ndarray of float32, shape (N, dims)
        Centred on 0. Fewer than `LEAST_ROWS` rows, or rows that are all alike, are laid out by their principal
        components (zeros where there are none).

    Raises
    ------
    InputError
        An unknown method, dims other than 2 or 3, a graph of other rows, vectors that `normalise` refuses.
    """
    if method not in MAP_METHODS:
        raise InputError(f"unknown projection method {method!r}: use one of {', '.join(MAP_METHODS)}")
    if dims not in MAP_DIMENSIONS:
        raise InputError(f"a projection has 2 or 3 dimensions, got {dims}")
    unit = normalise(vectors)
    if graph is None:
        graph = neighbour_graph(unit, seed=seed)
    if len(graph.neighbours) != len(unit):
        raise InputError(
            f"the neighbour graph has {len(graph.neighbours)} rows and there are {len(unit)} vectors: "
            "give the graph of these vectors"
        )
    start = principal_components(unit, dims)
    if len(unit) < LEAST_ROWS or not start.any():
        layout = start
    elif method == "tsne":
        layout = tsne(graph, start, seed=seed)
    else:
        layout = umap(unit, graph, dims=dims, seed=seed, min_dist=MAP_MIN_DIST)
    return np.ascontiguousarray(layout - layout.mean(axis=0), np.float32)


def tsne(graph: NeighbourGraph, start: Floats, *, seed: int) -> Floats:
    """Lay out a graph by t-SNE (openTSNE) from a given start.

    Parameters
    ----------
    graph : NeighbourGraph
        Distances are Euclidean between unit vectors, whose squares are twice the cosine distance.
    start : ndarray of float64, shape (N, dims)
        Principal components: a start that keeps the large-scale arrangement (Kobak and Berens 2019).
    seed : int
        Of openTSNE; with a given start nothing is drawn, so the map does not depend on it.

    Returns
    -------
    ndarray of float64, shape (N, dims)
    """
    import openTSNE  # noqa: PLC0415 - only where a map is drawn

    rows, dims = start.shape
    perplexity = min(PERPLEXITY, graph.k / ROWS_PER_PERPLEXITY)
    affinities = openTSNE.affinity.PerplexityBasedNN(
        knn_index=openTSNE.nearest_neighbors.PrecomputedNeighbors(graph.neighbours, graph.distances().astype(float)),
        perplexity=perplexity,
        symmetrize=True,
        n_jobs=1,
        random_state=seed,
    )
    embedding = openTSNE.TSNEEmbedding(
        start / start[:, 0].std() * PRINCIPAL_SPREAD,
        affinities,
        negative_gradient_method="fft" if dims == 2 and rows > INTERPOLATED_ABOVE else "bh",
        n_jobs=1,
        random_state=seed,
    )
    # the learning rate N / exaggeration and the two phases are openTSNE's defaults (Belkina et al. 2019)
    embedding.optimize(250, exaggeration=12, momentum=0.5, inplace=True)
    embedding.optimize(500, exaggeration=1, momentum=0.8, inplace=True)
    return np.asarray(embedding)


@contextmanager
def threads_kept() -> Iterator[None]:
    """Give torch the number of threads again that it had: numba shares its OpenMP, and sets that to the number of cores when its own threads start.

    Otherwise what is computed afterwards in the process has other last digits than ``OMP_NUM_THREADS`` asks for.
    """
    import torch  # noqa: PLC0415 - seconds that a map by t-SNE need not wait for

    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@threads_kept()
def umap(unit: Vectors, graph: NeighbourGraph, *, dims: int, seed: int, min_dist: float) -> Floats:
    """Lay out a graph by UMAP with its own neighbour search left out (``precomputed_knn``).

    It starts from the principal components (as good as UMAP's spectral start: Kobak and Linderman 2021), because the
    eigenvectors that UMAP would compute differ in their last bits with the number of threads, and the map with them.

    Parameters
    ----------
    unit : ndarray of float32, shape (N, D)
        Normalised vectors, for the start.
    graph : NeighbourGraph
        Its first `UMAP_NEIGHBOURS` - 1 neighbours are used, and each row as its own first neighbour.
    dims : int
        Dimensions of the layout.
    seed : int
        Of the start and of the sampled gradient; UMAP then runs on one thread.
    min_dist : float
        How close points may come: 0 for clustering, `MAP_MIN_DIST` for a map.

    Returns
    -------
    ndarray of float64, shape (N, dims)
    """
    from umap.umap_ import UMAP  # noqa: PLC0415 - compiles for seconds, and only where a layout is made

    _keep_compiled("umap.umap_", "umap.layouts")
    start = principal_components(unit, dims)
    start = 10 * start / np.abs(start).max() + np.random.default_rng(seed).normal(
        scale=UMAP_START_NOISE, size=start.shape
    )
    near = graph.nearest(min(UMAP_NEIGHBOURS - 1, len(unit) - 2))  # with the row itself, UMAP wants fewer than N
    rows = np.column_stack([np.arange(len(unit)), near.neighbours])
    distances = np.column_stack([np.zeros(len(unit), np.float32), 1 - near.similarities]).clip(min=0)
    layout = UMAP(
        n_neighbors=rows.shape[1],
        n_components=dims,
        min_dist=min_dist,
        metric="cosine",
        precomputed_knn=(rows, distances, None),
        init=start,
        random_state=seed,
        n_jobs=1,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="precomputed_knn.2.")  # new points are not transformed
        return np.asarray(layout.fit_transform(unit), np.float64)


@cache
def _keep_compiled(*modules: str) -> None:
    """Let numba keep what it compiles of modules in its cache on the disk, as their authors could have asked: 6 s in each process.

    Where numba finds no folder that it may write, the functions are compiled anew.
    """
    from numba.core.registry import CPUDispatcher  # noqa: PLC0415 - as slow to import as UMAP

    for module in modules:
        for function in vars(import_module(module)).values():
            if isinstance(function, CPUDispatcher):
                with suppress(RuntimeError):
                    function.enable_caching()


def principal_components(unit: Vectors, count: int) -> Floats:
    """Return the leading principal components to six decimals, float64 (N, count); the largest entry of each is positive.

    Columns beyond the rank are zero. The N x N or D x D Gram matrix, whichever is smaller, is solved: exact, and no
    randomised solver whose answer depends on a seed.
    """
    centred = unit.astype(np.float64)
    centred -= centred.mean(axis=0)
    n, width = centred.shape
    components = np.zeros((n, count))
    found = min(count, n, width)
    if n <= width:
        values, vectors = leading_eigenvectors(centred @ centred.T, found)
        scores = vectors * np.sqrt(np.maximum(values, 0.0))
    else:
        values, axes = leading_eigenvectors(centred.T @ centred, found)
        scores = centred @ axes
    scores[:, values <= NEGLIGIBLE * n] = 0.0
    largest = np.abs(scores).argmax(axis=0)
    components[:, :found] = scores * np.where(scores[largest, np.arange(found)] < 0, -1.0, 1.0)
    return components.round(START_DECIMALS)
