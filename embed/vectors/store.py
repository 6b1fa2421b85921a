"""The vector store: one vector a glitch, the FAISS index and the neighbour graph, with the passport of what made them.

A store is a folder ``vectors/<passport>/`` of the study::

    vectors.npy    float32 (N, D), row = glitch
    glitches.npy   int64 (N,), the glitches' row numbers in the study, ascending
    inputs.npy     uint8 (N, 32), SHA-256 over the hashes of the files that each vector was made from
    ids.txt        the glitches' ids, one a line
    left-out.csv   glitches without a vector, and why
    index.faiss    FAISS's index
    graph.npz      the neighbour graph
    SHA256SUMS     the hashes of these files
    passport.json  what made it

It is built beside its place and moved there when it is complete.
"""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embed.csvfile import CsvFile, restored, write_csv
from embed.errors import InputError, StudyError
from embed.notebook import html_summary
from embed.storage import (
    beside,
    canonical_json,
    move_into_place,
    storage_errors,
    write_array,
    write_atomic,
    write_text,
)
from embed.sums import seal
from embed.types import Rows, Similarities, Step, Vectors
from embed.vectors.graph import NeighbourGraph, load_graph, load_neighbours, normalise, save_graph, unit_graph
from embed.vectors.index import DEFAULT_K, VectorIndex, load_index, save_index, unit_index
from embed.vectors.passport import GIVEN, GivenPassport, Passport
from embed.views.selection import LeftOut

MARK = "passport.json"
"""Written last: a store that has it is whole."""

_ROWS = 4096
_DIGEST_BYTES = 32
"""Of a SHA-256."""
_PASSPORT_TYPES: dict[str, type | tuple[type, ...]] = {
    "backbone": str,
    "weights": str,
    "views": str,
    "asked": str,
    "rows": int,
    "dimension": int,
    "k": int,
    "exact": bool,
    "recall": (int, float),
}
"""What a passport must hold for its store to be used."""


@dataclass(frozen=True)
class StoreRows:
    """The rows of a store.

    Attributes
    ----------
    glitches : ndarray of int64, shape (N,)
        Row numbers in the study, ascending.
    inputs : ndarray of uint8, shape (N, 32)
        SHA-256 over the hashes of the files that each vector was made from.
    ids : list of N str
    """

    glitches: Rows
    inputs: NDArray[np.uint8]
    ids: list[str]

    def __len__(self) -> int:
        return len(self.glitches)


class VectorStore:
    """A finished vector store, read lazily.

    Parameters
    ----------
    folder : Path
        The store.

    Attributes
    ----------
    passport : dict
        How it was made: the fields of `embed.vectors.passport.Passport`, ``asked`` (hash of the glitches and inputs that it should hold), ``rows``, ``dimension``, ``left_out`` and
        ``failed`` (counts: glitches without a vector, and those of them whose picture could not be decoded), and the
        graph's ``k``, ``exact`` and ``recall``.

    Raises
    ------
    StudyError
        When the store is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.passport: dict[str, Any] = json.loads((folder / MARK).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise StudyError(f"no finished vector store in {folder}; run `discover embed`") from error
        if not isinstance(self.passport, dict):
            raise self._damaged(MARK, f"it holds {type(self.passport).__name__}, no object")
        for key, kinds in _PASSPORT_TYPES.items():
            value = self.passport.get(key)
            if not isinstance(value, kinds) or (kinds is not bool and isinstance(value, bool)):
                raise self._damaged(MARK, f"{key} is {value!r}")

    @property
    def name(self) -> str:
        """The store's folder name."""
        return self.folder.name

    @property
    def is_given(self) -> bool:
        """Whether the vectors were made elsewhere."""
        return bool(self.passport["backbone"] == GIVEN)

    @property
    def having(self) -> str:
        """What a glitch of this store has, and what to do where none of those asked for has it; the end of a message."""
        if self.is_given:
            return f"a vector in {self.passport['file']}; ingest vectors of them, or choose others with --weights"
        return f"a vector with the views {self.passport['views']}; choose others with --views"

    def _repr_html_(self) -> str:
        keys = ("rows", "dimension", "backbone", "weights", "views", "left_out", "k", "exact", "recall")
        return html_summary(f"Vectors {self.name}", {key: self.passport.get(key, "") for key in keys})

    @cached_property
    def vectors(self) -> np.ndarray:
        """Vectors, ndarray of float32, shape (N, D), read from disk as needed."""
        return self._array("vectors.npy", self.passport["dimension"], memory_map=True)

    @cached_property
    def glitches(self) -> np.ndarray:
        """Row numbers in the study, ascending, ndarray of int64, shape (N,)."""
        return self._array("glitches.npy")

    @cached_property
    def inputs(self) -> np.ndarray:
        """Hash of each glitch's input, ndarray of uint8, shape (N, 32)."""
        return self._array("inputs.npy", _DIGEST_BYTES)

    @cached_property
    def left_out(self) -> list[LeftOut]:
        """Glitches without a vector."""
        name = "left-out.csv"
        try:
            rows = CsvFile(self.folder / name).rows()
            return [LeftOut(int(row.cells["glitch"]), restored(row.cells["reason"])) for row in rows]
        except (InputError, KeyError, ValueError) as error:
            raise self._damaged(name, str(error)) from error

    @cached_property
    def graph(self) -> NeighbourGraph:
        """The neighbour graph of all rows."""
        graph = load_graph(self.folder / "graph.npz")
        if len(graph.neighbours) != self.passport["rows"]:
            raise self._damaged("graph.npz", f"{len(graph.neighbours)} rows for {self.passport['rows']} vectors")
        return graph

    def neighbours(self, row: int) -> tuple[Rows, Similarities]:
        """Return the graph's neighbours of one row and their similarities, both of shape (k,), without reading the whole graph."""
        return load_neighbours(self.folder / "graph.npz", row)

    @cached_property
    def index(self) -> VectorIndex:
        """The FAISS index of all rows."""
        recall = self.passport.get("index_recall", self.passport["recall"])  # older stores have one for both
        return load_index(self.folder / "index.faiss", recall=float(recall))

    def rows(self, glitches: np.ndarray) -> np.ndarray:
        """Rows of glitches in this store, ndarray of int64; -1 for a glitch without a vector."""
        if not len(self.glitches):
            return np.full(len(glitches), -1)
        place = np.minimum(np.searchsorted(self.glitches, glitches), len(self.glitches) - 1)
        return np.where(self.glitches[place] == glitches, place, -1)

    def _array(self, name: str, *width: int, memory_map: bool = False) -> np.ndarray:
        try:
            array = np.load(self.folder / name, mmap_mode="r" if memory_map else None, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise self._damaged(name, str(error)) from error
        shape = (self.passport["rows"], *width)
        if array.shape != shape:
            raise self._damaged(name, f"shape {array.shape}, the passport says {shape}")
        return array

    def _damaged(self, name: str, why: str) -> StudyError:
        return StudyError(f"{self.folder / name} is damaged ({why}); delete {self.folder} and run `discover embed`")


def stores(study_folder: Path) -> list[VectorStore]:
    """The finished vector stores of a study, by name."""
    folder = study_folder / "vectors"
    finished = sorted(path.parent for path in folder.glob(f"*/{MARK}") if path.parent.suffix not in (".new", ".old"))
    return [VectorStore(path) for path in finished]


def chosen_store(study_folder: Path, name: str | None) -> VectorStore | None:
    """Return the finished store of this name, or the first where there is none such; None where there is none at all."""
    there = {store.name: store for store in stores(study_folder)}
    return there.get(name or "") or next(iter(there.values()), None)


def write_store(
    folder: Path,
    passport: Passport | GivenPassport,
    rows: StoreRows,
    vectors: Iterable[Vectors],
    *,
    left_out: list[LeftOut],
    asked: str,
    failed: int = 0,
    k: int = DEFAULT_K,
    seed: int = 0,
    device: str = "cpu",
    step: Step = lambda _: None,
) -> VectorStore:
    """Write a store beside its place, with index and graph, and move it there whole.

    Parameters
    ----------
    folder : Path
        The store's place.
    passport : Passport or GivenPassport
        What made the vectors.
    rows : StoreRows
        N of them.
    vectors : iterable of ndarray of float32, shape (n, D)
        Blocks of vectors, N rows in all.
    left_out : list of LeftOut
        Glitches without a vector.
    asked : str
        Hash of the glitches and inputs that the store should hold; see `embed.vectors.standing.asked_digest`.
    failed : int
        How many of the glitches left out have a picture that could not be decoded.
    k : int
        Neighbours of the graph.
    seed, device
        See `embed.vectors.graph.neighbour_graph`.
    step : callable, optional
        Receives the name of each step as it begins: write, graph, index.

    Raises
    ------
    StorageError
        When the disk is full.
    InputError
        When a vector is NaN, infinite or all zero.
    """
    new, _ = beside(folder)
    with storage_errors(folder):
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
    step("write")
    write_atomic(new / "vectors.npy", lambda file: write_blocks(file, vectors, len(rows)))
    write_array(new / "glitches.npy", rows.glitches)
    write_array(new / "inputs.npy", rows.inputs)
    write_text(new / "ids.txt", "".join(f"{name}\n" for name in rows.ids))
    write_csv(new / "left-out.csv", ("glitch", "reason"), left_out)
    array = np.load(new / "vectors.npy", mmap_mode="r")
    _check(array, rows.ids)
    step("graph")
    unit = normalise(array)
    graph = unit_graph(unit, k, seed=seed, device=device)
    save_graph(graph, new / "graph.npz")
    step("index")
    index_recall = _write_index(unit, new / "index.faiss", seed)
    facts = passport.facts | {
        "asked": asked,
        "rows": len(rows),
        "dimension": int(array.shape[1]),
        "left_out": len(left_out),
        "failed": failed,
        "k": graph.k,
        "exact": graph.exact,
        "recall": graph.recall,
        "index_recall": index_recall,
        "seed": seed,
    }
    seal(new, MARK, canonical_json(facts) + "\n")
    move_into_place(folder)
    return VectorStore(folder)


def _write_index(unit: Vectors, file: Path, seed: int) -> float:
    """Write the FAISS index, give its memory back, and return its recall."""
    index = unit_index(unit, seed=seed)
    save_index(index, file)
    return index.recall


def write_blocks(file: Any, blocks: Iterable[np.ndarray], rows: int) -> None:  # noqa: ANN401 - a binary file
    """Write an ``.npy`` of float32 block by block: plain writes, since a full disk under a memory map kills the process."""
    written = 0
    for block in blocks:
        if written == 0:
            header = {
                "descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)),
                "fortran_order": False,
                "shape": (rows, block.shape[1]),
            }
            np.lib.format.write_array_header_1_0(file, header)
        file.write(np.ascontiguousarray(block, np.float32).data)
        written += len(block)
    if written != rows:
        raise StudyError(f"{written} vectors for {rows} glitches; delete the folder vectors/ and run `discover embed`")


def _check(vectors: np.ndarray, ids: list[str]) -> None:
    bad: list[int] = []
    for start in range(0, len(vectors), _ROWS):
        block = vectors[start : start + _ROWS]
        bad += (start + np.flatnonzero(~np.isfinite(block).all(axis=1) | ~block.any(axis=1))).tolist()
    if bad:
        raise InputError(
            f"the network gave no usable vector (NaN or all zero) for {len(bad)} glitches, first {ids[bad[0]]}; use other --weights"
        )
