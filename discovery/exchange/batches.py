"""A batch for volunteers of glitches that a file lists, as a Panoptes manifest with pictures.

`discover batch CLUSTER` (`discovery.candidates.batch`) chooses the glitches itself; here they are given.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from audit.review.manifest import UNKNOWN, file_names, picture_columns, put_safe_row_first, write_pictures
from embed.csvfile import csv_text
from embed.errors import InputError
from embed.storage import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from embed.study.records import View
    from embed.study.study import Study

FACTS = ("subject_id", "ifo", "gps")
"""Columns after the pictures."""


def write_listed(study: Study, glitches: list[int], folder: Path) -> tuple[Path, tuple[float, ...]]:
    """Write pictures and ``manifest.csv`` of these glitches.

    Parameters
    ----------
    study : Study
    glitches : list of int
        Row numbers, in the manifest's order.
    folder : Path
        Made if it does not exist; pictures of an earlier batch in it are removed.

    Returns
    -------
    path : Path
        Of the manifest.
    durations : tuple of float
        Seconds, one for each picture of a subject.

    Raises
    ------
    InputError
        When the glitches share no view.
    """
    table = study.glitches().loc[glitches, ["id", "gravityspy_id", "ifo", "gps"]]
    durations, views = _common_views(study, glitches)
    names = [file_names(identifier, own) for identifier, own in zip(table["id"], views, strict=True)]
    write_pictures(folder, names, views, list(zip(table["ifo"], table["gps"], strict=True)))
    rows: list[list[object]] = [
        [*own, name, ifo or UNKNOWN, UNKNOWN if math.isnan(gps) else f"{gps:.3f}"]
        for own, name, ifo, gps in zip(names, table["gravityspy_id"], table["ifo"], table["gps"], strict=True)
    ]
    put_safe_row_first(rows, len(durations), folder)
    path = folder / "manifest.csv"
    write_text(path, csv_text((*picture_columns(durations), *FACTS), rows))
    return path, durations


def _common_views(study: Study, glitches: list[int]) -> tuple[tuple[float, ...], list[list[View]]]:
    """Return the durations that all glitches have, and each one's views of them."""
    found: dict[int, dict[float, View]] = {glitch: {} for glitch in glitches}
    for view in study.views(glitches):
        found[view.glitch][view.duration] = view
    common = sorted(set.intersection(*(set(own) for own in found.values())))
    if not common:
        raise InputError(
            f"the study {study.folder} has no view of one duration of all {len(glitches)} glitches; add pictures with `discover fetch` or `discover ingest PATH`"
        )
    return tuple(common), [[own[duration] for duration in common] for own in found.values()]
