"""The density tree: every group of rows that is denser than what surrounds it, at every scale, read from the neighbour graph.

HDBSCAN's hierarchy (Campello, Moulavi and Sander 2013) joins rows in the order of their mutual reachability distance, which here
runs along the edges of the neighbour graph only: at most k N of them instead of N^2. Two questions are asked where two groups
meet, in units of log density, which is dimension x log distance:

* contrast: how much denser is the group than the pass over which it meets the other? The mean over its members of
  D log(w / c_i), with w the distance at which they meet, c_i the member's core distance and D the dimension of the data.
* firmness: contrast x sqrt(members), because the density of a few rows varies by chance.

A group with too little of either is no branch: its rows go to the other. Nothing depends on the number of rows or asks for the
number of clusters, so that a family of ten among thousands is found by the same rule as a large class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from discovery.clustering.prepared import LEAST_DISTANCE, NEIGHBOURS
from embed.vectors.similarity import group_sums

if TYPE_CHECKING:
    from collections.abc import Callable

    from discovery.clustering.prepared import Prepared
    from embed.types import Floats, Rows, Vectors

LEAST_CLUSTER = 5
"""Glitches of the smallest cluster: fewer show no class, however close they are to each other."""
LEAST_ROWS = 2 * LEAST_CLUSTER
"""Fewer rows cannot be split."""
DISTANCE_DECIMALS = 9
"""Of distances between components, which linear algebra computes with any number of threads."""


@dataclass(frozen=True)
class DensitySettings:
    """What counts as a branch.

    Attributes
    ----------
    neighbours : int
        Of the graph that are used.
    density_neighbours : int
        The core distance is that to this neighbour (HDBSCAN's ``min_samples``).
    contrast, firmness : float
        Least values of a cluster. At these and at `SURE`, 60 mixtures of simulated glitches of 34 classes keep 93 % of the true
        splits and show 8 false ones, and Gaussian and uniform clouds of 2 to 20 dimensions none.
    least : int
        Rows of the smallest branch.
    """

    neighbours: int = NEIGHBOURS
    density_neighbours: int = 4
    contrast: float = 1.2
    firmness: float = 4.5
    least: int = LEAST_CLUSTER


LOOSE = DensitySettings(contrast=0.5, firmness=2.3)
"""Of branches that are shown as possible parts of a cluster."""
SURE = DensitySettings(contrast=2.5, firmness=12.0)
"""A branch that holds so well is a cluster even where the one that it meets holds only loosely: a dense family beside a sparse one."""


@dataclass(frozen=True)
class Branch:
    """A group of rows that is denser than its surroundings.

    Attributes
    ----------
    rows : ndarray of int64, shape (M,)
        Its rows, ascending: all that join it before it meets another branch.
    distance : float
        Between unit vectors, at which it meets the other; 2 for the root.
    contrast : float
        Mean log ratio of its members' density to that of the pass.
    firmness : float
        contrast x sqrt(M).
    persistence : float
        Rise of the log density, in nats, from the pass up to its densest row: D log(w / c), with w the distance at which it meets the
        other and c the least core distance of its members. It is the prominence of a peak (Chazal et al. 2013, "Persistence-based
        clustering in Riemannian manifolds") for log density; with HDBSCAN's lambda = 1 / distance, D log(lambda_max / lambda_birth).
    parent : int
        Number of the branch that it and the other form; -1 for the root.
    """

    rows: Rows
    distance: float
    contrast: float
    firmness: float
    persistence: float
    parent: int

    def holds(self, settings: DensitySettings) -> bool:
        """Whether this counts as a branch by itself."""
        return (
            len(self.rows) >= settings.least
            and self.contrast >= settings.contrast
            and self.firmness >= settings.firmness
        )


@dataclass(frozen=True)
class DensityTree:
    """All branches; children come before their parents, the root is the last.

    Attributes
    ----------
    branches : list of Branch
    dimension : float
        Of the data, as estimated.
    """

    branches: list[Branch]
    dimension: float

    def children(self) -> list[list[int]]:
        """Return the numbers of each branch's children: two, or none."""
        found: list[list[int]] = [[] for _ in self.branches]
        for number, branch in enumerate(self.branches):
            if branch.parent >= 0:
                found[branch.parent].append(number)
        return found

    def among(self, count: int) -> DensityTree:
        """Return the same tree with the first `count` rows only."""
        kept = [replace(branch, rows=branch.rows[branch.rows < count]) for branch in self.branches]
        return DensityTree(kept, self.dimension)

    def clusters(
        self, settings: DensitySettings, apart: Callable[[int, int, int], bool] = lambda *_: False
    ) -> list[int]:
        """Return the finest branches that hold by `settings`, of which no two share a row; the root alone if nothing splits it.

        The children of a branch are taken to hold where `apart` says so of its number and theirs; it is asked only where that matters.
        """
        kept: list[list[int]] = []
        for number, pair in enumerate(self.children()):
            firm = [len(kept[child]) > 1 or self.branches[child].holds(settings) for child in pair]
            if pair and (all(firm) or any(self.branches[child].holds(SURE) for child in pair) or apart(number, *pair)):
                kept.append([cluster for child in pair for cluster in kept[child]])
            else:  # no real split here: one that lies deeper, or the branch as a whole
                deeper = next((kept[child] for child in pair if len(kept[child]) > 1), None)
                kept.append(deeper or [number])
        return kept[-1]


def density_tree(prepared: Prepared, settings: DensitySettings = LOOSE) -> DensityTree:
    """Build the tree of all branches that hold by `settings`.

    Parameters
    ----------
    prepared : Prepared
        At least two rows, with as many neighbours as the settings use.
    settings : DensitySettings
        Stricter ones are applied later, by `DensityTree.clusters`.
    """
    neighbours = prepared.neighbours[:, : settings.neighbours]
    distances = prepared.distances[:, : settings.neighbours]
    core = distances[:, min(settings.density_neighbours, distances.shape[1]) - 1]
    edges = _spanning_edges(prepared.unit, neighbours, distances, core)
    return DensityTree(_branches(edges, np.log(core), prepared.dimension, settings), prepared.dimension)


def _spanning_edges(unit: Vectors, neighbours: Rows, distances: Floats, core: Floats) -> tuple[Rows, Rows, Floats]:
    """Return the ends and the lengths of the minimum spanning tree by mutual reachability, shortest edge first."""
    n, k = neighbours.shape
    ends = np.repeat(np.arange(n), k), neighbours.ravel()
    reach = np.maximum(np.maximum(core[ends[0]], core[ends[1]]), distances.ravel())
    directed = scipy.sparse.coo_array((reach, ends), shape=(n, n)).tocsr()
    tree = minimum_spanning_tree(directed.maximum(directed.T)).tocoo()
    start, end, length = tree.row.astype(np.int64), tree.col.astype(np.int64), tree.data
    count, component = connected_components(tree, directed=False)
    if count > 1:
        links = _component_links(unit, component, count, start, length)
        start, end, length = (np.concatenate(both) for both in zip((start, end, length), links, strict=True))
    order = np.lexsort((end, start, length))
    return start[order], end[order], length[order]


def _component_links(
    unit: Vectors, component: Rows, count: int, start: Rows, length: Floats
) -> tuple[Rows, Rows, Floats]:
    """Join components by the distance of their centres, none before it is whole."""
    centres = group_sums(unit, component, count)
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), np.finfo(float).tiny)
    apart = np.sqrt(np.maximum(2.0 - 2.0 * (centres @ centres.T), 0.0)).round(DISTANCE_DECIMALS)
    whole = np.zeros(count)
    np.maximum.at(whole, component[start], length)
    apart = np.maximum(np.maximum(apart, LEAST_DISTANCE), np.maximum(whole[:, None], whole[None, :]))
    np.fill_diagonal(apart, 0.0)
    links = minimum_spanning_tree(apart).tocoo()
    first = np.unique(component, return_index=True)[1]
    return first[links.row], first[links.col], links.data


def _branches(
    edges: tuple[Rows, Rows, Floats], log_core: Floats, dimension: float, settings: DensitySettings
) -> list[Branch]:
    """Join rows along the edges, and keep a branch for each group that holds where it meets another that holds."""
    groups = _Groups(log_core, dimension, settings)
    for start, end, length in zip(*(part.tolist() for part in edges), strict=True):
        groups.join(start, end, length)
    groups.keep(groups.find(0), 2.0)
    return groups.branches()


@dataclass(frozen=True)
class _Kept:
    """A branch by the first row of its group, as the group stood: `size` rows of the whole list from there."""

    first: int
    size: int
    distance: float
    contrast: float
    persistence: float


class _Groups:
    """Rows that are joined one pass after the other: disjoint sets, each a linked list with the sum and the least of its members' log core distances.

    A list is only ever joined whole behind another, so that what a group held at any time stays together in the list of all rows.
    """

    def __init__(self, log_core: Floats, dimension: float, settings: DensitySettings) -> None:
        n = len(log_core)
        self.settings, self.dimension = settings, dimension
        self.root, self.after, self.last = list(range(n)), [-1] * n, list(range(n))
        self.size, self.total, self.densest = [1] * n, log_core.tolist(), log_core.tolist()
        self.inner = [-1] * n
        """The branch that a group's two last branches form, by its number; -1 where there were none."""
        self.kept: list[_Kept] = []
        self.parents: list[int] = []

    def find(self, row: int) -> int:
        """Return the first row of a row's group."""
        root = self.root
        while root[row] != row:
            root[row] = root[root[row]]
            row = root[row]
        return row

    def join(self, start: int, end: int, length: float) -> None:
        """Join the groups of two rows, as two branches where both hold."""
        one, other = self.find(start), self.find(end)
        formed = max(self.inner[one], self.inner[other])
        smaller = min(self.size[one], self.size[other])
        if smaller >= self.settings.least and self._holds(one, length) and self._holds(other, length):
            numbers = [self.keep(group, length) for group in (one, other)]
            formed = self._numbered(_Kept(0, 0, 0.0, 0.0, 0.0))  # until it meets another
            for number in numbers:
                self.parents[number] = formed
        if self.size[one] < self.size[other]:
            one, other = other, one
        self.root[other] = one
        self.after[self.last[one]], self.last[one] = other, self.last[other]
        self.size[one] += self.size[other]
        self.total[one] += self.total[other]
        self.densest[one] = min(self.densest[one], self.densest[other])
        self.inner[one] = formed

    def keep(self, group: int, length: float) -> int:
        """Write a group down as a branch that ends at a distance, and return its number."""
        persistence = self.dimension * (math.log(length) - self.densest[group])
        kept = _Kept(group, self.size[group], length, self._contrast(group, length), persistence)
        if (number := self.inner[group]) >= 0:
            self.kept[number] = kept
            return number
        return self._numbered(kept)

    def branches(self) -> list[Branch]:
        """Return the branches written down, once all rows are in one group."""
        order, row = [], self.find(0)
        while row >= 0:
            order.append(row)
            row = self.after[row]
        rows = np.array(order, np.int64)
        place = np.argsort(rows)
        return [
            Branch(
                rows=np.sort(rows[place[kept.first] : place[kept.first] + kept.size]),
                distance=kept.distance,
                contrast=kept.contrast,
                firmness=kept.contrast * kept.size**0.5,
                persistence=kept.persistence,
                parent=parent,
            )
            for kept, parent in zip(self.kept, self.parents, strict=True)
        ]

    def _numbered(self, kept: _Kept) -> int:
        self.kept.append(kept)
        self.parents.append(-1)
        return len(self.kept) - 1

    def _contrast(self, group: int, length: float) -> float:
        return self.dimension * (math.log(length) - self.total[group] / self.size[group])

    def _holds(self, group: int, length: float) -> bool:
        contrast = self._contrast(group, length)
        firm = contrast >= self.settings.contrast and contrast * self.size[group] ** 0.5 >= self.settings.firmness
        return firm or self.inner[group] >= 0
