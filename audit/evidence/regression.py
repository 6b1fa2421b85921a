"""Ridge regression of the labels on the vectors, fitted in rounds to the labels that it trusts.

A least-squares classifier (Rifkin, Yeo & Poggio 2003) has a closed form, so that it is cheap to fit repeatedly: each round
weights a training row by how well the round before, which held that row out, agreed with its label. Frequent wrong labels
(one class often labelled as another) bias the first fit; they lose that influence in the second.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from audit.evidence.noise import fit_noise

if TYPE_CHECKING:
    from audit.heldout.features import Features
    from audit.heldout.splits import SplitPlan
    from embed.types import Codes, Floats, Rows


ROUNDS = 3
"""Fits, each weighted by the trust of the one before; further rounds change the ranking little."""
SHARPNESS = 6.0
"""Log odds for a margin of the regression of 1 (margins run from -1 to 1): at a margin of a half the odds are twenty to one."""
LEAST_TRUST = 0.02
"""Weight of a row whose label is not believed at all: above zero, so that a later round can trust it again."""
STRENGTHS = (1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0)
"""Ridges tried, in units of one row of mean square length."""


def margins(scores: Floats, labels: Codes) -> Floats:
    """Largest score of another class minus that of the label, shape (N,); NaN where a row was not tested."""
    rows = np.arange(len(labels))
    others = scores.copy()
    others[rows, labels] = -np.inf
    return others.max(1) - scores[rows, labels]


def trusted_scores(
    features: Features,
    labels: Codes,
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
    labels : ndarray of int64, shape (N,)
    classes : int
        K.
    plan : SplitPlan
    strength : float
        Of the ridge, see `STRENGTHS`.
    rounds : int

    Returns
    -------
    ndarray of float64, shape (N, K)
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
    labels: Codes,
    classes: int,
    plan: SplitPlan,
    *,
    strength: float,
    trust: Floats,
) -> Floats:
    """One round; see `trusted_scores`. ``trust``, shape (N,), weights the rows in every fit."""
    rows = features.rows[:, :-1]
    device, width = rows.device, rows.shape[1]
    weights = torch.from_numpy(trust).to(device, torch.float32)
    given = torch.nn.functional.one_hot(torch.from_numpy(labels).to(device), classes).to(torch.float32)
    # The sums over a split's training rows are those over all rows minus those over the rows that it leaves out.
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
    """Weighted sums: outer products of the rows (d, d), rows times indicators (d, K), rows (d,), indicators (K,)."""
    weighted = rows * weights[:, None]
    sums = weighted.T @ rows, weighted.T @ given, weighted.sum(0), (given * weights[:, None]).sum(0)
    return sums[0].double(), sums[1].double(), sums[2].double(), sums[3].double()


def choose_strength(features: Features, labels: Codes, classes: int, plan: SplitPlan, chosen: Rows) -> float:
    """Choose the ridge under which the held-out labels are likeliest, allowing for label noise.

    Parameters
    ----------
    features : Features
    labels : ndarray of int64, shape (N,)
    classes : int
    plan : SplitPlan
        Of the chosen rows.
    chosen : ndarray of int64
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
