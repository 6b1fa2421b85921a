"""The evidence on each label: counts, continuous scores, and the columns that the verdict combines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from audit.evidence.noise import choose_correction, corrected, fit_noise, log_probability
from audit.evidence.regression import margins

if TYPE_CHECKING:
    from embed.types import Codes, Floats, Rows
    from embed.vectors.graph import NeighbourGraph

VOTERS = 5
"""Neighbours that vote on the true class: few enough that the members of a rare class outvote their surroundings."""
AGREEMENT_NEIGHBOURS = 10
"""Neighbours of the agreement that is shown: a share in tenths."""
RARE = 10
"""Members up to which a class is called rare: its verdicts rest on few examples."""
_DOUBT = 0.5
"""Votes spread over all classes, so that every class has some."""

EVIDENCE = (
    "times wrong",
    "margin",
    "standardised loss",
    "neighbour disagreement",
    "pooled log odds",
    "log p suggested",
    "trusted regression",
)
"""Columns of the evidence, each larger for a more doubtful label; the last exists only where there are vectors."""


@dataclass(frozen=True)
class Evidence:
    """The combined evidence of heads and neighbours, for N rows in K classes.

    Attributes
    ----------
    posterior : ndarray of float64, shape (N, K)
        Of the true class, given predictions, neighbours and label, before calibration.
    transition : ndarray of float64, shape (K, K)
        The confusion structure: T[k, l] is the probability that a glitch of class k is labelled l.
    suggested : ndarray of int64, shape (N,)
        The most probable class other than the label.
    features : ndarray of float64, shape (N, 7 or 6)
        Columns `EVIDENCE`.
    correction : float
        Multiple of the errors that was taken out of the predictions before the posterior was fitted.
    """

    posterior: Floats
    transition: Floats
    suggested: Rows
    features: Floats
    correction: float

    @property
    def combined(self) -> tuple[int, ...]:
        """Columns of `features` that the verdict combines: the two that rank best on errors planted in real studies.

        All columns together ranked worse (their weights are learned from a few hundred planted errors), as did each column alone.
        """
        count = self.features.shape[1]
        return (count - 2, count - 1)


def neighbour_votes(graph: NeighbourGraph | None, labels: Codes, trust: Floats, classes: int) -> Floats:
    """Share of the nearest neighbours' votes that each class gets, shape (N, K).

    Parameters
    ----------
    graph : NeighbourGraph or None
        None: the votes are even.
    labels : ndarray of int64, shape (N,)
    trust : ndarray, shape (N,)
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


def neighbour_agreement(graph: NeighbourGraph | None, labels: Codes) -> Floats:
    """Share of the `AGREEMENT_NEIGHBOURS` nearest neighbours with the row's label, shape (N,); NaN without neighbours."""
    if graph is None or not graph.k:
        return np.full(len(labels), np.nan)
    kept = graph.neighbours[:, :AGREEMENT_NEIGHBOURS]
    return (labels[kept] == labels[:, None]).mean(1)


def weigh_evidence(
    probabilities: Floats,
    graph: NeighbourGraph | None,
    labels: Codes,
    *,
    tested: Floats | None = None,
    regression: Floats | None = None,
    correction: float | None = None,
) -> Evidence:
    """Combine the heads' held-out probabilities with the neighbours' labels.

    Parameters
    ----------
    probabilities : ndarray, shape (N, K)
        Mean over the splits that tested each row.
    graph : NeighbourGraph or None
    labels : ndarray of int64, shape (N,)
    tested : ndarray, shape (N, 3), optional
        From `audit.heldout.crossfit.HeldOut.scores`; computed from the mean probabilities when absent.
    regression : ndarray, shape (N, K), optional
        From `audit.evidence.regression.trusted_scores`.
    correction : float, optional
        See `audit.evidence.noise.corrected`; chosen when absent.
    """
    count, classes = probabilities.shape
    rows = np.arange(count)
    scores = log_probability(probabilities)
    times = choose_correction(probabilities, labels) if correction is None else correction
    alone = fit_noise(scores, labels)
    true = corrected(probabilities, alone.transition, times)
    if times:
        alone = fit_noise(true, labels)
    weight = 0.5 if graph is not None else 0.0
    votes = neighbour_votes(graph, labels, alone.posterior[rows, labels], classes)
    both = fit_noise(true + 2 * weight * np.log(votes) / alone.sharpness, labels)
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
    return Evidence(both.posterior, both.transition, suggested, features, times)
