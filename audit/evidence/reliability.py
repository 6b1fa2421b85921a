"""How well the evidence finds planted errors, each planting judged by the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from audit.evidence.calibration import regress
from audit.evidence.scores import EVIDENCE

if TYPE_CHECKING:
    from embed.types import Flags, Floats


def evidence_on_plantings(features: Floats, wrong: Flags, columns: tuple[int, ...]) -> dict[str, float]:
    """Average precision of each piece of evidence, and of their combination, on the planted errors.

    Parameters
    ----------
    features : ndarray, shape (R, N, d)
        Columns as `audit.evidence.scores.EVIDENCE`.
    wrong : ndarray of bool, shape (R, N)
    columns : tuple of int
        The columns that are combined.

    Returns
    -------
    dict of str to float
        Mean over the plantings; the combination is fitted on the other plantings each time.
    """
    combined, known = _left_out(features[..., columns], wrong)
    found: dict[str, list[float]] = {}
    for number, ok in enumerate(known):
        if wrong[number, ok].any():
            scores = [*features[number, ok].T, combined[number, ok]]
            for name, score in zip((*EVIDENCE[: features.shape[2]], "combined"), scores, strict=True):
                found.setdefault(name, []).append(average_precision(wrong[number, ok], score))
    return {name: float(np.mean(values)) for name, values in found.items()}


def reliability_of(features: Floats, wrong: Flags) -> Floats:
    """Compare predicted and realised shares of planted errors, each planting predicted from the others.

    Returns
    -------
    ndarray of float64, shape (bins, 3)
        Mean prediction, realised share, number of rows; bins of a tenth, empty ones left out.
    """
    combined, known = _left_out(features, wrong)
    p, is_wrong = combined[known], wrong[known]
    bins = np.minimum((p * 10).astype(np.int64), 9)
    rows = [
        (p[bins == number].mean(), is_wrong[bins == number].mean(), (bins == number).sum())
        for number in np.unique(bins)
    ]
    return np.array(rows, np.float64).reshape(-1, 3)


def _left_out(features: Floats, wrong: Flags) -> tuple[Floats, Flags]:
    """Probability of each row in each planting, by the regression on the other plantings."""
    known = np.asarray(np.isfinite(features).all(axis=2))
    flat = features[known]
    centre, scale = flat.mean(0), np.maximum(flat.std(0), 1e-9)
    scaled = np.concatenate([(features - centre) / scale, np.ones((*features.shape[:2], 1))], 2)
    parts = [part[ok] for part, ok in zip(scaled, known, strict=True)]
    answers = [part[ok].astype(np.float64) for part, ok in zip(wrong, known, strict=True)]
    count = len(features)
    start = regress(parts, answers, np.ones(count), np.zeros(scaled.shape[2]))
    out = np.zeros(wrong.shape)
    for number in range(count):
        others = np.ones(count)
        others[number] = 0 if count > 1 else 1
        out[number, known[number]] = expit(parts[number] @ regress(parts, answers, others, start, steps=4))
    return out, known


def average_precision(wrong: Flags, scores: Floats) -> float:
    """Mean precision at the ranks of the wrong rows; tied scores share the precision at the end of the tie."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], wrong[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    found = np.cumsum(hits)[ends]
    gained = np.diff(found, prepend=0)
    return float((gained * found / (ends + 1)).sum() / max(1, int(hits.sum())))
