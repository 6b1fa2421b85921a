"""A batch for volunteers as a Panoptes manifest with pictures: members of a cluster among the glitches that are most like it, or given glitches.

Volunteers say which of them belong together; whether a glitch was in the cluster, how similar it is, and its present label are hidden columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.review.manifest import UNKNOWN, file_names, picture_columns, put_safe_row_first, write_pictures
from discovery.candidates.naming import members_of
from discovery.candidates.representatives import spread_sample
from embed.csvfile import csv_text
from embed.errors import InputError
from embed.storage import write_text
from embed.study.clusterings import latest_clustering
from embed.vectors.similarity import mean_of_nearest, normalise

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from embed.study.records import View
    from embed.study.study import Study
    from embed.types import Floats, Progress, Rows, Step
    from embed.vectors.store import VectorStore

FACTS = ("subject_id", "ifo", "gps")
"""Columns after the pictures."""
BLOCK = 4096
"""Glitches that are compared with the members together."""
NEIGHBOURS = 5
"""Members, other than itself, whose mean cosine says how like the cluster a glitch is."""


@dataclass(frozen=True)
class Batch:
    """What was written.

    Attributes
    ----------
    table : DataFrame
        ``id``, ``similarity``, ``in_cluster`` and ``label`` of the glitches, in the manifest's order.
    durations : tuple of float
        Seconds, one for each picture of a subject.
    files : dict
        Name -> path.
    least : float
        Smallest similarity of a member of the cluster.
    known : int
        Glitches of known classes in the batch.
    """

    table: pd.DataFrame
    durations: tuple[float, ...]
    files: dict[str, Path]
    least: float
    known: int

    def range_of(self, *, members: bool) -> tuple[float, float] | None:
        """Return the least and the greatest similarity of the members, or of the others; None where there are none."""
        own = self.table.loc[(self.table["in_cluster"] == 1) == members, "similarity"]
        return (float(own.min()), float(own.max())) if len(own) else None


def make_batch(
    study: Study,
    store: VectorStore,
    cluster: int | str,
    count: int,
    *,
    label: str | None = None,
    out: Path | None = None,
    seed: int = 0,
    step: Step = lambda _: None,
    progress: Progress = lambda *_: None,
) -> Batch:
    """Write a batch of glitches for volunteers.

    Parameters
    ----------
    study : Study
    store : VectorStore
    cluster : int or str
        Of the latest clustering (of `label`, if given): a number, or a branch such as "1.0".
    count : int
        Glitches: half of them members, spread over detectors and time; the others the most similar ones that are in no known class, and those of
        known classes that are as similar as the members are. Members of other clusters are not taken; where others are too few, there are more members.
    label : str, optional
    out : Path, optional
        By default a folder of the study's reports.
    seed : int
        Of the order.
    step, progress : callable, optional
        Receive the name of each step as it begins, and how many glitches are compared, of how many.

    Raises
    ------
    InputError
        There is no such cluster, or the glitches share no view.
    """
    run, clustered, members = members_of(study, cluster, label)
    table = study.glitches()
    inside = members[store.rows(members) >= 0]
    others = _others(study, run, cluster, table.index.to_numpy(np.int64))
    others = np.setdiff1d(others[store.rows(others) >= 0], members)
    is_known = ~table.loc[others, "label"].isin(["", clustered]).to_numpy(bool)
    step("compare")
    similarity = _similarity(store, np.concatenate([inside, others]), inside, progress)
    of_members, of_others = similarity[: len(inside)], similarity[len(inside) :]
    least = float(of_members.min())
    taken = np.flatnonzero(~is_known | (of_others >= least))
    half = min(max(1, count // 2), len(inside))
    nearest = taken[np.argsort(-of_others[taken], kind="stable")][: max(0, count - half)]
    own = table.loc[inside].reset_index(drop=True)
    shown = spread_sample(own, np.arange(len(inside)), max(1, count - len(nearest)))
    chosen = np.concatenate([inside[shown], others[nearest]])
    similar = np.concatenate([of_members[shown], of_others[nearest]])
    order = np.random.default_rng(seed).permutation(len(chosen))
    labels = table.loc[chosen[order], "label"].to_numpy(object)
    hidden = {
        "similarity": similar[order].round(4),
        "in_cluster": np.isin(chosen[order], members).astype(int),
        "label": labels,
    }
    folder = study.folder / "reports" / f"batch-{run}-{cluster}" if out is None else out
    step("pictures")
    path, durations = write_batch(study, chosen[order], folder, hidden)
    shown_table = table.loc[chosen[order], ["id"]].assign(**hidden).reset_index(drop=True)
    return Batch(shown_table, durations, {"manifest.csv": path}, least, int(is_known[nearest].sum()))


def _others(study: Study, run: int, cluster: int | str, glitches: Rows) -> Rows:
    """Return those of the glitches that are in no other cluster."""
    table = latest_clustering(study, run=run).table["cluster"]
    own = int(str(cluster).partition(".")[0])
    elsewhere = table.index[(table >= 0) & (table != own)].to_numpy(np.int64)
    return np.setdiff1d(glitches, elsewhere)


def write_batch(
    study: Study, glitches: Rows, folder: Path, hidden: Mapping[str, NDArray[Any]] | None = None
) -> tuple[Path, tuple[float, ...]]:
    """Write pictures and ``manifest.csv`` of these glitches.

    Parameters
    ----------
    study : Study
    glitches : ndarray of int64, shape (N,)
        Row numbers, in the manifest's order.
    folder : Path
        Made if it does not exist; pictures of an earlier batch in it are removed.
    hidden : mapping of str to ndarray, shape (N,), optional
        Columns that volunteers do not see: their names get a ``#``, which Panoptes never shows.

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
    hidden = hidden or {}
    durations, views = _common_views(study, glitches)
    table = study.glitches().loc[glitches, ["id", "gravityspy_id", "ifo", "gps"]]
    names = [file_names(identifier, own) for identifier, own in zip(table["id"], views, strict=True)]
    write_pictures(folder, names, views, list(zip(table["ifo"], table["gps"], strict=True)))
    facts = (
        table.drop(columns="id")
        .assign(
            ifo=table["ifo"].where(table["ifo"] != "", UNKNOWN),
            gps=[UNKNOWN if math.isnan(gps) else f"{gps:.3f}" for gps in table["gps"]],
        )
        .assign(**hidden)
    )
    rows = [[*own, *cells] for own, cells in zip(names, facts.to_numpy(object).tolist(), strict=True)]
    put_safe_row_first(rows, len(durations), folder)
    path = folder / "manifest.csv"
    header = (*picture_columns(durations), *FACTS, *(f"#{name}" for name in hidden))
    write_text(path, csv_text(header, rows))
    return path, durations


def _similarity(store: VectorStore, glitches: Rows, members: Rows, progress: Progress) -> Floats:
    """Return the mean cosine of each glitch to its nearest members, itself not among them; 1 for one that is alone."""
    found = [np.empty(0)]
    inside = normalise(np.asarray(store.vectors[store.rows(members)]))
    progress(0, len(glitches))
    for start in range(0, len(glitches), BLOCK):
        block = glitches[start : start + BLOCK]
        unit = normalise(np.asarray(store.vectors[store.rows(block)]))
        distances = -(unit @ inside.T).astype(np.float64).round(6)
        distances[block[:, None] == members] = np.inf
        nearest = mean_of_nearest(distances, NEIGHBOURS)
        found.append(np.where(np.isfinite(nearest), -nearest, 1.0))
        progress(min(start + BLOCK, len(glitches)), len(glitches))
    return np.concatenate(found)


def _common_views(study: Study, glitches: Rows) -> tuple[tuple[float, ...], list[list[View]]]:
    """Return the durations that all glitches have, and each one's views of them."""
    found: dict[int, dict[float, View]] = {int(glitch): {} for glitch in glitches}
    for view in study.views(glitches.tolist()):
        found[view.glitch][view.duration] = view
    common = sorted(set.intersection(*(set(own) for own in found.values())))
    if not any(found.values()):
        raise InputError(
            f"the study {study.folder} has no pictures of these glitches, and volunteers need some; add them with `discover fetch` or `discover ingest PATH`"
        )
    if not common:
        raise InputError("the glitches of this batch have no view of one duration in common: ingest more views")
    return tuple(common), [[own[duration] for duration in common] for own in found.values()]
