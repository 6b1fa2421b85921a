"""Vectors that were made elsewhere into a study: glitches with ids and labels, and a store of their vectors."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.errors import InputError
from embed.ingest.tablefile import PARQUET, read_chunks, table_rows
from embed.ingest.tables import ingest_table, parse_row
from embed.network.names import GIVEN_PREFIX
from embed.storage import file_digest, file_name
from embed.study.report import IngestReport
from embed.vectors.given import given_folder
from embed.vectors.passport import GivenPassport
from embed.vectors.standing import asked_digest
from embed.vectors.store import MARK, StoreRows, VectorStore, write_store
from embed.vectors.vectorfile import ROWS, VectorFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from embed.study.study import Study
    from embed.types import Progress, Rows, Step, Vectors


@dataclass(frozen=True)
class GivenVectors:
    """What an ingest of vectors did."""

    report: IngestReport
    store: VectorStore


def ingest_vectors(
    study: Study,
    path: Path,
    ids: Path | None = None,
    *,
    name: str | None = None,
    seed: int = 0,
    device: str = "cpu",
    step: Step = lambda _: None,
    progress: Progress | None = None,
) -> GivenVectors:
    """Add glitches with their vectors; no picture is needed. The vectors become those that other commands read.

    Two runs are recorded: the ingest of the glitches, and the making of the store. A second ingest of the same files adds nothing.

    Parameters
    ----------
    study : Study
    path : Path
        A .npy file of N rows of numbers, or a Parquet file with an id, and a column of lists (`LIST_COLUMNS`) or numbered columns.
    ids : Path, optional
        For a .npy file: a table of N rows in the same order, with an id, and where known ``label``, ``ifo``, ``event_time`` and
        further columns, which are kept as metadata.
    name : str, optional
        By default from the file's name. ``vectors:NAME`` names them afterwards.
    seed, device
        See `embed.vectors.graph.neighbour_graph`.
    step : callable, optional
        Receives the name of each step as it begins: check, rows, and those of `embed.vectors.store.write_store`.
    progress : callable, optional
        Called with (glitches done, glitches in all) during the step "rows".

    Raises
    ------
    InputError
        When a vector is NaN, infinite or all zero, an id is missing or doubled, the numbers of rows differ, or the study has other
        vectors of this name.
    StorageError
        When the disk is full.
    """
    table = path if ids is None else ids
    weights = GIVEN_PREFIX + (name if name is not None else file_name(path.stem))
    folder = given_folder(study.folder, weights)
    file = VectorFile(path)
    step("check")
    names = _checked_ids(table, file.columns)
    dtype = _check_vectors(file, names, table)
    passport = GivenPassport(weights, path.name, file_digest(path), table.name, file_digest(table), dtype)
    store = VectorStore(folder) if (folder / MARK).is_file() else None
    if store is not None and not passport.facts.items() <= store.passport.items():
        raise InputError(
            f"the study has other vectors named {weights.removeprefix(GIVEN_PREFIX)!r} already, of {store.passport['file']}; give another --name"
        )
    with study.run("ingest", {"path": str(path), "ids": None if ids is None else str(ids)}):
        step("rows")
        report = ingest_table(study, table, without=file.columns, progress=progress)
        if report.skipped:
            raise InputError(f"{report.skipped[0].path}: {report.skipped[0].reason}")
        glitches = _row_numbers(study, names)
    facts = {"backbone": passport.backbone, "weights": weights, "views": passport.views}
    with study.run("embed", {**facts, "store": folder.name, "runtime": "none"}):
        if store is None:
            store = _write(study, folder, passport, file, glitches, seed=seed, device=device, step=step)
    return GivenVectors(report, store)


def _checked_ids(table: Path, columns: Sequence[str]) -> list[str]:
    """The ids in order, with the detector where it is known; every row is read and judged before anything is written."""
    names: list[str] = []
    seen: dict[str, int] = {}
    report = IngestReport()
    for chunk, header in read_chunks(table, required=("gravityspy_id",), without=columns):
        for line, row in table_rows(chunk, header, table, report):
            try:
                name = parse_row(row).id
            except InputError as error:
                raise InputError(f"{_where(table, line)}: {error}") from error
            if name in seen:
                raise InputError(
                    f"{_where(table, line)}: id {name!r} is in {_where(table, seen[name])} already; every vector needs an id of its own"
                )
            seen[name] = line
            names.append(name)
        if report.skipped:
            raise InputError(f"{report.skipped[0].path}: {report.skipped[0].reason}")
    return names


def _where(table: Path, line: int) -> str:
    return f"{table.name}, row {line - 2}" if table.suffix.lower() == PARQUET else f"{table.name}, line {line}"


def _check_vectors(file: VectorFile, names: Sequence[str], table: Path) -> str:
    """Refuse a vector that cannot be used, and another number of vectors than of ids; returns the type of the numbers."""
    done, dtype = 0, ""
    for block in file.blocks():
        dtype = str(block.dtype)
        with np.errstate(over="ignore"):
            values = block.astype(np.float32)
        bad = ~np.isfinite(values).all(axis=1) | ~values.any(axis=1)
        if bad.any():
            row = int(np.argmax(bad))
            what = "is all zero" if not values[row].any() else "holds NaN, or a number that is no finite float32"
            who = f", {names[done + row]}" if done + row < len(names) else ""
            raise InputError(
                f"{file.path.name}, row {done + row} (counted from 0{who}): the vector {what}; leave this row out"
            )
        done += len(block)
    if done != len(names):
        raise InputError(
            f"{file.path.name} has {done} vectors and {table.name} {len(names)} ids; give one id for each vector, in the same order"
        )
    return dtype


def _row_numbers(study: Study, names: Sequence[str]) -> Rows:
    known = {name: glitch for glitch, name in study.ids().items()}
    glitches = [known[name] if name in known else study.known_glitch(name) for name in names]
    first: dict[int, str] = {}
    for glitch, name in zip(glitches, names, strict=True):
        if first.setdefault(glitch, name) != name:
            raise InputError(
                f"ids {first[glitch]!r} and {name!r} are one glitch of the study {study.folder}; every vector needs an id of its own"
            )
    return np.array(glitches, np.int64)


def _write(
    study: Study,
    folder: Path,
    passport: GivenPassport,
    file: VectorFile,
    glitches: Rows,
    *,
    seed: int,
    device: str,
    step: Step,
) -> VectorStore:
    """Write the store, in the order of the study's rows."""
    order, names = np.argsort(glitches, kind="stable"), study.ids()
    ids = [names[glitch] for glitch in glitches[order].tolist()]
    with file.mapped(folder.parent, len(glitches)) as array:
        inputs = np.empty((len(order), 32), np.uint8)
        for start, block in _ordered(array, order):
            for row, vector in enumerate(block, start):
                inputs[row] = np.frombuffer(hashlib.sha256(vector.tobytes()).digest(), np.uint8)
        return write_store(
            folder,
            passport,
            StoreRows(glitches[order], inputs, ids),
            (block for _, block in _ordered(array, order)),
            left_out=[],
            asked=asked_digest(glitches[order], inputs, []),
            seed=seed,
            device=device,
            step=step,
        )


def _ordered(array: np.ndarray[Any, Any], order: Rows) -> Iterator[tuple[int, Vectors]]:
    for start in range(0, len(order), ROWS):
        yield start, np.ascontiguousarray(array[order[start : start + ROWS]], np.float32)
