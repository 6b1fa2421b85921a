"""The branches of the density tree within each cluster: the cluster's own, and those nested in it, which may be sub-morphologies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.clustering.hierarchy import LEAST_CLUSTER
from discovery.clustering.result import NOISE

if TYPE_CHECKING:
    from discovery.clustering.hierarchy import Branch, DensityTree
    from embed.types import Codes, Rows

LEAST_OVERLAP = 0.5
"""Jaccard index that a branch must exceed to be a cluster's own; no branch exceeds it with two clusters."""


@dataclass(frozen=True)
class NestedBranch:
    """A branch within a cluster, or the cluster's own branch.

    Attributes
    ----------
    path : str
        The cluster's number and, at each split on the way, the place of the part, the larger part first: "3" is cluster 3, "3.0" its
        larger part, "3.0.1" the smaller part of that.
    cluster : int
    rows : ndarray of int64
        Its rows that are in the cluster, ascending.
    contrast, firmness, persistence : float
        See `discovery.clustering.hierarchy.Branch`.
    low, high : float
        Log density, in nats above the cluster's own pass, between which it is one branch: from the pass to its neighbour up to the pass
        between its own two parts, or to its densest row where it has none.
    """

    path: str
    cluster: int
    rows: Rows
    contrast: float
    firmness: float
    persistence: float
    low: float
    high: float

    @property
    def parent(self) -> str:
        """The path of the branch around it; empty for the cluster's own."""
        return self.path.rpartition(".")[0]


def own_branches(labels: Codes, tree: DensityTree) -> dict[int, int]:
    """Return the number of each cluster's own branch: that with the largest Jaccard index, ties to the finer; a cluster may have none.

    Parameters
    ----------
    labels : ndarray of int64, shape (N,)
        Cluster of each row of the tree; -1 is noise.
    tree : DensityTree
    """
    count = int(labels.max(initial=NOISE)) + 1
    sizes = np.bincount(labels[labels != NOISE], minlength=count)
    best, found = np.full(count, LEAST_OVERLAP), np.full(count, -1)
    for number, branch in enumerate(tree.branches):  # children come before their parents
        inside = labels[branch.rows]
        shared = np.bincount(inside[inside != NOISE], minlength=count)
        overlap = shared / np.maximum(sizes + len(branch.rows) - shared, 1)
        better = overlap > best
        best[better], found[better] = overlap[better], number
    return {cluster: int(number) for cluster, number in enumerate(found.tolist()) if number >= 0}


def nested_branches(labels: Codes, tree: DensityTree, least: int = LEAST_CLUSTER) -> list[NestedBranch]:
    """List each cluster's own branch and those nested in it, clusters in order, each branch before its parts.

    A split counts where both parts hold `least` rows of the cluster; one that cuts off fewer, or known glitches alone, is passed over.

    Parameters
    ----------
    labels : ndarray of int64, shape (N,)
    tree : DensityTree
    least : int
    """
    children = tree.children()
    found = []
    for cluster, own in own_branches(labels, tree).items():
        base = tree.branches[own] if tree.branches[own].parent >= 0 else None
        waiting = [(str(cluster), own)]
        while waiting:
            path, number = waiting.pop()
            rows = tree.branches[number].rows
            rows = rows[labels[rows] == cluster]
            parts = _split(children, tree, number, labels == cluster, least)
            base = base or (tree.branches[parts[0]] if parts else None)
            found.append(_nested(path, cluster, rows, tree, (number, parts, base)))
            waiting += [(f"{path}.{place}", part) for place, part in reversed(list(enumerate(parts)))]
    return found


def _split(children: list[list[int]], tree: DensityTree, number: int, inside: np.ndarray, least: int) -> list[int]:
    """Return the two parts of the first real split of a branch, the larger first; empty where there is none."""
    while pair := children[number]:
        sizes = [int(inside[tree.branches[child].rows].sum()) for child in pair]
        if min(sizes) >= least:
            return sorted(pair, key=lambda child: (-int(inside[tree.branches[child].rows].sum()), child))
        number = pair[int(sizes[1] > sizes[0])]
    return []


def _nested(
    path: str, cluster: int, rows: Rows, tree: DensityTree, place: tuple[int, list[int], Branch | None]
) -> NestedBranch:
    number, parts, base = place
    branch = tree.branches[number]

    def above(distance: float) -> float:
        return 0.0 if base is None else max(0.0, tree.dimension * math.log(base.distance / distance))

    low = above(branch.distance)
    high = above(tree.branches[parts[0]].distance) if parts else low + branch.persistence
    return NestedBranch(
        path, cluster, rows, branch.contrast, branch.firmness, branch.persistence, low, high if base else low
    )


def branch_paths(labels: Codes, nested: list[NestedBranch]) -> list[str]:
    """Return the path of the finest branch that each row is in; a member of a cluster that is in none has an empty one, as noise has.

    Parameters
    ----------
    labels : ndarray of int64, shape (N,)
    nested : list of NestedBranch
        Of these labels, each branch before its parts.
    """
    paths = np.full(len(labels), "", object)
    for branch in nested:
        paths[branch.rows] = branch.path
    return [str(path) for path in paths]
