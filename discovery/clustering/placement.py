"""New points on a map that is drawn already: the old points stay, and each new one finds its place among its nearest old ones.

Each new point is placed by itself, against the old points only: its place depends neither on the other new points nor on their order,
and placing some today and the rest tomorrow gives the same map.

* t-SNE: openTSNE's partial embedding (Poličar, Stražar and Zupan 2023, "Embedding to reference t-SNE space addresses batch effects in
  single-cell classification"), with the settings of its ``transform``: from the median of the nearest old points, 250 steps of the
  same attraction and repulsion, of which only those between new and old act.
* UMAP: what its ``transform`` does: from the mean of the nearest old points, weighted by their memberships, 100 epochs of its sampled
  gradient against the old points. Memberships are taken relative to a point's largest, so that points do not depend on each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse

from discovery.clustering.methods import LANDMARKS
from discovery.clustering.projection import MAP_MIN_DIST, UMAP_NEIGHBOURS, project, threads_kept
from embed.vectors.graph import neighbour_graph
from embed.vectors.index import exact_index, search_unit
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from discovery.clustering.methods import MapMethod
    from embed.types import Floats, Rows, Step, Vectors
    from embed.vectors.graph import NeighbourGraph
    from embed.vectors.index import VectorIndex

PERPLEXITY = 5.0
"""Of a new point among the old ones: openTSNE's default."""
STEPS, RATE, EXAGGERATION, LONGEST_GRADIENT = 250, 0.1, 1.5, 0.25
"""Of openTSNE's ``transform``."""
STARTING_NEIGHBOURS = 25
"""Old points whose median a new point starts from: openTSNE's default."""
EPOCHS, UMAP_RATE, NEGATIVE_SAMPLES = 100, 0.25, 5.0
"""Of UMAP's ``transform``."""
NEAREST = 5
"""Old points whose mean distance says whether a new one is far from all of them."""
REACH = 0.99
"""Quantile of the old points' own such distances above which a new one is far."""
MEASURED = 500
"""Old points on which that is measured."""
LANDMARK_STEPS = 50
"""Of a point that is placed among landmarks."""
BLOCK = 20_000
"""Rows that are placed at once."""


def lay_out(
    vectors: Vectors,
    graph: NeighbourGraph,
    dims: Sequence[int],
    *,
    method: MapMethod = "tsne",
    landmarks: int = LANDMARKS,
    seed: int = 0,
    step: Step = lambda _: None,
) -> tuple[list[Vectors], NDArray[np.bool_]]:
    """Lay out all rows, or of more than `landmarks` so many that are drawn at random, and place the others among them.

    The time of `project` grows faster than the number of rows, that of placing in proportion to it.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, D)
    graph : NeighbourGraph
        Of the same rows.
    dims : sequence of int
        Of each map.
    method, seed
        See `discovery.clustering.projection.project`.
    landmarks : int
    step : callable
        Receives what begins.

    Returns
    -------
    maps : list of ndarray of float32, shape (N, dims)
    placed : ndarray of bool, shape (N,)
        Rows that were placed.
    """
    count = len(vectors)
    if count <= landmarks:
        return [project(vectors, graph, method=method, dims=one, seed=seed) for one in dims], np.zeros(count, bool)
    chosen = np.sort(np.random.default_rng((seed, 83)).choice(count, landmarks, replace=False))
    placed = np.ones(count, bool)
    placed[chosen] = False
    others = np.flatnonzero(placed)
    old = normalise(vectors[chosen])
    own = neighbour_graph(old, seed=seed)
    maps = []
    for one in dims:
        points = np.empty((count, one), np.float32)
        points[chosen] = project(old, own, method=method, dims=one, seed=seed)
        maps.append(points)
    index = exact_index(old)
    for first in range(0, len(others), BLOCK):
        step(f"place {first:,} of {len(others):,} among {landmarks:,}")
        rows = others[first : first + BLOCK]
        near, apart = _nearest(index, normalise(vectors[rows]))
        for points in maps:
            points[rows] = _placed(near, apart, points[chosen], method=method, seed=seed, steps=LANDMARK_STEPS)
    return maps, placed


def place(
    new: ArrayLike, old: ArrayLike, layout: Vectors, *, method: MapMethod = "tsne", seed: int = 0
) -> tuple[Vectors, NDArray[np.bool_]]:
    """Place new rows on the map of the old ones.

    Parameters
    ----------
    new : array_like, shape (M, D)
    old : array_like, shape (N, D)
        At least two rows.
    layout : ndarray of float32, shape (N, dims)
        Their points; they are read only.
    method : {"tsne", "umap"}
        That drew the map.
    seed : int
        Of UMAP's sampled gradient.

    Returns
    -------
    points : ndarray of float32, shape (M, dims)
    far : ndarray of bool, shape (M,)
        New rows that are further from the old ones than 99 % of those from each other: a map of the old cannot show where they belong.
    """
    known = normalise(old)
    index = exact_index(known)
    rows, apart = _nearest(index, normalise(new))
    sample = np.arange(len(known))[:: max(1, len(known) // MEASURED)]
    _, own = search_unit(index, known[sample], min(NEAREST, len(known) - 1), sample)
    usual = (1.0 - own.astype(np.float64)).mean(axis=1)
    far = apart[:, :NEAREST].mean(axis=1) > np.quantile(usual, REACH)
    return _placed(rows, apart, layout, method=method, seed=seed, steps=STEPS), far


def _nearest(index: VectorIndex, unit: Vectors) -> tuple[Rows, Floats]:
    """Return the nearest old points of each row, and their cosine distances."""
    rows, similarities = search_unit(index, unit, min(STARTING_NEIGHBOURS, len(index.vectors)), None)
    return rows, np.maximum(1.0 - similarities.astype(np.float64), 0.0)


def _placed(rows: Rows, apart: Floats, layout: Vectors, *, method: MapMethod, seed: int, steps: int) -> Vectors:
    points = np.asarray(layout, np.float64)
    found = _on_tsne(rows, apart, points, steps) if method == "tsne" else _on_umap(rows, apart, points, seed)
    return np.ascontiguousarray(found, np.float32)


def _on_tsne(rows: Rows, apart: Floats, points: Floats, steps: int) -> Floats:
    import openTSNE  # noqa: PLC0415 - only where a map is drawn

    used = min(rows.shape[1], int(3 * PERPLEXITY))
    affinities = openTSNE.affinity.joint_probabilities_nn(
        rows[:, :used],
        np.sqrt(2.0 * apart[:, :used]),  # Euclidean, between unit vectors
        [min(PERPLEXITY, used / 3)],
        symmetrize=False,
        normalization="point-wise",
        n_reference_samples=len(points),
    )
    start = openTSNE.initialization.median(points, rows)
    between_old = openTSNE.affinity.PrecomputedAffinities(
        scipy.sparse.eye_array(len(points), format="csr")
    )  # never used
    drawn = openTSNE.TSNEEmbedding(points, between_old)
    partial = openTSNE.PartialTSNEEmbedding(start, drawn, affinities, negative_gradient_method="bh", n_jobs=1)
    partial.optimize(
        steps,
        learning_rate=RATE,
        exaggeration=EXAGGERATION,
        momentum=0.8,
        max_grad_norm=LONGEST_GRADIENT,
        inplace=True,
    )
    return np.asarray(partial)


@threads_kept()
def _on_umap(rows: Rows, apart: Floats, points: Floats, seed: int) -> Floats:
    from umap.layouts import optimize_layout_euclidean  # noqa: PLC0415 - compiles for seconds, and only where a map is drawn
    from umap.umap_ import (  # noqa: PLC0415
        compute_membership_strengths,
        find_ab_params,
        make_epochs_per_sample,
        smooth_knn_dist,
    )

    used = min(rows.shape[1], UMAP_NEIGHBOURS)
    rows, distances = rows[:, :used].astype(np.int32), apart[:, :used].astype(np.float32)
    sigmas, rhos = smooth_knn_dist(distances, float(used), local_connectivity=0.0)
    heads, tails, strengths, _ = compute_membership_strengths(rows, distances, sigmas, rhos, bipartite=True)
    weights = strengths.reshape(len(rows), used).astype(np.float64)
    weights /= weights.max(axis=1, keepdims=True)
    start = (points[rows] * weights[:, :, None]).sum(axis=1) / weights.sum(axis=1, keepdims=True)
    kept = weights.ravel() >= 1.0 / EPOCHS
    a, b = find_ab_params(1.0, MAP_MIN_DIST)
    layout = optimize_layout_euclidean(
        start.astype(np.float32),
        points.astype(np.float32),
        heads[kept],
        tails[kept],
        EPOCHS,
        len(points),
        make_epochs_per_sample(weights.ravel()[kept], EPOCHS),
        a,
        b,
        np.random.default_rng(seed).integers(np.iinfo(np.int32).min, np.iinfo(np.int32).max, 3),
        1.0,
        UMAP_RATE,
        NEGATIVE_SAMPLES,
    )
    return np.asarray(layout, np.float64)
