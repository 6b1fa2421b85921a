"""Held-out predictions: for every split, heads are fitted to its training rows and predict the rows that it tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from audit.heldout.heads import (
    Heads,
    Problems,
    diagonal_preconditioner,
    fit,
    shared_preconditioner,
    whole_preconditioner,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from audit.heldout.features import Features
    from audit.heldout.splits import SplitPlan
    from embed.types import Codes, Floats, Rows

BATCH_BYTES = 1 << 29
"""Memory for the weights, the history and the row weights of the heads that are fitted together."""
MANY_ROWS = 50_000
"""Above this the work a row is bounded: fits have the whole Hessian and end at `ENOUGH`, and the planted errors are fewer (`audit.procedure`,
`audit.verdict`)."""
MOST_ENTRIES = 12_000
"""Entries of a head's weights up to which its whole Hessian is used: 1.2 GB, twice that while it is factorised, which takes seconds."""
ENOUGH = 0.003
"""Share of its statistical error within which a fit of many rows ends; see `audit.heldout.heads.fit`."""
_COPIES = 24
"""Copies of a head's weights that L-BFGS holds."""


@dataclass
class HeldOut:
    """Sums over the splits that tested a row, for L labellings of N rows in K classes; every split that runs adds to them.

    Attributes
    ----------
    probabilities : ndarray of float32, shape (L, N, K)
        Sum of the predicted probabilities.
    margin, loss, standardised : ndarray of float64, shape (L, N)
        Sums of ``log p_given - log max p_other``, of ``-log p_given``, and of the loss standardised by each split's mean and
        standard deviation over its tested rows (SLA).
    tested, wrong : ndarray of int64, shape (L, N)
        Times tested, and times another class had the largest probability.
    worst_gradient : float
        Largest gradient norm at the end of a fit.
    iterations : int
        Of the longest fit.
    """

    probabilities: NDArray[np.float32]
    margin: Floats
    loss: Floats
    standardised: Floats
    tested: Rows
    wrong: Rows
    worst_gradient: float = 0.0
    iterations: int = 0

    @classmethod
    def empty(cls, labellings: int, rows: int, classes: int) -> HeldOut:
        """Sums of no splits."""
        shape = (labellings, rows)
        counts = (np.zeros(shape, np.int64), np.zeros(shape, np.int64))
        return cls(np.zeros((*shape, classes), np.float32), np.zeros(shape), np.zeros(shape), np.zeros(shape), *counts)

    def add(self, labelling: int, rows: Rows, logs: Floats, given: Codes) -> Floats:
        """Add one split's test of n rows.

        Parameters
        ----------
        labelling : int
        rows : ndarray of int64, shape (n,)
        logs : ndarray of float64, shape (n, K)
            Logarithms of their probabilities; the array is overwritten.
        given : ndarray of int64, shape (n,)
            Their labels.

        Returns
        -------
        ndarray, shape (n,)
            Their margins.
        """
        places = np.arange(len(rows))
        own = logs[places, given]
        self.probabilities[labelling, rows] += np.exp(logs)
        logs[places, given] = -np.inf
        margin = own - logs.max(1)
        self.margin[labelling, rows] += margin
        self.loss[labelling, rows] -= own
        spread = own.std() if len(own) else 0.0
        self.standardised[labelling, rows] -= (own - own.mean()) / spread if spread > 0 else 0.0
        self.tested[labelling, rows] += 1
        self.wrong[labelling, rows] += margin < 0
        return margin

    def scores(self, labelling: int = 0) -> Floats:
        """Share of tests that preferred another class, mean negative margin and mean standardised loss, shape (N, 3)."""
        sums = self.wrong[labelling], -self.margin[labelling], self.standardised[labelling]
        return np.stack(sums, 1) / np.maximum(self.tested[labelling], 1)[:, None]

    def mean_probabilities(self, labelling: int = 0) -> Floats:
        """Mean held-out probabilities, shape (N, K); untested rows are uniform."""
        tested = self.tested[labelling][:, None]
        even = 1 / self.probabilities.shape[2]
        return np.where(tested > 0, self.probabilities[labelling] / np.maximum(tested, 1), even)


class CrossFit:
    """Fits heads for splits of labellings that share their rows.

    Parameters
    ----------
    features : Features
    labels : ndarray of int64, shape (L, N)
    classes : int
        K.
    ridge : float
    """

    def __init__(self, features: Features, labels: Codes, classes: int, ridge: float) -> None:
        self.features = features
        self.labels = torch.from_numpy(np.ascontiguousarray(labels)).to(features.rows.device)
        self.ridge = ridge
        self.classes = classes
        device, width = features.rows.device, features.rows.shape[1]
        count = len(labels)
        every = self._problems(np.arange(count), torch.ones((count, len(features.rows)), device=device))
        start = torch.zeros((count, width, classes), device=device)
        # The labellings differ in few rows: all start from the fit to the first.
        first = fit(
            features,
            every.only(torch.zeros(1, dtype=torch.long, device=device)),
            start[:1],
            diagonal_preconditioner(features, every),
        )
        is_many = len(features.rows) > MANY_ROWS
        precondition = whole_preconditioner if is_many and width * classes <= MOST_ENTRIES else shared_preconditioner
        self._precondition = precondition(features, first.weights[0], ridge)
        self._enough = ENOUGH if is_many else 0.0
        self._start = self._fit(every, first.weights.expand(count, -1, -1)).weights

    def _fit(self, problems: Problems, start: torch.Tensor) -> Heads:
        return fit(self.features, problems, start, self._precondition, enough=self._enough)

    def _problems(self, labelling: Codes, weights: torch.Tensor) -> Problems:
        device = self.features.rows.device
        ridge = torch.full((len(labelling),), self.ridge, device=device)
        return Problems(self.labels, torch.from_numpy(labelling).to(device), weights, ridge, self.classes)

    def run(
        self,
        held_out: HeldOut,
        plans: Sequence[SplitPlan],
        splits: range,
        each: Callable[[int, int, Rows, Floats], None] | None = None,
    ) -> None:
        """Fit these splits of every labelling, and add their predictions of the rows that they test.

        Parameters
        ----------
        held_out : HeldOut
            Changed: the sums grow.
        plans : sequence of SplitPlan
            One a labelling.
        splits : range
            Which splits.
        each : callable, optional
            Receives labelling, split, rows tested (n,) and their margins (n,).
        """
        todo = [(labelling, split) for labelling in range(len(plans)) for split in splits]
        size = 4 * (_COPIES * self.features.rows.shape[1] * self.classes + len(self.features.rows))
        together = max(1, BATCH_BYTES // size)
        for start in range(0, len(todo), together):
            batch = todo[start : start + together]
            weights = np.stack([plans[labelling].train(split) for labelling, split in batch]).astype(np.float32)
            labelling = np.array([labelling for labelling, _ in batch])
            problems = self._problems(labelling, torch.from_numpy(weights).to(self.features.rows.device))
            heads = self._fit(problems, self._start[problems.labelling])
            held_out.worst_gradient = max(held_out.worst_gradient, float(heads.gradient_norms.max()))
            held_out.iterations = max(held_out.iterations, heads.iterations)
            for place, (number, split) in enumerate(batch):
                rows = self._tested(plans[number], number, split, weights[place])
                margins = self._add(held_out, number, rows, heads.weights[place])
                if each is not None:
                    each(number, split, rows, margins)

    def _tested(self, plan: SplitPlan, labelling: int, split: int, trained: NDArray[np.float32]) -> Rows:
        """Rows that a split tests and whose class is in its training."""
        labels = self.labels[labelling].cpu().numpy()
        seen = np.bincount(labels, trained, self.classes) > 0
        return np.flatnonzero(plan.test(split) & seen[labels])

    def _add(self, held_out: HeldOut, labelling: int, rows: Rows, weights: torch.Tensor) -> Floats:
        device = self.features.rows.device
        logits = self.features.rows[torch.from_numpy(rows).to(device)] @ weights
        logs = torch.log_softmax(logits.double(), 1).cpu().numpy()
        return held_out.add(labelling, rows, logs, self.labels[labelling].cpu().numpy()[rows])
