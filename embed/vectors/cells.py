"""The approximate neighbour graph of a large store: rows in cells, each cell compared with the cells nearest to it.

Each row belongs to the cell of its nearest centre (spherical k-means on a sample). The rows of a cell are compared with all rows of the
cells whose centres are nearest to its own: one matrix product for hundreds of rows, where an inverted file that is asked row by row
reads the same vectors hundreds of times. They are compared by their leading principal components, a tenth of the numbers; the rows that
are most alike by these are compared again, exactly, by all. How many components, how many cells and how many rows are enough is read
from a sample whose true neighbours are known, and the recall that is stated is measured on another.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from embed.processors import usable_processors
from embed.vectors.index import (
    RECALL_SAMPLE,
    ROWS_PER_CENTRE,
    exact_index,
    recall_of,
    search_unit,
    spherical_centres,
)
from embed.vectors.principal import leading_eigenvectors
from embed.vectors.similarity import (
    GRID,
    TILE_ROWS,
    decode_keys,
    largest_keys,
    paired_similarities,
    ranking_keys,
    top_k,
)

if TYPE_CHECKING:
    from embed.types import Rows, Similarities, Vectors

REACHED = 0.995
"""Share of the first sample's neighbours that the cells compared hold: of the second sample's it is then hardly less."""
KEPT = 0.998
"""Share of the first sample's neighbours among the rows that are compared again: with `REACHED` not below `embed.vectors.index.RECALL_TARGET`."""
LEARNT_FROM = 500
"""Rows of the first sample."""
CELLS_PER_ROOT = 1.5
"""Cells for each square root of the rows: fewer are compared with too many rows, more take longer to be told apart."""
WIDTHS = (128, 256)
"""Components that are compared first. More than a fifth of a backbone's 1,280 are not worth the detour."""
WIDTH_SAMPLE = 6000
"""Rows that the principal components are found from."""
BASIS_GRID = 2.0**20
"""The sample and the basis are rounded to multiples of its inverse, so that float64 sums of their products are exact."""
ODD = 0.01
"""Share of the rows, those that the components hold least of, that are compared with all rows."""
MOST_AGAIN = 4
"""Rows compared again for each neighbour wanted, at most: reading them costs more than comparing more components would."""


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
    drawn = rng.permutation(len(unit))
    first, second = drawn[:LEARNT_FROM], drawn[-RECALL_SAMPLE:]  # of fewer rows than both, some are in both
    truth = search_unit(exact_index(unit), unit[first], k, first)[0]
    short, again, odd = _shortened(unit, first, truth, rng)
    count = max(1, min(round(CELLS_PER_ROOT * math.sqrt(len(unit))), len(unit) // ROWS_PER_CENTRE))
    centres = spherical_centres(short, count, rng)
    cell = search_unit(exact_index(centres), short, 1, None)[0][:, 0]
    nearest = top_k(centres, centres, count)[0]
    apart = np.argsort(nearest, axis=1)[cell[first][:, None], cell[truth]]
    reach = int(np.sort(apart, axis=None)[math.ceil(REACHED * apart.size) - 1]) + 1
    rows, similarities = _compared(unit, short, cell, nearest, k=k, again=again, reach=reach)
    if len(odd):
        rows[odd], similarities[odd] = search_unit(exact_index(unit), unit[odd], k, odd)
    true = search_unit(exact_index(unit), unit[second], k, second)[0]
    return rows, similarities, recall_of(rows[second], true)


def _shortened(unit: Vectors, asked: Rows, truth: Rows, rng: np.random.Generator) -> tuple[Vectors, int, Rows]:
    """Return leading principal components, how many rows that are most alike by them hold the true neighbours, and the rows of which they hold least; else the vectors.

    A class so rare that the components were found without it lies off them: its rows are to be compared with all.

    The components are multiples of 2**-26, as the vectors' are: their products are exact. So are the sums that they come from, and the
    eigenvectors are solved for on one thread, so that nothing depends on the number of threads.
    """
    k = truth.shape[1]
    most = min(MOST_AGAIN * k, len(unit) - 1)
    widths = [width for width in WIDTHS if 2 * width <= unit.shape[1]]
    if not widths:
        return unit, k, np.empty(0, np.int64)
    sample = unit[np.sort(rng.choice(len(unit), min(len(unit), WIDTH_SAMPLE), replace=False))].astype(np.float64)
    sample = np.rint(sample * BASIS_GRID) / BASIS_GRID  # products are multiples of 2**-40, and sums stay below 2**13
    with threadpool_limits(1, user_api="blas"):
        basis = leading_eigenvectors(sample.T @ sample, widths[-1])[1]
    basis = np.rint(basis * BASIS_GRID) / BASIS_GRID
    for width in widths:
        short = np.empty((len(unit), width), np.float32)
        for start in range(0, len(unit), TILE_ROWS):
            tile = slice(start, start + TILE_ROWS)
            short[tile] = unit[tile].astype(np.float64) @ basis[:, :width]
            short[tile] = np.rint(short[tile] * GRID) / GRID
        alike = search_unit(exact_index(short), short[asked], most, asked)[0]
        same = truth[:, :, None] == alike[:, None, :]
        place = np.where(same.any(axis=2), same.argmax(axis=2), most)
        again = int(np.sort(place, axis=None)[math.ceil(KEPT * place.size) - 1]) + 1
        if again <= most:
            held = np.einsum("nd,nd->n", short, short)
            return short, max(again, k), np.sort(np.argsort(held, kind="stable")[: math.ceil(ODD * len(unit))])
    return unit, k, np.empty(0, np.int64)


def _compared(
    unit: Vectors, short: Vectors, cell: Rows, nearest: Rows, *, k: int, again: int, reach: int
) -> tuple[Rows, Similarities]:
    """Compare the rows of each cell with those of the `reach` nearest cells, or of as many as hold enough others."""
    ordered, sizes = np.argsort(cell, kind="stable"), np.bincount(cell, minlength=len(nearest))
    members = np.split(ordered, np.cumsum(sizes)[:-1])
    rows, similarities = np.empty((len(unit), k), np.int64), np.empty((len(unit), k), np.float32)

    def compare(own: int) -> None:
        mine = members[own]
        if not len(mine):
            return
        enough = int(np.searchsorted(np.cumsum(sizes[nearest[own]]), again + 1)) + 1
        cells = np.union1d(nearest[own, : max(reach, enough)], own)
        near = np.sort(np.concatenate([members[other] for other in cells]))
        found, alike = search_unit(exact_index(short[near]), short[mine], again, np.searchsorted(near, mine))
        rows[mine], similarities[mine] = (near[found], alike) if short is unit else _again(unit, mine, near[found], k)

    with (
        threadpool_limits(1, user_api="blas"),  # a cell is too small to share: two threads take as long as one
        ThreadPoolExecutor(usable_processors(), initializer=_compute_alone) as pool,
    ):
        list(pool.map(compare, range(len(members))))
    return rows, similarities


def _compute_alone() -> None:
    """Let what this thread computes by OpenMP have no other threads."""
    threadpool_limits(1, user_api="openmp")


def _again(unit: Vectors, mine: Rows, found: Rows, k: int) -> tuple[Rows, Similarities]:
    """Compare rows with those found for each by all components, and return the k nearest."""
    return decode_keys(largest_keys(ranking_keys(paired_similarities(unit[mine], unit, found), found), k))
