"""None of these: foreign glitches are withheld, known ones seldom, by a model and a study made by hand."""

from dataclasses import replace

import numpy as np
import pytest
from support.abstaining import case

from embed.training.abstention import find_far
from embed.training.hiddenclasses import LEAST_HELD_OUT


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


def test_it_says_how_many_are_far_and_what_that_is_worth():
    prediction, model, table, _ = case()
    found = find_far(prediction, model, table)
    far, hidden = found.in_words(("is left out", "are left out"))
    assert far.startswith(
        f"none of these: {found.far.sum()} glitches are farther from every class than all but 1.0 % of "
    )
    assert far.endswith(" held-out ones, and are left out")
    one = replace(found, far=np.arange(len(found.far)) == 0).in_words()[0]
    assert one.startswith("none of these: 1 glitch is farther from every class than all but ")
    assert one.endswith(" held-out ones, and gets no label")
    assert hidden.startswith("none of these: it finds 100 % (")
    assert find_far(prediction, model, table, 0.0).in_words() == []
    few = find_far(*case(per_class=12, foreign=10)[:3])
    (said,) = few.in_words()
    assert said.endswith("(at least 20)")
    assert few.hidden_as_json() is None
