"""Each known class hidden in turn: the same as a model without it says, and what is said where that cannot be measured."""

import numpy as np
import pytest
from support.abstaining import case

from embed.training.abstention import find_far
from embed.training.hiddenclasses import LEAST_HELD_OUT, LEAST_STRANGERS, HiddenClasses, Reference, hide_classes


def reference(held=20, classes="ABCD", own=0.1, other=0.5, seed=0):
    """Held-out glitches near their class and far from others."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(list(classes), held)
    mine = labels[:, None] == np.array(list(classes))
    return Reference(np.array(list(classes)), np.where(mine, own, other) + 0.02 * rng.random(mine.shape), labels)


@pytest.mark.parametrize("name", ["A", "B", "C"])
@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_a_hidden_class_is_what_a_model_without_it_finds(name, rate):
    """Near classes, so that some are found and others not; the other model is asked the held-out glitches of the class."""
    prediction, model, table, _ = case(per_class=120, spread=1.2)
    found = {one.name: one for one in find_far(prediction, model, table, rate).hidden.classes}
    without = model.__class__(name="other", classes=tuple(set("ABC") - {name}), parts=model.parts)
    held = table["id"].map(model.parts).eq("test") & table["label"].eq(name)
    asked = prediction.__class__(glitches=table.index[held].to_numpy(), vectors=prediction.vectors)
    expected = find_far(asked, without, table, rate)
    assert (found[name].asked, found[name].far) == (held.sum(), expected.far.sum())
    assert not found[name].learnt
    assert 0 < sum(one.far for one in found.values()) < sum(one.asked for one in found.values())


def test_the_fewest_found_come_first_and_are_named():
    known = reference()
    known.distances[known.labels == "C", 3] = 0.05  # C lies upon D, D not upon C
    hidden = hide_classes(known, 0.01)
    assert [(one.name, one.share) for one in hidden.classes] == [("C", 0.0), ("A", 1.0), ("B", 1.0), ("D", 1.0)]
    said = hidden.in_words()
    assert said.startswith("it finds 75 % (")
    assert "of the glitches of a known class that is hidden from it (mean of 4 classes; fewest: C 0 %)" in said
    assert "of a new one it may find fewer or more" in said
    figures = hidden.as_json()
    assert figures["low"] < figures["share"] == 0.75 < figures["high"]
    assert figures["classes"][0] == {
        "name": "C", "asked": 20, "far": 0, "share": 0.0, "low": 0.0, "high": pytest.approx(0.1611, abs=5e-5),
        "training_glitches_asked": False,
    }  # fmt: skip


def test_training_glitches_are_asked_where_few_are_held_out():
    known = reference()
    kept = np.ones(len(known.labels), bool)
    kept[np.flatnonzero(known.labels == "B")[LEAST_STRANGERS - 1 :]] = False
    few = Reference(known.names, known.distances[kept], known.labels[kept])
    learnt = np.full((30, 4), 0.05)
    learnt[:, 1] = 0.0  # its own column is not looked at
    (found,) = (one for one in hide_classes(few, 0.01, {"B": learnt}).classes if one.name == "B")
    assert (found.asked, found.far, found.learnt) == (39, 9, True)  # the training ones are near to others


def test_a_class_of_the_study_with_few_held_out_glitches_is_asked_with_its_training_ones():
    prediction, model, table, _ = case(per_class=120)
    rows = np.flatnonzero(table["id"].map(model.parts).eq("test") & table["label"].eq("A"))
    for row in rows[4:]:
        del model.parts[table["id"][row]]
    learnt = table["id"].map(model.parts).eq("train") & table["label"].eq("A")
    (found,) = (one for one in find_far(prediction, model, table).hidden.classes if one.name == "A")
    assert (found.asked, found.learnt) == (4 + learnt.sum(), True)
    assert found.far > 0.9 * found.asked


@pytest.mark.parametrize("known", [reference(classes="AB"), reference(held=LEAST_HELD_OUT // 4, classes="ABC")])
def test_where_it_cannot_be_measured_it_says_so(known):
    hidden = hide_classes(known, 0.01)
    assert hidden == HiddenClasses(())
    assert hidden.as_json() is None
    assert (
        hidden.in_words()
        == "what it finds of a hidden class was not measured: that takes 3 classes, and 20 held-out glitches of the others of each"
    )


def test_distances_are_in_units_of_each_class():
    """0.1 is ten times the median of A, 0.3 less than twice that of B; of a class without held-out glitches that of all is taken."""
    rng = np.random.default_rng(0)
    labels = np.repeat(["A", "B"], 100)
    own = np.where(labels == "A", 0.01, 0.2) * rng.uniform(0.5, 1.8, 200)
    other = np.full(200, 0.9)
    distances = np.where((labels == "A")[:, None], np.stack([own, other], 1), np.stack([other, own], 1))
    known = Reference(np.array(["A", "B"]), distances, labels)
    asked = np.array([[0.1, 0.9], [0.9, 0.3], [0.9, 0.5]])
    assert known.far(known.shares(asked), 0.01).tolist() == [True, False, True]
    alone = Reference(np.array(["A", "B"]), distances[:100], labels[:100])
    assert alone.far(alone.shares(np.array([[0.9, 0.015], [0.9, 0.1]])), 0.01).tolist() == [False, True]
