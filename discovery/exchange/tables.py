"""Exports as one table: CSV, Parquet, and the Parquet file that Embedding Atlas opens."""

from __future__ import annotations

from itertools import chain
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from embed.csvfile import write_csv
from embed.storage import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from discovery.clustering.methods import MapMethod
    from discovery.exchange.listing import Cell, Listing
    from embed.types import Progress, Rows
    from embed.vectors.store import VectorStore

ATLAS_NEIGHBOURS = 15
"""Neighbours in Embedding Atlas's column, as many as the tool finds itself."""

_TYPES = {"text": pa.string(), "number": pa.float64(), "whole": pa.int64()}
_NEIGHBOURS = pa.struct([("ids", pa.list_(pa.int64())), ("distances", pa.list_(pa.float64()))])

Extra = dict[str, tuple[pa.DataType, "Callable[[int, int], Any]"]]
"""Further columns: name -> type, and what gives the values of the rows from one number to before another."""


def export_csv(listing: Listing, path: Path, progress: Progress | None = None) -> None:
    """Write the whole table as CSV, atomically; errors as `embed.csvfile.write_csv`."""
    rows = chain.from_iterable(_counted(listing.blocks(), progress, len(listing.glitches)))
    write_csv(path, [column.name for column in listing.columns], rows)


def export_parquet(
    listing: Listing,
    path: Path,
    glitches: Rows,
    *,
    store: VectorStore | None = None,
    extra: Extra | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the table of some glitches as Parquet, atomically and block by block.

    Parameters
    ----------
    listing : Listing
    path : Path
    glitches : ndarray of int64, shape (N,)
        Row numbers, in the order of the file.
    store : VectorStore, optional
        Adds the column ``vector``, float32 lists of one length; null for a glitch without a vector.
    extra : dict, optional
        Further columns; see `Extra`.
    progress : callable, optional
        Called with (rows done, rows in all).

    Raises
    ------
    StorageError
        When the file cannot be written.
    """
    fields = [pa.field(column.name, _TYPES[column.kind]) for column in listing.columns]
    fields += [pa.field(name, kind) for name, (kind, _) in (extra or {}).items()]
    if store is not None:
        fields.append(pa.field("vector", pa.list_(pa.float32(), int(store.passport["dimension"]))))
    schema = pa.schema(fields)

    def write(file: IO[bytes]) -> None:
        done = 0
        with parquet.ParquetWriter(file, schema) as writer:
            for block in _counted(listing.blocks(glitches), progress, len(glitches)):
                columns: list[Any] = list(zip(*block, strict=True))
                columns += [values(done, done + len(block)) for _, values in (extra or {}).values()]
                arrays = [pa.array(own, field.type) for own, field in zip(columns, fields, strict=False)]
                if store is not None:
                    arrays.append(_vectors(store, glitches[done : done + len(block)], fields[-1].type))
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
                done += len(block)

    write_atomic(path, write)


def export_atlas(
    listing: Listing,
    path: Path,
    store: VectorStore,
    *,
    method: MapMethod = "umap",
    seed: int = 0,
    progress: Progress | None = None,
) -> None:
    """Write the glitches that have vectors for ``embedding-atlas FILE --x projection_x --y projection_y --neighbors neighbors``.

    Parameters
    ----------
    listing, path, progress
        See `export_parquet`.
    store : VectorStore
        The map is drawn from its vectors; ids of neighbours are row numbers of the file, from 0, and distances are 1 less the cosine.
    method : {"umap", "tsne"}
    seed : int
        Of the map.
    """
    from discovery.clustering.projection import project  # noqa: PLC0415 - seconds that other formats need not wait for

    coordinates = project(store.vectors, store.graph, method=method, dims=2, seed=seed).astype(np.float64)
    graph, near = store.graph, min(ATLAS_NEIGHBOURS, store.graph.k)

    def neighbours(first: int, last: int) -> list[dict[str, list[Any]]]:
        ids = graph.neighbours[first:last, :near]
        distances = 1.0 - graph.similarities[first:last, :near].astype(np.float64)
        return [{"ids": own.tolist(), "distances": away.tolist()} for own, away in zip(ids, distances, strict=True)]

    extra: Extra = {
        "projection_x": (pa.float64(), lambda first, last: coordinates[first:last, 0]),
        "projection_y": (pa.float64(), lambda first, last: coordinates[first:last, 1]),
        "neighbors": (_NEIGHBOURS, neighbours),
    }
    export_parquet(listing, path, np.asarray(store.glitches), extra=extra, progress=progress)


def _vectors(store: VectorStore, glitches: Rows, kind: pa.DataType) -> pa.Array:
    rows = store.rows(glitches)
    found = np.ascontiguousarray(store.vectors[np.maximum(rows, 0)], np.float32)
    return pa.FixedSizeListArray.from_arrays(pa.array(found.ravel()), type=kind, mask=pa.array(rows < 0))


def _counted(
    blocks: Iterator[list[tuple[Cell, ...]]], progress: Progress | None, count: int
) -> Iterator[list[tuple[Cell, ...]]]:
    done = 0
    for block in blocks:
        yield block
        done += len(block)
        if progress is not None:
            progress(done, count)
