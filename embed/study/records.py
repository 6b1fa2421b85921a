"""Rows of a study: a view of a glitch, the file of a view, a label event."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

MODEL = "model"
"""The author (``by``) of predicted labels; every other author gives labels."""
LATEST_LABELS = """
    LEFT JOIN labels given ON given.event = (SELECT max(event) FROM labels WHERE glitch = g.glitch AND by != :model)
    LEFT JOIN labels model ON model.event = (SELECT max(event) FROM labels WHERE glitch = g.glitch AND by = :model)
"""
"""SQL: the latest label event that was given (``given``) and that a model predicted (``model``) of a row ``g`` of ``glitches``; ``:model`` is `MODEL`."""
IS_GENERATED = """(g.gravityspy_id LIKE 'generated-%' OR g.metadata LIKE '%"generated":%')"""
"""SQL: whether a row ``g`` of the table ``glitches`` is of no detector: its id begins so, or its metadata says so."""


class View(NamedTuple):
    """One picture of a glitch on disk.

    Attributes
    ----------
    view, glitch : int
        Row numbers in the study.
    duration : float
        Seconds; 0 is a plain image.
    kind : str
        ``spectrogram`` (viridis colours), ``grey`` (the training set's luminance plane) or ``image`` (any picture).
    source, dataset : str
        Absolute path of the file, and the path inside it where it is HDF5.
    sha256 : str
        Hash of the file's (or data set's) bytes, hexadecimal.
    """

    view: int
    glitch: int
    duration: float
    kind: str
    source: str
    dataset: str
    sha256: str

    @property
    def path(self) -> str:
        """Path of the file, with that inside it where it is HDF5: ``<source>:/<dataset>``."""
        return self.source + (f":/{self.dataset}" if self.dataset else "")


@dataclass(frozen=True, kw_only=True)
class ViewFile:
    """A picture of a glitch, before it is stored as a view.

    Attributes
    ----------
    duration, kind, source, dataset, sha256
        As in `View`.
    size : int
        Bytes.
    modified : int
        The file's time of change, nanoseconds since 1970.
    width, height : int
        Pixels.
    """

    duration: float
    kind: str
    source: str
    dataset: str = ""
    size: int
    modified: int
    sha256: str
    width: int
    height: int


@dataclass(frozen=True)
class Label:
    """One label event, before it is stored."""

    label: str
    by: str
    source: str
    confidence: float | None = None
    why: str = ""


def stored_source(folder: Path, source: str) -> str:
    """Write a file's path as the database keeps it: below the study's folder, so that a study can be moved, or absolute."""
    path = Path(source)
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else source


def view_of(folder: Path, row: Sequence[Any]) -> View:
    """Make a view of a row of the database, in the order of its fields, with the whole path of its file."""
    view, glitch, duration, kind, source, dataset, sha256 = row
    whole = source if os.path.isabs(source) else f"{folder}/{source}"  # noqa: PTH117 - a Path would take ten times as long
    return View(view, glitch, duration, kind, whole, dataset, sha256)
