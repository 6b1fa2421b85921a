"""The known glitches of a study, beside which the clusters of one label are judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from discovery.certificates.divergence import sampled_classes
from discovery.certificates.evidence import Evidence
from embed.gravityspy import CLASS_LISTS, CLASSES, NONE_OF_THE_ABOVE
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from embed.types import Rows, Vectors
    from embed.vectors.graph import NeighbourGraph
    from embed.vectors.store import VectorStore

BACKGROUND = 100
"""Known glitches of each class that take part in the hierarchy: see `discovery.clustering.clustering.hdbscan_clusters`."""


@dataclass(frozen=True)
class Known:
    """Glitches that people gave another label than the one that is clustered.

    Attributes
    ----------
    glitches : ndarray of int64, shape (K,)
        Row numbers in the study.
    vectors : ndarray of float32, shape (K, D)
    classes : dict of str to ndarray of int64
        For each class the rows of `vectors`.
    background : ndarray of int64, shape (B,)
        Rows of `vectors`: of each class a sample.
    """

    glitches: Rows
    vectors: Vectors
    classes: dict[str, Rows] = field(default_factory=dict)
    background: Rows = field(default_factory=lambda: np.empty(0, np.int64))


def absent_classes(classes: Iterable[str]) -> str:
    """Say which classes of Gravity Spy a new class cannot have been compared with, as the study has none of their glitches.

    Parameters
    ----------
    classes : iterable of str
        The known classes of the study.

    Returns
    -------
    str
        Empty where none is absent, or where no known class is one of Gravity Spy's.
    """
    known = sorted(classes)
    absent = [name for name in CLASSES if name not in {*known, NONE_OF_THE_ABOVE}]
    if not absent or not set(known) & set(CLASS_LISTS["O4"]):
        return ""
    return f"A new class is none of those that this study knows: {', '.join(known)}. Gravity Spy has other classes too, with which nothing was compared: {', '.join(absent)}"


def known_glitches(table: pd.DataFrame, store: VectorStore, label: str, seed: int) -> Known:
    """Read the known glitches that have a vector.

    Parameters
    ----------
    table : DataFrame
        `embed.study.study.Study.glitches`.
    store : VectorStore
    label : str
        The label that is clustered; it and None_of_the_Above are no known class.
    seed : int
        Of the sample.
    """
    given = table["label"].to_numpy(dtype=str)
    glitches = table.index[(given != "") & (given != label) & (given != NONE_OF_THE_ABOVE)].to_numpy(np.int64)
    rows = store.rows(glitches)
    glitches, rows = glitches[rows >= 0], rows[rows >= 0]
    names = table.loc[glitches, "label"].to_numpy(dtype=str)
    classes = {str(name): np.flatnonzero(names == name) for name in np.unique(names)}
    rng = np.random.default_rng(seed)
    samples = [rng.permutation(members)[:BACKGROUND] for members in classes.values()]
    background = np.sort(np.concatenate(samples)) if samples else np.empty(0, np.int64)
    return Known(glitches, np.asarray(store.vectors[rows]), classes, background)


def evidence_beside(
    vectors: Vectors, known: Known, table: pd.DataFrame, graph: NeighbourGraph | None = None, *, seed: int = 0
) -> Evidence:
    """Put clustered glitches first and after them the known ones that certificates compare with: of large classes a sample.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, D)
        Of the clustered glitches.
    known : Known
    table : DataFrame, N rows
        Their ``ifo`` and ``gps``.
    graph : NeighbourGraph, optional
        Of the clustered glitches.
    seed : int
        Of the sample.
    """
    n = len(vectors)
    classes = sampled_classes(known.classes, seed)
    taken = np.unique(np.concatenate([known.background, *classes.values()]))
    return Evidence(
        unit=normalise(np.concatenate([vectors, known.vectors[taken]]) if len(taken) else vectors),
        rows=np.arange(n),
        classes={name: n + np.searchsorted(taken, rows) for name, rows in classes.items()},
        background=n + np.searchsorted(taken, known.background),
        graph=graph,
        ifo=table["ifo"].to_numpy(dtype=object),
        gps=table["gps"].to_numpy(dtype=float),
    )
