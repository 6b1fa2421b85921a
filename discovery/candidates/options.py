"""The options of a clustering and of a map, with choices and defaults; this module imports nothing heavy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from discovery.clustering.methods import CLUSTER_METHODS, LANDMARKS, MAP_DIMENSIONS, MAP_METHODS
from embed.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from discovery.clustering.methods import ClusterMethod, MapMethod

BATCH = 40
"""Glitches of a batch for volunteers."""
LEAST_LANDMARKS = 100
"""Of a map."""
NEAREST = 10
"""Similar glitches that a search lists."""

COMPARED_SHARE = 0.05
"""Share of a label's glitches that must be new since an update last clustered all together, before it does so again."""
COMPARED_BELOW = 2_000
"""Glitches of a label below which an update clusters them together each time: it takes seconds."""
_PLACE = re.compile(r"\d+(\.[01])*", re.ASCII)


@dataclass(frozen=True)
class ClusterOptions:
    """What is clustered, and how.

    Attributes
    ----------
    predicted : bool
        Take the glitches to which a model, not a person, gave the label.
    method : {"hdbscan", "spectral"}
        See `discovery.clustering.clustering`.
    k : int or None
        Number of clusters, for the spectral method; None chooses it by the eigengap.
    seed : int
        Same seed, same files.
    detector : Path or None
        Folder of a detector on strain, which says how many glitches of each cluster it calls a signal.
    strain : tuple of Path
        For it: strain files besides those that the study was scanned from.

    Raises
    ------
    InputError
        For an unknown method, or `k` with another method than the spectral one.
    """

    predicted: bool = False
    method: ClusterMethod = "hdbscan"
    k: int | None = None
    seed: int = 0
    detector: Path | None = None
    strain: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if self.method not in CLUSTER_METHODS:
            raise InputError(f"no clustering method {self.method!r}; use one of {', '.join(CLUSTER_METHODS)}")
        if self.k is not None and self.method != "spectral":
            raise InputError(
                f"--k {self.k} goes with --method spectral; HDBSCAN chooses the number of clusters automatically"
            )
        if self.strain and self.detector is None:
            raise InputError(f"--strain {self.strain[0]} goes with --detector; name the detector that is to read it")

    @property
    def judging(self) -> dict[str, Any]:
        """What a run keeps of the detector and of further strain, so that it can be made again; empty without one."""
        if self.detector is None:
            return {}
        return {"detector": str(self.detector.absolute()), "strain": [str(path.absolute()) for path in self.strain]}


@dataclass(frozen=True)
class MapOptions:
    """How the glitches are laid out and coloured.

    Attributes
    ----------
    method : {"tsne", "umap"}
        See `discovery.clustering.projection`.
    dims : {2, 3}
        Dimensions.
    color : str
        Column that gives the colours: ``label``, ``predicted``, ``cluster``, ``ifo``, ``gps`` or a column of the metadata.
    seed : int
        Same seed, same files.
    anew : bool
        Lay out all glitches, also where a map is there on which new ones could be placed.
    landmarks : int
        Of more glitches so many are laid out, drawn at random, and the others placed among them.

    Raises
    ------
    InputError
        For an unknown method or another number of dimensions.
    """

    method: MapMethod = "tsne"
    dims: int = 3
    color: str = "label"
    seed: int = 0
    anew: bool = False
    landmarks: int = LANDMARKS

    def __post_init__(self) -> None:
        if self.method not in MAP_METHODS:
            raise InputError(f"no projection method {self.method!r}; use one of {', '.join(MAP_METHODS)}")
        if self.dims not in MAP_DIMENSIONS:
            raise InputError(f"a map of {self.dims} dimensions cannot be shown; give 2 or 3")
        if self.landmarks < LEAST_LANDMARKS:
            raise InputError(f"{self.landmarks} landmarks are too few for a map; give at least {LEAST_LANDMARKS}")


def read_place(text: str) -> int | str | None:
    """Read a cluster's number, or a branch as ``clusters.csv`` writes it; None where it is neither.

    Examples
    --------
    >>> read_place("12"), read_place("1.0.1"), read_place("1.2"), read_place("Blip")
    (12, '1.0.1', None, None)
    """
    if _PLACE.fullmatch(text) is None:
        return None
    return text if "." in text else int(text)
