"""The labelled glitches that a generator learns from, and those that are held out to judge it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from embed.dataset.dataset import choose_kind, find_groups, labelled_glitches, make_training_set
from embed.dataset.splits import TEST, TRAIN, VALIDATION
from embed.generator.learned import Learned
from embed.generator.options import DURATIONS, FEWEST, check_enough
from embed.generator.pictures import Pictures
from embed.views.encoding import Encoding
from embed.views.loading import read_levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embed.study.study import Study
    from embed.types import Pixels, Progress, Rows

VIEWS = Encoding("rgb", DURATIONS)
_CHUNK = 1024


@dataclass(frozen=True)
class Examples:
    """Labelled glitches with views of 1, 2 and 4 s.

    Attributes
    ----------
    levels : ndarray of uint8, shape (N, 3, R, R)
    labels : ndarray of str, shape (N,)
    classes : tuple of K str
        Sorted; those that the generator makes.
    glitches : ndarray of int64, shape (N,)
        Row numbers in the study.
    ids : tuple of N str
    part : ndarray of int8, shape (N,)
        0 train, 1 validation, 2 test, -1 left out; see `embed.dataset.splits.Split`.
    learned : Learned
        What a generator that is trained on them learns from, or the one that is judged learned from.
    """

    levels: Pixels
    labels: NDArray[np.str_]
    classes: tuple[str, ...]
    glitches: Rows
    ids: tuple[str, ...]
    part: NDArray[np.int8]
    learned: Learned

    def pictures(self) -> Pictures:
        """The training part."""
        rows = np.flatnonzero(self.part == TRAIN)
        return Pictures(self.levels[rows], self.codes[rows], self.classes)

    @property
    def codes(self) -> NDArray[np.int64]:
        """Class numbers."""
        return np.searchsorted(self.classes, self.labels).astype(np.int64)

    def held_out(self) -> Rows:
        """Rows of the validation and test parts."""
        return np.flatnonzero(np.isin(self.part, (VALIDATION, TEST)))


def read_examples(
    study: Study,
    classes: Sequence[str],
    resolution: int,
    *,
    seed: int = 0,
    learned: Learned | None = None,
    progress: Progress | None = None,
) -> Examples:
    """Split the study's labelled glitches, and decode those of some classes.

    Parameters
    ----------
    study : Study
    classes : sequence of str
        By default all.
    resolution : int
        Side of the views, pixels.
    seed : int
        Of the split.
    learned : Learned, optional
        Of the generator that is judged, on the classes with two examples or more: what it learned from is the training part, all else
        is held out. Where it learned from nothing here, where that is not known, and by default, the split is drawn as `discover train`
        draws it.
    progress : callable, optional
        Called with (glitches decoded, glitches in all).

    Raises
    ------
    InputError
        When no glitch has a label given or the views, or a class has fewer than two examples, or, to be learned, fewer than two in the
        training part.
    """
    for name in classes:
        study.members(name)  # says which labels there are
    labelled = labelled_glitches(study, VIEWS)
    counts = Counter(labelled.labels)
    chosen = tuple(sorted(set(classes or counts)))
    if learned is not None and max((counts[name] for name in chosen), default=0) >= FEWEST:
        chosen = tuple(name for name in chosen if counts[name] >= FEWEST)
    check_enough({name: counts[name] for name in chosen})
    split = labelled.only(
        labelled.glitches[[row for row, name in enumerate(labelled.labels) if counts[name] >= FEWEST]]
    )
    part = np.zeros(len(split.glitches), np.int8)
    if learned is not None and learned.ids and not learned.ids.isdisjoint(split.ids):
        part = learned.parts(split.ids, find_groups(split))
    elif len(set(split.labels)) > 1:  # of one class alone all are learned from: there is nothing to tell it from
        part = make_training_set(split, choose_kind(split), find_groups(split), seed=seed).split.part
    if learned is None:
        trained = Counter(name for name, own in zip(split.labels, part.tolist(), strict=True) if own == TRAIN)
        check_enough({name: trained[name] for name in chosen}, counts)
    rows = np.flatnonzero(np.isin(split.labels, chosen))
    levels, kept, _ = read_levels(
        study, split.glitches[rows], VIEWS, resolution, device=torch.device("cpu"), progress=progress
    )
    rows = rows[np.isin(split.glitches[rows], kept)]
    starts = range(0, len(kept), _CHUNK)
    whole = [levels.batch(np.arange(start, min(start + _CHUNK, len(kept)))).numpy() for start in starts]
    ids = tuple(split.ids[row] for row in rows)
    if learned is None:
        learned = Learned(frozenset(name for name, own in zip(ids, part[rows].tolist(), strict=True) if own == TRAIN))
    return Examples(np.concatenate(whole), np.array(split.labels)[rows], chosen, kept, ids, part[rows], learned)
