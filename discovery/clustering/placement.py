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

from discovery.clustering.projection import MAP_MIN_DIST, UMAP_NEIGHBOURS
from embed.vectors.index import flat_index, search_unit
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from discovery.clustering.methods import MapMethod
    from embed.types import Floats, Rows, Vectors

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
    unit, known = normalise(new), normalise(old)
    index = flat_index(known)
    asked = min(STARTING_NEIGHBOURS, len(known))
    rows, similarities = search_unit(index, unit, asked, None)
    apart = np.maximum(1.0 - similarities.astype(np.float64), 0.0)
    sample = np.arange(len(known))[:: max(1, len(known) // MEASURED)]
    _, own = search_unit(index, known[sample], min(NEAREST, len(known) - 1), sample)
    usual = (1.0 - own.astype(np.float64)).mean(axis=1)
    far = apart[:, :NEAREST].mean(axis=1) > np.quantile(usual, REACH)
    points = np.asarray(layout, np.float64)
    placed = _on_tsne(rows, apart, points) if method == "tsne" else _on_umap(rows, apart, points, seed)
    return np.ascontiguousarray(placed, np.float32), far


def _on_tsne(rows: Rows, apart: Floats, points: Floats) -> Floats:
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
        STEPS,
        learning_rate=RATE,
        exaggeration=EXAGGERATION,
        momentum=0.8,
        max_grad_norm=LONGEST_GRADIENT,
        inplace=True,
    )
    return np.asarray(partial)


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
