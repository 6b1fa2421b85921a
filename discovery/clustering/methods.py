"""The methods of clustering and of laying out, by name; this module imports nothing heavy."""

from __future__ import annotations

from typing import Literal, get_args

ClusterMethod = Literal["hdbscan", "spectral"]
CLUSTER_METHODS: tuple[ClusterMethod, ...] = get_args(ClusterMethod)
MapMethod = Literal["tsne", "umap"]
MAP_METHODS: tuple[MapMethod, ...] = get_args(MapMethod)
MAP_DIMENSIONS = (2, 3)
LANDMARKS = 20_000
"""Rows that a map of more rows lays out; the others are placed among them."""
