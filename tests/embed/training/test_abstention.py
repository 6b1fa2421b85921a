"""None of these: foreign glitches are withheld, known ones seldom, by a model and a study made by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from support.mixtures import mixture

from embed.training.abstention import LEAST_HELD_OUT, find_far


class Vectors:
    def __init__(self, vectors):
        self.vectors, self.asked = vectors, np.arange(len(vectors))

    def has(self, glitches):
        return np.ones(len(glitches), bool)

    def of(self, glitches):
        return self.vectors[glitches]


def case(per_class=150, foreign=40, seed=0, labels=("A", "B", "C")):
    """Three known classes, split into training and held-out glitches and ones to predict; and a foreign class to predict."""
    vectors, truth = mixture([per_class] * 3 + [foreign], seed=seed)
    ids = [f"g{number}" for number in range(len(truth))]
    names = np.array([*labels, "foreign"])[truth]
    turn = np.random.default_rng(seed).integers(0, 3, len(truth))
    asked = (turn == 2) | (names == "foreign")
    part = {name: ("train", "test")[turn[place]] for place, name in enumerate(ids) if not asked[place]}
    table = pd.DataFrame({"id": ids, "label": np.where(asked, "", names)})
    prediction = SimpleNamespace(glitches=np.flatnonzero(asked), vectors=Vectors(vectors))
    return prediction, SimpleNamespace(name="mine", classes=labels, parts=part), table, names[asked] == "foreign"


@pytest.mark.parametrize("seed", range(4))
def test_foreign_glitches_are_far_and_known_ones_seldom(seed):
    prediction, model, table, foreign = case(seed=seed)
    found = find_far(prediction, model, table)
    assert found.far.shape == foreign.shape
    assert found.far[foreign].mean() > 0.9
    assert found.far[~foreign].mean() < 0.06
    assert (found.share[found.far] <= 1 / 100).all()


def test_the_share_of_known_ones_that_are_withheld_is_as_asked():
    shares = []
    for seed in range(5):
        prediction, model, table, foreign = case(per_class=400, seed=10 + seed)
        shares.append(find_far(prediction, model, table, 0.1).far[~foreign].mean())
    assert np.mean(shares) == pytest.approx(0.1, abs=0.03)


def test_a_share_of_zero_withholds_nothing():
    prediction, model, table, _ = case()
    assert not find_far(prediction, model, table, 0.0).far.any()


def test_few_held_out_glitches_withhold_nothing_and_say_so():
    prediction, model, table, _ = case(per_class=12, foreign=10)
    found = find_far(prediction, model, table)
    assert found.held_out < LEAST_HELD_OUT
    assert not found.far.any()
    assert np.isnan(found.share).all()


def test_labels_that_the_model_does_not_know_do_not_count():
    """The foreign class, labelled in the study since, is no class of the model."""
    prediction, model, table, foreign = case()
    later = table.copy()
    later.loc[prediction.glitches[foreign], "label"] = "foreign"
    np.testing.assert_array_equal(find_far(prediction, model, later).far, find_far(prediction, model, table).far)
