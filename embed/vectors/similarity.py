"""Cosine similarity as an exact number, so that neighbours do not depend on threads, batches, BLAS or machine.

The usual float32 inner product of two vectors changes in its last bits with the order of summation, which a BLAS
chooses by shape, position, number of threads and processor. Two identical glitches then come out at different
similarities, and the order of near-ties changes from run to run (FAISS issues 1985 and 3816). Here the components of
a unit vector are snapped to multiples of 2**-26. The product of two components is then a multiple of 2**-52, and by
the Cauchy-Schwarz inequality every partial sum stays below 2, so that each fits the 53 bits of a float64: *any* order
of summation gives the same, exact sum. The snap moves a component by at most 2**-27, less than float32 rounding moves
the large ones.

The similarity of two rows is this exact sum rounded once to float32. Neighbours are ranked by it, descending; ties go
to the lower row number.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from embed.errors import DeviceError, InputError
from embed.processors import usable_processors

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from embed.types import Flags, Rows, Similarities, Vectors

__all__ = ["normalise", "paired_similarities", "top_k"]

GRID = 2.0**26
"""Products are multiples of 2**-52 and sums stay below 2: 53 bits, which a float64 has."""
UNIT_TOLERANCE = 2.0**-20
"""The norm after float32 rounding and the snap is off by less, up to 16,000 components."""
BLOCK_BYTES = 128 * 2**20
"""Working memory of one block of similarities."""
PAIRED_BYTES = 2**20
"""Gathered rows that are multiplied together: they stay in the processor's cache, which is four times as fast as 128 MiB."""
CACHE_VALUES = 2**16
"""Values normalised together: their float64 copies stay in the processor's cache."""
THREAD_VALUES = 2**22
"""Values that a thread normalises: fewer are not worth one."""
SUM_ROWS = 1024
"""Rows converted to float64 together to be summed, or as many as there are groups."""
TILE_ROWS = 4096
"""Vectors converted to float64 together: a 1280-component tile takes 40 MiB."""
_ROW_BITS = np.int64(32)
"""A key holds the similarity in its upper half and the row in its lower half."""
_ROW_MASK = np.int64(0xFFFFFFFF)
_NAMED_ROWS = 5
"""Bad rows that an error message names."""


def normalise(vectors: ArrayLike) -> Vectors:
    """Scale rows to unit length, on the grid that makes inner products exact.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        One row a glitch; any real type.

    Returns
    -------
    ndarray of float32, shape (N, D)
        Unit rows (to about 1e-7), each component a multiple of 2**-26. Rows that are that already come back unchanged,
        so normalising twice is normalising once.

    Raises
    ------
    InputError
        The array is not two-dimensional and real, is empty, or has rows with NaN, infinity or zero length.
    """
    raw = np.asarray(vectors)
    if raw.ndim != 2 or raw.dtype.kind not in "fiu":
        raise InputError(f"vectors must be a real array of shape (rows, components), got {raw.dtype} {raw.shape}")
    if 0 in raw.shape:
        raise InputError(f"no vectors to compare: the array has shape {raw.shape}; embed some glitches first")
    if raw.shape[0] > int(_ROW_MASK):
        raise InputError(f"{raw.shape[0]} vectors are more than the {int(_ROW_MASK)} that row numbers can count")
    unit = np.empty(raw.shape, np.float32)
    broken, empty = np.zeros(len(raw), bool), np.zeros(len(raw), bool)
    step = max(1, THREAD_VALUES // raw.shape[1])
    normalise_rows = partial(_normalise_rows, raw, unit, broken, empty)
    ranges = [range(start, min(start + step, len(raw))) for start in range(0, len(raw), step)]
    if len(ranges) == 1:
        normalise_rows(ranges[0])
    else:
        with ThreadPoolExecutor(usable_processors()) as pool:
            list(pool.map(normalise_rows, ranges))
    _refuse_rows(broken, "hold NaN or infinity", "embed these glitches again")
    _refuse_rows(empty, "are all zeros", "they have no direction; leave these glitches out")
    return unit


def _normalise_rows(raw: NDArray[Any], unit: Vectors, broken: Flags, empty: Flags, own: range) -> None:
    """Normalise a range of rows into `unit`, or mark the rows that cannot be."""
    step = max(1, CACHE_VALUES // raw.shape[1])
    for start in own[::step]:
        rows = slice(start, min(start + step, own.stop))
        tile = raw[rows].astype(np.float64)
        largest = np.abs(tile).max(axis=1, keepdims=True)  # NaN where the row holds one
        broken[rows] = ~np.isfinite(largest[:, 0])
        empty[rows] = largest[:, 0] == 0
        if broken[own.start : own.stop].any() or empty[own.start : own.stop].any():
            continue  # only the count is still wanted
        scaled = tile / largest  # the squares of a float64's extremes would overflow or vanish
        norm = np.sqrt((scaled * scaled).sum(axis=1, keepdims=True))  # the same bits in any position of the row
        is_unit = np.abs(norm * largest - 1) <= UNIT_TOLERANCE
        scaled /= norm
        np.copyto(scaled, tile, where=is_unit)
        unit[rows] = scaled  # rounds to float32: 24 bits
        np.multiply(unit[rows], GRID, out=scaled, dtype=np.float64)
        unit[rows] = np.rint(scaled, out=scaled) / GRID


def paired_similarities(queries: Vectors, vectors: Vectors, rows: Rows) -> Similarities:
    """Return the exact similarity of each query to its own list of rows.

    Parameters
    ----------
    queries : ndarray of float32, shape (Q, D)
        Output of `normalise`.
    vectors : ndarray of float32, shape (N, D)
        Output of `normalise`.
    rows : ndarray of int64, shape (Q, M)
        Rows of `vectors`, 0 to N - 1.

    Returns
    -------
    ndarray of float32, shape (Q, M)
    """
    similarities = np.empty(rows.shape, np.float32)
    step = max(1, PAIRED_BYTES // max(1, 8 * rows.shape[1] * vectors.shape[1]))
    for start in range(0, len(rows), step):
        block = slice(start, start + step)
        candidates = vectors[rows[block]].astype(np.float64)  # (block, M, D)
        queried = queries[block].astype(np.float64)[:, :, None]  # (block, D, 1)
        similarities[block] = np.matmul(candidates, queried)[..., 0]
    return similarities + np.float32(0)  # -0.0 becomes 0.0: they must rank alike


def top_k(
    queries: Vectors, vectors: Vectors, k: int, *, exclude: Rows | None = None, device: str = "cpu"
) -> tuple[Rows, Similarities]:
    """Find the k most similar rows of each query by comparing it with every row.

    Parameters
    ----------
    queries : ndarray of float32, shape (Q, D)
        Output of `normalise`.
    vectors : ndarray of float32, shape (N, D)
        Output of `normalise`.
    k : int
        Neighbours a query; at most N, or N - 1 with `exclude`.
    exclude : ndarray of int64, shape (Q,), optional
        The row that each query is itself, which is then no neighbour of it.
    device : {"cpu", "cuda"}
        Where to compute; the answer is the same, byte for byte, because the sums are exact.

    Returns
    -------
    rows : ndarray of int64, shape (Q, k)
    similarities : ndarray of float32, shape (Q, k)
        Descending; ties by row.
    """
    if device == "cuda":
        return _top_k_cuda(queries, vectors, k, exclude)
    keys = np.empty((len(queries), k), np.int64)
    step = max(1, BLOCK_BYTES // (16 * len(vectors)))
    for start in range(0, len(queries), step):
        block = slice(start, start + step)
        ranked = ranking_keys(_block_similarities(queries[block], vectors), np.arange(len(vectors)))
        if exclude is not None:
            ranked[np.arange(len(ranked)), exclude[block]] = np.iinfo(np.int64).min
        keys[block] = largest_keys(ranked, k)
    return decode_keys(keys)


def group_sums(unit: Vectors, groups: Rows, count: int) -> NDArray[np.float64]:
    """Return the sum of the rows of each group: exact, and so the same in any order, up to 2**27 rows.

    Parameters
    ----------
    unit : ndarray of float32, shape (N, D)
        Output of `normalise`.
    groups : ndarray of int64, shape (N,)
        The group of each row, 0 to count - 1.
    count : int

    Returns
    -------
    ndarray of float64, shape (count, D)
    """
    sums = np.zeros((count, unit.shape[1]))
    step = max(SUM_ROWS, count)  # so that adding to the sums costs no more than converting the rows
    for start in range(0, len(unit), step):
        own = groups[start : start + step]
        members = scipy.sparse.csr_array((np.ones(len(own)), (own, np.arange(len(own)))), shape=(count, len(own)))
        sums += members @ unit[start : start + step].astype(np.float64)
    return sums


def mean_of_nearest(distances: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the mean of the smallest distances of each row.

    Parameters
    ----------
    distances : ndarray of float64, shape (N, K)
        Infinite where there is none, for instance to the row itself.
    count : int
        At most so many are taken; those that are infinite are not.

    Returns
    -------
    ndarray of float64, shape (N,)
        Infinite where no distance of a row is finite.
    """
    count = min(count, distances.shape[1])
    nearest = np.partition(distances, count - 1, axis=1)[:, :count]
    there = np.isfinite(nearest)
    total = np.where(there, nearest, 0.0).sum(axis=1)
    return np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), np.inf)


def ranking_keys(similarities: Similarities, rows: Rows) -> NDArray[np.int64]:
    """Return integers that rank as (similarity descending, row ascending) when sorted descending.

    The upper half is the float32's bit pattern, turned so that integers order as the floats do; the lower half is the
    row, complemented.
    """
    bits = (similarities + np.float32(0)).view(np.int32)
    ordered = np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits).astype(np.int64)
    return (ordered << _ROW_BITS) | (_ROW_MASK - rows)


def largest_keys(keys: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Return the k largest keys of each row, descending."""
    first = keys.shape[1] - k
    kept = np.partition(keys, first, axis=1)[:, first:] if 0 < first < keys.shape[1] else keys[:, first:]
    return np.sort(kept, axis=1)[:, ::-1]


def decode_keys(keys: NDArray[np.int64]) -> tuple[Rows, Similarities]:
    """Return the rows and similarities that `ranking_keys` put together."""
    ordered = (keys >> _ROW_BITS).astype(np.int32)
    bits = np.where(ordered < 0, ordered ^ np.int32(0x7FFFFFFF), ordered)
    return _ROW_MASK - (keys & _ROW_MASK), bits.view(np.float32)


def _block_similarities(queries: Vectors, vectors: Vectors) -> Similarities:
    """Return the (Q, N) similarities of one block of queries; the float64 sums are exact in any order."""
    queried = queries.astype(np.float64)
    similarities = np.empty((len(queries), len(vectors)), np.float32)
    for start in range(0, len(vectors), TILE_ROWS):
        tile = vectors[start : start + TILE_ROWS].astype(np.float64)
        similarities[:, start : start + TILE_ROWS] = queried @ tile.T
    return similarities


def _top_k_cuda(queries: Vectors, vectors: Vectors, k: int, exclude: Rows | None) -> tuple[Rows, Similarities]:
    """Do what `top_k` does on a CUDA device: float64 products, the same keys, the same bytes."""
    import torch  # noqa: PLC0415 (the CPU path must not pay for it)

    if not torch.cuda.is_available():
        raise DeviceError("PyTorch sees no CUDA device; use device 'cpu'")
    device = torch.device("cuda")
    held = torch.from_numpy(np.ascontiguousarray(vectors)).to(device)
    numbers = int(_ROW_MASK) - torch.arange(len(vectors), device=device)
    keys = np.empty((len(queries), k), np.int64)
    step = max(1, 8 * BLOCK_BYTES // (24 * len(vectors)))
    for start in range(0, len(queries), step):
        queried = torch.from_numpy(np.ascontiguousarray(queries[start : start + step])).to(device).double()
        similarities = torch.cat([queried @ tile.double().T for tile in held.split(16 * TILE_ROWS)], dim=1)
        bits = (similarities.float() + 0.0).view(torch.int32)
        ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).long()
        ranked = (ordered << int(_ROW_BITS)) | numbers
        if exclude is not None:
            own = torch.from_numpy(np.ascontiguousarray(exclude[start : start + step])).to(device)
            ranked[torch.arange(len(ranked), device=device), own] = torch.iinfo(torch.int64).min
        keys[start : start + step] = torch.topk(ranked, k, dim=1, sorted=True).values.cpu().numpy()
    return decode_keys(keys)


def _refuse_rows(bad: NDArray[np.bool_], fault: str, remedy: str) -> None:
    """Raise an `InputError` that counts the bad rows and names the first."""
    if bad.any():
        named = ", ".join(str(row) for row in np.flatnonzero(bad)[:_NAMED_ROWS])
        raise InputError(f"{int(bad.sum())} of {len(bad)} vectors {fault} (first rows: {named}): {remedy}")
