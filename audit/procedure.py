"""One study under audit, and the heads fitted to it: the ridge's choice, the splits in rounds, the planted labellings."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.evidence.noise import fit_noise, log_probability
from audit.evidence.regression import choose_strength, trusted_scores
from audit.evidence.scores import weigh_evidence
from audit.heldout.crossfit import CrossFit, HeldOut
from audit.heldout.splits import FOLDS, SplitPlan, plan_splits
from audit.heldout.stopping import Stability, stability

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from audit.heldout.features import Features
    from embed.types import Floats
    from embed.vectors.graph import NeighbourGraph


_log = logging.getLogger(__name__)

RIDGES = (3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4)
"""Ridges tried, strongest first, for the rows of `PATH_ROWS`; the best shrinks with the number of rows."""
PATH_ROWS = 4_000
ROUND_REPEATS = 4
"""Repeats between two looks at the stability."""
PLANTED_REPEATS = 2
REGRESSION_REPEATS = 4


@dataclass(frozen=True)
class AuditData:
    """What every step needs.

    Attributes
    ----------
    codes : numpy.ndarray, shape (N,), int64
        Labels as class numbers.
    classes : int
        K.
    features : Features or None
        None where the probabilities come from elsewhere.
    graph : NeighbourGraph or None
    options : dict
        Groups, times and purge gap of `audit.heldout.splits.plan_splits`.
    kind : str
        Of the splits.
    seed : int
    """

    codes: NDArray[np.int64]
    classes: int
    features: Features | None
    graph: NeighbourGraph | None
    options: dict[str, Any]
    kind: str
    seed: int

    def rng(self, purpose: int) -> np.random.Generator:
        """A stream of random numbers of its own for each purpose."""
        return np.random.default_rng((self.seed, purpose))


def choose_ridge(study: AuditData) -> float:
    """Choose the ridge under which the given labels are likeliest, held out and with label noise allowed for."""
    assert study.features is not None
    rows, plan = _sample(study, 2)
    codes = study.codes[rows]
    part = replace(study.features, rows=study.features.rows[rows])
    best, chosen = -np.inf, RIDGES[0]
    for ridge in RIDGES:
        held_out = HeldOut.empty(1, len(rows), study.classes)
        CrossFit(part, codes[None], study.classes, ridge).run(held_out, [plan], range(FOLDS))
        tested = held_out.tested[0] > 0
        likelihood = fit_noise(log_probability(held_out.mean_probabilities()[tested]), codes[tested]).log_likelihood
        _log.info("ridge %g: held-out log likelihood %.4f", ridge, likelihood)
        if likelihood < best:
            break
        best, chosen = likelihood, ridge
    return chosen * len(rows) / len(study.codes)


def _sample(study: AuditData, purpose: int) -> tuple[NDArray[np.int64], SplitPlan]:
    """Rows to choose a ridge by, at most `PATH_ROWS`, and one repeat of splits of them."""
    count = len(study.codes)
    rows = np.sort(study.rng(purpose).choice(count, min(count, PATH_ROWS), replace=False))
    groups = np.unique(study.options["groups"][rows], return_inverse=True)[1]
    return rows, plan_splits(study.codes[rows], FOLDS, seed=study.seed, groups=groups)


def run_splits(
    study: AuditData, plan: SplitPlan, ridge: float, *, stop_early: bool, step: Callable[[str], None]
) -> tuple[HeldOut, list[Stability]]:
    """Run the splits in rounds until the ranking has settled."""
    assert study.features is not None
    heads = CrossFit(study.features, study.codes[None], study.classes, ridge)
    held_out = HeldOut.empty(1, len(study.codes), study.classes)
    sums, times = np.zeros((2, len(study.codes))), np.zeros((2, len(study.codes)))

    def add(_: int, split: int, rows: NDArray[np.int64], margins: Floats) -> None:
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
            step(f"splits: {done.stop} of {len(plan)}, stability {curve[-1].correlation:.3f}")
            if stop_early and curve[-1].enough:
                break
    return held_out, curve


def random_split_error(study: AuditData, ridge: float) -> float:
    """Error of plain random splits, which may test a glitch beside its own twin."""
    assert study.features is not None
    plan = plan_splits(study.codes, FOLDS, kind="random", seed=study.seed)
    held_out = HeldOut.empty(1, len(study.codes), study.classes)
    CrossFit(study.features, study.codes[None], study.classes, ridge).run(held_out, [plan], range(FOLDS))
    return float(held_out.wrong.sum() / max(1, held_out.tested.sum()))


def regression_scores(study: AuditData, labels: NDArray[np.int64], strength: float, seed: int) -> Floats:
    """Held-out scores (N, K) of the trusted regression on a labelling."""
    assert study.features is not None
    kind: Any = study.kind
    plan = plan_splits(labels, REGRESSION_REPEATS * FOLDS, kind=kind, seed=seed, **study.options)
    return trusted_scores(study.features, labels, study.classes, plan, strength)


def choose_regression(study: AuditData) -> float:
    """Choose the strength of the regression's ridge; see `audit.evidence.regression.choose_strength`."""
    assert study.features is not None
    rows, plan = _sample(study, 9)
    return choose_strength(study.features, study.codes, study.classes, plan, rows)


def planted_audits(study: AuditData, ridge: float, strength: float) -> Callable[[NDArray[np.int64], int], Floats]:
    """Return the function that audits planted labellings."""

    def again(planted: NDArray[np.int64], number: int) -> Floats:
        assert study.features is not None
        kind: Any = study.kind
        splits = PLANTED_REPEATS * FOLDS
        seeds = [study.seed * 1_000 + 100 * number + place for place in range(len(planted))]
        plans = [
            plan_splits(labelling, splits, kind=kind, seed=one, **study.options)
            for labelling, one in zip(planted, seeds, strict=True)
        ]
        held_out = HeldOut.empty(len(planted), len(study.codes), study.classes)
        CrossFit(study.features, planted, study.classes, ridge).run(held_out, plans, range(splits))
        evidence = [
            weigh_evidence(
                held_out.mean_probabilities(place),
                study.graph,
                labelling,
                tested=held_out.scores(place),
                regression=regression_scores(study, labelling, strength, seeds[place]),
            ).features
            for place, labelling in enumerate(planted)
        ]
        return np.where(held_out.tested[:, :, None] > 0, np.stack(evidence), np.nan)

    return again
