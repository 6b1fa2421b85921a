"""Near-duplicates between two sets of glitches: what makes a held-out glitch no test of anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embed.dataset.splits import DUPLICATE_SIMILARITY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.vectors.store import VectorStore


def has_near_duplicate(
    store: VectorStore,
    glitches: NDArray[np.int64],
    others: NDArray[np.int64],
    similarity: float = DUPLICATE_SIMILARITY,
) -> NDArray[np.bool_]:
    """Tell which glitches have a near-duplicate among others.

    Parameters
    ----------
    store : VectorStore
        Of a network that saw no label (a trained one draws whole classes together); its neighbour graph is used, in both directions.
    glitches : ndarray of int64, shape (N,)
        Row numbers in the study.
    others : ndarray of int64
        Row numbers in the study.
    similarity : float
        Cosine from which two glitches count as the same picture.

    Returns
    -------
    ndarray of bool, shape (N,)
        False for a glitch that has no vector.
    """
    rows, marked = store.rows(glitches), np.isin(store.glitches, others)
    close = store.graph.similarities >= similarity
    near: NDArray[np.bool_] = np.asarray((close & marked[store.graph.neighbours]).any(axis=1))
    near[store.graph.neighbours[marked][close[marked]]] = True
    return np.asarray(near[rows] & (rows >= 0))
