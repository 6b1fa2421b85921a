"""Published pictures into a study: downloaded from the addresses that it holds, into Gravity Spy's layout, and added."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embed.csvfile import write_csv
from embed.errors import InputError
from embed.gravityspy import DURATIONS, parse_view_name
from embed.ingest.download import Downloader, Politeness, Refusal
from embed.ingest.folders import Picture, add_picture
from embed.storage import file_name, write_bytes
from embed.study.addresses import Address, check_addresses, picture_addresses
from embed.study.report import IngestReport
from embed.views.imagefile import PNG, ImageFile, probe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from embed.study.study import Study
    from embed.types import Progress, Rows

BLOCK = 200
"""Glitches per transaction; the pictures that a killed fetch has downloaded are found on the disk again."""

MANIFEST = "fetched.csv"
"""The table of what was fetched, beside the pictures."""

MANIFEST_COLUMNS = ("id", "duration", "file", "url", "sha256")
"""Its columns; files are relative to its folder."""

LOST_AFTER = 20
"""Pictures in a row without a connection, after which a fetch ends: the network is down, not one picture."""


@dataclass
class FetchReport(IngestReport):
    """What a fetch did.

    Attributes
    ----------
    asked : int
        Pictures that the study lacked.
    downloaded, found : int
        Of these: downloaded now; whole on the disk already, as after a killed fetch.
    refused : int
        Of these: could not be fetched; the reasons are among those of `skipped`.
    """

    asked: int = 0
    downloaded: int = 0
    found: int = 0
    refused: int = 0


class Target(NamedTuple):
    """A picture to fetch, and the folder that it goes to."""

    address: Address
    folder: Path


class Fetched(NamedTuple):
    """A picture on the disk, and whether it was downloaded now."""

    address: Address
    path: Path
    image: ImageFile
    now: bool


def fetch(
    study: Study,
    glitches: Rows,
    out: Path,
    *,
    durations: Collection[float] = DURATIONS,
    politeness: Politeness | None = None,
    progress: Progress | None = None,
) -> FetchReport:
    """Download the pictures that glitches lack and add them to the study; a second run asks for what is missing only.

    The layout is Gravity Spy's, ``<label>/<IFO>_<id>_spectrogram_<duration>.png``, where the label is the given one; a
    glitch without one lies directly in `out`. Every file is whole or absent.

    Parameters
    ----------
    study : Study
        Open for writing within `Study.run`.
    glitches : ndarray of int64, shape (N,)
        Row numbers.
    out : Path
        A missing folder is made. The pictures must stay there.
    durations : collection of float
        Views to fetch, in seconds.
    politeness : Politeness, optional
    progress : callable, optional
        Called with (pictures done, pictures in all).

    Raises
    ------
    InputError
        When no glitch has a stored address, or the network is down.
    StorageError
        When the folder cannot be written, or the disk is full.
    """
    report = FetchReport()
    out = out.absolute()
    check_addresses(study, glitches, durations)
    for folder in ("", "*/"):  # left by a killed fetch
        for path in out.glob(f"{folder}.*_spectrogram_*.tmp"):
            path.unlink(missing_ok=True)
    labels = dict(study.latest_labels(predicted=False))
    blocks = [glitches[start : start + BLOCK] for start in range(0, len(glitches), BLOCK)]
    report.asked = sum(len(_lacking(study, block, durations)) for block in blocks)
    politeness = politeness or Politeness()
    done = lost = 0
    with ThreadPoolExecutor(politeness.connections) as pool, Downloader(politeness) as downloader:
        for block in blocks:
            lacking = _lacking(study, block, durations)
            targets = [Target(item, _folder(out, labels.get(item.glitch, ""))) for item in lacking]
            got: list[Fetched] = []
            try:
                answers = pool.map(partial(_obtain, downloader), targets)
                for target, answer in zip(targets, answers, strict=True):
                    lost = lost + 1 if isinstance(answer, Refusal) and not answer.answered else 0
                    _note(target.address, answer, got, report)
                    done += 1
                    if progress is not None:
                        progress(done, report.asked)
                    _check_network(lost, report)
            finally:
                _take_in(study, got, report)
    write_csv(out / MANIFEST, MANIFEST_COLUMNS, _manifest(study, out))
    return report


def _folder(out: Path, label: str) -> Path:
    return out / file_name(label) if label else out


def _lacking(study: Study, glitches: Rows, durations: Collection[float]) -> list[Address]:
    """Addresses of the pictures that the study has no file of."""
    there = {(view.glitch, view.duration) for view in study.views(glitches.tolist()) if Path(view.source).exists()}
    return [
        address
        for address in picture_addresses(study, glitches.tolist())
        if address.duration in durations and (address.glitch, address.duration) not in there
    ]


def _obtain(downloader: Downloader, target: Target) -> Fetched | Refusal:
    """Find the picture on the disk, or download it and write it there."""
    address = target.address
    stem = f"{address.ifo or ''}_{address.gravityspy_id}_spectrogram_{address.duration}"
    name = parse_view_name(target.folder / f"{stem}.png")
    if name is None or (name.ifo, name.gravityspy_id) != (address.ifo, address.gravityspy_id):
        return Refusal("its id or detector cannot be part of Gravity Spy's file names (<IFO>_<id>_spectrogram_...)")
    for path in (target.folder / f"{stem}.png", target.folder / f"{stem}.jpg"):
        if (whole := _whole(path)) is not None:
            return Fetched(address, path, whole, now=False)
    data = downloader.get(address.url)
    if isinstance(data, Refusal):
        return data
    path = target.folder / f"{stem}{'.png' if data.startswith(PNG) else '.jpg'}"
    write_bytes(path, data)
    return Fetched(address, path, probe(path), now=True)


def _whole(path: Path) -> ImageFile | None:
    """Probe a file; None where it is missing, or was cut off by another program."""
    try:
        return probe(path) if path.exists() else None
    except InputError:
        return None  # it is downloaded again


def _note(address: Address, answer: Fetched | Refusal, got: list[Fetched], report: FetchReport) -> None:
    if isinstance(answer, Refusal):
        report.refused += 1
        report.skip(
            f"{address.ifo}_{address.gravityspy_id}, {address.duration:g} s, {address.url[:200]}", answer.reason
        )
        return
    report.downloaded += answer.now
    report.found += not answer.now
    got.append(answer)


def _check_network(lost: int, report: FetchReport) -> None:
    if lost >= LOST_AFTER:
        raise InputError(
            f"{lost} pictures in a row could not be fetched, the last: {report.skipped[-1].reason}; check the network and run again, finished work is kept"
        )


def _take_in(study: Study, got: list[Fetched], report: FetchReport) -> None:
    """Add pictures to the study in one transaction; their labels are the study's already."""
    with study.transaction():
        for address, path, image, _ in got:
            picture = Picture(
                path, address.gravityspy_id, address.ifo, address.duration, "spectrogram", label=None, sample_type=None
            )
            add_picture(study, picture, image, {}, report)


def _manifest(study: Study, out: Path) -> Iterator[tuple[str, float, str, str, str]]:
    """Rows of the manifest: the study's pictures below `out` whose address it holds, in the study's order."""
    names = study.ids()
    glitches = np.fromiter(names, np.int64, len(names))
    for start in range(0, len(glitches), BLOCK):
        block = glitches[start : start + BLOCK].tolist()
        urls = {(address.glitch, address.duration): address.url for address in picture_addresses(study, block)}
        for view in study.views(block):
            path, url = Path(view.source), urls.get((view.glitch, view.duration))
            if url is not None and path.is_relative_to(out):
                yield names[view.glitch], view.duration, path.relative_to(out).as_posix(), url, view.sha256
