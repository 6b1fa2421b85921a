"""The sweep of HDBSCAN's smallest cluster size: which sizes are tried, and which setting the others agree with.

The result can change abruptly with one size: 53 clusters at 150 become 3 at 160 (a report of latent-scope's users). So
sizes in equal ratios are tried, and the number of clusters that most of them give is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import adjusted_rand_score

if TYPE_CHECKING:
    import hdbscan

    from embed.types import Codes, Floats

LEAST_CLUSTER = 5
"""Glitches of the smallest cluster: fewer show no class, however close they are to each other."""
SIZES_SWEPT = 9
"""Smallest cluster sizes that are tried."""
LARGEST_SHARE = 0.1
"""Share of the rows at which the sweep of the smallest cluster size ends: ten clusters still fit."""
DENSITY_NEIGHBOURS = 5
"""HDBSCAN's min_samples: core distance to the fifth neighbour."""


def swept_sizes(n: int) -> list[int]:
    """Return the smallest cluster sizes to try for N rows, ascending, in equal ratios."""
    first = max(LEAST_CLUSTER, int(np.sqrt(n) / 2))
    last = max(first, int(LARGEST_SHARE * n))
    return sorted({round(size) for size in np.geomspace(first, last, SIZES_SWEPT)})


def density_fit(layout: Floats, size: int) -> hdbscan.HDBSCAN:
    """Run HDBSCAN with the exact spanning tree (the approximate one can differ with the machine)."""
    from hdbscan import HDBSCAN  # noqa: PLC0415 - only where something is clustered

    return HDBSCAN(
        min_cluster_size=size,
        min_samples=min(DENSITY_NEIGHBOURS, len(layout) - 1),
        approx_min_span_tree=False,
        core_dist_n_jobs=1,
    ).fit(layout)


def most_agreed(labellings: list[Codes], counts: Codes, noise: Floats) -> tuple[int, Floats]:
    """Return the setting to keep, and how well each agrees with the others of its number of clusters.

    The number of clusters that the most settings give wins (two or more, if any setting gives that; ties: the one
    with less noise). Of the settings that give it, the one whose labels agree best with the others' is kept (mean
    adjusted Rand index; ties: less noise, then the earlier).
    """
    candidates = np.unique(counts[counts >= 2]) if (counts >= 2).any() else np.unique(counts)
    winner = min(candidates, key=lambda count: (-(counts == count).sum(), noise[counts == count].mean(), count))
    agreement = np.ones(len(labellings))
    for count in np.unique(counts):
        alike = np.flatnonzero(counts == count)
        table = np.array([[adjusted_rand_score(labellings[i], labellings[j]) for j in alike] for i in alike])
        agreement[alike] = 1.0 if alike.size == 1 else (table.sum(axis=1) - 1) / (alike.size - 1)
    best = min(np.flatnonzero(counts == winner), key=lambda i: (-round(float(agreement[i]), 9), noise[i], i))
    return int(best), agreement
