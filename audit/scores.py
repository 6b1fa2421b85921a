"""What one audit says of each label: the counts, the continuous scores, and the evidence that is combined into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from audit.noise import fit_noise, log_probability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.neighbours import NeighbourGraph

    Floats = NDArray[np.float64]

VOTERS = 5
"""Neighbours that vote on the true class: few enough that the members of a rare class outvote their surroundings."""
AGREEMENT_NEIGHBOURS = 10
"""Neighbours of the agreement that is shown: a share that reads in tenths."""
_DOUBT = 0.5  # votes spread over all classes, so that no class has none
_MOST_ODDS = 30.0

EVIDENCE = ("pooled log odds", "joint log odds", "log p suggested", "probability margin", "neighbours' log odds")


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
    features : numpy.ndarray, shape (N, 5), float64
        Columns `EVIDENCE`, each larger for a more doubtful label.
    """

    posterior: Floats
    transition: Floats
    suggested: NDArray[np.int64]
    features: Floats


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


def weigh_evidence(probabilities: Floats, graph: NeighbourGraph | None, labels: NDArray[np.int64]) -> Evidence:
    """Combine the heads' held-out probabilities with the neighbours' labels.

    Parameters
    ----------
    probabilities : numpy.ndarray, shape (N, K)
        Mean over the splits that tested each row.
    graph : NeighbourGraph or None
    labels : numpy.ndarray, shape (N,), int64
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
    features = np.stack(
        [
            others - pooled[rows, labels],
            np.clip(both.log_odds, -_MOST_ODDS, _MOST_ODDS),
            scores[rows, suggested],
            np.where(own, -1.0, probabilities).max(1) - probabilities[rows, labels],
            np.log(votes[rows, suggested]) - np.log(votes[rows, labels]),
        ],
        axis=1,
    )
    return Evidence(both.posterior, both.transition, suggested, features)
