"""The verdict on every label: evidence calibrated by planted errors, ranked, listed and counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.evidence.calibration import (
    CONFIDENCE,
    DRAWS,
    Calibration,
    Count,
    calibrate,
    count_errors,
    cut_list,
    plant_errors,
)
from audit.evidence.reliability import evidence_on_plantings, reliability_of
from audit.evidence.scores import Evidence, neighbour_agreement
from audit.heldout.crossfit import MANY_ROWS
from audit.result import AuditResult
from embed.sample import at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from audit.heldout.crossfit import HeldOut
    from audit.heldout.stopping import Stability
    from audit.procedure import AuditData
    from embed.types import Codes, Flags, Floats, Rows


PLANTED_ROWS = 4_000
"""Rows of all plantings together: a small study gets more plantings, within the limits below."""
MIN_PLANTINGS, MAX_PLANTINGS = 5, 16
FIRST_PLANTINGS = 2
"""Plantings of the first round for more than `MANY_ROWS` rows: it only tells the second one where errors are."""
KEPT_DRAWS = 20_000
"""Rows of the ranking whose calibration draws are kept."""
_BLOCK = 50_000
"""Rows whose draws are in memory together."""


@dataclass(frozen=True)
class Finding:
    """The evidence, its calibration, and how well it finds planted errors; see `AuditResult`."""

    evidence: Evidence
    calibration: Calibration
    measured: dict[str, float]
    reliability: Floats
    plantings: int


def calibrated(
    data: AuditData,
    evidence: Evidence,
    again: Callable[[Codes, int], Floats],
) -> Finding:
    """Calibrate the evidence on planted errors, planted twice: by the first estimate of what is wrong, then by the calibrated one.

    Errors are planted in every row; of more than `MANY_ROWS` a sample of so many is what the calibration is learned from.

    Parameters
    ----------
    data : AuditData
    evidence : Evidence
    again : callable
        Receives planted labellings, int64 of shape (R, N), and the number of the round; returns their evidence, shape (R, N, d).
    """
    count = len(data.codes)
    plantings = int(np.clip(PLANTED_ROWS // count, MIN_PLANTINGS, MAX_PLANTINGS))
    rows, posterior = np.arange(count), evidence.posterior
    judged = at_most(rows, MANY_ROWS, data.rng(10))
    for number in range(2):
        labellings = FIRST_PLANTINGS if number == 0 and count > MANY_ROWS else plantings
        planted = plant_errors(data.codes, posterior, evidence.transition, labellings, data.rng(3 + number))
        features, wrong = again(planted.labels, number)[:, judged], planted.wrong[:, judged]
        calibration = calibrate(features[..., evidence.combined], wrong, data.rng(5 + number))
        known = evidence.features[:, evidence.combined]
        p_wrong = np.nan_to_num(calibration.probabilities(known).mean(0).astype(np.float64))
        posterior = evidence.posterior.copy()
        posterior[rows, data.codes] = 1e-12
        posterior *= (p_wrong / posterior.sum(1))[:, None]
        posterior[rows, data.codes] = 1 - p_wrong
    measured = evidence_on_plantings(features, wrong, evidence.combined)
    reliability = reliability_of(features[..., evidence.combined], wrong)
    return Finding(evidence, calibration, measured, reliability, plantings)


def ranked_rows(p_wrong: Floats, margin: Floats, tested: Flags) -> Rows:
    """Rank the rows, the most doubtful label first.

    Parameters
    ----------
    p_wrong : ndarray of float64, shape (N,)
        Probability that the label is wrong.
    margin : ndarray of float64, shape (N,)
        Sum over the splits; of equally probable errors the lower margin comes first, then the lower row.
    tested : ndarray of bool, shape (N,)
        Rows that were not tested come last.

    Returns
    -------
    ndarray of int64, shape (N,)
    """
    return np.lexsort((np.arange(len(p_wrong)), margin, -np.where(tested, p_wrong, -1.0)))


def make_result(
    data: AuditData,
    finding: Finding,
    held_out: HeldOut,
    settings: dict[str, Any],
    notes: Sequence[str],
    *,
    curve: Sequence[Stability] = (),
    random_error: float = np.nan,
) -> AuditResult:
    """Rank the rows by the probability of an error, cut the list and count; for the arguments see `AuditResult`."""
    rate = data.options.rate
    count = len(data.codes)
    tested = held_out.tested[0] > 0
    features = finding.evidence.features[:, finding.evidence.combined]
    p_wrong, low, high = (np.full(count, np.nan) for _ in range(3))
    tail = (1 - CONFIDENCE) / 2
    for start in range(0, count, _BLOCK):
        part = start + np.flatnonzero(tested[start : start + _BLOCK])
        drawn = finding.calibration.probabilities(features[part])
        p_wrong[part] = drawn.mean(0)
        low[part], high[part] = np.quantile(drawn, [tail, 1 - tail], axis=0)
    order = ranked_rows(p_wrong, held_out.margin[0], tested)
    ranked = order[: int(tested.sum())]
    low, high = np.minimum(low, p_wrong), np.maximum(high, p_wrong)

    def wrong_among(rows: Rows, rng: np.random.Generator) -> Count:
        means, variances = np.zeros(DRAWS), np.zeros(DRAWS)
        for start in range(0, len(rows), _BLOCK):
            drawn = finding.calibration.probabilities(features[rows[start : start + _BLOCK]])
            means += drawn.sum(1, dtype=np.float64)
            variances += (drawn * (1 - drawn)).sum(1, dtype=np.float64)
        return count_errors(means, variances, finding.calibration.inflation, len(rows), rng)

    listed = cut_list(p_wrong[ranked], rate) if len(ranked) else 0
    times = np.maximum(held_out.tested[0], 1)
    settings = settings | {
        "plantings": finding.plantings,
        "inflation": finding.calibration.inflation,
        "seed": data.options.seed,
        "device": "cpu" if data.features is None else data.features.rows.device.type,
    }

    def mean(total: Floats) -> Floats:
        return np.where(tested, total[0] / times, np.nan)

    error = float(held_out.wrong.sum() / max(1, held_out.tested.sum()))
    return AuditResult(
        classes=data.classes,
        labels=data.codes,
        suggested=finding.evidence.suggested,
        order=order,
        p_wrong=p_wrong,
        p_wrong_low=low,
        p_wrong_high=high,
        times_tested=held_out.tested[0],
        times_wrong=held_out.wrong[0],
        margin=mean(held_out.margin),
        loss=mean(held_out.loss),
        standardised_loss=mean(held_out.standardised),
        neighbour_agreement=neighbour_agreement(data.graph, data.codes),
        probabilities=held_out.mean_probabilities(),
        transition=finding.evidence.transition,
        duplicate_of=data.duplicate_of,
        total=wrong_among(ranked, data.rng(7)),
        listed=listed,
        false_discovery_rate=rate,
        in_list=wrong_among(ranked[:listed], data.rng(8)),
        curve=tuple(curve),
        error=error,
        random_error=error if np.isnan(random_error) else random_error,
        evidence=finding.measured,
        reliability=finding.reliability,
        settings=settings,
        notes=tuple(notes),
        graph=data.graph,
        draws=finding.calibration.probabilities(features[ranked[:KEPT_DRAWS]]),
    )
