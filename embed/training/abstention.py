"""None of these: glitches that are far from every class that a model knows.

A final layer gives every glitch a class, be it ever so strange. Here the glitch's vector is compared with the model's training glitches:
for each class the mean cosine distance to the five nearest, in units of the median of held-out glitches of that class; the least of
them is how far the glitch is from all classes. It is called far where fewer than the stated share of held-out glitches, which the
model has not learnt from, are as far (a conformal test: Vovk, Gammerman and Shafer 2005). `embed.training.hiddenclasses` measures what
that finds of a class that is hidden.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.digits import counted
from embed.errors import InputError
from embed.training.hiddenclasses import LEAST_HELD_OUT, HiddenClasses, Reference, hide_classes, scarce_classes
from embed.training.options import WITHHELD
from embed.vectors.similarity import mean_of_nearest, normalise

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embed.network.model import Model
    from embed.training.prediction import Prediction
    from embed.vectors.some import SomeVectors

MOST_HELD_OUT = 5000
"""Held-out glitches that are compared with: the share of 1 % is then known to within 0.3 %."""
MOST_LEARNT = 500
"""Training glitches of a class that are compared with. A model that learnt from hundreds of thousands would have all of them embedded to label one glitch."""
NEIGHBOURS = 5
"""Training glitches of a class whose mean distance counts."""
BLOCK = 2048
"""Rows at once."""


@dataclass(frozen=True)
class Abstention:
    """Which glitches of a prediction are none of the model's classes.

    Attributes
    ----------
    far : ndarray of bool, shape (N,)
        In the order of the prediction.
    share : ndarray of float64, shape (N,)
        Of held-out glitches that are as far or farther; NaN where there are too few.
    held_out : int
        Glitches with which all were compared.
    rate : float
        Share of known glitches that may be called far.
    hidden : HiddenClasses or None
        What is found of classes that are hidden; None where nothing was compared.
    """

    far: NDArray[np.bool_]
    share: NDArray[np.float64]
    held_out: int
    rate: float
    hidden: HiddenClasses | None = None

    def hidden_as_json(self) -> dict[str, Any] | None:
        """Give the figures of the hidden classes; None where nothing was measured."""
        return self.hidden.as_json() if self.hidden else None

    def in_words(self, therefore: tuple[str, str] = ("gets no label", "get no label")) -> list[str]:
        """Say how many are far and what becomes of it, or of them, and what that finds, or why it was not asked; nothing where the rate is 0."""
        if not self.rate:
            return []
        if self.hidden is None:
            if self.held_out >= LEAST_HELD_OUT:
                return ["none of these: not asked, the study holds no glitch that the model learned from"]
            return [
                f"none of these: not asked, the study holds too few held-out glitches to compare with: {self.held_out} (at least {LEAST_HELD_OUT})"
            ]
        share, count = max(self.rate, 1 / (self.held_out + 1)), int(self.far.sum())
        return [
            f"none of these: {counted(count, 'glitch is', 'glitches are')} farther from every class than all but {100 * share:.1f} % of {self.held_out:,} held-out ones, and {therefore[count != 1]}",
            f"none of these: {self.hidden.in_words()}",
        ]


@dataclass(frozen=True)
class Known:
    """Glitches of a study that a model knows, by which is told what is far from them.

    Attributes
    ----------
    learnt : ndarray of int64
        Row numbers of glitches that it was trained on, at most `MOST_LEARNT` of a class.
    held : ndarray of int64
        Row numbers of glitches that its split held out, at most `MOST_HELD_OUT`.
    """

    learnt: NDArray[np.int64]
    held: NDArray[np.int64]

    @property
    def suffice(self) -> bool:
        """Whether they are enough to tell."""
        return len(self.held) >= LEAST_HELD_OUT and len(self.learnt) > 0

    @property
    def glitches(self) -> NDArray[np.int64]:
        """Row numbers of those whose vectors are needed: none where they do not suffice."""
        return np.union1d(self.learnt, self.held) if self.suffice else np.empty(0, np.int64)


def known_glitches(model: Model, table: pd.DataFrame) -> Known:
    """Find the glitches of the model's own split that are in the study with a label of the model's.

    Of more than `MOST_LEARNT` of a class and `MOST_HELD_OUT` those are drawn whose ids have the least hashes: the draw depends on
    nothing else.

    Parameters
    ----------
    model : Model
    table : DataFrame
        `embed.study.study.Study.glitches`.
    """
    part = table["id"].map(model.parts).to_numpy(object)
    known = table["label"].isin(model.classes).to_numpy()
    learnt = table[known & (part == "train")]
    held = table[known & np.isin(part, ["validation", "test"])]
    classes = [_drawn(own, MOST_LEARNT) for _, own in learnt.groupby("label")]
    return Known(np.sort(np.concatenate([np.empty(0, np.int64), *classes])), _drawn(held, MOST_HELD_OUT))


def _drawn(table: pd.DataFrame, most: int) -> NDArray[np.int64]:
    """Return the row numbers of the table, ascending, or of its `most` glitches whose ids have the least hashes."""
    rows = table.index.to_numpy(np.int64)
    if len(rows) <= most:
        return rows
    hashes = [hashlib.sha256(name.encode()).digest() for name in table["id"]]
    return np.sort(rows[sorted(range(len(rows)), key=hashes.__getitem__)[:most]])


def find_far(prediction: Prediction, model: Model, table: pd.DataFrame, rate: float = WITHHELD) -> Abstention:
    """Find the glitches that are far from every class.

    Parameters
    ----------
    prediction : Prediction
        Made with the `known_glitches` beside it.
    model : Model
    table : DataFrame
        `embed.study.study.Study.glitches`.
    rate : float
        Share of known glitches that may be called far; of fewer than 1 / rate held-out glitches, farther than all of them.

    Raises
    ------
    InputError
        When the prediction was made without them.
    """
    count = len(prediction.glitches)
    known, vectors = known_glitches(model, table), prediction.vectors
    if not rate:
        return Abstention(np.zeros(count, bool), np.full(count, np.nan), len(known.held), rate)
    lacking = np.setdiff1d(known.glitches, vectors.asked)
    if len(lacking):
        raise InputError(
            f"{len(lacking)} of the {len(known.glitches)} glitches that {model.name!r} knows were not embedded for this prediction; give predict(..., beside=known_glitches(model, table).glitches)"
        )
    if known.suffice:
        known = Known(known.learnt[vectors.has(known.learnt)], known.held[vectors.has(known.held)])
    if not known.suffice:
        return Abstention(np.zeros(count, bool), np.full(count, np.nan), len(known.held), rate)
    classes = table.loc[known.learnt, "label"].to_numpy(dtype=str)
    of_held = table.loc[known.held, "label"].to_numpy(dtype=str)
    names = np.unique(classes)
    learnt = normalise(vectors.of(known.learnt))

    def distances(glitches: NDArray[np.int64]) -> NDArray[np.float64]:
        return _class_distances(vectors, glitches, learnt, classes, names)

    reference = Reference(names, distances(known.held), of_held)
    more = {name: distances(known.learnt[classes == name]) for name in scarce_classes(names, of_held)}
    share = reference.shares(distances(prediction.glitches))
    hidden = hide_classes(reference, rate, more)
    return Abstention(reference.far(share, rate), share, len(known.held), rate, hidden)


def _class_distances(
    vectors: SomeVectors,
    glitches: NDArray[np.int64],
    learnt: NDArray[np.float32],
    classes: NDArray[np.str_],
    names: NDArray[np.str_],
) -> NDArray[np.float64]:
    """Return the mean cosine distance of each glitch to its nearest training glitches of each class."""
    found = np.empty((len(glitches), len(names)))
    for start in range(0, len(glitches), BLOCK):
        rows = slice(start, start + BLOCK)
        apart = 1.0 - np.asarray(normalise(vectors.of(glitches[rows])) @ learnt.T, np.float64)
        for place, name in enumerate(names):
            found[rows, place] = mean_of_nearest(apart[:, classes == name], NEIGHBOURS)
    return found
