"""The Gravity Spy training set in HDF5: ``/<label>/<sample_type>/<gravityspy_id>/<duration>.png``.

Each leaf is a data set despite its name: one luminance plane (1, 140, 170) of values 0 to 1, cropped and scaled down by
Gravity Spy (``skimage.color.rgb2gray`` of the viridis picture). The layout names no detector; the metadata CSV does, and
fills it in when it is brought in before or after.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import h5py

from embed.errors import InputError
from embed.gravityspy import DURATIONS, SAMPLE_TYPES, class_name, gps_of_id, is_identifier
from embed.ingest.folders import BATCH
from embed.study.records import Label
from embed.study.report import IngestReport, batches
from embed.study.study import Study
from embed.types import Progress
from embed.views.plane import read_plane


def ingest_training_set(study: Study, path: Path, *, progress: Progress | None = None) -> IngestReport:
    """Bring the views of a training-set file in; they stay in the file and are referenced.

    Parameters
    ----------
    study : Study
        Open for writing within `Study.run`.
    path : Path
        The HDF5 file.
    progress : callable, optional
        Called with (views done, views in all).

    Raises
    ------
    InputError
        When the file is no HDF5 or holds nothing of the training set's layout.
    """
    report = IngestReport()
    try:
        with h5py.File(path, "r") as file:
            leaves = list(_leaves(file))
            if not leaves:
                raise InputError(
                    f"{path} holds no /<label>/<train|validation|test>/<id>/<duration>.png; it is not a Gravity Spy training set"
                )
            done = 0
            modified = path.stat().st_mtime_ns
            for batch in batches(leaves, BATCH):
                with study.transaction():
                    for leaf in batch:
                        _add(study, path, file, leaf, modified, report)
                done += len(batch)
                if progress is not None:
                    progress(done, len(leaves))
    except OSError as error:
        raise InputError(f"{path} cannot be read as HDF5 ({str(error)[:200]})") from error
    return report


def _leaves(file: h5py.File) -> Iterator[str]:
    for label in sorted(file):
        group = file[label]
        for split in sorted(group) if isinstance(group, h5py.Group) else ():
            glitches = group[split]
            for glitch in sorted(glitches) if split in SAMPLE_TYPES and isinstance(glitches, h5py.Group) else ():
                views = glitches[glitch]
                for view in sorted(views) if isinstance(views, h5py.Group) else ():
                    yield f"{label}/{split}/{glitch}/{view}"


def _add(study: Study, path: Path, file: h5py.File, leaf: str, modified: int, report: IngestReport) -> None:
    label, split, identifier, name = leaf.split("/")
    where = f"{path.name}:/{leaf}"
    try:
        duration = float(name.removesuffix(".png"))
    except ValueError:
        duration = 0.0
    if duration not in DURATIONS:
        report.skip(where, f"{name!r} is none of the durations {', '.join(map(str, DURATIONS))}")
        return
    if not is_identifier(identifier):
        report.skip(where, f"{identifier[:80]!r} cannot be an id (letters, digits and . _ + - ( ) only)")
        return
    try:
        plane = read_plane(file, leaf)
    except InputError as error:
        report.skip(where, str(error))
        return
    glitch = study.find_glitch(identifier, None)
    known = None
    if glitch is not None:
        known = study.connection.execute(
            "SELECT source, dataset FROM views WHERE glitch = ? AND duration = ?", (glitch, duration)
        ).fetchone()
    if known is not None and known != (str(path.absolute()), leaf):
        report.skip(where, f"two files for one view: the study has it from {known[0]}; remove one of them")
        return
    glitch, added = study.add_glitch(identifier, None, gps_of_id(identifier), {"sample_type": split})
    report.glitches += added
    if known is None:
        study.connection.execute(
            "INSERT INTO views (glitch, duration, kind, source, dataset, size, modified, sha256, width, height) VALUES (?, ?, 'grey', ?, ?, ?, ?, ?, ?, ?)",
            (
                glitch,
                duration,
                str(path.absolute()),
                leaf,
                plane.nbytes,
                modified,
                hashlib.sha256(plane.tobytes()).hexdigest(),
                plane.shape[1],
                plane.shape[0],
            ),
        )
        report.views += 1
    else:
        report.unchanged += 1
    report.labels += study.add_label(glitch, Label(class_name(label), by="folder", source="ingest"))
