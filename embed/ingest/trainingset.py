"""The Gravity Spy training set in HDF5: ``/<label>/<sample_type>/<gravityspy_id>/<duration>.png``.

Each leaf is a data set despite its name: one luminance plane (1, 140, 170) of values 0 to 1, cropped and scaled down by
Gravity Spy (``skimage.color.rgb2gray`` of the viridis picture). The layout names no detector; ingest the metadata CSV,
before or after, to add it.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import h5py

from embed.errors import InputError, StorageError
from embed.gravityspy import DURATIONS, ID_RULE, SAMPLE_TYPES, class_name, gps_of_id, is_identifier
from embed.ingest.folders import BATCH
from embed.ingest.labelchanges import compare_labels
from embed.study.records import Label, ViewFile
from embed.study.report import IngestReport, batches
from embed.study.study import Study
from embed.study.views import add_view, find_view
from embed.types import Progress
from embed.views.plane import read_plane


def ingest_training_set(study: Study, path: Path, *, progress: Progress | None = None) -> IngestReport:
    """Add the views of a training-set file; the study refers to the file, which must stay where it is.

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
        When the file is no HDF5, or nothing in it has the training set's layout.
    """
    report = IngestReport()
    try:
        with h5py.File(path, "r") as file:
            leaves = list(_leaves(path, file, report))
            if not leaves:
                raise InputError(
                    f"{path} holds no /<label>/<train|validation|test>/<id>/<duration>.png; it is not a Gravity Spy training set"
                )
            done = 0
            modified = path.stat().st_mtime_ns
            with compare_labels(study, report):
                for batch in batches(leaves, BATCH):
                    with study.transaction():
                        for leaf in batch:
                            _add(study, path, file, leaf, modified=modified, report=report)
                    done += len(batch)
                    if progress is not None:
                        progress(done, len(leaves))
    except StorageError:  # an OSError of the study's, not of the file's
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read as HDF5 ({str(error)[:200]})") from error
    return report


def _leaves(path: Path, file: h5py.File, report: IngestReport) -> Iterator[str]:
    for label, group in _groups(path, file, report):
        for split, glitches in _groups(path, group, report):
            for glitch, views in _groups(path, glitches, report) if split in SAMPLE_TYPES else ():
                for view in sorted(views):
                    yield f"{label}/{split}/{glitch}/{view}"


def _groups(path: Path, parent: h5py.Group, report: IngestReport) -> Iterator[tuple[str, h5py.Group]]:
    """Groups in a group, by name; a link that leads nowhere is listed as skipped."""
    for name in sorted(parent):
        try:
            node = parent[name]
        except (KeyError, OSError, RuntimeError) as error:
            report.skip(f"{path.name}:{parent.name.rstrip('/')}/{name}", f"a link that leads nowhere ({error.args[0]})")
            continue
        if isinstance(node, h5py.Group):
            yield name, node


def _add(study: Study, path: Path, file: h5py.File, leaf: str, *, modified: int, report: IngestReport) -> None:
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
        report.skip(where, f"{identifier[:80]!r} cannot be an id ({ID_RULE})")
        return
    try:
        plane = read_plane(file, leaf)
    except InputError as error:
        report.skip(where, str(error))
        return
    glitch = study.find_glitch(identifier, None)
    known = None if glitch is None else find_view(study, glitch, duration)
    if known is not None and (known.source, known.dataset) != (str(path.absolute()), leaf):
        report.skip(where, f"two files for one view: the study has it from {known.source}; remove one of them")
        return
    glitch, added = study.add_glitch(identifier, None, gps_of_id(identifier), {"sample_type": split})
    report.glitches += added
    if known is None:
        found = ViewFile(
            duration=duration,
            kind="grey",
            source=str(path.absolute()),
            dataset=leaf,
            size=plane.nbytes,
            modified=modified,
            sha256=hashlib.sha256(plane.tobytes()).hexdigest(),
            width=plane.shape[1],
            height=plane.shape[0],
        )
        add_view(study, glitch, found)
        report.views += 1
    else:
        report.unchanged += 1
    report.labels += study.add_label(glitch, Label(class_name(label), by="folder", source="ingest"))
