"""What one audit says of each label: the counts, the continuous scores, and the evidence that is combined into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from audit.evidence.noise import fit_noise, log_probability
from audit.evidence.regression import margins

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.types import Floats
    from embed.vectors.graph import NeighbourGraph

VOTERS = 5
"""Neighbours that vote on the true class: few enough that the members of a rare class outvote their surroundings."""
AGREEMENT_NEIGHBOURS = 10
"""Neighbours of the agreement that is shown: a share that reads in tenths."""
_DOUBT = 0.5  # votes spread over all classes, so that no class has none

EVIDENCE = (
    "times wrong",
    "margin",
    "standardised loss",
    "neighbour disagreement",
    "pooled log odds",
    "log p suggested",
    "trusted regression",
)
"""What is said of each label, larger for a more doubtful one; the last only where there are vectors."""


@dataclass(frozen=True)
class Evidence:
    """What head and neighbours say together, for N rows in K classes.

    Attributes
    ----------
    posterior : numpy.ndarray, shape (N, K), float64
        Of the true class, given predictions, neighbours and label, before any calibration.
    transition : numpy.ndarray, shape (K, K), float64
        The confusion structure: T[k, l] is the probability that a glitch of class k is labelled l.
    suggested : numpy.ndarray, shape (N,), int64
        The most probable class other than the label.
    features : numpy.ndarray, shape (N, 7 or 6), float64
        Columns `EVIDENCE`.
    """

    posterior: Floats
    transition: Floats
    suggested: NDArray[np.int64]
    features: Floats

    @property
    def combined(self) -> tuple[int, ...]:
        """Columns of `features` that the verdict combines: on errors planted in real studies the two that know most.

        All columns together ranked worse (their weights are learned from a few hundred planted errors), as did each alone.
        """
        count = self.features.shape[1]
        return (count - 2, count - 1)


def neighbour_votes(graph: NeighbourGraph | None, labels: NDArray[np.int64], trust: Floats, classes: int) -> Floats:
    """Share of the nearest neighbours' votes that each class gets, shape (N, K).

    Parameters
    ----------
    graph : NeighbourGraph or None
        Without one the votes are even.
    labels : numpy.ndarray, shape (N,), int64
    trust : numpy.ndarray, shape (N,)
        Weight of each row's vote: the probability that its own label is right.
    classes : int
        K.
    """
    votes = np.full((len(labels), classes), _DOUBT / classes)
    rows = np.arange(len(labels))
    near = np.empty((len(labels), 0), np.int64) if graph is None else graph.neighbours[:, :VOTERS]
    for neighbour in near.T:
        votes[rows, labels[neighbour]] += trust[neighbour]
    return votes / votes.sum(1, keepdims=True)


def neighbour_agreement(graph: NeighbourGraph | None, labels: NDArray[np.int64]) -> Floats:
    """Share of the `AGREEMENT_NEIGHBOURS` nearest neighbours that carry the row's own label, shape (N,); NaN without any."""
    if graph is None or not graph.k:
        return np.full(len(labels), np.nan)
    kept = graph.neighbours[:, :AGREEMENT_NEIGHBOURS]
    return (labels[kept] == labels[:, None]).mean(1)


def weigh_evidence(
    probabilities: Floats,
    graph: NeighbourGraph | None,
    labels: NDArray[np.int64],
    *,
    tested: Floats | None = None,
    regression: Floats | None = None,
) -> Evidence:
    """Combine the heads' held-out probabilities with the neighbours' labels.

    Parameters
    ----------
    probabilities : numpy.ndarray, shape (N, K)
        Mean over the splits that tested each row.
    graph : NeighbourGraph or None
    labels : numpy.ndarray, shape (N,), int64
    tested : numpy.ndarray, shape (N, 3), optional
        Of `audit.heldout.crossfit.HeldOut.scores`; from the mean probabilities when absent.
    regression : numpy.ndarray, shape (N, K), optional
        Of `audit.evidence.regression.trusted_scores`.
    """
    count, classes = probabilities.shape
    rows = np.arange(count)
    scores = log_probability(probabilities)
    alone = fit_noise(scores, labels)
    weight = 0.5 if graph is not None else 0.0
    votes = neighbour_votes(graph, labels, alone.posterior[rows, labels], classes)
    both = fit_noise(scores + 2 * weight * np.log(votes) / alone.sharpness, labels)
    votes = neighbour_votes(graph, labels, both.posterior[rows, labels], classes)
    pooled = log_probability((1 - weight) * probabilities + weight * votes) + np.log(both.transition.T[labels])
    own = np.zeros((count, classes), bool)
    own[rows, labels] = True
    others = logsumexp(np.where(own, -np.inf, pooled), axis=1)
    suggested = np.where(own, -1.0, both.posterior).argmax(1)
    if tested is None:
        margin = np.where(own, -np.inf, scores).max(1) - scores[rows, labels]
        tested = np.stack([margin > 0, margin, -scores[rows, labels]], 1).astype(np.float64)
    disagreement = 1 - np.nan_to_num(neighbour_agreement(graph, labels), nan=1.0)
    columns = [*tested.T, disagreement, others - pooled[rows, labels], scores[rows, suggested]]
    if regression is not None:
        columns.append(margins(regression, labels))
    features = np.stack(columns, axis=1)
    return Evidence(both.posterior, both.transition, suggested, features)


RARE = 10
"""Members up to which a class is called rare: its verdicts rest on little."""
