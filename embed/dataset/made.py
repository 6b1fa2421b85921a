"""Generated glitches in a training set: in the training part only, and nothing that their generator saw in another part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.dataset.dataset import TrainingSet
from embed.dataset.splits import TEST, TRAIN, VALIDATION, Split
from embed.errors import InputError

if TYPE_CHECKING:
    from embed.types import Pixels, Rows


@dataclass(frozen=True)
class Made:
    """Generated glitches.

    Attributes
    ----------
    levels : ndarray of uint8, shape (M, V, side, side)
        In the encoding's order.
    labels, ids : tuple of M str
    seen : frozenset of str
        Ids of the real glitches that the generator learned from.
    by : str
        The generator.
    caution : str
        What must be said where it is not known which glitches it learned from.
    """

    levels: Pixels
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    seen: frozenset[str]
    by: str
    caution: str = ""


def joined(first: Made, other: Made) -> Made:
    """Take two together: levels of the same views, and all that either of their generators learned from."""
    return Made(
        np.concatenate([first.levels, other.levels]) if len(first.levels) else other.levels,
        first.labels + other.labels,
        first.ids + other.ids,
        first.seen | other.seen,
        f"{first.by} and {other.by}",
        "; ".join(caution for caution in (first.caution, other.caution) if caution),
    )


def with_made(training_set: TrainingSet, made: Made, groups: Rows) -> TrainingSet:
    """Add generated glitches to the training part.

    Real glitches that the generator learned from, and their near-duplicates, are moved to the training part: tested on them, what was
    trained on their likenesses would look better than it is.

    Parameters
    ----------
    training_set : TrainingSet
        Of N real glitches.
    made : Made
    groups : ndarray of int64, shape (N,)
        Sets of near-duplicates.

    Returns
    -------
    TrainingSet
        Of N + M: the generated ones come last, and have negative row numbers.

    Raises
    ------
    InputError
        When no test or validation glitch is left.
    """
    seen = np.array([name in made.seen for name in training_set.ids])
    part = training_set.split.part.copy()
    part[np.isin(groups, groups[seen]) & np.isin(part, (VALIDATION, TEST))] = TRAIN
    for number, name in ((VALIDATION, "validation"), (TEST, "test")):
        if not (part == number).any():
            raise InputError(
                f"{made.by} has learned from every {name} glitch: nothing is left to judge a model with; train the generator with the same --seed, which holds them out"
            )
    numbers = {name: code for code, name in enumerate(training_set.classes)}
    targets = np.array([numbers[name] for name in made.labels], np.int64)
    count = len(made.labels)
    return TrainingSet(
        np.concatenate([training_set.glitches, -1 - np.arange(count)]),
        (*training_set.ids, *made.ids),
        training_set.classes,
        np.concatenate([training_set.targets, targets]),
        Split(
            np.concatenate([part, np.full(count, TRAIN, np.int8)]), training_set.split.kind, training_set.split.groups
        ),
    )
