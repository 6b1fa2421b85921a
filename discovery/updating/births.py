"""New clusters among the glitches that fit no old one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.candidates.known import BACKGROUND, Known, evidence_beside
from discovery.certificates.certificate import PART, Certificate, certify
from discovery.clustering.clustering import cluster
from discovery.clustering.hierarchy import LEAST_ROWS
from discovery.clustering.prepared import NEIGHBOURS
from discovery.clustering.result import NOISE
from embed.vectors.regraph import graph_among
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from discovery.candidates.options import ClusterOptions
    from discovery.updating.changes import Members
    from embed.study.study import Study
    from embed.types import Codes, Floats, Rows, Step, Vectors
    from embed.vectors.graph import NeighbourGraph
    from embed.vectors.store import VectorStore

OLD = "cluster "
"""Before the number of an old cluster, which stands beside the known classes."""


@dataclass(frozen=True)
class Clustered:
    """The members of the clustering that have a vector: row numbers in the study, normalised vectors, clusters."""

    glitches: Rows
    vectors: Vectors
    numbers: Codes


def _prefix(known: Known) -> str:
    """Return what stands before the number of an old cluster: no known class begins so."""
    prefix = OLD
    while any(name.startswith(prefix) for name in known.classes):
        prefix = f"old {prefix}"
    return prefix


def _with_clusters(known: Known, before: Clustered, prefix: str) -> Known:
    """Count the old clusters to the known classes, and sample the background anew."""
    numbers = before.numbers
    classes = {
        f"{prefix}{number}": np.flatnonzero(numbers == number) for number in np.unique(numbers[numbers != NOISE])
    }
    classes |= {name: len(numbers) + rows for name, rows in known.classes.items()}
    samples = [rows[:: max(1, len(rows) // BACKGROUND)] for rows in classes.values()]
    return Known(
        glitches=np.concatenate([before.glitches, known.glitches]),
        vectors=np.concatenate([before.vectors, known.vectors]) if len(known.vectors) else before.vectors,
        classes=classes,
        background=np.concatenate(samples) if samples else np.empty(0, np.int64),
    )


def find_births(
    residue: Vectors, before: Clustered, known: Known, table: pd.DataFrame, store: VectorStore, *, seed: int
) -> list[tuple[Certificate, Rows, Floats]]:
    """Cluster what fits no old cluster, beside old clusters and known classes.

    The outskirts of an old cluster are no birth: what the certificate calls a part of that cluster stays without one.

    Parameters
    ----------
    residue : ndarray of float32, shape (N, D)
        Normalised vectors of new glitches that fit no old cluster.
    before : Clustered
    known : Known
        Without members of the clustering.
    table : DataFrame, N rows
        The same glitches in the study's table.
    store : VectorStore
    seed : int

    Returns
    -------
    list of (Certificate, ndarray of int64, ndarray of float64)
        Each cluster with its members, as rows of `residue`, and how firmly they belong.
    """
    if len(residue) < LEAST_ROWS:
        return []
    prefix = _prefix(known)
    beside = _with_clusters(known, before, prefix)
    around = beside.vectors[beside.background]
    graph = _graph_of(beside.glitches[beside.background], normalise(around), store) if len(around) else None
    found = cluster(residue, seed=seed, background=around, background_graph=graph)
    if not len(beside.background) and found.clusters == 1:
        return []
    certificates = [
        own
        for own in certify(found, evidence_beside(residue, beside, table, seed=seed), seed=seed)
        if not (own.verdict == PART and own.nearest[0][0].startswith(prefix))
    ]
    members = [np.flatnonzero(found.labels == own.cluster) for own in certificates]
    return [(own, rows, found.probability[rows]) for own, rows in zip(certificates, members, strict=True)]


def judged(
    births: list[Certificate],
    study: Study,
    options: ClusterOptions,
    after: Members,
    glitches: ArrayLike,
    *,
    known: Known,
    table: pd.DataFrame,
    step: Step,
) -> tuple[list[Certificate], list[str]]:
    """Say in the certificates of new clusters what the detector of the options calls a signal, beside all other glitches of the label; also returns its remarks."""
    if options.detector is None or not births:
        return births, []
    from discovery.candidates.signals import with_signals  # noqa: PLC0415 - the detector's libraries
    from embed.detector.model import load_detector  # noqa: PLC0415

    labels = np.full(len(after.labels), NOISE)
    for place, own in enumerate(births):
        labels[after.labels == own.cluster] = place
    rows, detector = np.asarray(glitches, np.int64), load_detector(options.detector)
    return with_signals(births, study, options, labels, rows, known=known, table=table, detector=detector, step=step)


def _graph_of(glitches: Rows, unit: Vectors, store: VectorStore) -> NeighbourGraph | None:
    """Return the graph of glitches among themselves as the store's graph tells it; None where that is not exact."""
    whole = store.graph
    return graph_among(whole, unit, store.rows(glitches), NEIGHBOURS) if whole.exact else None


def without(known: Known, glitches: Rows) -> Known:
    """Leave out known glitches that are members: those of a cluster that has got a name."""
    kept = ~np.isin(known.glitches, glitches)
    place = np.cumsum(kept) - 1
    return Known(
        glitches=known.glitches[kept],
        vectors=known.vectors[kept],
        classes={name: place[rows[kept[rows]]] for name, rows in known.classes.items() if kept[rows].any()},
        background=place[known.background[kept[known.background]]],
    )
