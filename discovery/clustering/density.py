"""Labels from the density tree: which cluster each row is in, how firmly, and what other settings give."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from discovery.clustering.hierarchy import LOOSE, DensitySettings, DensityTree, Prepared, density_tree
from discovery.clustering.result import NOISE

if TYPE_CHECKING:
    from embed.types import Codes, Floats
    from embed.vectors.graph import NeighbourGraph

ASKED_NEIGHBOURS = 10
"""Nearest neighbours that say which cluster a row belongs to, and how firmly."""
MAJORITY = 0.6
"""Share of them from which a row joins another cluster than its branch's, or than none."""
MOST_ROUNDS = 10
"""After which nothing moves but a few rows that go to and fro."""
UNASKED = -2
"""In the place of a neighbour that is not asked."""
OTHER_SETTINGS: dict[str, DensitySettings] = {
    "10 neighbours": DensitySettings(neighbours=10),
    "density from 3 neighbours": DensitySettings(density_neighbours=3),
    "density from 5 neighbours": DensitySettings(density_neighbours=5),
    "contrast 1.0": DensitySettings(contrast=1.0),
    "contrast 1.5": DensitySettings(contrast=1.5),
    "firmness 6": DensitySettings(firmness=6.0),
    "at least 10 glitches": DensitySettings(least=10),
}
"""One setting is changed at a time, to see what depends on it."""


def density_clusters(
    prepared: Prepared, graph: NeighbourGraph, settings: DensitySettings, asked: int | None = None
) -> tuple[Codes, DensityTree]:
    """Return the cluster of each row, -1 for noise, and the tree of all branches, those that hold loosely too.

    Rows beyond the first `asked` are a background: they take part in the hierarchy, so that a family stands out against the classes
    around it even where few of their glitches were asked for. Clusters are numbered, and branches kept, by the rows asked for.

    Parameters
    ----------
    prepared : Prepared
        N rows.
    graph : NeighbourGraph
        Of these rows.
    settings : DensitySettings
    asked : int, optional
        All rows when absent.
    """
    asked = len(graph.neighbours) if asked is None else asked
    loose = replace(
        LOOSE,
        neighbours=settings.neighbours,
        density_neighbours=settings.density_neighbours,
        least=settings.least,
    )
    tree = density_tree(prepared, loose)
    labels = density_labels(tree, settings, graph)[:asked]
    sizes = np.bincount(labels[labels != NOISE], minlength=1)
    labels = np.where((labels != NOISE) & (sizes[labels] >= settings.least), labels, NOISE)
    numbers = np.unique(labels[labels != NOISE])
    return np.where(labels == NOISE, NOISE, np.searchsorted(numbers, labels)), tree.among(asked)


def other_clusters(
    prepared: Prepared, graph: NeighbourGraph, settings: DensitySettings, asked: int
) -> dict[str, Codes]:
    """Return the cluster of each row asked for by each of `OTHER_SETTINGS`."""
    return {
        name: density_clusters(prepared, graph, replace(other, least=max(other.least, settings.least)), asked)[0]
        for name, other in OTHER_SETTINGS.items()
    }


def density_labels(tree: DensityTree, settings: DensitySettings, graph: NeighbourGraph) -> Codes:
    """Number the clusters of a tree; each row then joins the cluster of most of its neighbours."""
    labels = np.full(len(graph.neighbours), NOISE, np.int64)
    for number, branch in enumerate(tree.clusters(settings)):
        labels[tree.branches[branch].rows] = number
    nearest = graph.neighbours[:, :ASKED_NEIGHBOURS]
    for _ in range(MOST_ROUNDS):
        asked = _asked(labels)
        favourite, share = _favourite(np.where(np.arange(nearest.shape[1]) < asked[:, None], labels[nearest], UNASKED))
        moving = (share >= MAJORITY) & (favourite != labels)
        if not moving.any():
            break
        labels[moving] = favourite[moving]
    return labels


def _asked(labels: Codes) -> Codes:
    """Return how many of its nearest neighbours each row asks: ten, fewer in a smaller cluster, where they cannot all be of its own."""
    sizes = np.bincount(labels[labels != NOISE], minlength=int(labels.max(initial=0)) + 1)
    return np.where(labels == NOISE, ASKED_NEIGHBOURS, np.clip(sizes[labels] - 1, 1, ASKED_NEIGHBOURS))


def _favourite(labels: Codes) -> tuple[Codes, Floats]:
    """Return the cluster that most of each row's neighbours have, labels (M, k), and its share of those asked; ties: the lower number."""
    ordered = np.sort(labels, axis=1)
    best, most = np.full(len(labels), NOISE), np.zeros(len(labels), np.int64)
    run = np.zeros(len(labels), np.int64)
    for place in range(ordered.shape[1]):
        same = (ordered[:, place] == ordered[:, place - 1]) if place else np.zeros(len(labels), bool)
        run = np.where(same, run + 1, 1)
        better = (run > most) & (ordered[:, place] > NOISE)
        best, most = np.where(better, ordered[:, place], best), np.where(better, run, most)
    return best, most / np.maximum((labels != UNASKED).sum(axis=1), 1)


def neighbour_share(labels: Codes, graph: NeighbourGraph) -> Floats:
    """Return the share of each row's nearest neighbours that are in its cluster: of ten, or of as many as there are."""
    asked = _asked(labels)
    nearest = graph.neighbours[:, :ASKED_NEIGHBOURS]
    counted = np.arange(nearest.shape[1]) < asked[:, None]
    same = (labels[nearest] == labels[:, None]) & counted
    return np.asarray(same.sum(axis=1) / np.maximum(counted.sum(axis=1), 1))
