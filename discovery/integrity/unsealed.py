"""The check of a vector store without kept hashes, as an earlier version wrote it: passport, index, graph and vectors against each other."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import numpy as np

from discovery.integrity.finding import DAMAGED, MISSING, Finding
from embed.errors import DiscoverError, StudyError
from embed.storage import digest
from embed.vectors.graph import load_graph
from embed.vectors.index import load_index
from embed.vectors.passport import GIVEN
from embed.vectors.similarity import normalise, paired_similarities, top_k
from embed.vectors.standing import asked_digest
from embed.vectors.store import MARK, VectorStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from embed.study.study import Study
    from embed.types import Flags, Vectors

SAMPLE = 256
"""Rows of the graph that are computed anew."""
BLOCK_ROWS = 8192
_FACTS = ("asked", "rows", "dimension", "left_out", "failed", "k", "exact", "recall", "index_recall", "seed")
"""What a passport says of the store, beside what made the vectors."""
_FILES = ("vectors.npy", "glitches.npy", "inputs.npy", "ids.txt", "left-out.csv", "index.faiss", "graph.npz", MARK)


def check_unsealed(study: Study | None, part: str, folder: Path, remedy: str) -> list[Finding]:
    """Check a store without kept hashes: the passport against the folder's name, all files against each other, and the ids against the study."""
    found = [
        Finding(f"{part}: {name}", MISSING, "is not there", remedy) for name in _FILES if not (folder / name).is_file()
    ]

    def fault(name: str, why: str) -> None:
        found.append(Finding(f"{part}: {name}", DAMAGED, why, remedy))

    if found:
        return found
    try:
        store = VectorStore(folder)
    except StudyError as error:
        return [Finding(f"{part}: {MARK}", DAMAGED, str(error), remedy)]
    found += misnamed(part, folder, remedy)
    for name, read in (
        ("vectors.npy", "vectors"),
        ("glitches.npy", "glitches"),
        ("inputs.npy", "inputs"),
        ("left-out.csv", "left_out"),
    ):
        try:
            getattr(store, read)
        except StudyError as error:
            fault(name, str(error))
    if found:
        return found
    for name, why in _row_faults(study, store):
        fault(name, why)
    return found + _against_vectors(part, store, remedy)


def misnamed(part: str, folder: Path, remedy: str) -> list[Finding]:
    """Compare a store's passport with the name of its folder, which is made from it; vectors that were made elsewhere are named otherwise."""
    passport = VectorStore(folder).passport
    made = {key: value for key, value in passport.items() if key not in _FACTS}
    if passport["backbone"] == GIVEN or folder.name.endswith(digest(made)[:10]):
        return []
    return [Finding(f"{part}: {MARK}", DAMAGED, "what made the vectors is not what the folder's name says", remedy)]


def _row_faults(study: Study | None, store: VectorStore) -> Iterator[tuple[str, str]]:
    """Compare row numbers, inputs and ids with the passport and the study; yields the name of a file that may be damaged, and why."""
    if not (np.diff(store.glitches) > 0).all():
        yield "glitches.npy", "the row numbers do not ascend"
    asked = asked_digest(store.glitches, store.inputs, store.left_out)
    if not store.passport["failed"] and asked != store.passport["asked"]:
        for name in ("glitches.npy", "inputs.npy", "left-out.csv"):
            yield name, f"this file, or another of the rows, is not what {MARK} was made for"
    ids = (store.folder / "ids.txt").read_bytes().splitlines()
    if len(ids) != len(store.glitches):
        yield "ids.txt", f"it does not hold {len(store.glitches)} ids"
        return
    try:
        names = study.ids() if study is not None else {}
    except sqlite3.DatabaseError:  # the check of the database says so
        names = {}
    pairs = zip(store.glitches.tolist(), ids, strict=True)
    wrong = sum(glitch in names and names[glitch].encode() != own for glitch, own in pairs)
    if wrong:
        yield "ids.txt", f"{wrong} of its {len(ids)} ids are not those of the study's glitches"


def _against_vectors(part: str, store: VectorStore, remedy: str) -> list[Finding]:
    """Compare index and graph with the vectors: of the three, the one that the two others contradict is damaged."""

    def fault(name: str, why: str) -> Finding:
        return Finding(f"{part}: {name}", DAMAGED, why, remedy)

    try:
        unit = normalise(store.vectors)
    except DiscoverError as error:
        return [fault("vectors.npy", str(error))]
    found = []
    graph_fault = _graph_fault(store, unit)
    try:
        held = load_index(store.folder / "index.faiss").vectors
    except StudyError as error:
        found.append(fault("index.faiss", str(error)))
    else:
        if held.shape != unit.shape:
            found.append(fault("index.faiss", f"it holds vectors of shape {held.shape}, not {unit.shape}"))
        elif (rows := (held != unit).any(axis=1)).any():
            why = f"index and vectors differ in {int(rows.sum()):,} of {len(rows):,} rows"
            if _index_is_damaged(store, held, rows, graph_fault):
                found.append(fault("index.faiss", why))
            else:
                return [fault("vectors.npy", f"{why}, and the graph does not speak for the vectors")]
    return [*found, fault("graph.npz", graph_fault)] if graph_fault else found


def _index_is_damaged(store: VectorStore, held: Vectors, rows: Flags, graph_fault: str) -> bool:
    """Whether it is the index that differs: its rows are no unit vectors, or the graph was made from the vectors as they are."""
    try:
        if not np.array_equal(normalise(held[rows]), held[rows]):
            return True
        graph = load_graph(store.folder / "graph.npz")
    except DiscoverError:
        return not graph_fault
    by_index = paired_similarities(held[rows], held, graph.neighbours[rows])
    return not graph_fault and not np.array_equal(by_index, graph.similarities[rows])


def _graph_fault(store: VectorStore, unit: Vectors) -> str:
    """Say what is wrong with a graph; an empty string where nothing is."""
    try:
        return next(_graph_faults(store, unit), "")
    except StudyError as error:
        return str(error)


def _graph_faults(store: VectorStore, unit: Vectors) -> Iterator[str]:
    graph = load_graph(store.folder / "graph.npz")
    if len(graph.neighbours) != len(unit):
        yield f"{len(graph.neighbours)} rows for {len(unit)} vectors"
        return
    if (np.diff(graph.similarities, axis=1) > 0).any() or not np.isfinite(graph.similarities).all():
        yield "the similarities of a row do not descend"
    listed = np.sort(graph.neighbours, axis=1)
    if (listed == np.arange(len(unit))[:, None]).any() or (np.diff(listed, axis=1) == 0).any():
        yield "a row is listed as its own neighbour, or twice"
    for start in range(0, len(unit), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        own = paired_similarities(unit[rows], unit, graph.neighbours[rows])
        wrong = int((own != graph.similarities[rows]).any(axis=1).sum())
        if wrong:
            yield f"the similarities of {wrong} rows are not those of the vectors"
    if graph.exact and graph.k:
        sample = np.unique(np.linspace(0, len(unit) - 1, SAMPLE).astype(np.int64))
        true = top_k(unit[sample], unit, graph.k, exclude=sample)[0]
        wrong = int((true != graph.neighbours[sample]).any(axis=1).sum())
        if wrong:
            yield f"the neighbours of {wrong} of {len(sample)} sampled rows are others"
