"""One more class for a trained model from a handful of examples, without forgetting the others.

The network and the existing rows of the final layer stay as they are; one row is added. With five examples a free row of a
thousand weights would memorise those five, so its direction is not free: it is the examples' mean seen through the spread that the
old classes have around theirs (Fisher's discriminant, the covariance shrunk as by Ledoit and Wolf 2004), and only its length and
bias are fitted. They are fitted by the cross-entropy of all K + 1 classes, which with fixed old rows is, except for a constant, a
logistic regression with the offset ``log sum exp`` of the old logits; each example is seen by the mean of the others.

The old classes lose only the glitches that the new row takes: bounded on the training glitches, to be measured on others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

from embed.errors import InputError
from embed.metrics.intervals import wilson
from embed.training.options import FEWEST_EXAMPLES, MOST_EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embed.types import Codes, Floats


SHRINKAGES = (0.02, 0.1, 0.3, 1.0)
"""Shares of the sphere in the covariance that are tried; 1 is the plain mean (a prototype). The loss on held-out examples chooses."""
MOST_TAKEN = 0.005
"""Share of the old training glitches that the new class may take: the bias is lowered until it takes no more."""
_LENGTH_PENALTY = 1e-3
"""Penalty on the row's length, for scores of unit deviation: keeps it finite where the examples are well separated from all others."""
_ROWS = 20_000
"""Most old vectors that are used, drawn evenly."""


@dataclass(frozen=True)
class NewRow:
    """A final layer's row for a new class.

    Attributes
    ----------
    weight : ndarray of float64, shape (D,)
    bias : float
    shrinkage : float
        The one chosen.
    found : ndarray of bool, shape (n,)
        Whether each example is recognised by the mean of the others.
    """

    weight: Floats
    bias: float
    shrinkage: float
    found: NDArray[np.bool_]

    @property
    def recall(self) -> float:
        """Share of the examples that are recognised when they are held out."""
        return float(self.found.mean())

    @property
    def recall_interval(self) -> Floats:
        """Wilson's, shape (2,)."""
        return wilson(self.found.sum(), len(self.found))


def new_row(
    examples: Floats,
    old: Floats,
    old_codes: Codes,
    head: tuple[Floats, Floats],
    *,
    shrinkages: Sequence[float] = SHRINKAGES,
    most_taken: float = MOST_TAKEN,
    seed: int = 0,
) -> NewRow:
    """Make the new class's row.

    Parameters
    ----------
    examples : ndarray, shape (n, D)
        `FEWEST_EXAMPLES` to `MOST_EXAMPLES` vectors of the new class.
    old : ndarray, shape (N, D)
        Training vectors of the old classes.
    old_codes : ndarray of int64, shape (N,)
        Their classes.
    head : tuple of ndarray, shapes (K, D) and (K,)
        The model's final layer.
    shrinkages : sequence of float
        See `SHRINKAGES`.
    most_taken : float
        See `MOST_TAKEN`.
    seed : int
        Of the old vectors drawn where there are very many.

    Raises
    ------
    InputError
        With too few or too many examples, or vectors of another length.
    """
    if not FEWEST_EXAMPLES <= len(examples) <= MOST_EXAMPLES:
        raise InputError(
            f"{len(examples)} examples of the new class; give {FEWEST_EXAMPLES} to {MOST_EXAMPLES}, and train a new model when there are more"
        )
    weight, bias = (np.asarray(part, np.float64) for part in head)
    if examples.shape[1] != weight.shape[1] or old.shape[1] != weight.shape[1]:
        raise InputError(
            f"vectors of {examples.shape[1]} and {old.shape[1]} numbers for a final layer that reads {weight.shape[1]}; embed with the model"
        )
    if not shrinkages:
        raise InputError("no shrinkage to try; give one or more")
    if len(old) > _ROWS:
        kept = np.sort(np.random.default_rng(seed).choice(len(old), _ROWS, replace=False))
        old, old_codes = old[kept], old_codes[kept]
    examples, old = np.asarray(examples, np.float64), np.asarray(old, np.float64)
    old_logits, own_logits = old @ weight.T + bias, examples @ weight.T + bias
    offsets = np.concatenate([logsumexp(old_logits, axis=1), logsumexp(own_logits, axis=1)])
    size = float(np.median(np.bincount(old_codes)[np.unique(old_codes)]))
    shares = np.concatenate([np.ones(len(old)), np.full(len(examples), size / len(examples))])
    means, places = _class_means(old, old_codes)
    values, axes = np.linalg.eigh(np.cov((old - means[places]).T, bias=True))
    centre = means.mean(axis=0)
    others = (examples.sum(axis=0) - examples) / (len(examples) - 1)  # the mean of the others, for each example
    best: tuple[float, NewRow] | None = None
    for shrinkage in shrinkages:
        spread = (1 - shrinkage) * np.maximum(values, 0) + shrinkage * max(float(values.mean()), 1e-12)
        inverse = (axes / spread) @ axes.T
        direction = inverse @ (examples.mean(axis=0) - centre)
        held_out = (((others - centre) @ inverse) * (examples - centre)).sum(axis=1)
        scores = np.concatenate([(old - centre) @ direction, held_out])
        deviation = float(scores[: len(old)].std()) or 1.0
        loss, length, constant = _length_and_bias(scores / deviation, offsets, shares, len(old))
        row = length / deviation * direction
        constant -= float(row @ centre)
        constant -= _excess(old @ row + constant - old_logits.max(axis=1), most_taken)
        found = length / deviation * held_out + float(row @ centre) + constant > own_logits.max(axis=1)
        if best is None or loss < best[0]:
            best = loss, NewRow(row, constant, shrinkage, found)
    assert best is not None
    return best[1]


def _class_means(vectors: Floats, codes: Codes) -> tuple[Floats, Codes]:
    """Mean of each class that occurs, and the place of each row's class among them."""
    _, places = np.unique(codes, return_inverse=True)
    sums = np.zeros((int(places.max()) + 1, vectors.shape[1]))
    np.add.at(sums, places, vectors)
    return sums / np.bincount(places)[:, None], places.astype(np.int64)


def _length_and_bias(scores: Floats, offsets: Floats, shares: Floats, old: int) -> tuple[float, float, float]:
    """Fit ``length * score + bias`` against the offsets, the first `old` rows being of other classes; returns the loss too."""
    sign = np.where(np.arange(len(scores)) < old, -1.0, 1.0)
    share = shares / shares.sum()

    def loss(point: Floats) -> tuple[float, Floats]:
        margin = sign * (point[0] * scores + point[1] - offsets)
        slope = -share * sign * expit(-margin)
        value = float(share @ np.logaddexp(0, -margin)) + _LENGTH_PENALTY / 2 * float(point[0]) ** 2
        return value, np.array([slope @ scores + _LENGTH_PENALTY * point[0], slope.sum()])

    start = np.array([1.0, float(np.median(offsets))])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)])
    return float(found.fun), float(found.x[0]), float(found.x[1])


def _excess(ahead: Floats, most_taken: float) -> float:
    """How much the bias must be lowered so that the new logit is the largest for at most this share of old glitches."""
    allowed = int(most_taken * len(ahead))
    return float(np.sort(ahead)[::-1][allowed]) + 1e-6 if (ahead > 0).sum() > allowed else 0.0


def extended_head(
    head: tuple[Floats, Floats], classes: Sequence[str], label: str, row: NewRow
) -> tuple[NDArray[np.float32], NDArray[np.float32], tuple[str, ...]]:
    """Put the new row among the old ones, classes sorted; float32 weights (K + 1, D), biases (K + 1,) and names."""
    names = sorted([*classes, label])
    place = names.index(label)
    weight = np.insert(np.asarray(head[0], np.float64), place, row.weight, axis=0).astype(np.float32)
    bias = np.insert(np.asarray(head[1], np.float64), place, row.bias).astype(np.float32)
    return weight, bias, tuple(names)
