"""Vectors from strain: what a detector's final layer reads, for each glitch of a study whose strain is there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from embed.detector.place import CARD, WEIGHTS
from embed.detector.reach import GlitchStrain
from embed.detector.strainfiles import reached_files
from embed.errors import InputError
from embed.network.names import STRAIN_VECTORS
from embed.storage import file_digest, file_name
from embed.vectors.given import given_folder
from embed.vectors.passport import GivenPassport
from embed.vectors.standing import asked_digest
from embed.vectors.store import MARK, StoreRows, VectorStore, write_store
from embed.views.selection import LeftOut

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from embed.detector.model import Detector
    from embed.study.study import Study
    from embed.types import Progress


def strain_weights(folder: Path) -> str:
    """The name of a detector's vectors in a study: ``vectors:strain-NAME``."""
    return STRAIN_VECTORS + file_name(folder.absolute().name)


def embed_strain(
    study: Study,
    detector: Detector,
    *,
    strain: Sequence[Path] = (),
    seed: int = 0,
    progress: Progress | None = None,
) -> VectorStore:
    """Compute a vector of each glitch from its strain; the vectors become those that other commands read.

    Parameters
    ----------
    study : Study
    detector : Detector
        Its segment is centred on the glitch.
    strain : sequence of Path
        Strain files besides those that the study was scanned from.
    seed : int
        Of an approximate index.
    progress : callable, optional
        Called with (glitches done, glitches in all).

    Returns
    -------
    VectorStore
        Named as `strain_weights` says. Glitches whose strain cannot be read are left out, with the reason.

    Raises
    ------
    InputError
        When no glitch has strain, or a named file cannot be read.
    StorageError
        When the disk is full.
    """
    weights = strain_weights(detector.folder)
    folder = given_folder(study.folder, weights)
    passport = GivenPassport(
        weights,
        f"the detector {detector.folder.name}",
        file_digest(detector.folder / WEIGHTS),
        CARD,
        file_digest(detector.folder / CARD),
        "float32",
    )
    reach = GlitchStrain(reached_files(study, strain), detector.source)
    table = study.glitches()
    rows, vectors, inputs, ids, left_out = [], [], [], [], []
    for number, (glitch, name, ifo, gps) in enumerate(
        zip(table.index, table["id"], table["ifo"], table["gps"], strict=True), 1
    ):
        segment = reach.segment(name, ifo, gps)
        if isinstance(segment, str):
            left_out.append(LeftOut(int(glitch), segment))
        else:
            rows.append(int(glitch))
            ids.append(str(name))
            inputs.append(np.frombuffer(hashlib.sha256(segment.tobytes()).digest(), np.uint8))
            vectors.append(detector.features(segment[None])[0])
        if progress is not None:
            progress(number, len(table))
    if not rows:
        raise InputError(
            f"none of the {len(table)} glitches has strain within reach ({left_out[0].reason if left_out else 'the study is empty'}); give its files with `discover embed --strain FILE`, or scan them with `discover scan`"
        )
    found = StoreRows(np.array(rows, np.int64), np.stack(inputs), ids)
    asked = asked_digest(found.glitches, found.inputs, left_out)
    facts = {"backbone": passport.backbone, "weights": weights, "views": passport.views}
    with study.run("embed", {**facts, "store": folder.name, "runtime": "none"}):
        if (folder / MARK).is_file():
            store = VectorStore(folder)
            if store.passport["asked"] == asked and passport.facts.items() <= store.passport.items():
                return store
        return write_store(folder, passport, found, [np.stack(vectors)], left_out=left_out, asked=asked, seed=seed)
