"""Calibrate the evidence on planted errors.

Wrong labels are planted where and as often as the study seems to have them: true classes are drawn from the posterior,
labels from the study's own confusion structure, and the audit is run again on each planted labelling. There the truth is
known: a logistic regression of "planted" on the evidence gives the probability of an error in each row of the study.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from audit.evidence.noise import CONCENTRATION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.types import Codes, Flags, Floats, Rows


DRAWS = 200
"""Bootstrap draws of the calibration, for intervals."""
CONFIDENCE = 0.95
"""Coverage of every interval."""
_RIDGE = 1.0
"""Penalty of each standardised weight: it counts as much as one observation."""
_NEWTON_STEPS = 25


@dataclass(frozen=True)
class Plantings:
    """Labellings with planted errors.

    Attributes
    ----------
    labels : ndarray of int64, shape (R, N)
    wrong : ndarray of bool, shape (R, N)
        Where the label is not the class that was drawn as the truth.
    """

    labels: Codes
    wrong: Flags


def plant_errors(
    labels: Codes, posterior: Floats, transition: Floats, count: int, rng: np.random.Generator
) -> Plantings:
    """Draw labellings that are wrong where and as often as the study seems to be.

    Parameters
    ----------
    labels : ndarray of int64, shape (N,)
    posterior : ndarray of float64, shape (N, K)
        Of the true classes.
    transition : ndarray of float64, shape (K, K)
        The confusion structure; each labelling draws its own around it, with a larger spread for smaller classes.
    count : int
        R.
    rng : numpy.random.Generator
    """
    classes = len(transition)
    sizes = np.bincount(labels, minlength=classes)
    planted = np.empty((count, len(labels)), np.int64)
    wrong = np.empty((count, len(labels)), bool)
    for number in range(count):
        truth = _draw(posterior, rng)
        structure = np.stack(
            [
                rng.dirichlet(np.maximum(row * (size + CONCENTRATION), 1e-3))
                for row, size in zip(transition, sizes, strict=True)
            ]
        )
        planted[number] = _draw(structure[truth], rng)
        wrong[number] = planted[number] != truth
    return Plantings(planted, wrong)


def _draw(probabilities: Floats, rng: np.random.Generator) -> Rows:
    """Draw one class a row."""
    ladder = np.cumsum(probabilities, 1)
    return (rng.random((len(ladder), 1)) * ladder[:, -1:] > ladder).sum(1).astype(np.int64).clip(0, ladder.shape[1] - 1)


@dataclass(frozen=True)
class Calibration:
    """A map from evidence to probability, with its uncertainty.

    Attributes
    ----------
    centre, scale : ndarray, shape (d,)
        Of the evidence.
    weights : ndarray, shape (DRAWS, d + 1)
        One regression for each bootstrap draw of the plantings, the constant last.
    inflation : float
        Standard deviation of the counts in planted labellings, as a multiple of what their probabilities predict; at least 1.
    """

    centre: Floats
    scale: Floats
    weights: Floats
    inflation: float

    def probabilities(self, features: Floats) -> NDArray[np.float32]:
        """Probability that each row's label is wrong, for each draw, shape (DRAWS, N)."""
        scaled = (features - self.centre) / self.scale
        return expit(scaled @ self.weights[:, :-1].T + self.weights[:, -1]).T.astype(np.float32)


def calibrate(features: Floats, wrong: Flags, rng: np.random.Generator) -> Calibration:
    """Learn the calibration from planted labellings.

    Parameters
    ----------
    features : ndarray, shape (R, N, d)
        Evidence in each planted labelling; untested rows hold NaN and are left out.
    wrong : ndarray of bool, shape (R, N)
    rng : numpy.random.Generator
        For the bootstrap: plantings are drawn with replacement.
    """
    count, _, width = features.shape
    known = np.asarray(np.isfinite(features).all(axis=2))
    flat = features[known]
    centre, scale = flat.mean(0), np.maximum(flat.std(0), 1e-9)
    scaled = [
        np.concatenate([(part[ok] - centre) / scale, np.ones((ok.sum(), 1))], 1)
        for part, ok in zip(features, known, strict=True)
    ]
    answers = [part[ok].astype(np.float64) for part, ok in zip(wrong, known, strict=True)]
    start = regress(scaled, answers, np.ones(count), np.zeros(width + 1))
    weights = np.empty((DRAWS, width + 1))
    for number in range(DRAWS):
        taken = np.bincount(rng.integers(count, size=count), minlength=count).astype(np.float64)
        weights[number] = regress(scaled, answers, taken, start, steps=4)
    return Calibration(centre, scale, weights, _inflation(scaled, answers, start))


def regress(
    parts: list[Floats], answers: list[Floats], taken: Floats, start: Floats, *, steps: int = _NEWTON_STEPS
) -> Floats:
    """Ridge logistic regression by Newton's method; `taken` counts how often each planting enters."""
    weights = start.copy()
    penalty = np.full(len(start), _RIDGE)
    penalty[-1] = 0
    for _ in range(steps):
        gradient, hessian = penalty * weights, np.diag(penalty + 1e-9)
        for part, answer, times in zip(parts, answers, taken, strict=True):
            if times:
                p = expit(part @ weights)
                gradient += times * (part.T @ (p - answer))
                hessian += times * (part.T @ (part * (p * (1 - p))[:, None]))
        step = np.linalg.solve(hessian, gradient)
        weights -= step * min(1.0, 5.0 / max(1e-12, float(np.abs(step).max())))
        if np.abs(step).max() < 1e-6:
            break
    return weights


def _inflation(parts: list[Floats], answers: list[Floats], start: Floats) -> float:
    """Scatter of the planted errors among the rows listed, each planting predicted from the others."""
    count = len(parts)
    if count < 2:
        return 1.0
    scores = []
    for number in range(count):
        others = np.ones(count)
        others[number] = 0
        p = expit(parts[number] @ regress(parts, answers, others, start, steps=4))
        listed = p > 0.5
        variance = float((p * (1 - p))[listed].sum())
        if variance > 0:
            scores.append((float(answers[number][listed].sum()) - float(p[listed].sum())) ** 2 / (variance + 0.25))
    return max(1.0, float(np.sqrt(np.mean(scores)))) if scores else 1.0


@dataclass(frozen=True)
class Count:
    """A number of wrong labels: the expected one and its interval at `CONFIDENCE`."""

    expected: float
    low: float
    high: float


def count_errors(means: Floats, variances: Floats, inflation: float, most: int, rng: np.random.Generator) -> Count:
    """Predict how many of some rows are wrong.

    Parameters
    ----------
    means, variances : ndarray, shape (DRAWS,)
        Sums over the rows of p and of p (1 - p), for each draw of the calibration.
    inflation : float
        See `Calibration`.
    most : int
        Number of the rows.
    rng : numpy.random.Generator
    """
    drawn = means + inflation * np.sqrt(variances) * rng.standard_normal(len(means))
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Count(float(means.mean()), max(0.0, float(np.floor(low))), min(float(most), float(np.ceil(high))))


def cut_list(p_wrong: Floats, rate: float) -> int:
    """Return the length of the longest head of the ranking whose expected share of right labels is at most `rate`.

    Parameters
    ----------
    p_wrong : ndarray, shape (N,)
        By rank, descending.
    rate : float
        The false discovery rate.
    """
    share = np.cumsum(1 - p_wrong) / np.arange(1, len(p_wrong) + 1)
    return int(np.flatnonzero(share <= rate)[-1]) + 1 if (share <= rate).any() else 0
