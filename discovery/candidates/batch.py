"""A batch for volunteers: members of a cluster among the glitches that are most like it, as a Panoptes manifest with pictures.

Volunteers say which of them belong together; whether a glitch was in the cluster, and how similar it is, are hidden columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.review.manifest import UNKNOWN, file_names, picture_columns, put_safe_row_first
from audit.review.spectrograms import picture_png
from discovery.candidates.naming import members_of
from discovery.candidates.representatives import spread_sample
from embed.csvfile import csv_text
from embed.errors import InputError
from embed.storage import storage_errors, write_text
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from embed.study.records import View
    from embed.study.study import Study
    from embed.types import Rows
    from embed.vectors.store import VectorStore

FACTS = ("subject_id", "ifo", "gps", "#similarity", "#in_cluster")
"""Columns after the pictures; Panoptes never shows those that begin with ``#``."""
NEIGHBOURS = 5
"""Members whose mean cosine says how like the cluster a glitch is."""


@dataclass(frozen=True)
class Batch:
    """What was written.

    Attributes
    ----------
    table : DataFrame
        ``id``, ``similarity`` and ``in_cluster`` of the glitches, in the manifest's order.
    durations : tuple of float
        Seconds, one for each picture of a subject.
    files : dict
        Name -> path.
    """

    table: pd.DataFrame
    durations: tuple[float, ...]
    files: dict[str, Path]


def make_batch(
    study: Study,
    store: VectorStore,
    cluster: int,
    count: int,
    *,
    label: str | None = None,
    out: Path | None = None,
    seed: int = 0,
) -> Batch:
    """Write a batch of glitches for volunteers.

    Parameters
    ----------
    study : Study
    store : VectorStore
    cluster : int
        Of the latest clustering (of `label`, if given).
    count : int
        Glitches: half of them members, spread over detectors and time, the others the most similar glitches that are in no known class.
    label : str, optional
    out : Path, optional
        By default a folder of the study's reports.
    seed : int
        Of the order.

    Raises
    ------
    InputError
        There is no such cluster, or the glitches share no view.
    """
    run, clustered, members = members_of(study, cluster, label)
    table = study.glitches()
    inside = members[store.rows(members) >= 0]
    own = table.loc[inside].reset_index(drop=True)
    shown = inside[spread_sample(own, np.arange(len(inside)), max(1, count // 2))]
    free = table.index[table["label"].isin(["", clustered])].to_numpy(np.int64)
    free = np.setdiff1d(free[store.rows(free) >= 0], members)
    vectors = [normalise(np.asarray(store.vectors[store.rows(rows)])) for rows in (inside, shown, free)]
    of_shown, of_free = (_similarity(rows, vectors[0]) for rows in vectors[1:])
    nearest = np.argsort(-of_free, kind="stable")[: max(0, count - len(shown))]
    chosen = np.concatenate([shown, free[nearest]])
    similar = np.concatenate([of_shown, of_free[nearest]])
    order = np.random.default_rng(seed).permutation(len(chosen))
    folder = study.folder / "reports" / f"batch-{run}-{cluster}" if out is None else out
    durations, views = _common_views(study, chosen[order])
    listing = table.loc[chosen[order], ["id", "gravityspy_id", "ifo", "gps"]].assign(
        similarity=similar[order].round(4), in_cluster=np.isin(chosen[order], members).astype(int)
    )
    path = _write(folder, listing, views, durations)
    shown_table = listing[["id", "similarity", "in_cluster"]].reset_index(drop=True)
    return Batch(shown_table, durations, {"manifest.csv": path})


def _similarity(unit: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Return the mean cosine of each row to its nearest members."""
    if not len(unit):
        return np.empty(0)
    cosines = np.sort((unit @ members.T).astype(np.float64).round(6), axis=1)[:, ::-1]
    return np.asarray(cosines[:, :NEIGHBOURS].mean(axis=1))


def _common_views(study: Study, glitches: Rows) -> tuple[tuple[float, ...], list[list[View]]]:
    """Return the durations that all glitches have, and each one's views of them."""
    found: dict[int, dict[float, View]] = {int(glitch): {} for glitch in glitches}
    for view in study.views(glitches.tolist()):
        found[view.glitch][view.duration] = view
    common = sorted(set.intersection(*(set(own) for own in found.values())))
    if not common:
        raise InputError("the glitches of this batch have no view of one duration in common: ingest more views")
    return tuple(common), [[own[duration] for duration in common] for own in found.values()]


def _write(folder: Path, listing: pd.DataFrame, views: list[list[View]], durations: tuple[float, ...]) -> Path:
    rows: list[list[object]] = []
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.png"):
            old.unlink()
        cells = zip(views, *(listing[name].tolist() for name in listing.columns), strict=True)
        for own, identifier, subject, ifo, gps, similarity, in_cluster in cells:
            names = file_names(identifier, own)
            for name, view in zip(names, own, strict=True):
                (folder / name).write_bytes(picture_png(view, ifo, gps))
            when = UNKNOWN if math.isnan(gps) else f"{gps:.3f}"
            rows.append([*names, subject, ifo or UNKNOWN, when, similarity, in_cluster])
    put_safe_row_first(rows, len(durations), folder)
    path = folder / "manifest.csv"
    write_text(path, csv_text((*picture_columns(durations), *FACTS), rows))
    return path
