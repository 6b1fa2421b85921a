"""How near generated glitches are to real ones, from vectors of both: FID, KID, precision and recall, copies, a two-sample test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import svdvals
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from embed.types import Flags, Floats

NEAREST = 3
"""Neighbours that bound the space of a sample (Kynkäänniemi et al. 2019, section 3.1)."""
COPIES = 0.01
"""A generated glitch counts as a copy where it is nearer to a real one than this share of real ones are to their nearest."""
FOLDS = 5
"""Of the two-sample test."""


def frechet_distance(one: Floats, other: Floats) -> float:
    """Fréchet distance between the normal distributions that have the means and covariances of two samples.

    Heusel et al. 2017, "GANs trained by a two time-scale update rule", equation 6. The trace of the square root of the product of two
    covariances is the sum of the singular values of the product of the centred samples, which needs no matrix of D x D.

    Parameters
    ----------
    one, other : ndarray of float64, shape (N, D) and (M, D)
        At least two rows each.

    Returns
    -------
    float
        Squared distance; for few rows it is too large: compare it with that of two real samples of the same size.
    """
    centred = [rows - rows.mean(axis=0) for rows in (one, other)]
    scaled = [rows / np.sqrt(len(rows) - 1) for rows in centred]
    traces = sum(float(np.square(rows).sum()) for rows in scaled)
    mixed = float(svdvals(scaled[0] @ scaled[1].T).sum())
    return float(np.square(one.mean(axis=0) - other.mean(axis=0)).sum()) + traces - 2.0 * mixed


def kernel_distance(one: Floats, other: Floats) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x y / D + 1)^3.

    Bińkowski et al. 2018, "Demystifying MMD GANs", equations 4 and in section 4; parameters as `frechet_distance`. Its mean is 0
    for samples of one distribution, whatever their size; it can be negative.
    """

    def kernel(left: Floats, right: Floats) -> Floats:
        return (left @ right.T / left.shape[1] + 1.0) ** 3

    n, m = len(one), len(other)
    inside = [kernel(rows, rows) for rows in (one, other)]
    own = sum(
        float(values.sum() - np.trace(values)) / (count * (count - 1))
        for values, count in zip(inside, (n, m), strict=True)
    )
    return own - 2.0 * float(kernel(one, other).mean())


def precision_recall(real: Floats, made: Floats, nearest: int = NEAREST) -> tuple[float, float]:
    """Share of generated rows within the space of the real ones, and of real rows within that of the generated ones.

    Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing generative models", equation 1. The space of a sample
    is the union of balls around its rows, each as far as the row's third nearest neighbour.
    """
    between = cdist(made, real)
    return _within(between, real, nearest), _within(between.T, made, nearest)


def _within(distances: Floats, sample: Floats, nearest: int) -> float:
    """Share of the rows of `distances` that are in a ball around a row of the sample."""
    own = np.sort(cdist(sample, sample), axis=1)[:, min(nearest, len(sample) - 1)]
    return float((distances <= own).any(axis=1).mean())


def copies(made: Floats, real: Floats) -> Flags:
    """Which generated rows (N, D) are nearer to a real row (M, D) than almost all real rows are to another real row: bool (N,).

    None where fewer than two real rows tell no distance.
    """
    if len(real) < 2:
        return np.zeros(len(made), bool)
    own = cdist(real, real)
    np.fill_diagonal(own, np.inf)
    limit = np.quantile(own.min(axis=1), COPIES)
    return np.asarray(cdist(made, real).min(axis=1) < limit)


def two_sample_accuracy(real: Floats, made: Floats, *, seed: int = 0) -> float:
    """Share of held-out rows that logistic regression rightly calls real or generated; 0.5 where they cannot be told apart.

    Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests". Both samples are cut to the size of the smaller one.
    """
    rng = np.random.default_rng((seed, 61))
    count = min(len(real), len(made))
    rows = [sample[np.sort(rng.permutation(len(sample))[:count])] for sample in (real, made)]
    truth = np.repeat([0, 1], count)
    folds = StratifiedKFold(min(FOLDS, count), shuffle=True, random_state=seed)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    return float((cross_val_predict(model, np.concatenate(rows), truth, cv=folds) == truth).mean())
