"""Label errors from class probabilities alone, by arrays: a ranking, and a list cut at a false discovery rate.

The noise model of `audit.evidence.noise` says how probable an error is. It is not calibrated on planted errors: for intervals,
counts and neighbours use `audit.audit_probabilities`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from audit.evidence.calibration import cut_list
from audit.evidence.noise import fit_noise, log_probability
from audit.heldout.labels import check_probabilities
from audit.options import DEFAULTS, AuditOptions
from embed.digits import counted
from embed.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from embed.types import Floats, Rows


def rank_labels(labels: ArrayLike, probabilities: ArrayLike) -> Rows:
    """Rank labels by how probable an error is.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        Class numbers, 0 to K - 1.
    probabilities : array_like, shape (N, K)
        Held out: of a classifier that was not trained on these labels. Rows sum to one.

    Returns
    -------
    ndarray of int64, shape (N,)
        Row numbers, the most doubtful label first; ties by row.

    Raises
    ------
    InputError
        Labels or probabilities that do not fit each other, or values that are no probabilities.
    """
    return np.argsort(-_log_odds(labels, probabilities), kind="stable")


def find_wrong_labels(labels: ArrayLike, probabilities: ArrayLike, *, rate: float = DEFAULTS.rate) -> Rows:
    """List the labels that are probably wrong.

    Parameters
    ----------
    labels, probabilities
        See `rank_labels`.
    rate : float
        Expected share of right labels in the list, at most (false discovery rate).

    Returns
    -------
    ndarray of int64, shape (n,)
        Row numbers, the most doubtful label first; n is 0 where no label is doubtful enough.

    Raises
    ------
    InputError
        See `rank_labels`; or a rate that is not between 0 and 1.
    """
    rate = AuditOptions(rate=rate).rate
    log_odds = _log_odds(labels, probabilities)
    order = np.argsort(-log_odds, kind="stable")
    return order[: cut_list(expit(log_odds[order]), rate)]


def _log_odds(labels: ArrayLike, probabilities: ArrayLike) -> Floats:
    """Log odds that each label is wrong, shape (N,)."""
    codes, given = np.asarray(labels), np.asarray(probabilities, np.float64)
    if codes.ndim != 1 or not np.issubdtype(codes.dtype, np.integer) or given.ndim != 2 or len(given) != len(codes):
        raise InputError(
            f"labels of shape {codes.shape} ({codes.dtype}) and probabilities of shape {given.shape}; give N class numbers and N rows of K probabilities"
        )
    count, classes = given.shape
    if count == 0 or classes < 2:
        raise InputError(
            f"{counted(count, 'label', 'labels')} of {counted(classes, 'class', 'classes')}: give one label or more, of two classes or more"
        )
    if codes.min() < 0 or codes.max() >= classes:
        row = int(np.flatnonzero((codes < 0) | (codes >= classes))[0])
        raise InputError(f"label {codes[row]} in row {row} has no column among {classes}; give class numbers from 0")
    names = [str(number) for number in range(classes)]
    return fit_noise(log_probability(check_probabilities(given, names, names)), codes.astype(np.int64)).log_odds
