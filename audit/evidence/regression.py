"""Ridge regression of the labels on the vectors, fitted again to the labels that it has come to trust.

A least-squares classifier (Rifkin, Yeo & Poggio 2003) has a closed form, so that it can be fitted anew in rounds: each round
weighs a training row by how far the round before, which held that row out, agreed with its label. Wrong labels that come in
numbers (one class taken for another, again and again) pull the first fit to their side; they lose their pull in the second.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from audit.evidence.noise import fit_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.heldout.features import Features
    from audit.heldout.splits import SplitPlan
    from embed.types import Floats


ROUNDS = 3
"""Fits, each to the labels that the one before trusts; later rounds change the ranking little."""
SHARPNESS = 6.0
"""What a margin of the regression, -1 to 1, is worth in log odds: at half a label's distance the odds are twenty to one."""
LEAST_TRUST = 0.02
"""Weight of a row whose label is wholly disbelieved: not nothing, or no round could take it up again."""
STRENGTHS = (1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0)
"""Ridges tried, in units of one row of mean square length."""


def margins(scores: Floats, labels: NDArray[np.int64]) -> Floats:
    """Largest score of another class less the label's own, shape (N,); NaN where a row was not tested."""
    rows = np.arange(len(labels))
    others = scores.copy()
    others[rows, labels] = -np.inf
    return others.max(1) - scores[rows, labels]


def trusted_scores(
    features: Features,
    labels: NDArray[np.int64],
    classes: int,
    plan: SplitPlan,
    strength: float,
    *,
    rounds: int = ROUNDS,
) -> Floats:
    """Held-out predictions of the labels' indicators, after rounds of trust.

    Parameters
    ----------
    features : Features
        N rows.
    labels : numpy.ndarray, shape (N,), int64
    classes : int
        K.
    plan : SplitPlan
    strength : float
        Ridge, see `STRENGTHS`.
    rounds : int

    Returns
    -------
    numpy.ndarray, shape (N, K), float64
        Mean over the splits that tested a row; NaN where none did.
    """
    trust = np.ones(len(labels))
    for number in range(rounds):
        scores = held_out_scores(features, labels, classes, plan, strength=strength, trust=trust)
        if number + 1 < rounds:
            odds = np.exp(np.clip(SHARPNESS * np.nan_to_num(margins(scores, labels), nan=-1.0), -30, 30))
            trust = np.maximum(1 / (1 + odds), LEAST_TRUST)
    return scores


def held_out_scores(
    features: Features,
    labels: NDArray[np.int64],
    classes: int,
    plan: SplitPlan,
    *,
    strength: float,
    trust: Floats,
) -> Floats:
    """One round: see `trusted_scores`; ``trust`` (N,) weighs the rows in every fit."""
    rows = features.rows[:, :-1]
    device, width = rows.device, rows.shape[1]
    weights = torch.from_numpy(trust).to(device, torch.float32)
    given = torch.nn.functional.one_hot(torch.from_numpy(labels).to(device), classes).to(torch.float32)
    # The sums over a split's training rows are those over all rows less those over the rows that it leaves out.
    whole = _sums(rows, given, weights)
    ridge = strength * torch.eye(width, dtype=torch.float64, device=device)
    total, times = np.zeros((len(labels), classes)), np.zeros(len(labels))
    for split in range(len(plan)):
        out = torch.from_numpy(np.flatnonzero(~plan.train(split))).to(device)
        left = _sums(rows[out], given[out], weights[out])
        gram, cross, first, counts = (every - part for every, part in zip(whole, left, strict=True))
        mean = counts / counts.sum()
        factor = torch.linalg.cholesky(gram + ridge)
        solution = torch.cholesky_solve(cross - first[:, None] * mean, factor)
        tested = np.flatnonzero(plan.test(split))
        some = rows[torch.from_numpy(tested).to(device)]
        total[tested] += (some.double() @ solution + mean).cpu().numpy()
        times[tested] += 1
    with np.errstate(invalid="ignore"):
        return np.where(times[:, None] > 0, total / times[:, None], np.nan)


def _sums(
    rows: torch.Tensor, given: torch.Tensor, weights: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Weighted sums over rows: of their outer products (d, d), with the indicators (d, K), alone (d,), of the indicators (K,)."""
    weighted = rows * weights[:, None]
    sums = weighted.T @ rows, weighted.T @ given, weighted.sum(0), (given * weights[:, None]).sum(0)
    return sums[0].double(), sums[1].double(), sums[2].double(), sums[3].double()


def choose_strength(
    features: Features, labels: NDArray[np.int64], classes: int, plan: SplitPlan, chosen: NDArray[np.int64]
) -> float:
    """Choose the ridge under which the given labels are likeliest, held out and with label noise allowed for.

    Parameters
    ----------
    features : Features
    labels : numpy.ndarray, shape (N,), int64
    classes : int
    plan : SplitPlan
        Of the chosen rows.
    chosen : numpy.ndarray, int64
        Rows to judge by.
    """
    part, codes = replace(features, rows=features.rows[torch.from_numpy(chosen)]), labels[chosen]
    best, strength = -np.inf, STRENGTHS[0]
    for tried in STRENGTHS:
        scores = trusted_scores(part, codes, classes, plan, tried)
        tested = np.isfinite(scores).all(1)
        likelihood = fit_noise(SHARPNESS * scores[tested], codes[tested]).log_likelihood
        if likelihood > best:
            best, strength = likelihood, tried
    return strength
