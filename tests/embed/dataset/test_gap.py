"""The gap between a random and an honest split, on planted vectors."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from embed.dataset.gap import split_gap
from embed.dataset.splits import TEST, TRAIN, Split, make_split
from embed.errors import InputError


def clouds(count=900, classes=6, dimension=400, signal=12, seed=0):
    """Classes told apart by a few strong directions among many columns of noise, as a network's vectors are."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(classes, size=count)
    centres = 1.2 * rng.normal(size=(classes, signal))
    inside = centres[codes] + rng.normal(size=(count, signal))
    vectors = inside @ rng.normal(size=(signal, dimension)) + 2.0 * rng.normal(size=(count, dimension))
    return vectors.astype(np.float32), codes.astype(np.int64)


def test_it_is_as_good_as_scikit_learn_on_all_columns():
    """Whitened axes would weigh noise as much as classes: 20 points are lost so, and a gap made of them."""
    vectors, codes = clouds(count=400, signal=6, classes=8)
    split = make_split(codes, "random", seed=5)
    found = split_gap(vectors, codes, split, seed=1)
    train, test = split.rows(TRAIN), split.rows(TEST)
    whole = make_pipeline(StandardScaler(), LogisticRegression(C=1e-2, max_iter=2000))
    theirs = whole.fit(vectors[train], codes[train]).score(vectors[test], codes[test])
    assert theirs > 0.9
    assert min(found.honest, found.random) >= theirs - 0.05
    assert found.difference[0] < 0 < found.difference[1]  # both splits are random


def test_near_duplicates_make_a_gap():
    """Each glitch four times: on both sides of a random split it is known by its twin, whatever its label."""
    vectors, _ = clouds(count=150, signal=60, dimension=80)
    codes = np.random.default_rng(1).integers(3, size=150)
    rng = np.random.default_rng(2)
    twins = np.repeat(vectors, 4, axis=0) + 0.01 * rng.normal(size=(600, 80)).astype(np.float32)
    labels, groups = np.repeat(codes, 4), np.repeat(np.arange(150), 4)
    found = split_gap(twins, labels, make_split(labels, "grouped", groups=groups, seed=0), seed=0)
    assert found.honest < 0.55
    assert found.random > found.honest + 0.3
    assert found.difference[0] > 0.1
    low, high = (f"{100 * value:+.2f}" for value in found.difference)
    assert f"a gap of {100 * (found.random - found.honest):+.2f} points ({low} to {high})" in found.in_words()


def test_nothing_to_test_is_refused():
    vectors, codes = clouds(count=60)
    with pytest.raises(InputError, match="the split has nothing to test"):
        split_gap(vectors, codes, Split(np.zeros(60, np.int8), "grouped", 60))
