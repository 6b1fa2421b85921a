"""Logistic regression on frozen vectors, held against scikit-learn's own answers and planted classes."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from embed.errors import InputError
from embed.metrics.baseline import DEFAULT_STRENGTH, STRENGTHS, fit_baseline


def clouds(count=60, classes=3, dimension=20, spread=1.0, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(classes, dimension))
    codes = np.repeat(np.arange(classes), count)
    return centres[codes] + spread * rng.normal(size=(len(codes), dimension)), [f"class {code}" for code in codes]


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_scikit_learns(classes):
    vectors, labels = clouds(classes=classes)
    others, _ = clouds(classes=classes, seed=1)
    fitted = fit_baseline(vectors, labels)
    scaler = StandardScaler().fit(vectors)
    model = LogisticRegression(C=DEFAULT_STRENGTH, max_iter=5000).fit(scaler.transform(vectors), labels)
    np.testing.assert_allclose(fitted.probabilities(others), model.predict_proba(scaler.transform(others)), atol=1e-6)
    assert fitted.classes == tuple(model.classes_)
    assert fitted.tried == {}


def test_the_strength_is_the_one_of_least_loss_on_the_validation_part():
    vectors, labels = clouds(count=8, spread=3.0)
    validation = clouds(count=60, spread=3.0, seed=1)
    fitted = fit_baseline(vectors, labels, validation=validation)
    assert set(fitted.tried) == set(STRENGTHS)
    assert fitted.strength == min(fitted.tried, key=fitted.tried.get)
    assert fitted.strength < max(STRENGTHS)  # few noisy rows of many columns want a firm ridge


def test_classes_that_were_never_trained_do_not_choose():
    vectors, labels = clouds()
    rest, names = clouds(seed=1)
    alone = fit_baseline(vectors, labels, validation=(rest, names))
    mixed = fit_baseline(vectors, labels, validation=(np.vstack([rest, rest]), [*names, *["Whistle"] * len(names)]))
    assert mixed.tried == alone.tried
    assert fit_baseline(vectors, labels, validation=(rest, ["Whistle"] * len(rest))).tried == {}


def test_planted_classes_are_found_and_a_constant_column_does_no_harm():
    vectors, labels = clouds()
    vectors[:, 3] = 5.0
    others, truth = clouds(seed=1)
    others[:, 3] = 5.0
    fitted = fit_baseline(vectors, labels)
    said = np.asarray(fitted.classes)[fitted.probabilities(others).argmax(axis=1)]
    assert (said == truth).mean() > 0.97
    shuffled = np.random.default_rng(0).permutation(labels).tolist()
    blind = fit_baseline(vectors, shuffled)
    said = np.asarray(blind.classes)[blind.probabilities(others).argmax(axis=1)]
    assert (said == truth).mean() < 0.6


def test_same_rows_same_bytes():
    vectors, labels = clouds()
    assert fit_baseline(vectors, labels).weights.tobytes() == fit_baseline(vectors, labels).weights.tobytes()


def test_a_strength_that_does_not_settle_is_passed_over(monkeypatch):
    """The weakest ridges take most iterations."""
    vectors, labels = clouds(count=20)
    validation = clouds(count=20, seed=1)
    whole = fit_baseline(vectors, labels, validation=validation)
    monkeypatch.setattr("embed.metrics.baseline.MAX_ITERATIONS", 10)
    found = fit_baseline(vectors, labels, validation=validation)
    settled = {strength: loss for strength, loss in found.tried.items() if np.isfinite(loss)}
    assert 0 < len(settled) < len(STRENGTHS) == len(found.tried)
    assert settled == {strength: whole.tried[strength] for strength in settled}
    assert found.strength == min(settled, key=settled.get)
    monkeypatch.setattr("embed.metrics.baseline.MAX_ITERATIONS", 1)
    with pytest.raises(InputError, match="has not settled after 1 iterations; leave out vectors"):
        fit_baseline(vectors, labels, validation=validation)


@pytest.mark.parametrize(
    ("vectors", "labels", "message"),
    [
        (np.ones((3, 2)), ["a"] * 3, "two classes or more, the training part has a"),
        (np.ones((3, 2)), ["a"] * 2, r"shape \(3, 2\) for 2 labels"),
    ],
)
def test_bad_input_is_refused(vectors, labels, message):
    with pytest.raises(InputError, match=message):
        fit_baseline(vectors, labels)
