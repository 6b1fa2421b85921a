"""The neighbour graph of a vector store, computed once and taken as input by everything after.

Rows are L2-normalised vectors, similarity is the cosine, and rows are listed by similarity, ties by row number. Up to
a stated size the graph is exact: it equals brute force and its bytes depend neither on threads nor on the machine (see
`embed.vectors.similarity`). Above it the graph is approximate and carries its recall, measured on a sample (see `embed.vectors.cells`).
"""

from __future__ import annotations

import struct
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import scipy.sparse

from embed.errors import InputError, StudyError
from embed.storage import write_atomic
from embed.vectors.archive import rows_of, stored_array
from embed.vectors.cells import neighbours_by_cells
from embed.vectors.index import (
    DEFAULT_K,
    VectorIndex,
    build_index,
    checked_k,
    exact_index,
    load_index,
    save_index,
    search,
    search_unit,
)
from embed.vectors.similarity import normalise, top_k

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from embed.types import Rows, Similarities, Vectors

__all__ = [
    "NeighbourGraph",
    "VectorIndex",
    "affinity",
    "build_index",
    "load_graph",
    "load_index",
    "load_neighbours",
    "neighbour_graph",
    "normalise",
    "save_graph",
    "save_index",
    "search",
    "subgraph",
    "unit_graph",
]

EXACT_LIMITS = {"cpu": 50_000, "cuda": 2_000_000}
"""Rows: an exact graph of so many takes 90 s of processor time on a CPU (1280 components), and of 100,000 ten times what one by cells does."""


@dataclass(frozen=True)
class NeighbourGraph:
    """The k nearest neighbours of every row.

    Attributes
    ----------
    neighbours : ndarray of int64, shape (N, k)
        Rows by similarity, descending; ties by row; never the row itself.
    similarities : ndarray of float32, shape (N, k)
        Cosine similarity.
    k : int
        Neighbours a row.
    requested_k : int
        The k given; `k` is smaller where there are only N - 1 other rows.
    exact : bool
        Whether this equals brute force.
    recall : float
        1.0 when exact, else the recall measured on a sample against exact search.
    metric : str
        Always "cosine".
    """

    neighbours: Rows
    similarities: Similarities
    k: int
    requested_k: int
    exact: bool
    recall: float
    metric: str = "cosine"

    def distances(self) -> NDArray[np.float32]:
        """Return the Euclidean distances of the unit vectors, sqrt(2 - 2 cos), shape (N, k), float32, ascending."""
        return np.sqrt(np.maximum(2.0 - 2.0 * self.similarities, 0.0, dtype=np.float32))

    def nearest(self, k: int) -> NeighbourGraph:
        """Return the graph of the first k neighbours, k clamped to what there is."""
        kept = min(checked_k(k), self.k)
        return NeighbourGraph(
            self.neighbours[:, :kept], self.similarities[:, :kept], kept, k, self.exact, self.recall, self.metric
        )


def neighbour_graph(
    vectors: ArrayLike,
    k: int = DEFAULT_K,
    *,
    seed: int = 0,
    device: str = "cpu",
    exact_limit: int | None = None,
) -> NeighbourGraph:
    """Find the k nearest neighbours of every row.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        One row a glitch; normalised here.
    k : int
        Neighbours a row, clamped to N - 1; `NeighbourGraph.requested_k` keeps the number given.
    seed : int
        Seeds the cells and the samples of an approximate graph; an exact graph does not depend on it.
    device : {"cpu", "cuda"}
        An exact graph is the same on both, byte for byte.
    exact_limit : int, optional
        Rows up to which the graph is exact; `EXACT_LIMITS` of the device when absent.

    Raises
    ------
    InputError
        Vectors that `normalise` refuses, k below 1, an unknown device.
    DeviceError
        "cuda" without a CUDA device.
    """
    return unit_graph(normalise(vectors), k, seed=seed, device=device, exact_limit=exact_limit)


def unit_graph(
    unit: Vectors, k: int = DEFAULT_K, *, seed: int = 0, device: str = "cpu", exact_limit: int | None = None
) -> NeighbourGraph:
    """Do what `neighbour_graph` does with the output of `normalise`."""
    own = np.arange(len(unit))
    kept = min(checked_k(k), len(unit) - 1)
    if kept == 0:
        return NeighbourGraph(np.empty((1, 0), np.int64), np.empty((1, 0), np.float32), 0, k, exact=True, recall=1.0)
    if len(unit) <= _exact_limit(device, exact_limit):
        if device == "cuda":
            rows, similarities = top_k(unit, unit, kept, exclude=own, device=device)
        else:
            rows, similarities = search_unit(exact_index(unit), unit, kept, own)
        return NeighbourGraph(rows, similarities, kept, k, exact=True, recall=1.0)
    rows, similarities, recall = neighbours_by_cells(unit, kept, seed)
    return NeighbourGraph(rows, similarities, kept, k, exact=False, recall=recall)


def subgraph(vectors: ArrayLike, rows: Rows, k: int = DEFAULT_K, **options: Any) -> NeighbourGraph:  # noqa: ANN401
    """Return the neighbour graph of some rows alone, numbered within `rows`.

    It is computed from the subset's vectors alone: the neighbours that a whole study's graph lists for a glitch of one
    label mostly carry other labels, and dropping those would leave rows with too few or no neighbours.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        The whole vector store.
    rows : ndarray of int64, shape (M,)
        The rows to keep; neighbour j of the result is row ``rows[j]`` of the store.
    k : int
        Neighbours a row, clamped to M - 1.
    **options
        The other arguments of `neighbour_graph`.
    """
    return neighbour_graph(np.asarray(vectors)[rows], k, **options)


def affinity(graph: NeighbourGraph) -> scipy.sparse.csr_array:
    """Return the symmetric sparse affinity of the graph, shape (N, N), float64, zero diagonal.

    An edge that both ends list weighs 1, an edge that one end lists 1/2: the mean of the directed 0/1 graph and its
    transpose (von Luxburg 2007, section 2.2). It needs no kernel width, and rows in sparse and in dense regions count
    alike.
    """
    n, k = graph.neighbours.shape
    starts = np.arange(0, n * k + 1, max(k, 1))[: n + 1] if k else np.zeros(n + 1, np.int64)
    directed = scipy.sparse.csr_array((np.ones(n * k), graph.neighbours.ravel(), starts), shape=(n, n))
    symmetric = ((directed + directed.T) / 2).tocsr()
    symmetric.sort_indices()
    return symmetric


def save_graph(graph: NeighbourGraph, path: str | Path) -> None:
    """Write the graph as .npz, atomically; the same graph gives the same bytes (zip entries carry no date)."""
    arrays: dict[str, Any] = {
        "neighbours": graph.neighbours,
        "similarities": graph.similarities,
        "requested_k": np.int64(graph.requested_k),
        "exact": np.bool_(graph.exact),
        "recall": np.float64(graph.recall),
        "metric": np.str_(graph.metric),
    }

    write_atomic(Path(path), lambda file: np.savez(file, **arrays))


def load_graph(path: str | Path) -> NeighbourGraph:
    """Read a graph that `save_graph` wrote.

    Raises
    ------
    StudyError
        The file is absent, damaged, or no neighbour graph.
    """
    with _reading(path), Path(path).open("rb") as file, np.load(file, allow_pickle=False) as stored:
        graph = NeighbourGraph(
            neighbours=stored["neighbours"],
            similarities=stored["similarities"],
            k=stored["neighbours"].shape[1],
            requested_k=int(stored["requested_k"]),
            exact=bool(stored["exact"]),
            recall=float(stored["recall"]),
            metric=str(stored["metric"]),
        )
    rows, shape = graph.neighbours, graph.neighbours.shape
    if len(shape) != 2 or graph.similarities.shape != shape or rows.dtype.kind != "i":
        raise StudyError(
            f"the neighbour graph {path} is damaged (arrays of shape {shape} and {graph.similarities.shape}); delete it and embed again"
        )
    _check_rows(rows, len(rows), path)
    return graph


def load_neighbours(path: str | Path, row: int) -> tuple[Rows, Similarities]:
    """Read one row of a graph that `save_graph` wrote, without the others: of 600,000 rows that saves most of a second.

    Returns
    -------
    rows : ndarray of int64, shape (k,)
    similarities : ndarray of float32, shape (k,)

    Raises
    ------
    StudyError
        The file is absent, damaged, or no neighbour graph.
    """
    with _reading(path), Path(path).open("rb") as file:
        rows, count = _stored_row(file, "neighbours", row)
        similarities, _ = _stored_row(file, "similarities", row)
    _check_rows(rows, count, path)
    return rows, similarities


@contextmanager
def _reading(path: str | Path) -> Iterator[None]:
    """Say of whatever fails that the graph cannot be read."""
    try:
        yield
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        EOFError,
        struct.error,
        zipfile.BadZipFile,
    ) as error:
        raise StudyError(f"the neighbour graph {path} cannot be read; delete it and embed again") from error


def _check_rows(rows: Rows, count: int, path: str | Path) -> None:
    """Refuse neighbours that are none of `count` rows: compiled code would read outside its memory."""
    if rows.size and not 0 <= rows.min() <= rows.max() < count:
        raise StudyError(
            f"the neighbour graph {path} is damaged (rows {rows.min()} to {rows.max()} of {count}); delete it and embed again"
        )


def _stored_row(file: BinaryIO, name: str, row: int) -> tuple[NDArray[Any], int]:
    """Return one row of a two-dimensional array, and how many rows it has."""
    stored = stored_array(file, name)
    count, _ = stored.shape
    return rows_of(file, stored, np.array([row]))[0], count


def _exact_limit(device: str, exact_limit: int | None) -> int:
    if device not in EXACT_LIMITS:
        raise InputError(f"unknown device {device!r}: use one of {', '.join(EXACT_LIMITS)}")
    return EXACT_LIMITS[device] if exact_limit is None else exact_limit
