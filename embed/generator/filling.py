"""Rare classes of a training set, filled with generated glitches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embed.dataset.made import Made
from embed.dataset.splits import TRAIN
from embed.errors import InputError
from embed.generator.folder import made_id
from embed.generator.learned import read_learned
from embed.generator.options import DURATIONS
from embed.generator.source import resized

if TYPE_CHECKING:
    from embed.dataset.dataset import TrainingSet
    from embed.generator.source import Source
    from embed.views.encoding import Encoding


def fill(
    training_set: TrainingSet, source: Source, encoding: Encoding, side: int, *, count: int | None = None, seed: int = 0
) -> Made:
    """Generate glitches for the classes of a training set.

    Parameters
    ----------
    training_set : TrainingSet
    source : Source
        Classes that it lacks stay as they are.
    encoding : Encoding
        Of 1, 2 or 4 s.
    side : int
        Of the views, pixels.
    count : int, optional
        Of each class; by default as many as it lacks to the largest class of the training part.
    seed : int

    Raises
    ------
    InputError
        When the views are others, or the generator makes none of the classes.
    """
    if encoding.name not in ("single", "rgb") or not set(encoding.durations) <= set(DURATIONS):
        raise InputError(f"--generator makes views of 1, 2 and 4 s, not {encoding}; give --views 1.0,2.0,4.0")
    own = [name for name in training_set.classes if name in source.classes]
    if not own:
        raise InputError(
            f"the generator {source.name!r} makes none of {', '.join(training_set.classes)}; it makes {', '.join(source.classes)}"
        )
    sizes = np.bincount(training_set.targets[training_set.split.rows(TRAIN)], minlength=len(training_set.classes))
    views = [DURATIONS.index(duration) for duration in encoding.durations]
    levels, labels, ids = [np.empty((0, len(views), side, side), np.uint8)], [], []
    for name in own:
        lacking = int(sizes.max() - sizes[training_set.classes.index(name)]) if count is None else count
        if lacking:
            levels.append(resized(source.sample(name, lacking, seed)[:, views], side))
            labels += [name] * lacking
            ids += [made_id(source.passport, name, seed, number) for number in range(lacking)]
    learned = read_learned(source)
    return Made(
        np.concatenate(levels),
        tuple(labels),
        tuple(ids),
        learned.ids or frozenset(),
        f"generator {source.name}",
        learned.caution(source.name),
    )
