"""The outcome of an audit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from audit.evidence.calibration import Count, count_errors
from embed.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.heldout.stopping import Stability
    from embed.types import Floats, Rows
    from embed.vectors.graph import NeighbourGraph


@dataclass(frozen=True)
class AuditResult:
    """What an audit found, for N glitches in K classes.

    Attributes
    ----------
    classes : tuple of str
        Sorted.
    labels, suggested : numpy.ndarray, shape (N,), int64
        Index into `classes`: the given label, and the most probable other class.
    order : numpy.ndarray, shape (N,), int64
        Rows, the most doubtful label first; rows that could not be tested come last.
    p_wrong, p_wrong_low, p_wrong_high : numpy.ndarray, shape (N,), float64
        Probability that the label is wrong, with the interval of `audit.evidence.calibration.CONFIDENCE`; NaN where untested.
    times_tested, times_wrong : numpy.ndarray, shape (N,), int64
        Splits that held the row out, and those of them whose head preferred another class.
    margin, loss, standardised_loss, neighbour_agreement : numpy.ndarray, shape (N,), float64
        Means over the splits that tested the row (see `audit.heldout.crossfit.HeldOut`); share of the 10 nearest neighbours
        with the same label. NaN where untested or without neighbours.
    probabilities : numpy.ndarray, shape (N, K), float64
        Mean held-out probabilities of the heads.
    transition : numpy.ndarray, shape (K, K), float64
        The study's confusion structure: probability that a glitch of class k (row) is labelled l (column).
    duplicate_of : numpy.ndarray, shape (N,), int64
        The most similar row where that is a near-duplicate, else -1.
    total : Count
        Wrong labels in the whole study.
    listed : int
        Length of the list at the false discovery rate asked for: ``order[:listed]``.
    false_discovery_rate : float
    in_list : Count
        True errors in that list.
    curve : tuple of Stability
        The ranking's stability as splits were run.
    error, random_error : float
        Share of held-out predictions that differ from the label, in these splits and in plain random ones.
    evidence : dict of str to float
        Average precision of each score on the planted errors; ``combined`` was fitted on the other plantings.
    reliability : numpy.ndarray, shape (bins, 3), float64
        Calibration plot: mean predicted probability, share of planted errors, rows; each planting predicted from the others.
    settings : dict
        Kind of splits, splits run, ridge, gradient norm, plantings, seed, and the like.
    notes : tuple of str
        What the reader must know.
    graph : NeighbourGraph or None
    """

    classes: tuple[str, ...]
    labels: Rows
    suggested: Rows
    order: Rows
    p_wrong: Floats
    p_wrong_low: Floats
    p_wrong_high: Floats
    times_tested: Rows
    times_wrong: Rows
    margin: Floats
    loss: Floats
    standardised_loss: Floats
    neighbour_agreement: Floats
    probabilities: Floats
    transition: Floats
    duplicate_of: Rows
    total: Count
    listed: int
    false_discovery_rate: float
    in_list: Count
    curve: tuple[Stability, ...]
    error: float
    random_error: float
    evidence: dict[str, float]
    reliability: Floats
    settings: dict[str, Any]
    notes: tuple[str, ...]
    graph: NeighbourGraph | None = field(repr=False)
    draws: NDArray[np.float32] = field(repr=False)
    """Probabilities of the head of the ranking for each draw of the calibration, shape (DRAWS, n); see `expected`."""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def testable(self) -> NDArray[np.bool_]:
        """Rows that were tested, shape (N,)."""
        return self.times_tested > 0

    def expected(self, first: int) -> Count:
        """Say how many true errors the first rows of the ranking hold.

        Parameters
        ----------
        first : int
            From 0 to as many rows as calibration draws are kept for (20,000).

        Raises
        ------
        InputError
            Another number.
        """
        if not 0 <= first <= self.draws.shape[1]:
            raise InputError(f"a list of {first} rows: give 0 to {self.draws.shape[1]}")
        rng = np.random.default_rng((self.settings["seed"], 31))
        drawn = self.draws[:, :first].astype(np.float64)
        return count_errors(drawn.sum(1), (drawn * (1 - drawn)).sum(1), self.settings["inflation"], first, rng)

    def expected_pairs(self) -> Floats:
        """Expected wrong labels by given label (row) and suggested one (column), shape (K, K); untested rows are left out."""
        pairs = np.zeros((len(self.classes), len(self.classes)))
        np.add.at(pairs, (self.labels, self.suggested), np.nan_to_num(self.p_wrong))
        return pairs

    def to_cleanlab(self) -> dict[str, Any]:
        """Return what cleanlab's functions take.

        Returns
        -------
        dict
            ``labels`` (N,) int64; ``pred_probs`` (N, K) float64, rows summing to one; and, with neighbours, ``knn_graph``,
            a sparse (N, N) matrix of distances, each row's neighbours by distance, as ``Datalab.find_issues`` takes it.
        """
        out: dict[str, Any] = {"labels": self.labels.copy()}
        out["pred_probs"] = self.probabilities / self.probabilities.sum(1, keepdims=True)
        if self.graph is not None:
            count, k = self.graph.neighbours.shape
            entries = (
                self.graph.distances().astype(np.float64).ravel(),
                self.graph.neighbours.ravel(),
                np.arange(0, count * k + 1, k),
            )
            out["knn_graph"] = scipy.sparse.csr_matrix(entries, shape=(count, count))
        return out
