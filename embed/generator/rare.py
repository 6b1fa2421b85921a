"""Few examples of rare classes, filled up in several ways, and what a classifier makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from embed.errors import InputError
from embed.generator.options import DURATIONS, FEWEST
from embed.metrics.accuracy import class_scores, confusion_matrix
from embed.metrics.baseline import DEFAULT_STRENGTH, fit_baseline
from embed.training.augmentation import augment
from embed.training.randomness import draw_keys
from embed.training.variation import ROBUST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from embed.types import Floats, Pixels, Rows

LEAST_TESTED = 3
"""Glitches of a class that are tested at least: what is learned from is cut for them."""


@dataclass(frozen=True)
class FewShot:
    """A draw of the glitches to learn from, and of others to test with.

    Attributes
    ----------
    learned, tested : ndarray of int64, shape (N,) and (M,)
        Rows; none is in both.
    cut : tuple of str
        In words, where a class has fewer glitches than were asked for.
    """

    learned: Rows
    tested: Rows
    cut: tuple[str, ...]


def draw_few(labels: NDArray[np.str_], counts: Mapping[str, int], *, tested: int, seed: int) -> FewShot:
    """Draw examples.

    Parameters
    ----------
    labels : ndarray of str, shape (N,)
    counts : mapping of str to int
        Class -> glitches to learn from. Of a class with too few of them `LEAST_TESTED` are tested, and the rest is learned from.
    tested : int
        Glitches of each class to test with, at most.
    seed : int
        Each class is drawn by it alone: more glitches of another class change nothing.

    Raises
    ------
    InputError
        When a class has less than `FEWEST` to learn from besides those tested.
    """
    learned, judged, cut = [], [], []
    for place, (name, count) in enumerate(sorted(counts.items())):
        rows = np.random.default_rng((seed, 71, place)).permutation(np.flatnonzero(labels == name))
        held = min(tested, max(len(rows) - count, LEAST_TESTED))
        own = rows[held : held + count]
        if len(own) < FEWEST:
            raise InputError(
                f"{name} has {len(rows)} glitches: {LEAST_TESTED} are tested and {FEWEST} are needed to learn from; give more of it, or leave it out"
            )
        if len(own) < count or held < tested:
            cut.append(
                f"{name}: {len(own)} of {count} asked for to learn from, {held} of {tested} to test ({len(rows)} in all)"
            )
        learned.append(own)
        judged.append(rows[:held])
    return FewShot(np.concatenate(learned), np.concatenate(judged), tuple(cut))


def moved_copies(levels: Pixels, rows: Rows, *, seed: int, device: torch.device) -> Pixels:
    """Copies of glitches, varied as `discover train` varies them: classical augmentation.

    Parameters
    ----------
    levels : ndarray of uint8, shape (N, 3, R, R)
        At 1, 2 and 4 s.
    rows : ndarray of int64, shape (M,)
        Which to copy; each copy of a row is another one.
    seed : int
    device : torch.device

    Returns
    -------
    ndarray of uint8, shape (M, 3, R, R)
    """
    before = np.array([int((rows[:place] == row).sum()) for place, row in enumerate(rows)], np.int64)
    values = augment(
        torch.from_numpy(levels[rows]).to(device), DURATIONS, ROBUST, draw_keys(seed, 0, np.asarray(rows), before)
    )
    return values.round().clamp(0, 255).to(torch.uint8).cpu().numpy()


def f1_scores(learned: tuple[Floats, Sequence[str]], tested: tuple[Floats, Sequence[str]]) -> dict[str, float]:
    """F1 of each class by logistic regression on vectors.

    Parameters
    ----------
    learned, tested : tuple of ndarray of float64, shape (N, D), and N str
        Vectors and their classes.

    Returns
    -------
    dict of str to float
        0 for a class that is never predicted.

    Raises
    ------
    InputError
        See `embed.metrics.baseline.fit_baseline`; when a tested class is none of those learned.
    """
    model = fit_baseline(*learned, strengths=(DEFAULT_STRENGTH,))
    vectors, labels = tested
    unknown = sorted(set(labels) - set(model.classes))
    if unknown:
        raise InputError(f"{', '.join(unknown)} is tested and not learned; give examples of it to learn from")
    truth = np.searchsorted(model.classes, labels).astype(np.int64)
    predicted = model.probabilities(vectors).argmax(axis=1)
    f1 = np.nan_to_num(class_scores(confusion_matrix(truth, predicted, len(model.classes))).f1)
    return dict(zip(model.classes, f1.tolist(), strict=True))
