"""The baseline with which George, Shen and Huerta (2018) begin: logistic regression on the vectors of a frozen network."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from embed.errors import InputError
from embed.metrics.accuracy import checked
from embed.metrics.calibration import log_loss, softmax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from embed.types import Floats


STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Inverse ridges C that are tried on the validation part; scikit-learn's C, on columns of unit variance."""
DEFAULT_STRENGTH = 1e-2
"""C where there is no validation part: a strong one of `STRENGTHS`, for more columns than glitches a class."""
MAX_ITERATIONS = 2000


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline.

    Attributes
    ----------
    classes : tuple of str
        K names, alphabetical.
    centre, scale : ndarray of float64, shape (D,)
        Mean and standard deviation of the training vectors' columns.
    weights : ndarray of float64, shape (K, D)
    bias : ndarray of float64, shape (K,)
    strength : float
        The C used.
    tried : dict of float to float
        C -> log loss on the validation part, infinite where the fit did not converge; empty where there was no such part.
    """

    classes: tuple[str, ...]
    centre: Floats
    scale: Floats
    weights: Floats
    bias: Floats
    strength: float
    tried: dict[float, float]

    def probabilities(self, vectors: ArrayLike) -> Floats:
        """Probabilities (N, K) of vectors (N, D)."""
        return softmax(((np.asarray(vectors, np.float64) - self.centre) / self.scale) @ self.weights.T + self.bias)


def fit_baseline(
    vectors: ArrayLike,
    labels: Sequence[str],
    *,
    validation: tuple[ArrayLike, Sequence[str]] | None = None,
    strengths: Sequence[float] = STRENGTHS,
    scale: ArrayLike | None = None,
) -> Baseline:
    """Fit multinomial logistic regression; scikit-learn's L-BFGS, which draws nothing at random.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        Of the training part.
    labels : sequence of str, length N
    validation : tuple of vectors (M, D) and labels, optional
        Chooses C by log loss, of equals the smallest; glitches of classes that the training part lacks are passed over.
    strengths : sequence of float
        The C tried.
    scale : array_like, shape (D,) or (), optional
        What the columns are divided by; by default their standard deviations.

    Returns
    -------
    Baseline

    Raises
    ------
    InputError
        With fewer than two classes, or different numbers of vectors and labels; when no fit converges.
    """
    rows, names = np.asarray(vectors, np.float64), np.asarray(labels, np.str_)
    if rows.ndim != 2 or len(rows) != len(names):
        raise InputError(f"vectors of shape {rows.shape} for {len(names)} labels; give one row a label")
    classes = tuple(str(name) for name in np.unique(names))
    if len(classes) < 2:
        raise InputError(
            f"the baseline needs two classes or more, the training part has {', '.join(classes) or 'none'}"
        )
    centre = rows.mean(axis=0)
    divisor = rows.std(axis=0) if scale is None else np.broadcast_to(np.asarray(scale, np.float64), centre.shape).copy()
    divisor[divisor == 0] = 1.0
    scaled = (rows - centre) / divisor
    place = {name: code for code, name in enumerate(classes)}
    judged: tuple[Floats, NDArray[np.int64]] | None = None
    if validation is not None:
        known = np.array([name in place for name in validation[1]], bool)
        if known.any():
            codes = np.array([place[name] for name in np.asarray(validation[1], np.str_)[known]], np.int64)
            judged = np.asarray(validation[0], np.float64)[known], codes
    if judged is None:
        return Baseline(classes, centre, divisor, *_fit(scaled, names, DEFAULT_STRENGTH), DEFAULT_STRENGTH, {})
    best: Baseline | None = None
    tried: dict[float, float] = {}
    unsettled: InputError | None = None
    for strength in sorted(strengths):
        try:
            fitted = Baseline(classes, centre, divisor, *_fit(scaled, names, strength), strength, tried)
        except InputError as error:
            tried[strength], unsettled = float("inf"), error
            continue
        tried[strength] = log_loss(*checked(fitted.probabilities(judged[0]), judged[1]))
        if best is None or tried[strength] < tried[best.strength]:
            best = fitted
    if best is None:
        raise unsettled or InputError("no C to try; give one or more strengths")
    return best


def _fit(scaled: Floats, names: NDArray[np.str_], strength: float) -> tuple[Floats, Floats]:
    """Weights (K, D) and bias (K,)."""
    model = LogisticRegression(C=strength, max_iter=MAX_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit(scaled, names)
        except ConvergenceWarning as error:
            raise InputError(
                f"the baseline with C = {strength:g} has not settled after {MAX_ITERATIONS} iterations; leave out vectors that are far from all others"
            ) from error
    if len(model.classes_) == 2:  # scikit-learn gives one row for two classes
        return np.vstack([-model.coef_ / 2, model.coef_ / 2]), np.hstack([-model.intercept_ / 2, model.intercept_ / 2])
    return model.coef_, model.intercept_
