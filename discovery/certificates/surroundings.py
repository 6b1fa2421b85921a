"""What is around a cluster: how many of the glitches beside it fit no cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discovery.clustering.result import NOISE

if TYPE_CHECKING:
    from embed.types import Codes, Rows
    from embed.vectors.graph import NeighbourGraph

AROUND = 10
"""Nearest neighbours of a member that are asked."""


def noise_around(labels: Codes, members: Rows, graph: NeighbourGraph | None) -> float | None:
    """Return the share of some glitches' nearest neighbours that fit no cluster; None where neighbours are not known.

    Parameters
    ----------
    labels : ndarray of int64, shape (N,)
    members : ndarray of int64
    graph : NeighbourGraph or None
        Its first N rows are the same; further ones, of the background, do not count.
    """
    if not (labels == NOISE).any():
        return 0.0
    if graph is None:
        return None
    near = graph.neighbours[members][:, :AROUND].ravel()
    near = near[near < len(labels)]
    return float((labels[near] == NOISE).mean()) if len(near) else None
