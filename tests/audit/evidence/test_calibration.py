"""Noise model, evidence, planted errors and what is concluded from them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from audit.evidence.calibration import calibrate, count_errors, cut_list, plant_errors, regress
from audit.evidence.noise import CORRECTIONS, choose_correction, corrected, fit_noise, log_probability
from audit.evidence.reliability import average_precision, reliability_of
from audit.evidence.scores import EVIDENCE, neighbour_agreement, neighbour_votes, weigh_evidence
from audit.heldout.stopping import stability
from embed.vectors.graph import NeighbourGraph, neighbour_graph


def noisy(rate, seed=0, count=3000, classes=4, pair=False):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, count)
    scores = rng.normal(size=(count, classes))
    scores[np.arange(count), truth] += 4
    labels = truth.copy()
    rows = rng.random(count) < rate
    labels[rows] = 3 if pair else (truth[rows] + rng.integers(1, classes, rows.sum())) % classes
    return scores, labels, truth


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.25])
@pytest.mark.parametrize("sureness", [0.3, 1.0, 3.0])
def test_the_noise_model_finds_the_rate_however_sure_the_scores_are(rate, sureness):
    scores, labels, truth = noisy(rate)
    noise = fit_noise(sureness * scores, labels)
    wrong = 1 - noise.posterior[np.arange(len(labels)), labels]
    assert wrong.sum() == pytest.approx((labels != truth).sum(), rel=0.15, abs=12)
    assert average_precision_score(labels != truth, noise.log_odds) > 0.9
    assert np.allclose(noise.posterior.sum(1), 1)
    assert np.allclose(noise.transition.sum(1), 1)
    assert np.allclose(wrong, 1 / (1 + np.exp(-noise.log_odds)))


def test_the_noise_model_finds_the_confusion_structure():
    scores, labels, _ = noisy(0.2, pair=True)
    transition = fit_noise(scores, labels).transition
    assert (transition[:3, 3] > 0.12).all()
    assert transition[:3, :3][~np.eye(3, dtype=bool)].max() < 0.03


def learned_with_errors(rate, seed=0, *, count=3000, classes=5, depth=4.0, unsure=0.1):
    """Predictions of a head that has learned the wrong labels as well: q = f T, and its own scatter."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, count)
    transition = np.full((classes, classes), rate / (classes - 1))
    np.fill_diagonal(transition, 1 - rate)
    labels = (rng.random((count, 1)) > np.cumsum(transition[truth], 1)[:, :-1]).sum(1)
    scores = rng.normal(size=(count, classes))
    scores[np.arange(count), truth] += rng.gamma(4, depth, count)
    q = np.log(softmax(scores, 1) @ transition) + rng.normal(0, unsure, (count, classes))
    return softmax(q, 1), labels, truth


def said_wrong(scores, labels):
    return float((1 - fit_noise(scores, labels).posterior[np.arange(len(labels)), labels]).sum())


@pytest.mark.parametrize(("rate", "before", "after"), [(0.07, 0.6, 0.88), (0.3, 0.45, 0.75)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_errors_that_a_head_has_learned_are_taken_out(rate, before, after, seed):
    predicted, labels, truth = learned_with_errors(rate, seed, depth=6.0)
    wrong = int((labels != truth).sum())
    assert said_wrong(log_probability(predicted), labels) < before * wrong
    times = choose_correction(predicted, labels)
    first = fit_noise(log_probability(predicted), labels)
    assert after * wrong < said_wrong(corrected(predicted, first.transition, times), labels) < 1.05 * wrong
    assert weigh_evidence(predicted, None, labels).correction == times


@pytest.mark.parametrize("rate", [0.07, 0.3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_number_of_errors_stays_right_where_the_classes_overlap(rate, seed):
    predicted, labels, truth = learned_with_errors(rate, seed, depth=2.0, unsure=1.0)
    first = fit_noise(log_probability(predicted), labels)
    said = said_wrong(corrected(predicted, first.transition, choose_correction(predicted, labels)), labels)
    assert said == pytest.approx((labels != truth).sum(), rel=0.1)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_errors_are_made_up_by_the_correction(seed):
    predicted, labels, _ = learned_with_errors(0.0, seed)
    first = fit_noise(log_probability(predicted), labels)
    for times in CORRECTIONS:
        assert said_wrong(corrected(predicted, first.transition, times), labels) < 3


def test_a_correction_by_hand():
    transition = np.array([[0.9, 0.1], [0.2, 0.8]])
    true = np.array([[0.75, 0.25], [0.5, 0.5]])
    assert np.exp(corrected(true @ transition, transition, 1.0)) == pytest.approx(true)
    assert corrected(true, transition, 0.0) == pytest.approx(np.log(true), abs=1e-5)
    twice = np.array([[0.8, 0.2], [0.4, 0.6]])
    assert np.exp(corrected(true @ twice, transition, 2.0)) == pytest.approx(true)
    most = np.array([[0.7, 0.3], [0.4, 0.6]])  # three times 0.2 is more than may be taken out
    assert np.exp(corrected(true @ most, transition, 3.0)) == pytest.approx(true)


def test_votes_and_agreement_by_hand():
    graph = NeighbourGraph(
        np.array([[1, 2], [0, 2], [1, 0]]), np.ones((3, 2), np.float32), 2, 2, exact=True, recall=1.0
    )
    labels = np.array([0, 0, 1])
    assert neighbour_agreement(graph, labels).tolist() == [0.5, 0.5, 0.0]
    votes = neighbour_votes(graph, labels, np.array([1.0, 0.5, 1.0]), 2)
    assert votes[0] == pytest.approx([(0.25 + 0.5) / 2.0, (0.25 + 1.0) / 2.0])
    assert np.isnan(neighbour_agreement(None, labels)).all()
    assert np.allclose(neighbour_votes(None, labels, np.ones(3), 2), 0.5)


def test_neighbours_help_where_the_head_is_blind():
    rng = np.random.default_rng(0)
    truth = np.arange(300) % 3
    vectors = np.eye(3)[truth] + 0.1 * rng.normal(size=(300, 3))
    labels = truth.copy()
    labels[:20] = (labels[:20] + 1) % 3
    blind = rng.dirichlet([20, 20, 20], 300)
    graph = neighbour_graph(vectors)
    with_graph = weigh_evidence(blind, graph, labels)
    without = weigh_evidence(blind, None, labels)
    wrong = labels != truth
    pooled = EVIDENCE.index("pooled log odds")
    assert average_precision_score(wrong, with_graph.features[:, pooled]) > 0.9
    assert average_precision_score(wrong, without.features[:, pooled]) < 0.5
    assert (with_graph.suggested != labels).all()
    assert (with_graph.suggested[wrong] == truth[wrong]).mean() > 0.9


def test_planted_errors_come_where_and_as_often_as_told():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 20_000)
    transition = np.array([[0.9, 0.1, 0.0], [0.0, 1.0, 0.0], [0.02, 0.03, 0.95]])
    planted = plant_errors(labels, np.eye(3)[labels], transition, 2, rng)
    for number in range(2):
        assert (planted.wrong[number] == (planted.labels[number] != labels)).all()
        counts = np.stack([np.bincount(planted.labels[number][labels == k], minlength=3) for k in range(3)])
        assert np.abs(counts / counts.sum(1, keepdims=True) - transition).max() < 0.02


def test_a_doubtful_row_is_planted_as_its_likely_class_too():
    posterior = np.tile([0.3, 0.7], (20_000, 1))
    planted = plant_errors(np.zeros(20_000, int), posterior, np.eye(2), 1, np.random.default_rng(0))
    assert not planted.wrong.any()
    assert planted.labels.mean() == pytest.approx(0.7, abs=0.02)


def planted_features(rng, plantings=8, rows=600, width=3, rate=0.1, shift=2.0):
    wrong = rng.random((plantings, rows)) < rate
    features = rng.normal(size=(plantings, rows, width))
    features[..., 0] += shift * wrong
    return features, wrong


def test_regression_is_scikit_learns():
    rng = np.random.default_rng(0)
    features, wrong = planted_features(rng, plantings=1)
    rows = np.concatenate([features[0], np.ones((600, 1))], 1)
    ours = regress([rows], [wrong[0].astype(float)], np.ones(1), np.zeros(4))
    theirs = LogisticRegression(C=1.0, tol=1e-10).fit(features[0], wrong[0])
    assert np.allclose(ours, [*theirs.coef_[0], theirs.intercept_[0]], atol=1e-3)


def test_probabilities_are_calibrated_on_rows_like_the_planted_ones():
    rng = np.random.default_rng(0)
    features, wrong = planted_features(rng)
    new, truth = planted_features(rng, plantings=1, rows=20_000)
    calibration = calibrate(features, wrong, rng)
    p = calibration.probabilities(new[0]).mean(0)
    for low in np.arange(0, 0.9, 0.1):
        chosen = (p >= low) & (p < low + 0.1)
        assert truth[0, chosen].mean() == pytest.approx(p[chosen].mean(), abs=0.08)
    assert 1 <= calibration.inflation < 1.6


def test_counts_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    within = []
    for _ in range(300):
        p = rng.beta(2, 2, 150)
        means, variances = np.full(200, p.sum()), np.full(200, (p * (1 - p)).sum())
        count = count_errors(means, variances, 1.0, 150, rng)
        within.append(count.low <= (rng.random(150) < p).sum() <= count.high)
        assert count.expected == pytest.approx(p.sum())
    assert 0.93 <= np.mean(within) <= 0.995


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.floats(0.01, 0.9))
@settings(max_examples=100, deadline=None)
def test_the_list_is_the_longest_within_the_rate(values, rate):
    p = np.sort(values)[::-1]
    length = cut_list(p, rate)
    shares = [float(np.mean(1 - p[:n])) for n in range(1, len(p) + 1)]
    assert all(share > rate - 1e-9 for share in shares[length:])
    assert length == 0 or shares[length - 1] <= rate + 1e-9


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_average_precision_is_scikit_learns(rows):
    wrong, scores = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    if wrong.any():
        assert average_precision(wrong, scores) == pytest.approx(average_precision_score(wrong, scores))


def test_reliability_counts_every_row():
    features, wrong = planted_features(np.random.default_rng(0))
    features[0, :5] = np.nan
    table = reliability_of(features, wrong)
    assert table[:, 2].sum() == wrong.size - 5
    assert (np.diff(table[:, 0]) > 0).all()
    assert np.abs(table[table[:, 2] > 50, 0] - table[table[:, 2] > 50, 1]).max() < 0.15


def test_stability_is_the_correlation_of_a_repetition():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=4000)
    halves = [signal + 0.5 * rng.normal(size=4000) for _ in range(4)]
    found = stability(20, halves[0], halves[1])
    again = np.corrcoef(halves[0] + halves[1], halves[2] + halves[3])[0, 1]
    assert found.correlation == pytest.approx(again, abs=0.02)
    assert not found.enough
    assert stability(20, signal, signal).enough
    assert stability(20, signal, -signal).correlation == 0
