"""A prediction, a model and a study made by hand, by which glitches are told to be none of the classes."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from support.mixtures import mixture


class Vectors:
    """All glitches have one."""

    def __init__(self, vectors):
        self.vectors, self.asked = vectors, np.arange(len(vectors))

    def has(self, glitches):
        """Return that they have."""
        return np.ones(len(glitches), bool)

    def of(self, glitches):
        """Return their vectors."""
        return self.vectors[glitches]


def case(per_class=150, foreign=40, seed=0, labels=("A", "B", "C"), spread=0.35):
    """Three known classes, split into training and held-out glitches and ones to predict; and a foreign class to predict."""
    vectors, truth = mixture([per_class] * 3 + [foreign], spread=spread, seed=seed)
    ids = [f"g{number}" for number in range(len(truth))]
    names = np.array([*labels, "foreign"])[truth]
    turn = np.random.default_rng(seed).integers(0, 3, len(truth))
    asked = (turn == 2) | (names == "foreign")
    part = {name: ("train", "test")[turn[place]] for place, name in enumerate(ids) if not asked[place]}
    table = pd.DataFrame({"id": ids, "label": np.where(asked, "", names)})
    prediction = SimpleNamespace(glitches=np.flatnonzero(asked), vectors=Vectors(vectors))
    return prediction, SimpleNamespace(name="mine", classes=labels, parts=part), table, names[asked] == "foreign"
