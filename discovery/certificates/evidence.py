"""What certificates are made from: the vectors of the clustered glitches and of the known ones, with their detectors and times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embed.types import Rows, Vectors
    from embed.vectors.graph import NeighbourGraph


@dataclass(frozen=True)
class Evidence:
    """What certificates are made from.

    Attributes
    ----------
    unit : ndarray of float32, shape (N, D)
        Normalised vectors of the proposals' glitches and of the known ones.
    rows : ndarray of int64, shape (M,)
        The glitches that were clustered, in the order of the clustering.
    classes : mapping of str to ndarray of int64
        Rows of each known class.
    background : ndarray of int64, shape (B,)
        Rows of the known glitches that were given to the clustering as its background.
    graph : NeighbourGraph or None
        Of the clustered glitches alone, where it is known already.
    ifo, gps : ndarray, shape (M,)
        Detector ("" where unknown) and GPS seconds (NaN where unknown) of the clustered glitches.
    """

    unit: Vectors
    rows: Rows
    classes: Mapping[str, Rows] = field(default_factory=dict)
    background: Rows = field(default_factory=lambda: np.empty(0, np.int64))
    graph: NeighbourGraph | None = None
    ifo: Any = None
    gps: Any = None
