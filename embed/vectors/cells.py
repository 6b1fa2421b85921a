"""The approximate neighbour graph of a large store: rows in cells, each cell compared with the cells nearest to it.

Each row belongs to the cell of its nearest centre (spherical k-means on a sample). The rows of a cell are compared, exactly, with all
rows of the cells whose centres are nearest to its own: one matrix product for hundreds of rows, where an inverted file that is asked
row by row reads the same vectors hundreds of times. How many cells are near enough is read from a sample whose true neighbours are
known, and the recall that is stated is measured on another.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from embed.vectors.index import (
    RECALL_SAMPLE,
    ROWS_PER_CENTRE,
    exact_index,
    search_unit,
    spherical_centres,
)
from embed.vectors.similarity import top_k

if TYPE_CHECKING:
    from embed.types import Rows, Similarities, Vectors

REACHED = 0.995
"""Recall on the first sample: on the second it is then not below `embed.vectors.index.RECALL_TARGET`."""
CELLS_PER_ROOT = 1.5
"""Cells for each square root of the rows: fewer are compared with too many rows, more take longer to be told apart."""


def neighbours_by_cells(unit: Vectors, k: int, seed: int) -> tuple[Rows, Similarities, float]:
    """Find the k nearest neighbours of every row among the rows of the nearest cells.

    Parameters
    ----------
    unit : ndarray of float32, shape (N, D)
        Output of `embed.vectors.similarity.normalise`.
    k : int
        At most N - 1.
    seed : int
        Of the centres and the samples.

    Returns
    -------
    rows : ndarray of int64, shape (N, k)
    similarities : ndarray of float32, shape (N, k)
        Exact, descending; ties by row.
    recall : float
        Share of the true neighbours that are found, measured on `RECALL_SAMPLE` rows.
    """
    rng = np.random.default_rng(seed)
    count = max(1, min(round(CELLS_PER_ROOT * math.sqrt(len(unit))), len(unit) // ROWS_PER_CENTRE))
    centres = spherical_centres(unit, count, rng)
    cell = search_unit(exact_index(centres), unit, 1, None)[0][:, 0]
    nearest = top_k(centres, centres, count)[0]
    samples = rng.permutation(len(unit))[: 2 * RECALL_SAMPLE].reshape(2, -1) if len(unit) > 2 * RECALL_SAMPLE else None
    first, second = samples if samples is not None else (np.arange(len(unit)),) * 2
    place = np.argsort(nearest, axis=1)
    apart = [_cells_apart(unit, np.sort(rows), k, cell, place) for rows in (first, second)]
    reach = int(np.sort(apart[0], axis=None)[math.ceil(REACHED * apart[0].size) - 1]) + 1
    found = _compared(unit, k, cell, nearest, reach)
    return *found, float((apart[1] < reach).mean())


def _cells_apart(unit: Vectors, rows: Rows, k: int, cell: Rows, place: Rows) -> Rows:
    """Return how many cells lie nearer to a row's own than the cell of each of its true neighbours, shape (rows, k)."""
    truth = search_unit(exact_index(unit), unit[rows], k, rows)[0]
    return place[cell[rows][:, None], cell[truth]]


def _compared(unit: Vectors, k: int, cell: Rows, nearest: Rows, reach: int) -> tuple[Rows, Similarities]:
    """Compare the rows of each cell with those of the `reach` nearest cells, or of as many as hold k others."""
    ordered, sizes = np.argsort(cell, kind="stable"), np.bincount(cell, minlength=len(nearest))
    members = np.split(ordered, np.cumsum(sizes)[:-1])
    rows, similarities = np.empty((len(unit), k), np.int64), np.empty((len(unit), k), np.float32)
    for own, mine in enumerate(members):
        if not len(mine):
            continue
        enough = int(np.searchsorted(np.cumsum(sizes[nearest[own]]), k + 1)) + 1
        near = np.sort(np.concatenate([members[other] for other in nearest[own, : max(reach, enough)]]))
        found, similarities[mine] = search_unit(exact_index(unit[near]), unit[mine], k, np.searchsorted(near, mine))
        rows[mine] = near[found]
    return rows, similarities
