"""What a separation means in one study: how often a group that is so far from known classes was a class of its own.

Nothing is assumed about the network. The study's own classes are taken as cases whose truth is known: a whole class that is hidden
is new; a random part of a class, its part nearest to one glitch, and a handful of several classes are not. The probability of a
proposal is the share of new ones among the cases of like separation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.stats
from sklearn.isotonic import IsotonicRegression

from discovery.certificates.divergence import LEAST_CLASS, class_distances, diverge, kth_distances
from embed.sample import at_most

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embed.types import Codes, Floats, Progress, Rows, Vectors

REPEATS = 4
"""Cases of each kind that a class gives."""
LEAST_CLASSES = 3
"""Known classes without which no case is worth much."""
LEVEL = 0.9
"""Of the interval."""
MOST_CLASSES = 60
"""Known classes that give cases: of more a sample."""
MIXED = 3
"""Classes in a handful."""


@dataclass(frozen=True)
class Calibration:
    """Cases whose truth is known.

    Attributes
    ----------
    separation : ndarray of float64, shape (C,)
        Ascending.
    new : ndarray of int64, shape (C,)
        1 where the case was a class of its own.
    """

    separation: Floats
    new: Codes

    def probability(self, separation: float) -> tuple[float, float, float]:
        """Return the probability that a group with this separation is new, and its interval at `LEVEL` (Jeffreys).

        The cases are put into blocks by isotonic regression, since what is farther apart is likelier new; the block's count decides.
        """
        fitted = IsotonicRegression().fit_transform(self.separation, self.new)
        place = int(np.abs(self.separation - separation).argmin())
        block = fitted == fitted[place]
        count, hits = int(block.sum()), int(self.new[block].sum())
        belief = scipy.stats.beta(hits + 0.5, count - hits + 0.5)
        tail = (1 - LEVEL) / 2
        low = 0.0 if hits == 0 else float(belief.ppf(tail))
        high = 1.0 if hits == count else float(belief.ppf(1 - tail))
        return float(belief.mean()), low, high


def calibrate(
    unit: Vectors,
    classes: Mapping[str, Rows],
    sizes: Codes,
    dimension: float,
    *,
    seed: int,
    progress: Progress = lambda *_: None,
) -> Calibration | None:
    """Hide, split and mix known classes; None where there are fewer than `LEAST_CLASSES`.

    Parameters
    ----------
    unit : ndarray of float32, shape (N, D)
        Normalised vectors.
    classes : mapping of str to ndarray of int64
        The rows of the known classes.
    sizes : ndarray of int64
        Of the proposals: the cases are as large.
    dimension : float
        Of the data.
    seed : int
    progress : callable, optional
        Receives how many classes are done, of how many.
    """
    large = [name for name, rows in classes.items() if len(rows) >= 2 * LEAST_CLASS]
    if len(large) < LEAST_CLASSES:
        return None
    rng = np.random.default_rng(seed)
    found: list[tuple[float, int]] = []
    hidden = at_most(np.arange(len(large)), MOST_CLASSES, rng).tolist()
    progress(0, len(hidden))
    for done, number in enumerate(hidden, 1):
        name = large[number]
        rows = classes[name]
        others = {other: members for other, members in classes.items() if other != name}
        cases = [_case(unit[rows], sizes, rng) for _ in range(REPEATS)]
        used = np.unique(np.concatenate([part for case in cases for part in case]))
        apart = np.full((len(rows), len(others)), np.nan)
        apart[used] = class_distances(unit, rows[used], others)
        for drawn, corner in cases:
            found.append((diverge(unit, rows[drawn], others, dimension, apart[drawn]).separation, 1))
            for part in (drawn[: len(corner)], corner):
                rest = {**classes, name: np.delete(rows, part)}
                within = kth_distances(unit, rows[part], rest[name])
                beside = np.insert(apart[part], list(classes).index(name), within, axis=1)
                found.append((diverge(unit, rows[part], rest, dimension, beside).separation, 0))
        chosen = rng.choice(len(large), min(MIXED, len(large)), replace=False)
        taken = {large[number]: rng.permutation(classes[large[number]])[:LEAST_CLASS] for number in chosen}
        rest = {
            other: np.setdiff1d(members, taken[other]) if other in taken else members
            for other, members in classes.items()
        }
        found.append((diverge(unit, np.concatenate(list(taken.values())), rest, dimension).separation, 0))
        progress(done, len(hidden))
    found.sort()
    return Calibration(np.array([case[0] for case in found]), np.array([case[1] for case in found], np.int64))


def _case(unit: Vectors, sizes: Codes, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Draw rows of a class (N, D) as many as a proposal has, and those around one row, at most half: the other half stays known."""
    size = int(np.clip(rng.choice(sizes), LEAST_CLASS, len(unit)))
    drawn = rng.permutation(len(unit))[:size]
    middle = rng.integers(len(unit))
    near = np.argsort(-(unit @ unit[middle]).round(6), kind="stable")
    return drawn, near[: min(size, len(unit) // 2)]
