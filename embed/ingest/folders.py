"""Images into a study. A second run adds nothing, a killed run is resumed, and every file left out is listed with the reason."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from embed.errors import InputError
from embed.gravityspy import ID_RULE, SAMPLE_TYPES, class_name, gps_of_id, is_identifier, parse_view_name
from embed.ingest.labelchanges import compare_labels
from embed.processors import usable_processors
from embed.study.records import Label, View, ViewFile
from embed.study.report import IngestReport, batches
from embed.study.study import Study
from embed.study.views import add_view, find_view, stored_status, update_view
from embed.types import Progress
from embed.views.imagefile import SUFFIXES, ImageFile, probe

SPLIT_FOLDERS = (*SAMPLE_TYPES, "val", "valid")
"""Folder names that are a split of the data, never a class."""

BATCH = 500
"""Files per transaction; a killed ingest loses at most this many."""


@dataclass(frozen=True)
class Picture:
    """An image file, and what its folder and name say about it."""

    path: Path
    gravityspy_id: str
    ifo: str | None
    duration: float
    kind: str
    label: str | None
    sample_type: str | None


def ingest_folder(
    study: Study,
    folder: Path,
    *,
    plain: bool = False,
    paths: Iterable[Path] | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Add the images of a folder; the folders' names are the labels.

    Two layouts are read, file by file: Gravity Spy's ``<label>/[<split>/]<IFO>_<id>_spectrogram_<duration>.png``, whose
    durations become views of one glitch, and any other image, ``[<split>/]<label>/[<split>/]<name>.png``, each of which
    becomes one object (a galaxy, ...) with one plain view. A second run adds nothing.

    Parameters
    ----------
    study : Study
        Open for writing within `Study.run`.
    folder : Path
        What is read; symbolic links to folders are followed, but no folder is read twice.
    plain : bool
        Take every image as a plain one, also those with Gravity Spy's names.
    paths : iterable of Path, optional
        Read only these files of the folder; see `new_files`.
    progress : callable, optional
        Called with (files done, files in all).

    Raises
    ------
    InputError
        When there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give a folder of images, a CSV or an HDF5 training set")
    report = IngestReport()
    labelled: dict[int, str] = {}
    chosen = list(_walk(folder.absolute(), report)) if paths is None else list(paths)
    pictures = _pictures(chosen, folder.absolute(), plain, report)
    done = 0
    with compare_labels(study, report):
        for batch in batches(probed(pictures), BATCH):
            with study.transaction():
                for picture, image in batch:
                    add_picture(study, picture, image, labelled, report)
            done += len(batch)
            if progress is not None:
                progress(done, len(chosen))
    report.skipped.sort(key=lambda skip: skip.path)
    return report


def new_files(study: Study, folder: Path, report: IngestReport) -> list[Path]:
    """List the images of a folder that the study does not hold as they are now, by place, size and time of change; none is read.

    Parameters
    ----------
    study : Study
    folder : Path
        As for `ingest_folder`.
    report : IngestReport
        Folders that cannot be read, and links that are not followed, are listed here.

    Returns
    -------
    list of Path
        In the order in which they are ingested.

    Raises
    ------
    InputError
        When there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give a folder of images, or a CSV")
    found = []
    for path in _walk(folder.absolute(), report):
        if path.suffix.lower() not in SUFFIXES:
            continue
        try:
            status = path.stat()
            known = stored_status(study, str(path))
        except (OSError, UnicodeEncodeError):  # the ingest says what is wrong with it
            found.append(path)
            continue
        if known != (status.st_size, status.st_mtime_ns):
            found.append(path)
    return found


def _walk(folder: Path, report: IngestReport) -> Iterator[Path]:
    """Files of a folder, folder by folder, in the order of their names; links to folders are followed."""

    def refused(error: OSError) -> None:
        report.skip(error.filename, f"folder cannot be read ({error.strerror})")

    trees = [folder.resolve()]
    for root, folders, names in os.walk(folder, onerror=refused, followlinks=True):
        below = []
        for path in sorted(Path(root, name) for name in folders if not name.startswith(".")):
            if path.is_symlink():
                target = path.resolve()
                if (reason := _why_not_followed(target, Path(root).resolve(), trees)) is not None:
                    report.skip(path, reason)
                    continue
                trees.append(target)
            below.append(path.name)
        folders[:] = below
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(root, name)


def _why_not_followed(target: Path, at: Path, trees: Iterable[Path]) -> str | None:
    """Why a link to `target` in the folder `at` is not followed, so that no file is read twice and no circle is walked."""
    if at.is_relative_to(target):
        return f"it links to {target}, the folder that it is in; remove the link"
    for tree in trees:
        if target.is_relative_to(tree):
            if any(name.startswith(".") for name in target.relative_to(tree).parts):
                continue  # hidden folders are read through links only
            return f"it links to {target}, whose files are read anyway; remove the link"
        if tree.is_relative_to(target):
            return f"it links to {target}, which holds {tree}, whose files are read already; remove the link"
    return None


def _pictures(paths: Iterable[Path], folder: Path, plain: bool, report: IngestReport) -> Iterator[Picture]:
    for path in paths:
        if path.suffix.lower() not in SUFFIXES:
            hint = (
                "; bring tables in by themselves or with --labels"
                if path.suffix.lower() in (".csv", ".h5", ".hdf5")
                else ""
            )
            report.skip(path, f"no image by its name ({path.suffix or 'no suffix'}){hint}")
            continue
        try:
            str(path).encode("utf-8")
        except UnicodeEncodeError:
            report.skip(str(path).encode("utf-8", "backslashreplace").decode(), "its name is not UTF-8; rename it")
            continue
        picture = _picture(path, folder, plain)
        if not is_identifier(picture.gravityspy_id):
            report.skip(
                path,
                f"{picture.gravityspy_id[:80]!r} cannot be an id ({ID_RULE}); rename it",
            )
            continue
        yield picture


def _picture(path: Path, folder: Path, plain: bool) -> Picture:
    parents = path.relative_to(folder).parent.parts
    split = next((name for name in reversed(parents) if name in SPLIT_FOLDERS), None)
    label = next((name for name in reversed(parents) if name not in SPLIT_FOLDERS), None)
    name = None if plain else parse_view_name(path)
    if name is None:
        identifier = path.relative_to(folder).with_suffix("").as_posix()
        return Picture(path, identifier, None, 0.0, "image", label, split)
    return Picture(
        path, name.gravityspy_id, name.ifo, name.duration, "spectrogram", class_name(label) if label else None, split
    )


def probed(pictures: Iterable[Picture]) -> Iterator[tuple[Picture, ImageFile | InputError]]:
    """Probe image files in threads, in order; a file that is no whole image is yielded with the error."""
    window: deque[tuple[Picture, Future[ImageFile | InputError]]] = deque()
    with ThreadPoolExecutor(max_workers=min(8, usable_processors() * 2)) as pool:
        for picture in pictures:
            window.append((picture, pool.submit(_probe, picture.path)))
            if len(window) > 64:
                first, future = window.popleft()
                yield first, future.result()
        while window:
            first, future = window.popleft()
            yield first, future.result()


def _probe(path: Path) -> ImageFile | InputError:
    try:
        return probe(path)
    except InputError as error:
        return error


def add_picture(
    study: Study, picture: Picture, image: ImageFile | InputError, labelled: dict[int, str], report: IngestReport
) -> None:
    """Add a probed image to the study, within a transaction.

    Parameters
    ----------
    study : Study
        Open for writing.
    picture : Picture
        The image and what is known about it.
    image : ImageFile or InputError
        As `probed` yields it; an error is listed as skipped.
    labelled : dict
        Label of each glitch so far in this run, updated here: a glitch whose views are under two labels keeps the first.
    report : IngestReport
        Updated here.
    """
    if isinstance(image, InputError):
        report.skip(picture.path, str(image))
        return
    glitch = study.find_glitch(picture.gravityspy_id, picture.ifo)
    known = None if glitch is None else find_view(study, glitch, picture.duration)
    file = ViewFile(
        duration=picture.duration,
        kind=picture.kind,
        source=str(picture.path),
        size=image.size,
        modified=image.modified,
        sha256=image.sha256,
        width=image.width,
        height=image.height,
    )
    if known is not None and not _same_view(study, file, known, report):
        return
    metadata = {"sample_type": picture.sample_type} if picture.sample_type else {}
    glitch, added = study.add_glitch(picture.gravityspy_id, picture.ifo, gps_of_id(picture.gravityspy_id), metadata)
    report.glitches += added
    if known is None:
        add_view(study, glitch, file)
        report.views += 1
    if picture.label is None:
        return
    if labelled.setdefault(glitch, picture.label) != picture.label:
        report.skip(
            picture.path,
            f"label {picture.label!r} left out: another view of this glitch lies under {labelled[glitch]!r}; move one of them",
        )
        return
    report.labels += study.add_label(glitch, Label(picture.label, by="folder", source="ingest"))


def _same_view(study: Study, file: ViewFile, known: View, report: IngestReport) -> bool:
    """Whether the file is the one of the view that the study has, changed or moved since; keeps the view up to date."""
    if known.source == file.source and known.sha256 != file.sha256:
        update_view(study, known, file)
        report.views += 1
        return True
    if known.source == file.source:
        report.unchanged += 1
        return True
    if known.sha256 == file.sha256 and not Path(known.source).exists():
        update_view(study, known, file)
        report.unchanged += 1
        return True
    likeness = "a copy of" if known.sha256 == file.sha256 else "another picture than"
    report.skip(
        file.source, f"two files for one view: {likeness} {known.source}, which the study has; remove one of them"
    )
    return False
