"""Few examples: who is learned from and who tested, copies, and F1 against scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.preprocessing import StandardScaler

from embed.errors import InputError
from embed.generator.rare import draw_few, f1_scores, moved_copies

LABELS = np.repeat(["Blip", "Scratchy", "Whistle"], [30, 8, 12])


def test_what_is_learned_from_is_not_tested_and_what_lacks_is_said():
    draw = draw_few(LABELS, {"Blip": 10, "Scratchy": 10, "Whistle": 5}, tested=6, seed=1)
    assert not set(draw.learned) & set(draw.tested)
    assert {name: int((LABELS[draw.learned] == name).sum()) for name in ("Blip", "Scratchy", "Whistle")} == {
        "Blip": 10,
        "Scratchy": 5,
        "Whistle": 5,
    }
    assert [int((LABELS[draw.tested] == name).sum()) for name in ("Blip", "Scratchy", "Whistle")] == [6, 3, 6]
    assert draw.cut == ("Scratchy: 5 of 10 asked for to learn from, 3 of 6 to test (8 in all)",)


def test_draws_differ_by_seed_and_a_class_by_nothing_else():
    counts = {"Blip": 10, "Scratchy": 4, "Whistle": 5}
    one, same, other = (draw_few(LABELS, counts, tested=6, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.learned, same.learned)
    assert not np.array_equal(one.learned, other.learned)
    fewer = draw_few(LABELS, counts | {"Whistle": 2}, tested=6, seed=1)
    assert np.array_equal(fewer.learned[:14], one.learned[:14])
    assert set(fewer.learned) < set(one.learned)
    assert np.array_equal(fewer.tested, one.tested)


def test_too_few_are_refused_by_name():
    labels = np.repeat(["Blip", "Tomte"], [20, 4])
    with pytest.raises(
        InputError, match="Tomte has 4 glitches: 3 are tested and 2 are needed to learn from; give more"
    ):
        draw_few(labels, {"Blip": 5, "Tomte": 5}, tested=6, seed=1)


def test_each_copy_is_another_one():
    levels = np.zeros((2, 3, 32, 32), np.uint8)
    levels[0, :, 10:16, 10:16] = 200
    levels[1, :, 20:26, 20:26] = 200
    rows = np.array([0, 0, 0, 1])
    made = moved_copies(levels, rows, seed=1, device=torch.device("cpu"))
    assert made.shape == (4, 3, 32, 32)
    assert made.dtype == np.uint8
    assert len({copy.tobytes() for copy in made}) == 4
    assert np.array_equal(made, moved_copies(levels, rows, seed=1, device=torch.device("cpu")))
    assert not np.array_equal(made, moved_copies(levels, rows, seed=2, device=torch.device("cpu")))
    bright = made.reshape(4, 3, -1).max(axis=1).argmax(axis=1) // 32
    assert (bright[:3] < 20).all()
    assert bright[3] > 15


def test_f1_is_scikit_learns():
    rng = np.random.default_rng(1)
    codes = np.repeat([0, 1, 2], [30, 30, 5])
    names = np.array(["a", "b", "c"])[codes]
    vectors, tested = (rng.standard_normal((65, 6)) + codes[:, None] for _ in range(2))
    scaler = StandardScaler().fit(vectors)
    model = LogisticRegression(C=0.01, max_iter=2000).fit(scaler.transform(vectors), names)
    expected = f1_score(names, model.predict(scaler.transform(tested)), average=None, zero_division=0)
    found = f1_scores((vectors, list(names)), (tested, list(names)))
    assert list(found) == ["a", "b", "c"]
    assert list(found.values()) == pytest.approx(expected.tolist(), abs=0.02)
    assert found["c"] == 0  # five among sixty are never said
    with pytest.raises(InputError, match="d is tested and not learned; give examples of it"):
        f1_scores((vectors, list(names)), (tested[:1], ["d"]))
