"""The spectrum of a neighbour graph: how many clusters it holds, and which row belongs to which.

The random-walk view (von Luxburg 2007, "A tutorial on spectral clustering", sections 5 to 8): eigenvalue j of the
normalised Laplacian is small exactly when the graph can be cut into j parts that a random walker seldom leaves. Everything
is sparse: memory grows with the edges, never with N x N. Connected components are solved one by one, because a
Lanczos solver can miss repeated eigenvalues, and every component has an eigenvalue zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy.linalg
import scipy.sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigsh
from threadpoolctl import threadpool_limits

from discovery.clustering.density import ASKED_NEIGHBOURS
from discovery.clustering.hierarchy import LEAST_CLUSTER, LEAST_ROWS
from discovery.clustering.result import NOISE, PROBABILITY_DECIMALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embed.types import Codes, Floats, Rows
    from embed.vectors.graph import NeighbourGraph

DENSE_BELOW = 1500
"""Rows of a component up to which it is solved densely: exact, and under a second; above it Lanczos is faster."""
GAP_FLOOR = 0.2
"""Share of the last eigenvalue: well below it a cut is as good as perfect; 0.1 to 0.5 made little difference."""
EIGEN_TOLERANCE = 1e-8
"""Of the Lanczos solver."""
ROUGH_TOLERANCE = 1e-6
"""The same, where eigenvalues alone are sought: at 1e-4 some of many that are nearly equal are missed."""
ROUGH_ABOVE = 1e-3
"""Of the last eigenvalue: those below it are sought in double precision, for single precision errs by some 1e-6."""
LANCZOS_VECTORS = 2.5
"""Krylov vectors for each eigenpair: the eigenvalues of large graphs crowd near zero."""
CLEAR_GAP = 0.1
"""Of 6,000 glitches of 34 classes 0.13 to 0.16, of few classes 0.2 and more. What lies within one family is joined again: see `MOST_CROSSING`."""
MOST_CROSSING = 0.06
"""Share of a part's nearest neighbours that are in another: pieces of one class mostly have 0.1 and more, classes 0.03 and less."""
WINDOWS = (20, 60)
"""Numbers of clusters up to which one part's eigengap is sought: the second where the first shows none that is clear. Each part is
looked at again, so that neither is a ceiling."""


@dataclass(frozen=True)
class Spectrum:
    """The lower end of a normalised Laplacian's spectrum.

    Attributes
    ----------
    eigenvalues : ndarray of float64, shape (m,)
        Ascending, 0 to 2; as many zeros as the graph has components.
    eigenvectors : ndarray of float64, shape (N, m)
        Orthonormal columns; the entry of largest modulus of each is positive.
    """

    eigenvalues: Floats
    eigenvectors: Floats


def laplacian_spectrum(affinity: scipy.sparse.csr_array, count: int, *, seed: int) -> Spectrum:
    """Return the `count` smallest eigenpairs of the normalised Laplacian I - D^-1/2 W D^-1/2.

    Parameters
    ----------
    affinity : scipy.sparse.csr_array, shape (N, N)
        Symmetric, non-negative, zero diagonal.
    count : int
        Eigenpairs wanted; at most N are returned.
    seed : int
        Start vector of the Lanczos solver.
    """
    rng = np.random.default_rng(seed)
    values, columns = [], []
    for members, walk in _walks(affinity):
        mine, vectors = _component_spectrum(walk, min(count, members.size), rng)
        full = np.zeros((affinity.shape[0], mine.size))
        full[members] = vectors
        values.append(mine)
        columns.append(full)
    eigenvalues, eigenvectors = np.concatenate(values), np.concatenate(columns, axis=1)
    order = np.argsort(eigenvalues, kind="stable")[:count]
    eigenvectors = eigenvectors[:, order]
    largest = np.abs(eigenvectors).argmax(axis=0)
    eigenvectors = eigenvectors * np.where(eigenvectors[largest, np.arange(order.size)] < 0, -1.0, 1.0)
    return Spectrum(eigenvalues[order], eigenvectors)


def laplacian_eigenvalues(affinity: scipy.sparse.csr_array, count: int, *, seed: int) -> Floats:
    """Return the `count` smallest eigenvalues alone, to about 1e-5: enough to compare gaps, in half the time; see `laplacian_spectrum`."""
    rng = np.random.default_rng(seed)
    values = [_component_eigenvalues(walk, min(count, members.size), rng) for members, walk in _walks(affinity)]
    return np.sort(np.concatenate(values))[:count]


def _walks(affinity: scipy.sparse.csr_array) -> Iterator[tuple[Rows, scipy.sparse.csr_array]]:
    """Yield the rows of each connected component, and D^-1/2 W D^-1/2 among them; BLAS has one thread meanwhile, since more cost more than they give for products so small."""
    scale = 1.0 / np.sqrt(np.maximum(affinity.sum(axis=1), np.finfo(float).tiny))
    walk = (scipy.sparse.diags_array(scale) @ affinity @ scipy.sparse.diags_array(scale)).tocsr()
    _, component = connected_components(affinity, directed=False)
    with threadpool_limits(1, user_api="blas"):
        for label in range(component.max() + 1):
            members = np.flatnonzero(component == label)
            yield members, walk[members][:, members]


def _component_eigenvalues(walk: scipy.sparse.csr_array, count: int, rng: np.random.Generator) -> Floats:
    """Return the smallest eigenvalues of I - walk for one connected component: in single precision, unless they crowd at zero."""
    n = walk.shape[0]
    if n <= DENSE_BELOW or count >= n - 1:
        values = scipy.linalg.eigh(np.eye(n) - walk.toarray(), subset_by_index=[0, count - 1], eigvals_only=True)
    else:
        rough, start = walk.astype(np.float32), rng.uniform(0.5, 1.0, n).astype(np.float32)
        how = {"v0": start, "ncv": _krylov(n, count), "tol": ROUGH_TOLERANCE, "return_eigenvectors": False}
        values = np.sort(1.0 - eigsh(rough, count, which="LA", **how).astype(np.float64))
        if values[-1] < ROUGH_ABOVE:
            return _component_spectrum(walk, count, rng)[0]
    values = np.maximum(values, 0.0)
    values[0] = 0.0
    return values


def _krylov(n: int, count: int) -> int:
    """Return how many Krylov vectors the solver holds."""
    return min(n - 1, max(2 * count + 1, round(LANCZOS_VECTORS * count)))


def _component_spectrum(walk: scipy.sparse.csr_array, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the smallest eigenpairs of I - walk for one connected component; its first eigenvalue is exactly 0."""
    n = walk.shape[0]
    if n <= DENSE_BELOW or count >= n - 1:
        values, vectors = scipy.linalg.eigh(np.eye(n) - walk.toarray(), subset_by_index=[0, count - 1])
    else:
        start = rng.uniform(0.5, 1.0, n)
        near_one, vectors = eigsh(walk, count, which="LA", v0=start, ncv=_krylov(n, count), tol=EIGEN_TOLERANCE)
        order = np.argsort(-near_one)
        values, vectors = 1.0 - near_one[order], vectors[:, order]
    values = np.maximum(values, 0.0)
    values[0] = 0.0
    return values, vectors


def gap_scores(eigenvalues: Floats) -> Floats:
    """Score each number of clusters k = 1, 2, ... by its relative eigengap.

    (lambda_{k+1} - lambda_k) / (lambda_{k+1} + floor): the ratio of the two decides (a graph splits well into k parts
    but not into k + 1 exactly when it is large: Oveis Gharan and Trevisan 2014). The floor keeps eigenvalues that are
    practically zero from deciding by their ratio alone. It is a share of the last eigenvalue given, because all
    of them shrink as rows are added to a cluster of low dimension.

    Returns
    -------
    ndarray of float64, shape (m - 1,)
        Between 0 and 1; entry k - 1 is the score of k clusters.
    """
    floor = max(GAP_FLOOR * eigenvalues[-1], np.finfo(float).tiny)
    return np.diff(eigenvalues) / (eigenvalues[1:] + floor)


def assign(eigenvectors: Floats, k: int) -> Codes:
    """Return the cluster of each row from the first k eigenvectors by pivoted QR.

    Damle, Minden and Ying 2019 ("Simple, direct and efficient multi-way spectral clustering"): pivoting picks one
    representative row a cluster, the polar factor rotates the eigenvectors onto them. No random start, no iteration.
    """
    leading = eigenvectors[:, :k]
    _, _, pivots = scipy.linalg.qr(leading.T, pivoting=True, mode="economic")
    u, _, vt = scipy.linalg.svd(leading[pivots[:k]].T)
    return np.abs(leading @ (u @ vt)).argmax(axis=1).astype(np.int64)


def spectral_parts(
    graph: NeighbourGraph, graphs: list[scipy.sparse.csr_array], seed: int
) -> tuple[Codes, pd.DataFrame]:
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
        lowest = [laplacian_eigenvalues(edges, min(n, most + 1), seed=seed) for edges in graphs]
        scores = np.mean([gap_scores(values) for values in lowest], axis=0)
        number, best = int(scores.argmax()) + 1, round(float(scores.max()), PROBABILITY_DECIMALS)
        clear = number > 1 and best >= CLEAR_GAP
        if clear:
            middle = laplacian_spectrum(graphs[len(graphs) // 2], number + 1, seed=seed)
            labels = assign(middle.eigenvectors, number)
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
