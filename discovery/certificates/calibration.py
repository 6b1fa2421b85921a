"""What a separation means in one study: how often a group that is so far from known classes was a class of its own.

Nothing is assumed about the network. The study's own classes are taken as cases whose truth is known: a whole class that is hidden
is new; a random part of a class, its part nearest to one glitch, and a handful of several classes are not. The probability of a
proposal is the share of new ones among the cases of like separation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import betaincinv

from discovery.certificates.divergence import LEAST_CLASS, kth_distances, log_ratios, separation
from embed.sample import at_most

if TYPE_CHECKING:
    from collections.abc import Mapping

    from discovery.certificates.divergence import ClassVectors
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
TOGETHER = 16
"""Hidden classes whose cases are compared with all classes in one product."""


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
        place = int(np.abs(self.separation - separation).argmin())
        block = self._fitted == self._fitted[place]
        count, hits = int(block.sum()), int(self.new[block].sum())
        tail = (1 - LEVEL) / 2
        low = 0.0 if hits == 0 else float(betaincinv(hits + 0.5, count - hits + 0.5, tail))
        high = 1.0 if hits == count else float(betaincinv(hits + 0.5, count - hits + 0.5, 1 - tail))
        return (hits + 0.5) / (count + 1), low, high

    @cached_property
    def _fitted(self) -> Floats:
        """The isotonic fit at each case; cases of the same separation count together."""
        _, place, counts = np.unique(self.separation, return_inverse=True, return_counts=True)
        shares = np.bincount(place, self.new) / counts
        return np.asarray(isotonic_regression(shares, weights=counts).x[place])


def calibrate(
    known: ClassVectors,
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
    known : ClassVectors
    classes : mapping of str to ndarray of int64
        The same classes: the rows of each.
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
    hidden = at_most(np.arange(len(large)), MOST_CLASSES, rng).tolist()
    kept = {name: classes[name] for name in large}
    drawn = [_draw(known.unit, kept, large[number], sizes, rng) for number in hidden]
    found: list[tuple[float, int]] = []
    progress(0, len(drawn))
    for start in range(0, len(drawn), TOGETHER):
        part = drawn[start : start + TOGETHER]
        apart = known.distances(
            np.concatenate([rows for each in part for rows in (each.used, each.mixed)]),
            np.concatenate([without for each in part for without in each.without]),
        )
        ends = np.cumsum([len(rows) for each in part for rows in (each.used, each.mixed)])
        parts = np.split(apart, ends[:-1])
        for place, each in enumerate(part):
            found += _judged(known, each, parts[2 * place], parts[2 * place + 1], dimension)
            progress(start + place + 1, len(drawn))
    found.sort()
    return Calibration(np.array([case[0] for case in found]), np.array([case[1] for case in found], np.int64))


@dataclass(frozen=True)
class _Drawn:
    """What is drawn with one class that is hidden.

    `rows` are those of the class, `cases` are places among them, `mixed` the rows of a handful of the classes `chosen`.
    """

    name: str
    rows: Rows
    cases: list[tuple[Rows, Rows]]
    chosen: list[str]
    mixed: Rows

    @property
    def places(self) -> Rows:
        """The places that are in a case."""
        return np.unique(np.concatenate([part for case in self.cases for part in case]))

    @property
    def used(self) -> Rows:
        """Their rows."""
        return self.rows[self.places]

    @property
    def without(self) -> tuple[Rows, Rows]:
        """What does not count as a neighbour of each row used, and of each that is mixed: itself, and the whole handful."""
        count = len(self.mixed)
        return np.repeat(self.used[:, None], count, axis=1), np.repeat(self.mixed[None, :], count, axis=0)


def _draw(unit: Vectors, classes: Mapping[str, Rows], name: str, sizes: Codes, rng: np.random.Generator) -> _Drawn:
    """Draw the cases of one class."""
    rows = classes[name]
    cases = [_case(unit[rows], sizes, rng) for _ in range(REPEATS)]
    names = list(classes)
    chosen = [names[place] for place in rng.choice(len(names), min(MIXED, len(names)), replace=False)]
    mixed = np.concatenate([rng.permutation(classes[name])[:LEAST_CLASS] for name in chosen])
    return _Drawn(name, rows, cases, chosen, mixed)


def _judged(
    known: ClassVectors, drawn: _Drawn, of_class: Floats, of_mixed: Floats, dimension: float
) -> list[tuple[float, int]]:
    """Return the separation of each case, and 1 where it is a class of its own."""
    column = known.names.index(drawn.name)
    apart = np.full((len(drawn.rows), len(known.names)), np.nan)
    apart[drawn.places] = of_class
    found = []
    for whole, corner in drawn.cases:
        beside, counts = np.delete(apart[whole], column, axis=1), np.delete(known.sizes, column)
        found.append((_separation(known.unit, drawn.rows[whole], beside, counts, dimension), 1))
        for part in (whole[: len(corner)], corner):
            rest = np.delete(drawn.rows, part)
            beside, counts = apart[part], known.sizes.copy()
            beside[:, column], counts[column] = kth_distances(known.unit, drawn.rows[part], rest), len(rest)
            found.append((_separation(known.unit, drawn.rows[part], beside, counts, dimension), 0))
    counts = known.sizes - LEAST_CLASS * np.isin(known.names, drawn.chosen)
    found.append((_separation(known.unit, drawn.mixed, of_mixed, counts, dimension), 0))
    return found


def _separation(unit: Vectors, rows: Rows, apart: Floats, sizes: Floats, dimension: float) -> float:
    return separation(log_ratios(kth_distances(unit, rows, rows), apart, sizes, dimension))


def _case(unit: Vectors, sizes: Codes, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Draw rows of a class (N, D) as many as a proposal has, and those around one row, at most half: the other half stays known."""
    size = int(np.clip(rng.choice(sizes), LEAST_CLASS, len(unit)))
    drawn = rng.permutation(len(unit))[:size]
    middle = rng.integers(len(unit))
    near = np.argsort(-(unit @ unit[middle]).round(6), kind="stable")
    return drawn, near[: min(size, len(unit) // 2)]
