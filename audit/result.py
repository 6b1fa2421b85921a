"""The result of an audit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from audit.evidence.calibration import Count, count_errors
from embed.errors import InputError
from embed.notebook import html_summary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.heldout.stopping import Stability
    from embed.types import Flags, Floats, Rows
    from embed.vectors.graph import NeighbourGraph


@dataclass(frozen=True)
class AuditResult:
    """The result of an audit, for N glitches in K classes.

    Attributes
    ----------
    classes : tuple of str
        Sorted.
    labels, suggested : ndarray of int64, shape (N,)
        Index into `classes`: the given label, and the most probable other class.
    order : ndarray of int64, shape (N,)
        Rows, the most doubtful label first; untested rows come last.
    p_wrong, p_wrong_low, p_wrong_high : ndarray of float64, shape (N,)
        Probability that the label is wrong, with the interval of `audit.evidence.calibration.CONFIDENCE`; NaN where untested.
    times_tested, times_wrong : ndarray of int64, shape (N,)
        Splits that tested the row, and those of them that preferred another class.
    margin, loss, standardised_loss, neighbour_agreement : ndarray of float64, shape (N,)
        Means over the splits that tested the row (see `audit.heldout.crossfit.HeldOut`), and the share of the 10 nearest
        neighbours with the same label. NaN where untested or without neighbours.
    probabilities : ndarray of float64, shape (N, K)
        Mean held-out probabilities of the heads.
    transition : ndarray of float64, shape (K, K)
        The confusion structure: probability that a glitch of class k (row) is labelled l (column).
    duplicate_of : ndarray of int64, shape (N,)
        The most similar row where that is a near-duplicate, else -1.
    total : Count
        Wrong labels in the whole study.
    listed : int
        Length of the list at the false discovery rate: ``order[:listed]``.
    false_discovery_rate : float
    in_list : Count
        Wrong labels in the list.
    curve : tuple of Stability
        Stability of the ranking after each round of splits.
    error, random_error : float
        Share of held-out predictions that differ from the label, in these splits and in plain random splits.
    evidence : dict of str to float
        Average precision of each score on the planted errors; ``combined`` is fitted on the other plantings.
    reliability : ndarray of float64, shape (bins, 3)
        Calibration plot: mean predicted probability, share of planted errors, number of rows; each planting is predicted from the others.
    settings : dict
        Kind of splits, splits run, ridge, gradient norm, plantings, seed and more.
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
    """Probabilities of the top n rows of the ranking for each draw of the calibration, shape (DRAWS, n); see `expected`."""

    def __len__(self) -> int:
        return len(self.labels)

    def _repr_html_(self) -> str:
        def count(wrong: Count) -> str:
            return f"{wrong.expected:.0f} ({wrong.low:.0f} to {wrong.high:.0f})"

        facts = {
            "labels": f"{len(self):,} in {len(self.classes)} classes",
            "list": f"{self.listed:,} rows, {count(self.in_list)} of them wrong",
            "wrong in all": count(self.total),
        }
        rows = [
            (row, self.classes[self.labels[row]], self.classes[self.suggested[row]], f"{self.p_wrong[row]:.3f}")
            for row in self.order[: self.listed]
        ]
        return html_summary("Label audit", facts, ("row", "label", "suggested label", "p_wrong"), rows)

    @property
    def testable(self) -> Flags:
        """Rows that were tested, shape (N,)."""
        return self.times_tested > 0

    @property
    def planted_errors(self) -> int:
        """Planted errors that the probabilities rest on, of all plantings together."""
        return round(float(self.reliability[:, 1] @ self.reliability[:, 2]))

    def expected(self, first: int) -> Count:
        """Predict how many of the first rows of the ranking are wrong labels; of the list it is `in_list`.

        Parameters
        ----------
        first : int
            From 0 to the number of rows whose calibration draws are kept (at most 20,000).

        Raises
        ------
        InputError
            Any other number.
        """
        if not 0 <= first <= self.draws.shape[1]:
            raise InputError(f"a list of {first} rows: give 0 to {self.draws.shape[1]}")
        if first == self.listed:
            return self.in_list
        rng = np.random.default_rng((self.settings["seed"], 31))
        drawn = self.draws[:, :first].astype(np.float64)
        return count_errors(drawn.sum(1), (drawn * (1 - drawn)).sum(1), self.settings["inflation"], first, rng)

    def expected_pairs(self) -> Floats:
        """Expected wrong labels by given label (row) and suggested label (column), shape (K, K); untested rows are left out."""
        pairs = np.zeros((len(self.classes), len(self.classes)))
        np.add.at(pairs, (self.labels, self.suggested), np.nan_to_num(self.p_wrong))
        return pairs

    def to_cleanlab(self) -> dict[str, Any]:
        """Return the arguments of cleanlab's functions.

        Returns
        -------
        dict
            ``labels`` (N,) int64; ``pred_probs`` (N, K) float64, rows summing to one; and, with neighbours, ``knn_graph``,
            a sparse (N, N) matrix of distances, each row's neighbours by distance, for ``Datalab.find_issues``.
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
