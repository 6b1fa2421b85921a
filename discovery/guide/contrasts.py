"""A class beside others: which known classes are nearest, and how its measures differ from theirs, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.stats

from discovery.candidates.measures import MEASURES, known_numbers
from discovery.certificates.divergence import ClassVectors, sampled_classes
from embed.digits import significant

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from embed.types import Floats, Rows, Vectors

QUANTILES = (0.05, 0.5, 0.95)
"""Of a measure's range."""
MOSTLY, CLEARLY = 0.7, 0.9
"""Shares of pairs, one glitch of each class, from which a measure is called mostly or clearly higher or lower."""


def nearest_classes(unit: Vectors, members: Rows, classes: Mapping[str, Rows], *, count: int, seed: int) -> list[str]:
    """Name the known classes whose glitches are nearest to those of a group, nearest first.

    A class is as far as its fourth nearest glitch, in the geometric mean over the group. Divergence, which certificates use, is relative to the
    density of the class: a small class would come first here though its glitches look like none of the group's.

    Parameters
    ----------
    unit : ndarray of float32, shape (N, D)
        Normalised vectors.
    members : ndarray of int64
        Rows of the group.
    classes : mapping of str to ndarray of int64
        Rows of the known classes, without those of the group.
    count : int
        Classes at most.
    seed : int
        Of the samples of large classes.

    Returns
    -------
    list of str
        Empty where every class has fewer than `discovery.certificates.divergence.LEAST_CLASS` glitches.
    """
    sampled = sampled_classes(classes, seed)
    if not sampled:
        return []
    apart = np.log(ClassVectors(unit, sampled).distances(members)).mean(axis=0).round(9)
    return [list(sampled)[place] for place in np.argsort(apart, kind="stable")[:count]]


def ranges(own: pd.DataFrame) -> dict[str, tuple[int, Floats]]:
    """Return of each measure that is known how many glitches have it, and its `QUANTILES`."""
    known = {name: known_numbers(own, column) for name, column in MEASURES.items()}
    return {name: (len(values), np.quantile(values, QUANTILES)) for name, values in known.items() if len(values)}


def contrast(own: pd.DataFrame, other: pd.DataFrame) -> str:
    """Say how the measures of a class differ from those of another.

    A measure is called higher by the share of pairs, one glitch of each class, in which it is (the common language effect size,
    McGraw and Wong 1992; Mann and Whitney's U over the number of pairs), ties counted half.

    Parameters
    ----------
    own, other : DataFrame
        Their metadata.
    """
    said = []
    for name, column in MEASURES.items():
        here, there = known_numbers(own, column), known_numbers(other, column)
        if len(here) and len(there):
            share = float(scipy.stats.mannwhitneyu(here, there).statistic) / (len(here) * len(there))
            what, _, unit = name.partition(" (")
            medians = " against ".join(significant(np.median(values)) for values in (here, there))
            said.append(f"{what} {_word(share)} (median {medians}{' ' * bool(unit)}{unit.rstrip(')')})")
    text = ", ".join(said)
    return f"{text[0].upper()}{text[1:]}." if said else "No measure is known of both: compare the pictures."


def _word(share: float) -> str:
    for least, word in ((CLEARLY, "clearly"), (MOSTLY, "mostly")):
        if share >= least:
            return f"{word} higher"
        if share <= 1 - least:
            return f"{word} lower"
    return "about the same"
