"""The certificate of a proposed class: what speaks for it and against it, and the verdict in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.certificates.calibration import calibrate
from discovery.certificates.divergence import ClassVectors, Divergences, diverge, sampled_classes
from discovery.certificates.occurrence import Occurrence, occurrence
from discovery.certificates.parts import Part, parts_of
from discovery.certificates.stability import FOUND_AGAIN, jaccard, resampled
from discovery.certificates.surroundings import noise_around
from discovery.clustering.branches import nested_branches, own_branches
from discovery.clustering.clustering import cluster
from discovery.clustering.prepared import dimension_of
from discovery.clustering.result import by_typicality
from embed.digits import significant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discovery.certificates.evidence import Evidence
    from discovery.certificates.signals import SignalCounts
    from discovery.clustering.hierarchy import Branch
    from discovery.clustering.methods import ClusterMethod
    from discovery.clustering.result import Clustering
    from embed.types import Codes, Floats, Progress, Step

UNSTABLE = 0.6
"""Mean Jaccard index below which a cluster is not stable (Hennig 2007)."""
SURE = 0.9
"""Probability from which a cluster is called new."""
UNLIKELY = 0.5
"""Probability below which it is not."""
ONE_CLASS = 0.6
"""Share of members nearest to one class from which the others are not named."""
SEPARATE = 3.0
"""Nats from which a cluster is called new where the study has too few classes to calibrate: on simulated glitches of 34 classes 95 %
of whole classes are above it, and 1 % of random parts of a class above 1."""
NAMED = 3
"""Nearest known classes that are named."""
BETWEEN = " | "
"""Between the reasons in a table's cell: a line break there makes a row of many lines in a spreadsheet, and two lines of the file."""
TYPICAL = 5
"""Most typical members that are named, the medoid among them."""

NEW, PART, MIXTURE, UNSURE = "new class", "part of a known class", "mixture of known classes", "perhaps new"
NOT_STABLE, ONE_DAY, ALONE = "not stable", "one day only", "distinct group"
_OWN = (NEW, UNSURE, ALONE)
"""Verdicts of what may be a class of its own."""


@dataclass(frozen=True)
class Certificate:
    """What speaks for a cluster and against it.

    Attributes
    ----------
    cluster, size : int
    verdict : str
        "new class", "perhaps new", "part of a known class", "mixture of known classes", "not stable", "one day only", or "distinct
        group" where nothing is known to compare with.
    reasons : tuple of str
        Sentences with the figures that the verdict rests on.
    probability, low, high : float or None
        That it is a class of its own, with a 90 % interval: the share among this study's own classes, hidden, split and mixed, at
        this separation; None without three known classes.
    separation : float or None
        In nats: see `discovery.certificates.divergence`.
    nearest : list of (class, nats)
        All known classes that are compared with, nearest first.
    favourite : (class, share) or None
        The known class to which most members are nearest, and their share: the purity of a cluster that is a part of it.
    stability, least_stability : float
        Mean and least Jaccard index over random parts of the glitches.
    settings : tuple of int
        How many other settings give this cluster (Jaccard index of 0.75 and more), and how many were tried.
    other_method : float
        Largest Jaccard index with a cluster of the other method.
    density : float or None
        How many times as dense as the pass to the next cluster its members are (geometric mean); None for a cluster that is no branch.
    persistence : float or None
        Rise of the log density, in nats, from that pass to the cluster's densest glitch: see `discovery.clustering.hierarchy.Branch`.
    noise_around : float or None
        Share of the members' nearest neighbours among the clustered glitches that fit no cluster.
    typical : tuple of int
        Rows of the most typical members, the medoid first.
    occurrence : Occurrence
        Detectors, runs and days.
    one_detector : str
        "in L1 alone" or "nearly all in L1" where other detectors observed too and chance does not explain it; empty else.
    detector_chance : float or None
        See `discovery.certificates.occurrence.Occurrence.detector_chance`.
    parts : tuple of Part
        Its own branch of the density tree and those nested in it; empty where none is.
    signals : SignalCounts or None
        How many of its members a detector on strain calls a signal, where one was asked.
    inside : tuple of str
        Glitches of other labels most of whose nearest neighbours are members: ids, each with its label.
    """

    cluster: int
    size: int
    verdict: str
    reasons: tuple[str, ...]
    probability: float | None
    low: float | None
    high: float | None
    separation: float | None
    nearest: list[tuple[str, float]]
    favourite: tuple[str, float] | None
    stability: float
    least_stability: float
    settings: tuple[int, int]
    other_method: float
    density: float | None
    persistence: float | None
    noise_around: float | None
    typical: tuple[int, ...]
    occurrence: Occurrence
    one_detector: str
    detector_chance: float | None
    parts: tuple[Part, ...]
    signals: SignalCounts | None = None
    inside: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """The verdict, of a cluster that may be new with the detector that alone has it: a remark, which does not change the probability."""
        return f"{self.verdict}, {self.one_detector}" if self.one_detector and self.verdict in _OWN else self.verdict

    def row(self, ids: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the figures as a flat row of a table, with the ids of typical members where those of the clustered glitches are given."""
        known = {
            f"nearest_{place}": f"{name} ({nats:.2f})" for place, (name, nats) in enumerate(self.nearest[:NAMED], 1)
        }
        return {
            "cluster": self.cluster,
            "size": self.size,
            "verdict": self.verdict,
            "in_words": self.in_words,
            "probability": _rounded(self.probability),
            "low": _rounded(self.low),
            "high": _rounded(self.high),
            "separation": _rounded(self.separation),
            **{f"nearest_{place}": "" for place in range(1, NAMED + 1)},
            **known,
            "favourite": self.favourite[0] if self.favourite else "",
            "favourite_share": _rounded(self.favourite[1] if self.favourite else None),
            "stability": _rounded(self.stability),
            "least_stability": _rounded(self.least_stability),
            "settings_found": self.settings[0],
            "settings_tried": self.settings[1],
            "other_method": _rounded(self.other_method),
            "density": _rounded(self.density),
            "persistence": _rounded(self.persistence),
            "noise_around": _rounded(self.noise_around),
            "detectors": self.occurrence.text("detectors"),
            "commonest_detector": self.occurrence.commonest[0] if self.occurrence.commonest else "",
            "commonest_share": _rounded(self.occurrence.commonest[1] if self.occurrence.commonest else None),
            "detector_chance": None if self.detector_chance is None else float(f"{self.detector_chance:.3g}"),
            "runs": self.occurrence.text("runs"),
            "days": self.occurrence.days,
            "busiest_day": self.occurrence.busiest_day,
            "busiest_share": _rounded(self.occurrence.busiest_share),
            "inside": "; ".join(self.inside),
            **(self.signals.row() if self.signals else {}),
            **({} if ids is None else self._members(ids)),
            "reasons": BETWEEN.join(self.reasons),
        }

    def _members(self, ids: Sequence[str]) -> dict[str, str]:
        named = [ids[row] for row in self.typical]
        return {"medoid": named[0], "typical": "; ".join(named[1:])}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def certify(
    clustering: Clustering,
    evidence: Evidence,
    *,
    k: int | None = None,
    seed: int = 0,
    step: Step = lambda _: None,
    progress: Progress = lambda *_: None,
) -> list[Certificate]:
    """Write the certificate of each cluster.

    Parameters
    ----------
    clustering : Clustering
    evidence : Evidence
    k : int, optional
        As given to the clustering.
    seed : int
        Of the random parts.
    step, progress : callable, optional
        Receive the name of each step as it begins, and how much of it is done, of how much.
    """
    count = clustering.clusters
    unit, labels = evidence.unit[evidence.rows], clustering.labels
    if count == 0:
        return []
    step("certificates: stability")
    again = _stability(evidence, clustering, k, seed, progress)
    settings = np.array([jaccard(labels, other) for other in clustering.others.values()]).reshape(-1, count)
    other: ClusterMethod = "spectral" if clustering.method == "hdbscan" else "hdbscan"
    step("certificates: other method")
    agreed = jaccard(labels, cluster(unit, evidence.graph, method=other, seed=seed).labels) if count > 1 else np.ones(1)
    apart = separations(clustering, evidence, seed, step=step, progress=progress)
    branches = _own_branches(clustering)
    nested = nested_branches(labels, clustering.tree) if clustering.tree else []
    whole = occurrence(evidence.ifo, evidence.gps, np.arange(len(labels)))
    found = []
    for number in range(count):
        members = np.flatnonzero(labels == number)
        where, chance = apart[number]
        probability, low, high = chance or (None, None, None)
        own = branches.get(number)
        seen = occurrence(evidence.ifo, evidence.gps, members)
        bare = Certificate(
            cluster=number,
            size=len(members),
            verdict="",
            reasons=(),
            probability=probability,
            low=low,
            high=high,
            separation=where.separation if where else None,
            nearest=list(zip(where.classes, where.nats.tolist(), strict=True)) if where else [],
            favourite=(where.favourite, where.favourite_share) if where else None,
            stability=float(np.nanmean(again[number])),
            least_stability=float(np.nanmin(again[number])),
            settings=(int((settings[:, number] >= FOUND_AGAIN).sum()), len(settings)),
            other_method=float(agreed[number]),
            density=float(np.exp(own.contrast)) if own else None,
            persistence=own.persistence if own else None,
            noise_around=noise_around(labels, members, evidence.graph or clustering.graph),
            typical=tuple(by_typicality(unit, members)[:TYPICAL].tolist()),
            occurrence=seen,
            one_detector=seen.one_detector(whole),
            detector_chance=seen.detector_chance(whole),
            parts=parts_of([one for one in nested if one.cluster == number], unit, members, where),
        )
        reasons = _reasons(bare, where, whole)
        found.append(replace(bare, verdict=_verdict(bare, where, whole), reasons=tuple(reasons)))
    return found


def _stability(evidence: Evidence, clustering: Clustering, k: int | None, seed: int, progress: Progress) -> Floats:
    if clustering.clusters == 1:  # nothing split it, whichever part is taken
        return np.ones((1, 1))
    around = evidence.background if clustering.method == "hdbscan" else evidence.background[:0]
    unit = evidence.unit[np.concatenate([evidence.rows, around])]
    return resampled(unit, clustering, k, seed, progress=progress)


def _own_branches(clustering: Clustering) -> dict[int, Branch]:
    """Return each cluster's own branch of the tree, where it has one that meets another."""
    if clustering.tree is None:
        return {}
    branches = clustering.tree.branches
    own = own_branches(clustering.labels, clustering.tree)
    return {number: branches[branch] for number, branch in own.items() if branches[branch].parent >= 0}


def separations(
    clustering: Clustering,
    evidence: Evidence,
    seed: int,
    *,
    step: Step = lambda _: None,
    progress: Progress = lambda *_: None,
) -> list[tuple[Divergences | None, tuple[float, float, float] | None]]:
    """Return how far each cluster is from known classes, and the probability that it is new, with its interval; None where nothing is known."""
    labels, unit = clustering.labels, evidence.unit
    classes = sampled_classes(evidence.classes, seed)
    groups = [evidence.rows[labels == number] for number in range(clustering.clusters)]
    if not classes:
        return [(None, None)] * len(groups)
    taken = np.unique(np.concatenate([evidence.rows, *classes.values()]))
    dimension = dimension_of(unit[taken], seed)
    sizes: Codes = np.array([len(group) for group in groups], np.int64)
    known = ClassVectors(unit, classes)
    step("certificates: calibration")
    calibration = calibrate(known, classes, sizes, dimension, seed=seed, progress=progress)
    step("certificates: distances")
    found = []
    for done, group in enumerate(groups):
        progress(done, len(groups))
        found.append(diverge(unit, group, classes, dimension, known.distances(group)))
    progress(len(groups), len(groups))
    return [(where, None if calibration is None else calibration.probability(where.separation)) for where in found]


def _reasons(bare: Certificate, where: Divergences | None, whole: Occurrence) -> list[str]:
    """Return sentences with the figures."""
    reasons = []
    if where is not None:
        chance = ""
        if bare.probability is not None and bare.low is not None and bare.high is not None:
            chance = (
                " In a trial this study's own classes were hidden, split and mixed: of the groups that were so far apart, "
                f"{100 * bare.probability:.0f} % were classes of their own (90 % interval {100 * bare.low:.0f} % to {100 * bare.high:.0f} %)."
            )
        named = ", ".join(
            f"{name} ({nats:.1f}{'' if place else ' nats'})" for place, (name, nats) in enumerate(bare.nearest[:NAMED])
        )
        reasons.append(f"Separation from known glitches: {round(where.separation, 1) + 0.0:.1f} nats.{chance}")
        reasons.append(
            f"Nearest known classes by density: {named}; {100 * where.favourite_share:.0f} % of the members are nearest to {where.favourite}."
        )
    found, tried = bare.settings
    by_settings = f", and by {found} of {tried} other settings" if tried else ""
    reasons.append(
        f"It is found again in random parts of the glitches with a mean overlap of {bare.stability:.2f} (1 is the same cluster){by_settings}; "
        f"overlap with the other method: {bare.other_method:.2f}."
    )
    if bare.density is not None:
        reasons.append(
            f"Its members lie {significant(bare.density)} times as densely as the glitches between them and the next cluster."
        )
    if bare.noise_around:
        reasons.append(f"{100 * bare.noise_around:.0f} % of its members' nearest neighbours fit no cluster.")
    return reasons + bare.occurrence.remarks(whole)


def _verdict(bare: Certificate, where: Divergences | None, whole: Occurrence) -> str:
    if bare.stability < UNSTABLE:
        return NOT_STABLE
    if bare.occurrence.is_one_day(whole):
        return ONE_DAY
    if where is None:
        return ALONE
    if (where.separation >= SEPARATE) if bare.probability is None else (bare.probability >= SURE):
        return NEW
    if bare.probability is not None and bare.probability >= UNLIKELY:
        return UNSURE
    return PART if where.favourite_share >= ONE_CLASS else MIXTURE
