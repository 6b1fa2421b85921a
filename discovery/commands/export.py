"""``discover export``."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from discovery.checks.export import needs_vectors
from discovery.commands.console import Move, Terminal
from discovery.exchange.cleanlab import export_cleanlab
from discovery.exchange.fiftyone import export_fiftyone
from discovery.exchange.formats import FOLDERS
from discovery.exchange.listing import Listing
from discovery.exchange.tables import export_atlas, export_csv, export_parquet
from embed.digits import counted
from embed.errors import StudyError
from embed.storage import beside, move_into_place, storage_errors
from embed.study.study import Study
from embed.vectors.passport import describe_vectors

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable
    from pathlib import Path

    from embed.vectors.store import VectorStore


def run(options: Namespace) -> None:
    """Write the study for another tool."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study:
        store = _vectors(study, options, terminal)
        with terminal.progress("export") as progress:
            if options.to in FOLDERS:
                facts = _in_new_folder(
                    options.out, lambda folder: _write_folder(study, store, options, folder, progress)
                )
            else:
                facts = _write_file(study, store, options, progress)
    if store is not None:
        terminal.say(describe_vectors(store.passport))
    for line in facts.pop("notes"):
        terminal.say(line)
    terminal.say(str(options.out))
    terminal.result({"format": options.to, "path": str(options.out), **facts})


def _vectors(study: Study, options: Namespace, terminal: Terminal) -> VectorStore | None:
    if not needs_vectors(options):
        return None
    from discovery.commands.vectors import make_vectors  # noqa: PLC0415 - seconds that other formats need not wait for

    return make_vectors(study, options, terminal)


def _write_file(study: Study, store: VectorStore | None, options: Namespace, progress: Move) -> dict[str, Any]:
    listing, notes = Listing(study), []
    rows = listing.glitches
    if options.to == "csv":
        export_csv(listing, options.out, progress)
    elif options.to == "parquet":
        export_parquet(listing, options.out, rows, store=store, progress=progress)
    else:
        store = _needed(store)
        rows = store.glitches
        export_atlas(listing, options.out, store, method=options.method or "umap", seed=options.seed, progress=progress)
        notes.append(f"embedding-atlas {options.out} --x projection_x --y projection_y --neighbors neighbors")
    notes.insert(0, f"{counted(len(rows), 'glitch', 'glitches')}, {counted(len(listing.columns), 'column', 'columns')}")
    return {"glitches": len(rows), "columns": [column.name for column in listing.columns], "notes": notes}


def _write_folder(
    study: Study, store: VectorStore | None, options: Namespace, folder: Path, progress: Move
) -> dict[str, Any]:
    if options.to == "cleanlab":
        done = export_cleanlab(study, folder, options.audit)
        notes = [
            f"{counted(done.glitches, 'label', 'labels')} in {counted(done.classes, 'class', 'classes')}, audited by {done.audit}: {done.origin}"
        ]
        if done.relabelled:
            notes.append(
                f"{counted(done.relabelled, 'label has', 'labels have')} changed since that audit; the audited ones are written, so audit again for today's"
            )
        return done._asdict() | {"notes": notes}
    listing = Listing(study)
    if options.to == "fiftyone":
        samples, count = export_fiftyone(listing, folder, progress), len(listing.glitches)
        left = (
            f"; {counted(count - samples, 'glitch without a picture file is', 'glitches without a picture file are')} left out"
            if samples < count
            else ""
        )
        how = f"fiftyone.Dataset.from_dir({str(options.out)!r}, dataset_type=fiftyone.types.FiftyOneDataset)"
        return {"glitches": samples, "left_out": count - samples, "notes": [f"{samples} samples{left}", how]}
    from discovery.exchange.projector import export_projector  # noqa: PLC0415 - see `_vectors`

    store = _needed(store)
    sprite = export_projector(study, listing, store, folder, progress)
    notes = [f"{counted(len(store.glitches), 'vector', 'vectors')} of {store.passport['dimension']} numbers"]
    if not sprite:
        notes.append("no sprite: the glitches have no pictures, or are more than 65,536")
    notes.append(f"tensorboard --logdir {options.out}")
    return {"glitches": len(store.glitches), "sprite": sprite, "notes": notes}


def _needed(store: VectorStore | None) -> VectorStore:
    if store is None:
        raise StudyError("this format needs vectors; make some with `discover embed`")
    return store


def _in_new_folder(place: Path, write: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Write a folder beside its place, and move it there when it is whole."""
    place = place.absolute()
    new, _ = beside(place)
    with storage_errors(place):
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
    try:
        facts = write(new)
        move_into_place(place)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return facts
