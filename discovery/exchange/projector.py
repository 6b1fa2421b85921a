"""An export for TensorBoard's embedding projector: vectors, metadata, pictures, and the configuration that names them."""

from __future__ import annotations

import math
from itertools import chain
from typing import IO, TYPE_CHECKING

import numpy as np
from PIL import Image

from discovery.pages.drawing import png_bytes
from discovery.pages.pictures import load_thumbnails
from embed.storage import canonical_json, write_atomic, write_bytes, write_text
from embed.views.viridis import colours_of_levels

if TYPE_CHECKING:
    from pathlib import Path

    from discovery.exchange.listing import Cell, Listing
    from discovery.pages.thumbnails import Thumbnails
    from embed.study.study import Study
    from embed.types import Pixels, Progress
    from embed.vectors.store import VectorStore

SPRITE = 8192
"""Pixels: the projector's largest picture, height and width."""
LARGEST, SMALLEST = 64, 32
"""Pixels of one glitch's picture, height and width."""
ROWS = 2_000
"""Vectors, or pictures, at a time."""


def export_projector(
    study: Study, listing: Listing, store: VectorStore, folder: Path, progress: Progress | None = None
) -> bool:
    """Write the folder: `vectors.tsv`, `metadata.tsv`, `sprite.png` and the configuration, as JSON and for TensorBoard's ``--logdir``.

    Parameters
    ----------
    study : Study
    listing : Listing
        Of the study.
    store : VectorStore
        One row for each of its N vectors.
    folder : Path
        New or empty.
    progress : callable, optional
        Called with (rows done, N).

    Returns
    -------
    bool
        Whether there is a sprite: the glitches have pictures, and are at most 65,536.

    Raises
    ------
    StorageError
        When the folder cannot be written.
    """
    count, dimension = store.vectors.shape

    def write_vectors(file: IO[bytes]) -> None:
        for start in range(0, count, ROWS):
            np.savetxt(file, np.asarray(store.vectors[start : start + ROWS]), fmt="%.7g", delimiter="\t")
            if progress is not None:
                progress(min(start + ROWS, count), count)

    def write_metadata(file: IO[bytes]) -> None:
        file.write(_tsv([column.name for column in listing.columns]))
        for row in chain.from_iterable(listing.blocks(np.asarray(store.glitches))):
            file.write(_tsv(row))

    write_atomic(folder / "vectors.tsv", write_vectors)
    write_atomic(folder / "metadata.tsv", write_metadata)
    sprite, side = _sprite(study, store, count)
    if sprite is not None:
        write_bytes(folder / "sprite.png", sprite)
    entry: dict[str, object] = {
        "tensorName": "glitches",
        "tensorShape": [count, dimension],
        "tensorPath": "vectors.tsv",
        "metadataPath": "metadata.tsv",
    }
    lines = ['  tensor_name: "glitches"', '  tensor_path: "vectors.tsv"', '  metadata_path: "metadata.tsv"']
    if sprite is not None:
        entry["sprite"] = {"imagePath": "sprite.png", "singleImageDim": [side, side]}
        lines.append(
            f'  sprite {{\n    image_path: "sprite.png"\n    single_image_dim: {side}\n    single_image_dim: {side}\n  }}'
        )
    write_text(folder / "projector_config.json", canonical_json({"embeddings": [entry]}) + "\n")
    write_text(folder / "projector_config.pbtxt", "embeddings {\n" + "\n".join(lines) + "\n}\n")
    return sprite is not None


def _tsv(row: list[str] | tuple[Cell, ...]) -> bytes:
    """One line; a tab or a line end inside a cell becomes a blank."""
    cells = ("" if cell is None else " ".join(str(cell).split()) for cell in row)
    return ("\t".join(cells) + "\n").encode("utf-8")


def _sprite(study: Study, store: VectorStore, count: int) -> tuple[bytes | None, int]:
    """Draw the longest view of each glitch in a square of rows, and return it with the pixels of one picture."""
    across = math.ceil(math.sqrt(count))
    side = min(LARGEST, SPRITE // across)
    if side < SMALLEST:
        return None, side
    canvas, any_picture = Image.new("RGB", (across * side, across * side), "white"), False
    for start in range(0, count, ROWS):
        glitches = np.asarray(store.glitches[start : start + ROWS])
        thumbnails = load_thumbnails(study, store, glitches, study.views(glitches.tolist()))
        for row, place in enumerate(range(start, start + len(glitches))):
            pixels = _longest(thumbnails, row)
            if pixels is not None:
                any_picture = True
                small = Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR)
                canvas.paste(small, (place % across * side, place // across * side))
    if not any_picture:
        return None, side
    return png_bytes(canvas), side


def _longest(thumbnails: Thumbnails, row: int) -> Pixels | None:
    there = np.flatnonzero(thumbnails.present[row])
    if not len(there):
        return None
    levels = np.asarray(thumbnails.levels[row, there[-1]])
    return levels if thumbnails.plain else colours_of_levels(levels)
