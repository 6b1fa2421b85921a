"""The noise model: the posterior of the true labels, given held-out predictions and the given labels.

The head's prediction is sharpened (beta) and shifted (b), and a glitch of class k carries the label l with
probability T[k, l]: ``p(l | x) = sum_k softmax(beta z(x) + b)_k T[k, l]``. beta, b and T maximise the likelihood of the
given labels (Dawid and Skene 1979's EM, with one rater; beta and b as in temperature scaling, Guo et al. 2017). A strong
ridge makes heads robust and unsure; beta makes them sure again, and T keeps wrong labels from lowering beta.

Heads that learn from many labels, of classes that lie apart, predict the wrong ones as well: ``q = f T``. beta and T then explain the same, and EM
stays where it began, with too few errors. The backward correction of Patrini et al. 2017 takes errors out of the predictions, ``f = q T^-1``; the
likelihood of the given labels decides how much of it is right (`choose_correction`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp

from embed.sample import evenly

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.types import Codes, Floats


RATE = 0.05
"""Share of wrong labels that the fit starts from; it also acts as a prior with the weight of 1 / RATE labels."""
CONCENTRATION = 20.0
"""Number of labels of a class at which its own row of T counts as much as the study's mean."""
ROUNDS = 60
SETTLED = 1e-3
"""Change of T's entries below which the rounds end."""
FIT_ROWS = 50_000
"""Rows that beta, b and T are fitted to at most."""
CORRECTIONS = (0.0, 1.0, 2.0, 3.0)
"""Multiples of the first fit's errors that may be taken out of the predictions."""
MOST_OUT = 0.4
"""Share of a class that is taken out as errors at most: below a half there is always a solution."""
CHOICE_ROWS = 5_000
"""Rows that the multiple is chosen on at most."""
LEAST = 1e-4
"""Least probability of a class after a correction; smaller ones are noise."""
_FLOOR = 1e-6
"""Least probability whose logarithm is taken."""


@dataclass(frozen=True)
class Noise:
    """The fitted noise model.

    Attributes
    ----------
    posterior : ndarray of float64, shape (N, K)
        Probability of each true class, given prediction and label.
    log_odds : ndarray of float64, shape (N,)
        That the label is wrong.
    transition : ndarray of float64, shape (K, K)
        T[k, l]: probability that a glitch of class k is labelled l.
    log_likelihood : float
        Mean over rows, in nats.
    sharpness : float
        beta.
    """

    posterior: Floats
    log_odds: Floats
    transition: Floats
    log_likelihood: float
    sharpness: float


def log_probability(probabilities: NDArray[np.floating]) -> Floats:
    """Return the logarithm of probabilities, each raised by one in a million."""
    return np.log(np.asarray(probabilities, np.float64) + _FLOOR)


def fit_noise(scores: Floats, labels: Codes) -> Noise:
    """Fit the noise model.

    Parameters
    ----------
    scores : ndarray, shape (N, K)
        Logarithms of held-out predictions, up to a constant for each row.
    labels : ndarray of int64, shape (N,)
    """
    count, classes = scores.shape
    chosen = evenly(count, FIT_ROWS)
    z, y = scores[chosen], labels[chosen]
    transition = np.full((classes, classes), RATE / max(1, classes - 1))
    np.fill_diagonal(transition, 1 - RATE)
    shape = np.zeros(classes + 1)
    for _ in range(ROUNDS):
        joint = _joint(z, y, shape, transition)
        posterior = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
        before, transition = transition, smoothed_transition(posterior, y)
        shape = minimize(_cross_entropy, shape, (z, posterior), jac=True, method="L-BFGS-B", options={"maxiter": 6}).x
        if np.abs(transition - before).max() < SETTLED:
            break
    joint = _joint(scores, labels, shape, transition)
    total = logsumexp(joint, axis=1)
    own = joint[np.arange(count), labels]
    others = joint.copy()
    others[np.arange(count), labels] = -np.inf
    return Noise(
        np.exp(joint - total[:, None]),
        logsumexp(others, axis=1) - own,
        transition,
        float(total.mean()),
        float(np.exp(shape[0])),
    )


def choose_correction(probabilities: NDArray[np.floating], labels: Codes) -> float:
    """Choose the multiple of the first fit's errors to take out of the predictions: the one under which the labels are likeliest.

    Parameters
    ----------
    probabilities : ndarray, shape (N, K)
        Held-out predictions.
    labels : ndarray of int64, shape (N,)

    Returns
    -------
    float
        One of `CORRECTIONS`, found on at most `CHOICE_ROWS` rows, evenly spread.
    """
    chosen = evenly(len(labels), CHOICE_ROWS)
    q, y = probabilities[chosen], labels[chosen]
    first = fit_noise(log_probability(q), y)
    likelihoods = [first.log_likelihood]
    likelihoods += [fit_noise(corrected(q, first.transition, times), y).log_likelihood for times in CORRECTIONS[1:]]
    return CORRECTIONS[int(np.argmax(likelihoods))]


def corrected(probabilities: NDArray[np.floating], transition: Floats, times: float) -> Floats:
    """Logarithms of predictions without the errors that they learned, shape (N, K).

    Parameters
    ----------
    probabilities : ndarray, shape (N, K)
    transition : ndarray of float64, shape (K, K)
        Of a first fit.
    times : float
        Multiple of its errors that is taken out, of each class `MOST_OUT` at most; with 0 the predictions stay as they are. What becomes less
        than `LEAST` is raised to it.
    """
    if not times:
        return log_probability(probabilities)
    mixing = transition - np.diag(np.diag(transition))
    rate = mixing.sum(1)
    mixing *= (np.minimum(times * rate, MOST_OUT) / np.maximum(rate, 1e-12))[:, None]
    np.fill_diagonal(mixing, 1 - mixing.sum(1))
    found = np.maximum(np.linalg.solve(mixing.T, np.asarray(probabilities, np.float64).T).T, LEAST)
    return np.log(found / found.sum(1, keepdims=True))


def smoothed_transition(posterior: Floats, labels: Codes) -> Floats:
    """Estimate T from the posterior of the true classes; rare classes are drawn to the study's mean rate, spread evenly."""
    count, classes = posterior.shape
    joint = np.stack([np.bincount(labels, posterior[:, number], classes) for number in range(classes)])
    rate = (joint.sum() - np.trace(joint) + 1) / (count + 1 / RATE)
    prior = np.full((classes, classes), rate / max(1, classes - 1))
    np.fill_diagonal(prior, 1 - rate)
    return (joint + CONCENTRATION * prior) / (joint.sum(1, keepdims=True) + CONCENTRATION)


def _joint(scores: Floats, labels: Codes, shape: Floats, transition: Floats) -> Floats:
    """Log joint probability of true class and given label, shape (N, K)."""
    return log_softmax(np.exp(shape[0]) * scores + shape[1:], axis=1) + np.log(transition.T[labels])


def _cross_entropy(shape: Floats, scores: Floats, posterior: Floats) -> tuple[float, Floats]:
    """Mean cross entropy of the shaped predictions, with a weak penalty towards beta = 1, b = 0, and its gradient."""
    count = len(scores)
    beta = np.exp(shape[0])
    logs = log_softmax(beta * scores + shape[1:], axis=1)
    excess = np.exp(logs) - posterior
    value = -(posterior * logs).sum() / count + 0.5 * (shape @ shape) / count
    gradient = np.concatenate([[beta * (excess * scores).sum()], excess.sum(0)]) / count + shape / count
    return float(value), gradient
