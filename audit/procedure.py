"""The steps of an audit: choose the ridges, run the splits in rounds, audit planted labellings."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from audit.evidence.noise import fit_noise, log_probability
from audit.evidence.regression import choose_strength, trusted_scores
from audit.evidence.scores import weigh_evidence
from audit.heldout.crossfit import MANY_ROWS, CrossFit, HeldOut
from audit.heldout.kinds import FOLDS
from audit.heldout.splits import SplitPlan, plan_splits
from audit.heldout.stopping import Stability, stability
from embed.dataset.kinds import PURGE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.heldout.features import Features
    from audit.options import AuditOptions
    from embed.types import Codes, Floats, Rows, Step
    from embed.vectors.graph import NeighbourGraph


_log = logging.getLogger(__name__)

RIDGES = (3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4)
"""Ridges tried, strongest first, on at most `PATH_ROWS` rows; the chosen one is scaled down for more rows."""
PATH_ROWS = 4_000
"""Rows that the ridges are chosen on at most."""
ROUND_REPEATS = 4
"""Repeats between two measurements of the stability."""
PLANTED_REPEATS = 2
"""Repeats of splits for each planted labelling; of more than `MANY_ROWS` rows one."""
REGRESSION_REPEATS = 4
"""Repeats of splits for the trusted regression; of more than `MANY_ROWS` rows one."""


@dataclass(frozen=True)
class AuditData:
    """The labels under audit, and what every step needs to judge them.

    Attributes
    ----------
    codes : ndarray of int64, shape (N,)
        Labels as class numbers.
    classes : tuple of str, length K
    features : Features or None
        None where the predictions come from elsewhere.
    graph : NeighbourGraph or None
    groups : ndarray of int64, shape (N,)
        Rows of one group are never on both sides of a split.
    duplicate_of : ndarray of int64, shape (N,)
        The most similar row where that is a near-duplicate, else -1.
    times : ndarray of float64, shape (N,), or None
        GPS seconds.
    options : AuditOptions
    """

    codes: Codes
    classes: tuple[str, ...]
    features: Features | None
    graph: NeighbourGraph | None
    groups: Rows
    duplicate_of: Rows
    times: Floats | None
    options: AuditOptions

    def rng(self, purpose: int) -> np.random.Generator:
        """A separate stream of random numbers for each purpose."""
        return np.random.default_rng((self.options.seed, purpose))

    def splits(self, repeats: int) -> int:
        """Splits of so many repeats; of more than `MANY_ROWS` rows of one, because heads differ little between repeats then."""
        return FOLDS * (repeats if len(self.codes) <= MANY_ROWS else 1)

    def plan(self, labels: Codes, splits: int, seed: int) -> SplitPlan:
        """Splits of a labelling (N,) of the same rows; errors as `audit.heldout.splits.plan_splits`."""
        purge = PURGE_SECONDS if self.options.purge is None else self.options.purge
        return plan_splits(
            labels, splits, kind=self.options.split, groups=self.groups, times=self.times, purge=purge, seed=seed
        )


def choose_ridge(data: AuditData) -> float:
    """Choose the ridge under which the held-out labels are likeliest, allowing for label noise."""
    assert data.features is not None
    rows, plan = _sample(data, 2)
    codes = data.codes[rows]
    part = replace(data.features, rows=data.features.rows[rows])
    best, chosen = -np.inf, RIDGES[0]
    for ridge in RIDGES:
        held_out = HeldOut.empty(1, len(rows), len(data.classes))
        CrossFit(part, codes[None], len(data.classes), ridge).run(held_out, [plan], range(FOLDS))
        tested = held_out.tested[0] > 0
        likelihood = fit_noise(log_probability(held_out.mean_probabilities()[tested]), codes[tested]).log_likelihood
        _log.info("ridge %g: held-out log likelihood %.4f", ridge, likelihood)
        if likelihood < best:
            break
        best, chosen = likelihood, ridge
    return chosen * len(rows) / len(data.codes)


def _sample(data: AuditData, purpose: int) -> tuple[Rows, SplitPlan]:
    """Rows to choose a ridge on, at most `PATH_ROWS`, and one repeat of splits of them."""
    count = len(data.codes)
    rows = np.sort(data.rng(purpose).choice(count, min(count, PATH_ROWS), replace=False))
    groups = np.unique(data.groups[rows], return_inverse=True)[1]
    return rows, plan_splits(data.codes[rows], FOLDS, seed=data.options.seed, groups=groups)


def run_splits(data: AuditData, plan: SplitPlan, ridge: float, *, step: Step) -> tuple[HeldOut, list[Stability]]:
    """Run the splits in rounds until the ranking is stable."""
    assert data.features is not None
    heads = CrossFit(data.features, data.codes[None], len(data.classes), ridge)
    held_out = HeldOut.empty(1, len(data.codes), len(data.classes))
    sums, times = np.zeros((2, len(data.codes))), np.zeros((2, len(data.codes)))

    def add(_: int, split: int, rows: Rows, margins: Floats) -> None:
        half = split // plan.folds % 2
        sums[half, rows] += margins
        times[half, rows] += 1

    curve: list[Stability] = []
    size = ROUND_REPEATS * plan.folds
    for start in range(0, len(plan), size):
        done = range(start, min(start + size, len(plan)))
        heads.run(held_out, [plan], done, add)
        both = (times > 0).all(0)
        if both.any():
            curve.append(stability(done.stop, *(sums[half, both] / times[half, both] for half in (0, 1))))
            step(f"{done.stop} of at most {len(plan)} splits, stability {curve[-1].correlation:.3f}")
            if data.options.stop_early and curve[-1].enough:
                break
    return held_out, curve


def random_split_error(data: AuditData, ridge: float) -> float:
    """Error of plain random splits, where a glitch may be tested while its near-duplicate is in the training."""
    assert data.features is not None
    plan = plan_splits(data.codes, FOLDS, kind="random", seed=data.options.seed)
    held_out = HeldOut.empty(1, len(data.codes), len(data.classes))
    CrossFit(data.features, data.codes[None], len(data.classes), ridge).run(held_out, [plan], range(FOLDS))
    return float(held_out.wrong.sum() / max(1, held_out.tested.sum()))


def regression_scores(data: AuditData, labels: Codes, strength: float, seed: int) -> Floats:
    """Held-out scores of the trusted regression on a labelling, shape (N, K)."""
    assert data.features is not None
    plan = data.plan(labels, data.splits(REGRESSION_REPEATS), seed)
    return trusted_scores(data.features, labels, len(data.classes), plan, strength)


def choose_regression(data: AuditData) -> float:
    """Choose the strength of the regression's ridge; see `audit.evidence.regression.choose_strength`."""
    assert data.features is not None
    rows, plan = _sample(data, 9)
    return choose_strength(data.features, data.codes, len(data.classes), plan, rows)


def planted_audits(data: AuditData, ridge: float, strength: float, correction: float) -> Callable[[Codes, int], Floats]:
    """Return the function that audits planted labellings, with what was chosen for the given labels."""

    def again(planted: Codes, number: int) -> Floats:
        assert data.features is not None
        splits = data.splits(PLANTED_REPEATS)
        seeds = [data.options.seed * 1_000 + 100 * number + place for place in range(len(planted))]
        plans = [data.plan(labelling, splits, seed) for labelling, seed in zip(planted, seeds, strict=True)]
        held_out = HeldOut.empty(len(planted), len(data.codes), len(data.classes))
        CrossFit(data.features, planted, len(data.classes), ridge).run(held_out, plans, range(splits))
        evidence = [
            weigh_evidence(
                held_out.mean_probabilities(place),
                data.graph,
                labelling,
                tested=held_out.scores(place),
                regression=regression_scores(data, labelling, strength, seeds[place]),
                correction=correction,
            ).features
            for place, labelling in enumerate(planted)
        ]
        return np.where(held_out.tested[:, :, None] > 0, np.stack(evidence), np.nan)

    return again
