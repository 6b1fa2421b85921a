"""New glitches in a study that was clustered: known clusters keep their numbers, what fits none of them is looked through for births.

The cost is that of the new glitches beside the old ones; nothing old is clustered again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.stats

from discovery.candidates.known import BACKGROUND, Known, known_glitches
from discovery.certificates.certificate import Certificate, Evidence, certify
from discovery.clustering.clustering import LEAST_ROWS, cluster
from discovery.clustering.density import ASKED_NEIGHBOURS, MAJORITY
from discovery.clustering.result import NOISE
from embed.csvfile import write_csv
from embed.errors import InputError
from embed.storage import file_name
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from embed.study.study import Study
    from embed.types import Codes, Floats, Rows, Step, Vectors
    from embed.vectors.store import VectorStore

COLUMNS = ("id", "ifo", "gps", "cluster", "how", "neighbours", "distance")
"""Columns of ``update.csv``, a row for each new glitch: ``how`` is joined, born or none; ``neighbours`` is the share of its ten nearest old
glitches in the cluster, ``distance`` the mean cosine distance to the five nearest of them."""
NEAREST = 5
"""Members whose mean distance says whether a glitch is within reach of a cluster."""
REACH = 0.99
"""Quantile of the members' own such distances that a new member may have."""
MOST_MEMBERS = 500
"""Members of a cluster that the reach is measured on."""
GONE = 0.01
"""Chance of no new member below which a cluster is said not to have been seen."""


@dataclass(frozen=True)
class Update:
    """What became of the new glitches.

    Attributes
    ----------
    run, of : int
        The run of this update and of the clustering before it.
    label : str
    table : DataFrame
        A row for each new glitch, columns `COLUMNS`.
    joined : dict of int to int
        New members of each old cluster.
    births : list of Certificate
        New clusters, with the numbers that they have in the study.
    unseen : dict of int to float
        Old clusters without a new member, and how many were expected.
    files : dict
        Name -> path.
    """

    run: int
    of: int
    label: str
    table: pd.DataFrame
    joined: dict[int, int]
    births: list[Certificate]
    unseen: dict[int, float]
    files: dict[str, Path]


def update_clusters(
    study: Study,
    store: VectorStore,
    label: str | None = None,
    *,
    out: Path | None = None,
    seed: int = 0,
    step: Step = lambda _: None,
) -> Update:
    """Give the glitches that came after a clustering to its clusters, and look for new ones among the rest.

    Parameters
    ----------
    study : Study
        Old members keep their clusters, whatever label they have got since.
    store : VectorStore
        The vectors of the clustering, with the new glitches.
    label : str, optional
        Of the clustering; by default the latest.
    out : Path, optional
        Folder of ``update.csv``; by default one of the study's reports.
    seed : int
    step : callable, optional
        Receives the name of each step as it begins.

    Raises
    ------
    InputError
        Nothing was clustered, the vectors are others, or no glitch of the label is new.
    """
    of, arguments, old = _latest(study, store, label)
    clustered = str(arguments["label"])
    table = study.glitches()
    column = "predicted" if arguments.get("predicted") else "label"
    fresh = np.setdiff1d(table.index[table[column] == clustered].to_numpy(np.int64), old.index.to_numpy(np.int64))
    fresh = fresh[store.rows(fresh) >= 0]
    if not len(fresh):
        raise InputError(f"no glitch labelled {clustered!r} came after the clustering of run {of}: nothing to update")
    step("join")
    old_rows = store.rows(old.index.to_numpy(np.int64))
    numbers = old["cluster"].to_numpy(np.int64)[old_rows >= 0]
    before = normalise(np.asarray(store.vectors[old_rows[old_rows >= 0]]))
    new = normalise(np.asarray(store.vectors[store.rows(fresh)]))
    labels, share, distance = join(new, before, numbers)
    how = np.where(labels == NOISE, "none", "joined").astype(object)
    step("births")
    known = known_glitches(table, store, clustered, seed)
    births = _births(table.loc[fresh], known, (new, labels), (before, numbers), seed)
    for own in births.values():
        labels[own[1]], how[own[1]] = own[0].cluster, "born"
    found = table.loc[fresh, ["id", "ifo", "gps"]].assign(
        cluster=labels, how=how, neighbours=share.round(4), distance=distance.round(6)
    )
    folder = out if out is not None else study.folder / "reports" / f"update-{file_name(clustered)}"
    files = {"update.csv": folder / "update.csv"}
    everything = np.concatenate([old.index.to_numpy(np.int64), fresh])
    probability = np.concatenate(
        [old["probability"].to_numpy(float), np.where(labels == NOISE, 0.0, np.maximum(share, 0.0))]
    )
    with study.run("cluster", {**arguments, "update_of": of}) as run:
        write_csv(files["update.csv"], COLUMNS, found[list(COLUMNS)].itertuples(index=False))
        study.save_clusters(run, everything, np.concatenate([old["cluster"].to_numpy(np.int64), labels]), probability)
    counts = {int(number): int((labels == number).sum()) for number in np.unique(numbers[numbers != NOISE])}
    return Update(
        run=run,
        of=of,
        label=clustered,
        table=found.reset_index(drop=True),
        joined=counts,
        births=[own[0] for own in births.values()],
        unseen=_unseen(counts, numbers, len(fresh)),
        files=files,
    )


def join(new: Vectors, old: Vectors, numbers: Codes) -> tuple[Codes, Floats, Floats]:
    """Give new rows to the cluster of most of their nearest old rows, if they are within its reach.

    Parameters
    ----------
    new : ndarray of float32, shape (M, D)
        Normalised vectors.
    old : ndarray of float32, shape (N, D)
    numbers : ndarray of int64, shape (N,)
        Clusters of the old rows; -1 is noise.

    Returns
    -------
    labels : ndarray of int64, shape (M,)
        -1 where no cluster fits.
    share, distance : ndarray of float64, shape (M,)
        Of the nearest neighbours in the favourite cluster, and the mean cosine distance to its nearest members.
    """
    cosines = (new @ old.T).astype(np.float64).round(6)
    asked = min(ASKED_NEIGHBOURS, len(old))
    nearest = numbers[np.argsort(-cosines, axis=1, kind="stable")[:, :asked]]
    clusters = np.unique(numbers[numbers != NOISE])
    if not clusters.size:
        return np.full(len(new), NOISE), np.zeros(len(new)), np.full(len(new), np.nan)
    sizes = np.array([(numbers == number).sum() for number in clusters])
    votes = (nearest[:, :, None] == clusters[None, None, :]).sum(axis=1) / np.minimum(asked, sizes)
    best = votes.argmax(axis=1)
    distance = np.empty(len(new))
    reach = np.empty(clusters.size)
    for place, number in enumerate(clusters):
        members = np.flatnonzero(numbers == number)
        own = best == place
        distance[own] = _mean_nearest(1.0 - cosines[np.ix_(own, members)])
        sample = members[:: max(1, len(members) // MOST_MEMBERS)]
        apart = 1.0 - (old[sample] @ old[members].T).astype(np.float64).round(6)
        apart[sample[:, None] == members[None, :]] = np.inf  # a member is not its own neighbour
        reach[place] = np.quantile(_mean_nearest(apart), REACH)
    fits = (votes.max(axis=1) >= MAJORITY) & (distance <= reach[best])
    return np.where(fits, clusters[best], NOISE), votes.max(axis=1), distance


def _mean_nearest(apart: Floats) -> Floats:
    count = min(NEAREST, max(1, apart.shape[1] - 1))
    return np.asarray(np.partition(apart, count - 1, axis=1)[:, :count].mean(axis=1))


def _latest(study: Study, store: VectorStore, label: str | None) -> tuple[int, dict[str, Any], pd.DataFrame]:
    found = study.latest_clustering(label)
    if found is None:
        asked = "" if label is None else f" of {label!r}"
        raise InputError(f"the study has no clustering{asked}; run `discover cluster {label or 'LABEL'}` first")
    run, arguments, table = found
    if arguments.get("store") != store.name:
        raise InputError(
            f"the clustering of run {run} was made from the vectors {arguments.get('store')}, not {store.name}; give the same --backbone, --weights and --views"
        )
    return run, arguments, table


def _births(
    table: pd.DataFrame, known: Known, new: tuple[Vectors, Codes], old: tuple[Vectors, Codes], seed: int
) -> dict[int, tuple[Certificate, Rows]]:
    """Cluster what fits no old cluster, beside old clusters and known classes; returns number -> certificate and places among the new."""
    unit, labels = new
    before, numbers = old
    places = np.flatnonzero(labels == NOISE)
    if len(places) < LEAST_ROWS:
        return {}
    around = [before, normalise(known.vectors)] if len(known.vectors) else [before]
    start = len(places)
    clusters = {
        f"cluster {number}": start + np.flatnonzero(numbers == number)
        for number in np.unique(numbers[numbers != NOISE])
    }
    classes = clusters | {name: start + len(before) + rows for name, rows in known.classes.items()}
    samples = [rows[:: max(1, len(rows) // BACKGROUND)] for rows in classes.values()]
    background = np.concatenate(samples) if samples else np.empty(0, np.int64)
    whole = np.concatenate([unit[places], *around])
    found = cluster(whole[:start], seed=seed, background=whole[background])
    if not samples and found.clusters == 1:
        return {}
    asked = table.iloc[places]
    evidence = Evidence(
        whole, np.arange(start), classes, background, asked["ifo"].to_numpy(object), asked["gps"].to_numpy(float)
    )
    first = int(numbers.max(initial=-1)) + 1
    return {
        own.cluster: (own.renumbered(first + own.cluster), places[found.labels == own.cluster])
        for own in certify(found, evidence, seed=seed)
    }


def _unseen(counts: dict[int, int], numbers: Codes, fresh: int) -> dict[int, float]:
    """Return the old clusters of which too few new members came to be chance, with the number expected at their old share."""
    expected = {number: fresh * float((numbers == number).mean()) for number in counts}
    return {
        number: expected[number]
        for number, count in counts.items()
        if not count and scipy.stats.poisson.pmf(0, expected[number]) < GONE
    }
