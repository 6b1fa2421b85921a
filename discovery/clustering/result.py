"""What a clustering finds: numbered clusters, their medoids, and how firmly each glitch belongs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.notebook import html_summary

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from discovery.clustering.hierarchy import DensityTree
    from discovery.clustering.methods import ClusterMethod
    from embed.types import Codes, Floats, Rows, Vectors
    from embed.vectors.graph import NeighbourGraph

NOISE = -1
"""The label of a glitch in no cluster."""
PROBABILITY_DECIMALS = 6
"""What is left after rounding is the same on every machine of one kind."""


@dataclass(frozen=True)
class Clustering:
    """Clusters and how they were found.

    Attributes
    ----------
    labels : ndarray of int64, shape (N,)
        Cluster of each row, 0 the largest (ties: the one with the lowest row first); -1 is noise.
    probability : ndarray of float64, shape (N,)
        Strength of membership: the share of the row's ten nearest neighbours (of fewer, in a smaller cluster) that are in
        its cluster. 0 for noise.
    medoids : dict of int to int
        The row of each cluster with the highest mean similarity to the cluster (ties: the lowest row).
    method : str
        "hdbscan" or "spectral".
    parameters : dict
        The settings that gave these labels.
    tried : pandas.DataFrame
        The sweep, one row for each setting; column ``chosen`` marks the setting that was taken.
    notes : tuple of str
        What the reader must know, for instance why there is only one cluster.
    tree : DensityTree or None
        The hierarchy that the clusters were read from; None for spectral clustering and where nothing could be split.
    others : dict of str to ndarray of int64
        Cluster of each row by other settings.
    graph : NeighbourGraph or None
        Of the rows and, after them, of the background; None where nothing could be split.
    """

    labels: Codes
    probability: Floats
    medoids: dict[int, int]
    method: ClusterMethod
    parameters: dict[str, Any]
    tried: pd.DataFrame
    notes: tuple[str, ...]
    tree: DensityTree | None = None
    others: dict[str, Codes] = field(default_factory=dict)
    graph: NeighbourGraph | None = None

    @property
    def clusters(self) -> int:
        """Number of clusters, noise not counted."""
        return len(self.medoids)

    @property
    def noise_share(self) -> float:
        """Share of rows that are noise, 0 to 1."""
        return float((self.labels == NOISE).mean())

    def _repr_html_(self) -> str:
        facts: dict[str, object] = {
            "method": self.method,
            "clusters": self.clusters,
            "noise": f"{self.noise_share:.1%}",
        }
        facts |= {f"note {number}": note for number, note in enumerate(self.notes, 1)}
        sizes = np.bincount(self.labels[self.labels >= 0], minlength=self.clusters)
        rows = [(number, f"{sizes[number]:,}", row) for number, row in self.medoids.items()]
        return html_summary(f"Clusters of {len(self.labels):,} rows", facts, ("cluster", "size", "medoid's row"), rows)


@dataclass(frozen=True)
class Method:
    """What made the labels of a clustering: see the same attributes of `Clustering`."""

    name: ClusterMethod
    parameters: dict[str, Any]
    tried: pd.DataFrame
    notes: tuple[str, ...] = ()
    tree: DensityTree | None = None
    others: dict[str, Codes] = field(default_factory=dict)
    graph: NeighbourGraph | None = None


def finished(unit: Vectors, labels: NDArray[np.integer], probability: Floats, method: Method) -> Clustering:
    """Number the clusters by size, find their medoids and round what is not exact.

    Parameters
    ----------
    unit : ndarray of float32, shape (N, D)
        Normalised vectors.
    labels : ndarray of integer, shape (N,)
        Any numbers; -1 is noise.
    probability : ndarray of float64, shape (N,)
    method : Method
    """
    numbered = by_size(labels)
    medoids = {
        cluster: int(by_typicality(unit, np.flatnonzero(numbered == cluster))[0])
        for cluster in range(numbered.max() + 1)
    }
    rounded = np.where(numbered == NOISE, 0.0, probability).round(PROBABILITY_DECIMALS)
    return Clustering(
        labels=numbered,
        probability=rounded,
        medoids=medoids,
        method=method.name,
        parameters=method.parameters,
        tried=method.tried,
        notes=method.notes,
        tree=method.tree,
        others=method.others,
        graph=method.graph,
    )


def one_cluster(unit: Vectors, method: Method, probability: Floats | None = None) -> Clustering:
    """Put all rows into one cluster; they belong wholly unless `probability` says otherwise."""
    given = np.ones(len(unit)) if probability is None else probability
    return finished(unit, np.zeros(len(unit), np.int64), given, method)


def by_size(labels: NDArray[np.integer]) -> Codes:
    """Renumber clusters 0, 1, ... by size descending, ties by lowest row; noise stays -1."""
    found, first, sizes = np.unique(labels[labels != NOISE], return_index=True, return_counts=True)
    rows = np.flatnonzero(labels != NOISE)[first]
    numbers = np.full(int(labels.max()) + 2, NOISE, np.int64)  # the last entry is where -1 looks
    numbers[found[np.lexsort((rows, -sizes))]] = np.arange(found.size)
    return numbers[labels]


def by_typicality(unit: Vectors, members: Rows) -> Rows:
    """Return members in order of their mean similarity to all of them, the medoid first: by the inner product with their sum.

    Parameters
    ----------
    unit : ndarray of float32, shape (N, D)
        Normalised vectors.
    members : ndarray of int64, shape (M,)
    """
    rows = unit[members].astype(np.float64)
    return members[np.argsort(-(rows @ rows.sum(axis=0)).round(9), kind="stable")]
