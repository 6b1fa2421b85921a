"""None of these: glitches that are far from every class that a model knows.

A final layer gives every glitch a class, be it ever so strange. Here the glitch's vector is compared with the model's training glitches:
for each class the mean cosine distance to the five nearest, in units of the median of held-out glitches of that class; the least of
them is how far the glitch is from all classes. It is called far where fewer than the stated share of held-out glitches, which the
model has not learnt from, are as far (a conformal test: Vovk, Gammerman and Shafer 2005).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.training.options import WITHHELD
from embed.vectors.similarity import mean_of_nearest, normalise

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embed.network.model import Model
    from embed.training.prediction import Prediction

LEAST_HELD_OUT = 20
"""Held-out glitches without which nothing is called far."""
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
    """

    far: NDArray[np.bool_]
    share: NDArray[np.float64]
    held_out: int


def find_far(prediction: Prediction, model: Model, table: pd.DataFrame, rate: float = WITHHELD) -> Abstention:
    """Find the glitches that are far from every class.

    Parameters
    ----------
    prediction : Prediction
        Its store has the model's vectors of all glitches of the study.
    model : Model
    table : DataFrame
        `embed.study.study.Study.glitches`.
    rate : float
        Share of known glitches that may be called far; of fewer than 1 / rate held-out glitches, farther than all of them.
    """
    count = len(prediction.glitches)
    part = table["id"].map(model.parts).to_numpy(object)
    known = table["label"].isin(model.classes).to_numpy() & (prediction.store.rows(table.index.to_numpy(np.int64)) >= 0)
    learnt = table.index[known & (part == "train")].to_numpy(np.int64)
    held = table.index[known & np.isin(part, ["validation", "test"])].to_numpy(np.int64)
    if len(held) < LEAST_HELD_OUT or not len(learnt) or not rate:
        return Abstention(np.zeros(count, bool), np.full(count, np.nan), len(held))
    classes = table.loc[learnt, "label"].to_numpy(dtype=str)
    of_held = table.loc[held, "label"].to_numpy(dtype=str)
    vectors = [
        normalise(np.asarray(prediction.store.vectors[prediction.store.rows(rows)]))
        for rows in (learnt, held, prediction.glitches)
    ]
    names = np.unique(classes)
    from_held, from_asked = (_class_distances(own, vectors[0], classes, names) for own in vectors[1:])
    whole = float(np.median(from_held.min(axis=1)))
    scale = np.array(
        [
            np.median(from_held[of_held == name, place]) if (of_held == name).any() else whole
            for place, name in enumerate(names)
        ]
    )
    scale = np.maximum(scale, np.finfo(np.float32).eps)
    reference = np.sort((from_held / scale).min(axis=1))
    asked = (from_asked / scale).min(axis=1)
    farther = len(reference) - np.searchsorted(reference, asked, side="left")
    share = (farther + 1) / (len(reference) + 1)
    return Abstention(share <= max(rate, 1 / (len(reference) + 1)), share, len(held))


def _class_distances(
    unit: NDArray[np.float32], learnt: NDArray[np.float32], classes: NDArray[np.str_], names: NDArray[np.str_]
) -> NDArray[np.float64]:
    """Return the mean cosine distance of each row to its nearest training glitches of each class."""
    found = np.empty((len(unit), len(names)))
    for start in range(0, len(unit), BLOCK):
        rows = slice(start, start + BLOCK)
        apart = 1.0 - np.asarray(unit[rows] @ learnt.T, np.float64)
        for place, name in enumerate(names):
            found[rows, place] = mean_of_nearest(apart[:, classes == name], NEIGHBOURS)
    return found
