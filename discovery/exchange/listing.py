"""The table that every export is made of: one row a glitch, its labels, results, metadata and the paths of its views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from embed.csvfile import CsvFile, restored
from embed.errors import InputError
from embed.study.audits import latest_audit, select_verdicts
from embed.study.clusterings import latest_clusters
from embed.study.listing import list_glitches, metadata_kinds, shown_glitches

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from embed.study.listing import ListedGlitch
    from embed.study.study import Study
    from embed.types import Rows

BLOCK = 5_000
"""Glitches that are read at a time."""

Kind = Literal["text", "number", "whole"]
Cell = str | float | int | None


class Column(NamedTuple):
    """A column and what is in it; a cell without a value is None."""

    name: str
    kind: Kind


OWN_COLUMNS = (
    Column("id", "text"),
    Column("ifo", "text"),
    Column("gps", "number"),
    Column("label", "text"),
    Column("label_by", "text"),
    Column("label_source", "text"),
    Column("predicted", "text"),
    Column("predicted_by", "text"),
    Column("confidence", "number"),
    Column("cluster", "whole"),
    Column("cluster_probability", "number"),
    Column("p_wrong", "number"),
    Column("suggested_label", "text"),
    Column("novel_one_in", "number"),
)
"""Columns before those of the metadata and the views: the given label with who gave it, a model's with its probability; the cluster of the
latest clustering (-1 is noise); of the latest audit the probability that the label is wrong; one known glitch in how many is as odd, of those
that `discover novel` listed last."""


def image_column(duration: float) -> str:
    """Name the column of a view: ``image_4.0``, and ``image`` of a plain picture, which has no duration."""
    return f"image_{duration}" if duration else "image"


class Listing:
    """The table of a study, read block by block.

    Parameters
    ----------
    study : Study

    Attributes
    ----------
    columns : tuple of Column
        `OWN_COLUMNS`, the metadata's, and a column of paths for each duration that the study has. Metadata that bears the name of
        another column has ``metadata_`` before it.
    images : list of str
        The columns of paths, shortest view first.
    glitches : ndarray of int64
        Row numbers of the glitches that the study shows, ascending.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self.glitches: Rows = np.array(shown_glitches(study), np.int64)
        self._metadata = metadata_kinds(study)
        self.images = list(dict.fromkeys(image_column(duration) for duration in study.durations()))
        taken = {column.name for column in OWN_COLUMNS} | set(self.images)
        metadata = [
            Column(f"metadata_{name}" if name in taken else name, "number" if is_number else "text")
            for name, is_number in self._metadata.items()
        ]
        self.columns = (*OWN_COLUMNS, *metadata, *(Column(name, "text") for name in self.images))
        self._clusters = {
            int(glitch): (int(cluster), float(probability))
            for glitch, cluster, probability in latest_clusters(study)[["cluster", "probability"]].itertuples()
        }
        audit = latest_audit(study)
        verdicts = [] if audit is None else select_verdicts(study, audit[0])
        self._verdicts = {glitch: (p_wrong, suggested) for _, glitch, _, _, suggested, p_wrong in verdicts}
        self._oddness = _oddness(study.folder / "reports" / "novel")

    def blocks(self, glitches: Rows | None = None) -> Iterator[list[tuple[Cell, ...]]]:
        """Yield rows in blocks, of these glitches (row numbers) in their order or of all that are shown; a cell for each of `columns`."""
        glitches = self.glitches if glitches is None else glitches
        for start in range(0, len(glitches), BLOCK):
            numbers = glitches[start : start + BLOCK].tolist()
            images: dict[int, dict[str, str]] = {}
            for view in self._study.views(numbers):
                images.setdefault(view.glitch, {})[image_column(view.duration)] = view.path
            yield [self._row(own, images.get(own.glitch, {})) for own in list_glitches(self._study, numbers)]

    def _row(self, own: ListedGlitch, images: dict[str, str]) -> tuple[Cell, ...]:
        cluster, probability = self._clusters.get(own.glitch, (None, None))
        p_wrong, suggested = self._verdicts.get(own.glitch, (None, None))
        results = (cluster, probability, p_wrong, suggested, self._oddness.get(own.id))
        metadata = (_cell(own.metadata.get(name), as_number=is_number) for name, is_number in self._metadata.items())
        facts = [value if value != "" else None for value in own[1:-1]]
        return (*facts, *results, *metadata, *(images.get(name) for name in self.images))


def _cell(value: object, *, as_number: bool) -> Cell:
    if value is None:
        return None
    return float(value) if as_number and isinstance(value, int | float) else str(value)


def _oddness(folder: Path) -> dict[str, float]:
    """Read how odd the glitches are that were compared last, or of an older study those that were listed; none where nothing was."""
    path = next((path for name in ("novelty.csv", "novel.csv") if (path := folder / name).is_file()), None)
    if path is None:
        return {}
    try:
        return {restored(row.cells["id"]): float(row.cells["one_in"]) for row in CsvFile(path).rows()}
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{path} is no table of `discover novel` ({error}); run it again, or remove the file"
        ) from error
