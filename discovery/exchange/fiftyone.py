"""An export that FiftyOne imports: `metadata.json` and `samples.json` of its type FiftyOneDataset.

Without a ``version`` in the metadata FiftyOne reads the samples as plain JSON and finds the fields' types itself, so that neither
FiftyOne nor its database is needed here. The pictures stay where they are: ``filepath`` is absolute.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from embed.errors import InputError
from embed.storage import canonical_json, write_atomic, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from discovery.exchange.listing import Cell, Listing
    from embed.types import Progress

_OWN = {"id": "glitch_id", "label_by": "label_by", "label_source": "label_source"}
_LABELS = ("label", "predicted", "confidence")
_RESERVED = ("id", "filepath", "tags", "metadata", "ground_truth", "prediction", "created_at", "last_modified_at")


def export_fiftyone(listing: Listing, folder: Path, progress: Progress | None = None) -> int:
    """Write the folder: one sample a glitch that has a picture, its longest view in front.

    The given label is the field ``ground_truth``, a model's is ``prediction`` with its confidence; the other columns are fields of
    their names, in which every character but letters, digits and ``_`` is ``_``, and ``id`` is ``glitch_id``.

    Parameters
    ----------
    listing : Listing
    folder : Path
        New or empty.
    progress : callable, optional
        Called with (glitches done, glitches in all).

    Returns
    -------
    int
        Samples; glitches without a picture file of their own are left out.

    Raises
    ------
    InputError
        When no glitch has a picture file.
    StorageError
        When the folder cannot be written.
    """
    written = 0
    names = [column.name for column in listing.columns]

    def pieces() -> Iterator[str]:
        nonlocal written
        done = 0
        yield '{"samples": ['
        for block in listing.blocks():
            for row in block:
                sample = _sample(dict(zip(names, row, strict=True)), listing.images)
                if sample is not None:
                    yield (",\n" if written else "\n") + json.dumps(sample, ensure_ascii=False, allow_nan=False)
                    written += 1
            done += len(block)
            if progress is not None:
                progress(done, len(listing.glitches))
        yield "\n]}\n"

    def write(file: Any) -> None:  # noqa: ANN401 - a binary file
        for piece in pieces():
            file.write(piece.encode("utf-8"))
        if not written:
            raise InputError(
                "no glitch of the study has a picture file, and a sample of FiftyOne needs one; ingest pictures, or export --to parquet"
            )

    write_atomic(folder / "samples.json", write)
    write_text(
        folder / "metadata.json",
        canonical_json({"media_type": "image", "info": {"source": "glitch-discovery", "glitches": written}}) + "\n",
    )
    return written


def _sample(row: dict[str, Cell], images: Sequence[str]) -> dict[str, Any] | None:
    """Return one sample, its longest view in front; None for a glitch without a picture file, as where its views are in HDF5."""
    paths = [str(row[name]) for name in images if row[name] is not None]
    files = [path for path in paths if ":/" not in path]
    if not files:
        return None
    sample: dict[str, Any] = {"filepath": files[-1], "tags": []}
    if row["label"] is not None:
        sample["ground_truth"] = {"_cls": "Classification", "label": row["label"]}
    if row["predicted"] is not None:
        sample["prediction"] = {"_cls": "Classification", "label": row["predicted"], "confidence": row["confidence"]}
    for name, value in row.items():
        if value is not None and name not in _LABELS:
            sample[_field(name)] = value
    return sample


def _field(name: str) -> str:
    """A name that FiftyOne's database takes for a field."""
    plain = re.sub(r"\W", "_", _OWN.get(name, name), flags=re.ASCII)
    return f"field_{plain}" if plain in _RESERVED or plain.startswith("_") or not plain[:1].isalpha() else plain
