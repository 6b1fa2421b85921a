"""The FAISS index of a vector store: exact search by default, an inverted file with measured recall when it is large.

Candidates are proposed in float32; these are scored again by `embed.vectors.similarity`, whose sums are exact. A
query whose k-th neighbour is not provably ahead of everything that was left out (many near-duplicates) is compared with
every row. An exact search therefore equals brute force, and its bytes depend neither on threads nor on the machine.

Above `EXACT_LIMIT` rows the index is an inverted file (FAISS IndexIVFFlat). The number of lists it probes is doubled
until the recall against exact search, measured on a sample, reaches `RECALL_TARGET`. An inverted file, not HNSW: what
HNSW returns depends on the order in which threads built it (FAISS issue 983).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

from embed.errors import InputError, StudyError
from embed.storage import write_atomic
from embed.vectors.similarity import (
    decode_keys,
    group_sums,
    largest_keys,
    normalise,
    paired_similarities,
    ranking_keys,
    top_k,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from embed.vectors.similarity import Rows, Similarities, Vectors

__all__ = ["VectorIndex", "build_index", "load_index", "save_index", "search"]

EXACT_LIMIT = 100_000
"""Rows up to which a search compares with every one: a few hundredths of a second for one query (1280 components)."""
DEFAULT_K = 30
"""Neighbours: UMAP takes 15, openTSNE 3 x a perplexity of 10, spectral clustering 10."""
RECALL_TARGET = 0.99
RECALL_SAMPLE = 1000
"""Rows: a recall of 0.99 is then known to about 0.001, as 30 neighbours of each are counted."""
LEAST_MARGIN = 8
"""Candidates beyond k, and as many as k; fewer send more rows to the full comparison."""
LLOYD_ITERATIONS = 5
"""The coarse centres need no more: recall is measured, not assumed."""
ROWS_PER_CENTRE = 40
"""FAISS warns below 39 training rows a centre."""
COMPARE_ALL_BELOW = 40
"""Rows a candidate: scoring a gathered candidate again costs as much as comparing about 40 rows in bulk."""
BLOCK_SCORES = 1 << 26
"""Scores held at once: 256 MB."""
QUERY_BLOCK = 4096
"""Queries in flight: bounds the candidate lists."""


@dataclass(frozen=True)
class VectorIndex:
    """A FAISS inner-product index over normalised vectors.

    Attributes
    ----------
    faiss_index : faiss.IndexFlatIP or faiss.IndexIVFFlat or None
        FAISS's own object, in row order; None of an `exact_index`, which is never saved.
    vectors : ndarray of float32, shape (N, D)
        The normalised vectors it holds.
    exact : bool
        Whether a search compares with every row.
    recall : float
        Share of the true nearest neighbours that a search finds: 1.0 when exact, else as measured at building.
    """

    faiss_index: Any
    vectors: Vectors
    exact: bool
    recall: float


def build_index(
    vectors: ArrayLike, *, k: int = DEFAULT_K, seed: int = 0, exact_limit: int = EXACT_LIMIT
) -> VectorIndex:
    """Build the FAISS index of a vector store: exact up to `exact_limit` rows, else an inverted file.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        Normalised here.
    k : int
        Neighbours at which the recall of an inverted file is measured.
    seed : int
        Seeds the inverted file's centres and the recall sample.
    exact_limit : int
        Rows up to which the index is exact.
    """
    return unit_index(normalise(vectors), k=k, seed=seed, exact_limit=exact_limit)


def unit_index(unit: Vectors, *, k: int = DEFAULT_K, seed: int = 0, exact_limit: int = EXACT_LIMIT) -> VectorIndex:
    """Do what `build_index` does with the output of `normalise`."""
    if len(unit) <= exact_limit:
        return flat_index(unit)
    return inverted_index(unit, min(checked_k(k), len(unit) - 1), seed)


def search(index: VectorIndex, queries: ArrayLike, k: int) -> tuple[Rows, Similarities]:
    """Find the k nearest rows of each query vector; a query that is itself a row finds itself first.

    Parameters
    ----------
    index : VectorIndex
        Output of `build_index` or `load_index`.
    queries : array_like, shape (Q, D)
        Normalised here.
    k : int
        Neighbours a query, clamped to the N rows of the index.

    Returns
    -------
    rows : ndarray of int64, shape (Q, k)
    similarities : ndarray of float32, shape (Q, k)
        Descending, ties by row.
    """
    unit = normalise(queries)
    if unit.shape[1] != index.vectors.shape[1]:
        raise InputError(
            f"the queries have {unit.shape[1]} components and the index {index.vectors.shape[1]}: "
            "embed the queries with the backbone of the index"
        )
    return search_unit(index, unit, min(checked_k(k), len(index.vectors)), None)


def save_index(index: VectorIndex, path: str | Path) -> None:
    """Write the index with ``faiss.write_index``, atomically; FAISS alone can read it."""
    write_atomic(Path(path), lambda file: faiss.write_index(index.faiss_index, faiss.PyCallbackIOWriter(file.write)))  # type: ignore[attr-defined]


def load_index(path: str | Path, *, recall: float = 1.0) -> VectorIndex:
    """Read an index that `save_index` wrote; an inverted file's measured recall is kept by whoever saved it.

    Raises
    ------
    StudyError
        The file is absent or damaged.
    """
    try:
        loaded: Any = faiss.read_index(str(path))
    except RuntimeError as error:
        raise StudyError(f"the index {path} cannot be read; delete it and embed again to rebuild it") from error
    exact = isinstance(loaded, faiss.IndexFlat)
    if exact:
        return VectorIndex(loaded, loaded.reconstruct_n(0, loaded.ntotal), exact=True, recall=1.0)
    loaded.make_direct_map(new_maintain_direct_map=True)
    vectors = loaded.reconstruct_n(0, loaded.ntotal)
    loaded.make_direct_map(new_maintain_direct_map=False)  # or it would be written with the index
    return VectorIndex(loaded, vectors, exact=False, recall=recall)


def search_unit(index: VectorIndex, queries: Vectors, k: int, exclude: Rows | None) -> tuple[Rows, Similarities]:
    """Search in blocks of queries; `exclude` names the row that each query itself is."""
    blocks = []
    for start in range(0, len(queries), QUERY_BLOCK):
        block = slice(start, start + QUERY_BLOCK)
        blocks.append(_search_block(index, queries[block], k, None if exclude is None else exclude[block]))
    rows, similarities = zip(*blocks, strict=True)
    return np.concatenate(rows), np.concatenate(similarities)


def _search_block(index: VectorIndex, queries: Vectors, k: int, exclude: Rows | None) -> tuple[Rows, Similarities]:
    """Take FAISS's candidates, score them exactly, and compare with every row where that may not be enough."""
    wanted = k + (exclude is not None) + max(LEAST_MARGIN, k)
    if index.exact and len(index.vectors) <= COMPARE_ALL_BELOW * wanted:
        return top_k(queries, index.vectors, k, exclude=exclude)
    scores, candidates = _candidates(index, queries, min(wanted, len(index.vectors)))
    found = candidates >= 0  # an inverted file pads with -1 when its probed lists hold too few rows
    keys = ranking_keys(paired_similarities(queries, index.vectors, np.where(found, candidates, 0)), candidates)
    keys[~found] = np.iinfo(np.int64).min
    if exclude is not None:
        keys[candidates == exclude[:, None]] = np.iinfo(np.int64).min
    keys = largest_keys(keys, k)
    rows, similarities = decode_keys(keys)
    unsure = keys[:, -1] == np.iinfo(np.int64).min
    if index.exact:
        # a row left out has at most the last candidate's score, plus the error of a float32 inner product of unit
        # vectors in any order of summation (Higham 2002, section 3.1: D u / (1 - D u)); strictly below the k-th: safe
        rounding = 1.01 * queries.shape[1] * 2.0**-24
        unsure |= similarities[:, -1] <= (scores[:, -1].astype(np.float64) + rounding).astype(np.float32)
    if unsure.any():
        doubtful = None if exclude is None else exclude[unsure]
        rows[unsure], similarities[unsure] = top_k(queries[unsure], index.vectors, k, exclude=doubtful)
    return rows, similarities


def _candidates(index: VectorIndex, queries: Vectors, count: int) -> tuple[NDArray[np.float32], Rows]:
    """Return scores and rows, shape (Q, count), scores descending: all rows compared, or FAISS's inverted lists."""
    if index.exact:
        return _compared(queries, index.vectors, count)
    # the lists to probe are chosen by exact similarity: FAISS's own choice would depend on threads
    lists, closeness = top_k(queries, _centres(index.faiss_index), index.faiss_index.nprobe)
    return index.faiss_index.search_preassigned(queries, count, lists, closeness)


FEW_SCORES = 1 << 25
"""As many are ranked before torch, which is faster at it, is loaded: that takes seconds."""
FEW_HELD = 1 << 21
"""Of these at once: the memory is used again for the next ones."""


def _compared(queries: Vectors, vectors: Vectors, count: int) -> tuple[NDArray[np.float32], Rows]:
    """Compare with every row in float32: a matrix product and a selection."""
    few = len(queries) * len(vectors) <= FEW_SCORES
    largest, held = (_largest, FEW_HELD) if few else (_largest_by_torch, BLOCK_SCORES)
    scores, rows = np.empty((len(queries), count), np.float32), np.empty((len(queries), count), np.int64)
    step = max(1, held // len(vectors))
    for start in range(0, len(queries), step):
        block = slice(start, start + step)
        scores[block], rows[block] = largest(queries[block] @ vectors.T, count)
    return scores, rows


def _largest(scores: NDArray[np.float32], count: int) -> tuple[NDArray[np.float32], Rows]:
    """Return the largest scores of each row, descending, and where they are."""
    rows = np.argpartition(scores, -count, axis=1)[:, -count:].astype(np.int64)
    best = np.take_along_axis(scores, rows, axis=1)
    order = np.argsort(-best, axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1), np.take_along_axis(rows, order, axis=1)


def _largest_by_torch(scores: NDArray[np.float32], count: int) -> tuple[NDArray[np.float32], Rows]:
    import torch  # noqa: PLC0415 - see `FEW_SCORES`

    best = torch.topk(torch.from_numpy(scores), count, dim=1)
    return best.values.numpy(), best.indices.numpy()


def exact_index(unit: Vectors) -> VectorIndex:
    """Return an index that compares with every row, to search with here and now: it holds no second copy of the vectors."""
    return VectorIndex(None, unit, exact=True, recall=1.0)


def flat_index(unit: Vectors) -> VectorIndex:
    flat = faiss.IndexFlatIP(unit.shape[1])
    flat.add(unit)
    return VectorIndex(flat, unit, exact=True, recall=1.0)


def inverted_index(unit: Vectors, k: int, seed: int) -> VectorIndex:
    """Build an inverted file and probe more of its lists until the recall target is met."""
    rng = np.random.default_rng(seed)
    lists = max(1, min(4 * int(np.sqrt(len(unit))), len(unit) // ROWS_PER_CENTRE))  # FAISS guidelines: 4 sqrt(N)
    centres = spherical_centres(unit, lists, rng)
    quantizer = faiss.IndexFlatIP(unit.shape[1])
    quantizer.add(centres)
    inverted = faiss.IndexIVFFlat(quantizer, unit.shape[1], len(centres), faiss.METRIC_INNER_PRODUCT)
    inverted.train(unit[:1])  # the quantizer is full: this only marks the index as trained
    assigned = search_unit(exact_index(centres), unit, 1, None)[0][:, 0]
    numbers = np.arange(len(unit))
    inverted.add_core(
        len(unit), faiss.swig_ptr(unit), faiss.swig_ptr(numbers), faiss.swig_ptr(np.ascontiguousarray(assigned))
    )
    sample = np.sort(rng.choice(len(unit), min(RECALL_SAMPLE, len(unit)), replace=False))
    truth = search_unit(exact_index(unit), unit[sample], k, sample)[0]
    inverted.nprobe, recall = max(1, len(centres) // 128), 0.0
    while True:
        index = VectorIndex(inverted, unit, exact=False, recall=recall)
        recall = recall_of(search_unit(index, unit[sample], k, sample)[0], truth)
        if recall >= RECALL_TARGET or inverted.nprobe >= len(centres):
            return VectorIndex(inverted, unit, exact=False, recall=recall)
        inverted.nprobe = min(2 * inverted.nprobe, len(centres))


def spherical_centres(unit: Vectors, count: int, rng: np.random.Generator) -> Vectors:
    """Return centres by spherical k-means on a sample; exact sums make them the same on any number of threads."""
    sample = unit[np.sort(rng.choice(len(unit), min(len(unit), ROWS_PER_CENTRE * count), replace=False))]
    centres = sample[np.sort(rng.choice(len(sample), count, replace=False))]
    for _ in range(LLOYD_ITERATIONS):
        nearest = search_unit(exact_index(centres), sample, 1, None)[0][:, 0]
        sums = group_sums(sample, nearest, count)
        filled = np.linalg.norm(sums, axis=1) > 0.0
        centres = centres.copy()
        centres[filled] = normalise(sums[filled])  # a centre that lost its rows stays where it was
    return centres


def _centres(inverted: Any) -> Vectors:  # noqa: ANN401 (a FAISS object)
    return inverted.quantizer.reconstruct_n(0, inverted.nlist)


def recall_of(found: Rows, truth: Rows) -> float:
    """Return the share of the true neighbours, shape (N, K), that are among those found for the same row, shape (N, M)."""
    hits = sum(np.intersect1d(mine, true).size for mine, true in zip(found, truth, strict=True))
    return hits / truth.size


def checked_k(k: int) -> int:
    if k < 1:
        raise InputError(f"k must be at least 1 neighbour, got {k}")
    return k
