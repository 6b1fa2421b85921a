"""Glitches of other labels that lie inside a cluster: most of their nearest neighbours are its members."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from discovery.certificates.certificate import ALONE, NEW, UNSURE
from discovery.certificates.surroundings import AROUND
from discovery.clustering.result import NOISE
from embed.digits import counted

if TYPE_CHECKING:
    import pandas as pd

    from discovery.candidates.known import Known
    from discovery.certificates.certificate import Certificate
    from embed.types import Codes, Rows
    from embed.vectors.store import VectorStore

NAMED = 8
"""Of them that the sentence names; ``certificates.csv`` names all."""


def with_insiders(
    certificates: list[Certificate],
    labels: Codes,
    glitches: Rows,
    *,
    known: Known,
    table: pd.DataFrame,
    store: VectorStore,
) -> list[Certificate]:
    """Name in each certificate the known glitches that lie inside the cluster.

    Parameters
    ----------
    certificates : list of Certificate
    labels : ndarray of int64, shape (M,)
        Clusters.
    glitches : ndarray of int64, shape (M,)
        Row numbers in the study.
    known : Known
    table : DataFrame
        All glitches of the study: ``id`` and ``label``.
    store : VectorStore
        Its graph says which neighbours a glitch has; those that are neither clustered nor known do not count.
    """
    own, beside = store.rows(glitches), store.rows(known.glitches)
    cluster_of, counts = np.full(len(store.glitches), NOISE), np.zeros(len(store.glitches), bool)
    cluster_of[own] = labels
    counts[own] = counts[beside] = True
    near = store.graph.neighbours[beside]
    close = np.flatnonzero((cluster_of[near] != NOISE).any(axis=1))
    near = near[close]
    rank = np.cumsum(counts[near], axis=1)
    found = []
    for certificate in certificates:
        asked = counts[near] & (rank <= min(AROUND, certificate.size))
        members = asked & (cluster_of[near] == certificate.cluster)
        inside = known.glitches[close[2 * members.sum(axis=1) > asked.sum(axis=1)]]
        names = [f"{name} ({label})" for name, label in table.loc[inside, ["id", "label"]].itertuples(index=False)]
        reasons = (*certificate.reasons, *([_sentence(names, certificate.verdict)] if names else []))
        found.append(replace(certificate, inside=tuple(names), reasons=reasons))
    return found


def _sentence(names: list[str], verdict: str) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    said = f"{counted(len(names), 'glitch of another label lies', 'glitches of other labels lie')} inside this cluster: {', '.join(names[:NAMED])}{more}"
    if verdict not in {NEW, UNSURE, ALONE}:
        return f"{said}."
    return f"{said}; {'its label' if len(names) == 1 else 'their labels'} may be wrong."
