"""What an update changes between clusters: splits, merges, clusters that ended, and groups that emerged; proposals, which move no glitch.

The glitches of the label, old and new, are clustered by density as if they came for the first time, and their clusters before that
are compared with the result by the members they share:

* split: two or more fresh clusters lie in one cluster (at least `WITHIN` of their glitches), each with `LEAST_CLUSTER` of its members.
* merge: one fresh cluster holds at least `WITHIN` of the members of two or more clusters, and not each of them is a branch of the fresh
  density tree any more, not even one that holds loosely.
* emerged: at least `WITHIN` of a fresh cluster's glitches, and `LEAST_CLUSTER` of them, are in no cluster.

Each is proposed only where at least `AGREEING` of the other settings (`discovery.clustering.density.OTHER_SETTINGS`) find it too.

* ended: a cluster has no new member, though its rate makes that unlikely. Of n events before, all fall into the exposure E before, and
  none into the exposure e since, with the probability (E / (E + e))^n: the exact comparison of two Poisson rates (Przyborowski and
  Wilenski 1940). Events are bursts and exposures live time, as for `discover onset`, where most new glitches are later than all old ones;
  otherwise, or without times, events are members and exposures the label's glitches. A cluster is named where the probability times
  the number of clusters is below `FALSE_ALARM`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from discovery.certificates.stability import FOUND_AGAIN, jaccard
from discovery.clustering.branches import own_branches
from discovery.clustering.density import density_clusterings
from discovery.clustering.hierarchy import LEAST_CLUSTER, DensitySettings
from discovery.clustering.prepared import NEIGHBOURS, prepare
from discovery.clustering.result import NOISE, by_size
from discovery.onset.changes import bursts
from discovery.onset.livetime import DAY, livetime_of
from embed.digits import counted, significant
from embed.vectors.graph import neighbour_graph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from discovery.clustering.hierarchy import DensityTree
    from discovery.onset.livetime import Livetime
    from embed.types import Codes, Floats, Rows, Vectors

COLUMNS = (
    *("kind", "clusters", "members", "new", "parts", "settings_found", "settings_tried"),
    *("expected", "probability", "evidence"),
)
"""Columns of ``changes.csv``, a row for each proposal: ``kind`` is split, merge, ended or emerged, ``clusters`` their numbers (none for an
emerged group), ``members`` and ``new`` their glitches and how many of them are new, ``parts`` the sizes of a split's parts, or how many
glitches of each cluster a merge joins; other settings that find it and how many were tried; for an ended cluster the new members that
were ``expected`` and the ``probability`` of none; and the ``evidence`` in words."""
WITHIN = 0.6
"""Share of one group that lies in another."""
AGREEING = 0.5
"""Share of the other settings that must find a split, a merge or an emerged group too."""
FALSE_ALARM = 0.05
"""Chance that any cluster is called ended though no rate has changed."""

SPLIT, MERGE, ENDED, EMERGED = "split", "merge", "ended", "emerged"


@dataclass(frozen=True)
class Members:
    """The N glitches of a label after an update.

    Attributes
    ----------
    labels : ndarray of int64, shape (N,)
        Their clusters after the update; -1 is none.
    is_new : ndarray of bool, shape (N,)
        Whether they came after the clustering.
    gps : ndarray of float64, shape (N,)
        GPS seconds; NaN where unknown.
    """

    labels: Codes
    is_new: NDArray[np.bool_]
    gps: Floats


@dataclass(frozen=True)
class Proposal:
    """One proposal; attributes as the columns of `COLUMNS`, and the settings that find it with those tried.

    `groups` are the rows of each of its parts: of a split's parts, of the clusters that a merge joins, of an emerged group; of an ended
    cluster there are none.
    """

    kind: str
    clusters: tuple[int, ...]
    members: int
    new: int
    evidence: str
    parts: tuple[int, ...] = ()
    settings: tuple[int, int] | None = None
    expected: float | None = None
    probability: float | None = None
    groups: tuple[Rows, ...] = field(default=(), compare=False, repr=False)

    def row(self) -> dict[str, object]:
        """Return the figures as a flat row of a table, columns `COLUMNS`."""
        found, tried = self.settings or (None, None)
        return {
            "kind": self.kind,
            "clusters": "; ".join(map(str, self.clusters)),
            "members": self.members,
            "new": self.new,
            "parts": "; ".join(map(str, self.parts)),
            "settings_found": found,
            "settings_tried": tried,
            "expected": None if self.expected is None else round(self.expected, 4),
            "probability": None if self.probability is None else float(f"{self.probability:.3g}"),
            "evidence": self.evidence,
        }


@dataclass(frozen=True)
class Fresh:
    """A clustering of all glitches by density.

    Attributes
    ----------
    labels : ndarray of int64, shape (N,)
        0 the largest; -1 is noise.
    tree : DensityTree
        Of the same rows.
    others : dict of str to ndarray of int64
        The labels by other settings.
    """

    labels: Codes
    tree: DensityTree
    others: Mapping[str, Codes]


def cluster_afresh(unit: Vectors, background: Vectors, *, seed: int) -> Fresh:
    """Cluster rows by density beside a background, without certificates; one neighbour search serves all settings.

    Parameters
    ----------
    unit : ndarray of float32, shape (N, D)
        Normalised vectors, `LEAST_ROWS` rows and more.
    background : ndarray of float32, shape (M, D)
        Known glitches; see `discovery.clustering.clustering.hdbscan_clusters`.
    seed : int
        Of an approximate neighbour graph.
    """
    around = np.concatenate([unit, background]) if len(background) else unit
    graph = neighbour_graph(around, NEIGHBOURS, seed=seed)
    prepared = prepare(around, graph)
    labels, tree, others = density_clusterings(prepared, graph, DensitySettings(), len(unit))
    return Fresh(by_size(labels), tree, others)


def compare(members: Members, fresh: Fresh) -> list[Proposal]:
    """List the splits, merges and emerged groups, in this order.

    Parameters
    ----------
    members : Members
    fresh : Fresh
        Of the same glitches.
    """
    labels, others = members.labels, list(fresh.others.values())
    separate = own_branches(labels, fresh.tree)
    proposed = [(SPLIT, clusters, parts) for clusters, parts in _splits(labels, fresh.labels).items()]
    proposed += [
        (MERGE, clusters, whole)
        for clusters, whole in _merges(labels, fresh.labels).items()
        if not set(clusters) <= set(separate)
    ]
    proposed += [(EMERGED, (), [number]) for number in _emerged(labels, fresh.labels)]
    found = []
    for kind, clusters, numbers in proposed:
        if kind == EMERGED:
            own = np.where(fresh.labels == numbers[0], 0, NOISE)
            agreeing = sum(float(jaccard(own, other)[0]) >= FOUND_AGAIN for other in others)
        else:
            again = _splits if kind == SPLIT else _merges
            agreeing = sum(any(set(clusters) <= set(key) for key in again(labels, other)) for other in others)
        if agreeing >= AGREEING * len(others):
            found.append(_described((kind, clusters, numbers), members, fresh, (agreeing, len(others))))
    return found


def _shared(labels: Codes, fresh: Codes) -> tuple[Rows, Rows]:
    """Count the glitches of each cluster (the last line: of none) in each fresh cluster (the last column: in none)."""
    count, found = int(labels.max(initial=NOISE)) + 1, int(fresh.max(initial=NOISE)) + 1
    table = np.zeros((count + 1, found + 1), np.int64)
    np.add.at(table, (labels, fresh), 1)  # -1 is the last
    return table, table.sum(axis=0)


def _splits(labels: Codes, fresh: Codes) -> dict[tuple[int, ...], list[int]]:
    """Return the fresh clusters that lie in each cluster in which there are two and more."""
    table, sizes = _shared(labels, fresh)
    inside = (table >= LEAST_CLUSTER) & (table >= WITHIN * np.maximum(sizes, 1))
    parts = {cluster: np.flatnonzero(line[:-1]).tolist() for cluster, line in enumerate(inside[:-1])}
    return {(cluster,): numbers for cluster, numbers in parts.items() if len(numbers) > 1}


def _merges(labels: Codes, fresh: Codes) -> dict[tuple[int, ...], list[int]]:
    """Return the fresh cluster that holds most of two and more clusters, by their numbers."""
    table, _ = _shared(labels, fresh)
    own = table.sum(axis=1, keepdims=True)
    held = (table >= WITHIN * np.maximum(own, 1)) & (own > 0)
    joined = {number: np.flatnonzero(held[:-1, number]).tolist() for number in range(table.shape[1] - 1)}
    return {tuple(clusters): [number] for number, clusters in joined.items() if len(clusters) > 1}


def _emerged(labels: Codes, fresh: Codes) -> list[int]:
    """Return the fresh clusters most of whose glitches are in no cluster."""
    table, sizes = _shared(labels, fresh)
    free = table[-1, :-1]
    return np.flatnonzero((free >= LEAST_CLUSTER) & (free >= WITHIN * sizes[:-1])).tolist()


def _described(
    proposed: tuple[str, tuple[int, ...], list[int]], members: Members, fresh: Fresh, settings: tuple[int, int]
) -> Proposal:
    """Give a proposal its figures and its sentence; `proposed` is its kind, the clusters and the fresh clusters."""
    (kind, clusters, numbers), labels = proposed, members.labels
    inside = np.isin(fresh.labels, numbers)
    own = np.isin(labels, clusters) if clusters else inside & (labels == NOISE)
    branches = own_branches(fresh.labels, fresh.tree)
    clear = [fresh.tree.branches[branches[number]] for number in numbers if number in branches]
    dense = [float(np.exp(branch.contrast)) for branch in clear if branch.parent >= 0]
    said = f"; {settings[0]} of {settings[1]} other settings find this too"
    if dense:
        said = f"; {'each is at least' if len(dense) > 1 else 'it is'} {significant(min(dense))} times as dense as the pass to the next cluster{said}"
    if kind == SPLIT:
        groups = tuple(np.flatnonzero(own & (fresh.labels == number)) for number in numbers)
        text = f"cluster {clusters[0]} comes apart into {len(groups)} clusters with {_listed([len(rows) for rows in groups])} of its {own.sum()} members{said}"
    elif kind == MERGE:
        groups = tuple(np.flatnonzero(inside & (labels == cluster)) for cluster in clusters)
        shares = [f"{len(rows)} of {(labels == cluster).sum()}" for rows, cluster in zip(groups, clusters, strict=True)]
        text = f"clusters {_listed(clusters)} come together in one cluster of {inside.sum()} glitches, with {_listed(shares)} members{said}"
    else:
        groups = (np.flatnonzero(own),)
        text = f"{own.sum()} glitches that fit no cluster are most of a cluster of {inside.sum()}{said}"
    return Proposal(
        kind,
        clusters,
        int(own.sum()),
        int((own & members.is_new).sum()),
        text,
        parts=tuple(len(rows) for rows in groups),
        settings=settings,
        groups=groups,
    )


def _listed(values: Sequence[object]) -> str:
    *first, last = map(str, values)
    return f"{', '.join(first)} and {last}" if first else last


def ended(members: Members, times: Floats) -> list[Proposal]:
    """List the clusters that have no new member though their rate makes that unlikely.

    Parameters
    ----------
    members : Members
    times : ndarray of float64
        GPS seconds of all glitches of the study, from which the live time is estimated; NaN where unknown.
    """
    old, new = ~members.is_new, members.is_new
    numbers = np.unique(members.labels[(members.labels != NOISE) & old]).tolist()
    before, since, live = _exposures(members, times)
    found = []
    for number in numbers:
        own = members.labels == number
        if (own & new).any():
            continue
        if live is None:
            events, rate = (
                int(own.sum()),
                f"{own.sum()} of the {old.sum()} old glitches {'is its member' if own.sum() == 1 else 'are its members'}",
            )
            span = counted(int(new.sum()), "glitch is new", "glitches are new")
        else:
            events = len(bursts(_known(members.gps[own]), live))
            rate = f"{counted(events, 'burst', 'bursts')} in {significant(before / DAY)} live days before"
            span = f"{significant(since / DAY)} live days since"
        probability = float((before / (before + since)) ** events)
        if probability * len(numbers) < FALSE_ALARM:
            expected = events * since / before
            text = f"cluster {number} has no new member: {rate}, {span}: {expected:.1f} expected, and none has a probability of {significant(probability, 2)}"
            found.append(
                Proposal(ENDED, (number,), int(own.sum()), 0, text, expected=expected, probability=probability)
            )
    return found


def _exposures(members: Members, times: Floats) -> tuple[float, float, Livetime | None]:
    """Return the exposure before and since the last old glitch, and the live time; numbers of glitches and None where times do not tell."""
    old, new = _known(members.gps[~members.is_new]), _known(members.gps[members.is_new])
    if len(old) and (new > old.max()).sum() > members.is_new.sum() / 2:
        live = livetime_of(np.unique(_known(times)))
        first, last, end = live.elapsed([old.min(), old.max(), new.max()]).tolist()
        if first < last < end and not live.caution:
            return last - first, end - last, live
    return float((~members.is_new).sum()), float(members.is_new.sum()), None


def _known(gps: Floats) -> Floats:
    return np.sort(gps[np.isfinite(gps) & (gps >= 0)])
