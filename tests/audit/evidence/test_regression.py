"""The regression on labels that it has come to trust, beside scikit-learn's ridge and on planted errors."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import average_precision_score

from audit.evidence.regression import LEAST_TRUST, STRENGTHS, choose_strength, held_out_scores, margins, trusted_scores
from audit.heldout.features import principal_features
from audit.heldout.splits import plan_splits


def classes_apart(rng, count=400, width=40, classes=4, spread=0.6):
    truth = rng.integers(0, classes, count)
    centres = np.linalg.qr(rng.normal(size=(width, classes)))[0].T
    return (centres[truth] + spread * rng.normal(size=(count, width)) / np.sqrt(width) * 3).astype(np.float32), truth


def taken_for_the_next(truth, rng, rate, classes=4):
    labels = truth.copy()
    rows = rng.choice(len(truth), round(rate * len(truth)), replace=False)
    labels[rows] = (truth[rows] + 1) % classes
    return labels, labels != truth


@pytest.mark.parametrize("kind", ["random", "time"])
def test_one_round_is_scikit_learns_weighted_ridge(kind):
    rng = np.random.default_rng(0)
    vectors, labels = classes_apart(rng)
    times = np.sort(rng.uniform(0, 20_000, len(labels)))
    plan = plan_splits(labels, 10, kind=kind, seed=1, times=times, purge=60.0, groups=np.arange(len(labels)))
    features = principal_features(vectors)
    trust = rng.uniform(LEAST_TRUST, 1, len(labels))
    ours = held_out_scores(features, labels, 4, plan, strength=0.3, trust=trust)
    rows = features.rows[:, :-1].double().numpy()
    # An intercept of the ridge would centre the rows too; here only what is predicted is centred.
    sums, count = np.zeros((len(labels), 4)), np.zeros(len(labels))
    for split in range(len(plan)):
        train, test = plan.train(split), plan.test(split)
        given = np.eye(4)[labels[train]]
        mean = np.average(given, axis=0, weights=trust[train])
        fit = Ridge(alpha=0.3, fit_intercept=False).fit(rows[train], given - mean, sample_weight=trust[train])
        sums[test] += fit.predict(rows[test]) + mean
        count[test] += 1
    assert np.allclose(ours, sums / count[:, None], atol=2e-4)


def test_what_no_split_tests_has_no_score():
    rng = np.random.default_rng(1)
    vectors, labels = classes_apart(rng)
    labels[:] %= 3
    labels[7] = 3  # the only one of its class
    plan = plan_splits(labels, 5, groups=np.arange(len(labels)))
    scores = trusted_scores(principal_features(vectors), labels, 4, plan, 0.1)
    assert np.flatnonzero(np.isnan(scores).any(1)).tolist() == [7]
    assert np.isnan(margins(scores, labels)).sum() == 1


@pytest.mark.parametrize("seed", range(3))
def test_trust_finds_frequent_errors(seed):
    """A fifth of each class is taken for the next: the first fit partly trusts them, the third does not."""
    rng = np.random.default_rng(seed)
    vectors, truth = classes_apart(rng, spread=0.7)
    labels, wrong = taken_for_the_next(truth, rng, 0.2)
    plan = plan_splits(labels, 10, seed=seed, groups=np.arange(len(labels)))
    features = principal_features(vectors)
    once, thrice = (
        average_precision_score(wrong, margins(trusted_scores(features, labels, 4, plan, 0.1, rounds=rounds), labels))
        for rounds in (1, 3)
    )
    assert thrice > once
    assert thrice > 0.9


def test_the_strength_follows_the_data():
    """Rows hardly more than dimensions, and much of it noise: a weak ridge would fit the noise."""
    rng = np.random.default_rng(0)
    strengths = {}
    for spread in (0.1, 2.0):
        vectors, truth = classes_apart(rng, count=160, width=120, spread=spread)
        plan = plan_splits(truth, 5, groups=np.arange(160))
        strengths[spread] = choose_strength(principal_features(vectors), truth, 4, plan, np.arange(160))
    assert set(strengths.values()) <= set(STRENGTHS)
    assert strengths[2.0] > STRENGTHS[0]
