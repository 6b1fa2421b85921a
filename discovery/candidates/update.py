"""New glitches in a study that was clustered: known clusters keep their numbers, what fits none of them is looked through for births.

The cost is that of the new glitches beside the old ones; nothing old is clustered again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.stats

from discovery.candidates.known import BACKGROUND, Known, evidence_beside, known_glitches
from discovery.certificates.certificate import Certificate, certify
from discovery.clustering.clustering import cluster
from discovery.clustering.density import ASKED_NEIGHBOURS, MAJORITY
from discovery.clustering.hierarchy import LEAST_ROWS
from discovery.clustering.result import NOISE
from embed.csvfile import write_csv
from embed.errors import InputError
from embed.storage import file_name
from embed.study.clusterings import latest_clustering
from embed.vectors.similarity import mean_of_nearest, normalise

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
    stored = latest_clustering(study, label)
    of, arguments, old = stored
    clustered = stored.label
    if arguments.get("store") != store.name:
        raise InputError(
            f"the clustering of run {of} was made from the vectors {arguments.get('store')}, not {store.name}; give the same --backbone, --weights and --views"
        )
    table = study.glitches()
    column = "predicted" if arguments.get("predicted") else "label"
    fresh = np.setdiff1d(table.index[table[column] == clustered].to_numpy(np.int64), old.index.to_numpy(np.int64))
    fresh = fresh[store.rows(fresh) >= 0]
    if not len(fresh):
        raise InputError(f"no glitch labelled {clustered!r} came after the clustering of run {of}: nothing to update")
    step("join")
    kept = old[store.rows(old.index.to_numpy(np.int64)) >= 0]
    numbers = kept["cluster"].to_numpy(np.int64)
    before = _vectors(store, kept.index.to_numpy(np.int64))
    new = _vectors(store, fresh)
    labels, share, distance = join(new, before, numbers)
    how = np.where(labels == NOISE, "none", "joined").astype(object)
    step("births")
    beside = _with_clusters(
        known_glitches(table, store, clustered, seed), kept.index.to_numpy(np.int64), before, numbers
    )
    residue = np.flatnonzero(labels == NOISE)
    births = []
    first = int(numbers.max(initial=-1)) + 1
    for own, members in _births(new[residue], beside, table.loc[fresh[residue]], seed):
        births.append(replace(own, cluster=first + own.cluster))
        labels[residue[members]], how[residue[members]] = first + own.cluster, "born"
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
        births=births,
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
    return mean_of_nearest(apart, min(NEAREST, max(1, apart.shape[1] - 1)))


def _vectors(store: VectorStore, glitches: Rows) -> Vectors:
    return normalise(np.asarray(store.vectors[store.rows(glitches)]))


def _with_clusters(known: Known, glitches: Rows, vectors: Vectors, numbers: Codes) -> Known:
    """Count the old clusters to the known classes, and sample the background anew."""
    classes = {
        f"cluster {number}": np.flatnonzero(numbers == number) for number in np.unique(numbers[numbers != NOISE])
    }
    classes |= {name: len(vectors) + rows for name, rows in known.classes.items()}
    samples = [rows[:: max(1, len(rows) // BACKGROUND)] for rows in classes.values()]
    return Known(
        glitches=np.concatenate([glitches, known.glitches]),
        vectors=np.concatenate([vectors, known.vectors]) if len(known.vectors) else vectors,
        classes=classes,
        background=np.concatenate(samples) if samples else np.empty(0, np.int64),
    )


def _births(residue: Vectors, beside: Known, table: pd.DataFrame, seed: int) -> list[tuple[Certificate, Rows]]:
    """Cluster what fits no old cluster, beside old clusters and known classes; returns each cluster with its members."""
    if len(residue) < LEAST_ROWS:
        return []
    found = cluster(residue, seed=seed, background=beside.vectors[beside.background])
    if not len(beside.background) and found.clusters == 1:
        return []
    certificates = certify(found, evidence_beside(residue, beside, table), seed=seed)
    return [(own, np.flatnonzero(found.labels == own.cluster)) for own in certificates]


def _unseen(counts: dict[int, int], numbers: Codes, fresh: int) -> dict[int, float]:
    """Return the old clusters of which too few new members came to be chance, with the number expected at their old share."""
    expected = {number: fresh * float((numbers == number).mean()) for number in counts}
    return {
        number: expected[number]
        for number, count in counts.items()
        if not count and scipy.stats.poisson.pmf(0, expected[number]) < GONE
    }
