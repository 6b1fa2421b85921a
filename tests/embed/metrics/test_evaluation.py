"""Figures of a classifier, held against scikit-learn, against counting, and against hand-worked cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn import metrics

from embed.errors import InputError
from embed.metrics.accuracy import checked, class_scores, confusion_matrix, top_accuracies, top_classes, true_ranks
from embed.metrics.calibration import brier_score, fit_temperature, log_loss, reliability, tempered
from embed.metrics.evaluation import aligned, evaluate, mean_probabilities
from embed.metrics.intervals import difference_interval, f1_interval, wilson
from embed.metrics.roc import roc_curve


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def made(count=600, classes=7, seed=0, skill=2.0):
    """Probabilities of a fair classifier: the truth has been drawn from what it says."""
    rng = np.random.default_rng(seed)
    probabilities = softmax(skill * rng.normal(size=(count, classes)))
    truth = (probabilities.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1)
    return probabilities, np.minimum(truth, classes - 1)


def test_everything_of_two_classes_by_hand():
    """Four Blips of which three are found, six Whistles of which four are."""
    truth = np.array([0] * 4 + [1] * 6)
    said = np.array([0, 0, 0, 1, 1, 1, 1, 1, 0, 0])
    judged = evaluate(np.where(said[:, None] == [0, 1], 0.8, 0.2), truth, ["Blip", "Whistle"])
    np.testing.assert_array_equal(judged.matrix, [[3, 1], [2, 4]])
    np.testing.assert_allclose(judged.scores.precision, [3 / 5, 4 / 5])
    np.testing.assert_allclose(judged.scores.recall, [3 / 4, 4 / 6])
    np.testing.assert_allclose(judged.scores.f1, [6 / 9, 8 / 11])
    np.testing.assert_allclose(judged.accuracies, [0.7, 1, 1, 1, 1])
    assert judged.reliability.error == pytest.approx(0.1)
    assert judged.macro_f1 == pytest.approx((6 / 9 + 8 / 11) / 2)
    assert judged.balanced_accuracy == pytest.approx((3 / 4 + 4 / 6) / 2)
    assert judged.macro_area == pytest.approx(
        (3 / 4 + 4 / 6) / 2
    )  # two scores only: the area is the mean of both recalls


def test_top_k_confusion_and_class_scores_are_scikit_learns():
    probabilities, truth = made()
    judged = evaluate(probabilities, truth, [f"c{code}" for code in range(7)])
    for k in range(1, 6):
        assert judged.accuracies[k - 1] == metrics.top_k_accuracy_score(truth, probabilities, k=k)
    np.testing.assert_array_equal(judged.matrix, metrics.confusion_matrix(truth, judged.predicted))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(truth, judged.predicted)
    np.testing.assert_allclose(judged.scores.precision, precision)
    np.testing.assert_allclose(judged.scores.recall, recall)
    np.testing.assert_allclose(judged.scores.f1, f1)
    np.testing.assert_array_equal(judged.scores.support, support)
    assert judged.macro_f1 == pytest.approx(metrics.f1_score(truth, judged.predicted, average="macro"))
    assert judged.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(truth, judged.predicted))
    assert log_loss(probabilities, truth) == pytest.approx(metrics.log_loss(truth, probabilities))
    indicator = np.eye(7)[truth]
    assert brier_score(probabilities, truth) == pytest.approx(((probabilities - indicator) ** 2).sum(axis=1).mean())


def test_ties_go_to_the_lower_class():
    probabilities = np.array([[0.25, 0.25, 0.25, 0.25], [0.2, 0.4, 0.4, 0.0]])
    np.testing.assert_array_equal(true_ranks(probabilities, np.array([2, 2])), [3, 2])
    np.testing.assert_array_equal(top_classes(probabilities, 3), [[0, 1, 2], [1, 2, 0]])
    np.testing.assert_array_equal(top_accuracies(np.array([3, 2]), 3), [0, 0.5, 1])


@given(st.integers(1, 6), st.integers(1, 40), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_the_rank_is_the_place_in_the_ranking(classes, count, seed):
    rng = np.random.default_rng(seed)
    raw = rng.integers(1, 4, (count, classes)).astype(float)  # many ties
    probabilities, truth = checked(raw / raw.sum(axis=1, keepdims=True), rng.integers(0, classes, count))
    order = top_classes(probabilities, classes)
    ranks = true_ranks(probabilities, truth)
    np.testing.assert_array_equal(order[np.arange(count), ranks - 1], truth)
    matrix = confusion_matrix(truth, order[:, 0], classes)
    assert matrix.sum() == count
    assert np.trace(matrix) == (ranks == 1).sum()


def test_wilson_by_formula_and_at_the_ends():
    """The interval is where a test of the share would not reject it: the ends solve |p - p0| = z sqrt(p0 (1 - p0) / n)."""
    z = 1.959963984540054
    for hits, count in ((0, 10), (3, 10), (81, 263), (10, 10)):
        low, high = wilson(hits, count)
        for end in (low, high):
            assert abs(hits / count - end) == pytest.approx(z * np.sqrt(end * (1 - end) / count), abs=1e-9)
    np.testing.assert_allclose(wilson(81, 263), [0.2553, 0.3662], atol=5e-5)  # Newcombe 1998, table I
    np.testing.assert_allclose(wilson(0, 20), [0, 0.1611], atol=5e-5)
    assert np.isnan(wilson(0, 0)).all()
    np.testing.assert_allclose(
        difference_interval((56, 70), (48, 80)), [0.0524, 0.3339], atol=5e-5
    )  # Newcombe 1998b, (a)
    np.testing.assert_allclose(difference_interval((9, 10), (3, 10)), [0.1705, 0.8090], atol=5e-5)
    assert wilson(5, 5)[1] == 1


def test_the_interval_of_f1_covers_where_a_bootstrap_does_not():
    """Twelve glitches of a class, 5 % of them missed: the true F1 lies within in 95 % of all samples."""
    hits = np.arange(13)
    chance = binom.pmf(hits, 12, 0.95)
    truth = 2 * 0.95 / 1.95
    low, high = f1_interval(hits, 12 - hits).T
    assert chance[(low <= truth) & (truth <= high)].sum() >= 0.95
    assert chance[12] > 0.5  # with no miss, more often than not, a bootstrap's interval is the point 1
    assert low[12] < 0.9


def test_the_interval_of_f1_is_the_bootstraps_for_a_large_class():
    rng = np.random.default_rng(0)
    truth = rng.random(4000) < 0.25
    said = truth ^ (rng.random(4000) < 0.05)
    matrix = confusion_matrix(truth.astype(np.int64), said.astype(np.int64), 2)
    drawn = [metrics.f1_score(truth[rows], said[rows]) for rows in rng.integers(4000, size=(400, 4000))]
    np.testing.assert_allclose(class_scores(matrix).f1_interval[1], np.quantile(drawn, [0.025, 0.975]), atol=0.004)


def test_classes_without_glitches_or_predictions_have_no_score():
    scores = class_scores(np.array([[2, 1, 0], [0, 0, 0], [1, 0, 0]]))
    assert np.isnan(scores.recall[1])
    assert np.isnan(scores.precision[2])
    assert np.isnan(scores.precision_interval[2]).all()
    assert scores.f1[2] == 0
    assert scores.precision[1] == 0


def test_roc_is_scikit_learns():
    rng = np.random.default_rng(0)
    scores = np.round(rng.random(500), 1)  # many ties
    positive = rng.random(500) < scores
    curve = roc_curve(scores, positive)
    assert curve.area == pytest.approx(metrics.roc_auc_score(positive, scores))
    false, true, _ = metrics.roc_curve(positive, scores, drop_intermediate=False)
    assert (true[0], false[0], curve.false_positive[0]) == (0, 0, 0)  # the curve may rise from there straight up
    np.testing.assert_allclose(np.interp(false[1:], curve.false_positive, curve.true_positive), true[1:])
    assert roc_curve(scores, np.zeros(500, bool)) is None
    perfect = roc_curve(np.linspace(0, 1, 9), np.linspace(0, 1, 9) > 0.5)
    assert perfect.area == 1
    np.testing.assert_array_equal(perfect.false_positive, [0, 0, 1])
    assert roc_curve(np.full(4, 0.5), np.array([True, False, True, False])).area == 0.5


def test_macro_area_is_scikit_learns():
    probabilities, truth = made(classes=4)
    judged = evaluate(probabilities, truth, "abcd")
    assert judged.macro_area == pytest.approx(
        metrics.roc_auc_score(truth, probabilities, multi_class="ovr", average="macro")
    )


def test_reliability_by_hand():
    """Bins are closed above: 0.5 belongs to the lower of two."""
    found = reliability(np.array([0.4, 0.5, 0.6, 0.9, 1.0]), np.array([True, False, True, True, False]), bins=2)
    np.testing.assert_array_equal(found.count, [2, 3])
    np.testing.assert_allclose(found.confidence, [0.45, 2.5 / 3])
    np.testing.assert_allclose(found.accuracy, [0.5, 2 / 3])
    assert found.error == pytest.approx((2 * 0.05 + 3 * (2.5 / 3 - 2 / 3)) / 5)
    with pytest.raises(InputError, match="0 bins of confidence"):
        reliability(np.array([0.5]), np.array([True]), bins=0)


def test_a_fair_classifier_is_calibrated_and_an_overconfident_one_is_found_out():
    probabilities, truth = made(count=20_000, classes=5)
    classes = list("abcde")
    fair = evaluate(probabilities, truth, classes)
    assert fair.reliability.error < 0.015
    overconfident = tempered(probabilities, 0.4)
    worse = evaluate(overconfident, truth, classes)
    assert worse.reliability.error > 0.08
    low, high = worse.bootstrap["calibration_error"]
    assert low < worse.reliability.error < high
    assert fair.reliability.error < low
    temperature = fit_temperature(overconfident, truth)
    assert temperature == pytest.approx(2.5, rel=0.05)
    cooled = evaluate(tempered(overconfident, temperature), truth, classes)
    assert cooled.reliability.error < 0.015
    np.testing.assert_array_equal(cooled.accuracies, worse.accuracies)
    with pytest.raises(InputError, match="temperature 0: give a positive number"):
        tempered(probabilities, 0)


def test_bootstrap_is_that_of_glitches_drawn_one_by_one():
    probabilities, truth = made(count=300, classes=4)
    judged = evaluate(probabilities, truth, "abcd", seed=3)
    rng = np.random.default_rng(1)
    drawn = [
        metrics.f1_score(truth[rows], judged.predicted[rows], average="macro")
        for rows in rng.integers(300, size=(600, 300))
    ]
    np.testing.assert_allclose(judged.bootstrap["macro_f1"], np.quantile(drawn, [0.025, 0.975]), atol=0.012)
    assert evaluate(probabilities, truth, "abcd", seed=3).bootstrap == judged.bootstrap
    assert evaluate(probabilities, truth, "abcd", seed=4).bootstrap != judged.bootstrap


def test_bootstrap_of_the_calibration_error_by_brute_force():
    probabilities, truth = made(count=400, classes=3, skill=1.0)
    judged = evaluate(tempered(probabilities, 0.5), truth, "abc", bins=4)
    rng = np.random.default_rng(2)
    drawn = [
        reliability(judged.confidence[rows], judged.right[rows], 4).error for rows in rng.integers(400, size=(800, 400))
    ]
    np.testing.assert_allclose(judged.bootstrap["calibration_error"], np.quantile(drawn, [0.025, 0.975]), atol=0.006)
    mixed = evaluate(np.array([[0.9, 0.1], [0.4, 0.6]] * 50), np.array([0, 0] * 50), ["a", "b"], bins=4)
    low, high = mixed.bootstrap["calibration_error"]  # gaps of both signs, in bins of their own
    assert low < 0.5 * 0.1 + 0.5 * 0.6 < high


def test_an_ensemble_of_independent_models_beats_each():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5, 2000)
    members = [softmax(2.0 * np.eye(5)[truth] + 1.5 * rng.normal(size=(2000, 5))) for _ in range(3)]
    alone = [evaluate(member, truth, "abcde").accuracies[0] for member in members]
    together = evaluate(mean_probabilities(members), truth, "abcde").accuracies[0]
    assert together > max(alone) + 0.03
    np.testing.assert_allclose(mean_probabilities(members), sum(members) / 3)
    with pytest.raises(InputError, match="models of the same classes"):
        mean_probabilities([np.ones((2, 3)), np.ones((2, 4))])


def test_columns_are_brought_into_order():
    table = aligned(np.array([[0.7, 0.3]]), ["Whistle", "Blip"], ["Blip", "Tomte", "Whistle"])
    np.testing.assert_array_equal(table, [[0.3, 0, 0.7]])
    with pytest.raises(InputError, match="classes Whistle are not among the 2 judged"):
        aligned(np.array([[0.7, 0.3]]), ["Whistle", "Blip"], ["Blip", "Tomte"])


def test_the_summary_has_no_surprise():
    probabilities, truth = made()
    figures = evaluate(probabilities, truth, [f"c{code}" for code in range(7)]).summary()
    assert figures["glitches"] == 600
    assert figures["top1_low"] < figures["top1"] < figures["top1_high"] < figures["top5"]
    assert figures["macro_f1_low"] < figures["macro_f1"] < figures["macro_f1_high"]
    lonely = evaluate([[0.9, 0.1]], [0], ["a", "b"]).summary()
    assert lonely["macro_auc"] is None
    assert lonely["classes"] == 1


@pytest.mark.parametrize(
    ("probabilities", "truth", "message"),
    [
        (np.ones((3, 2)), [0, 0, 0], "3 of 3 rows are no probabilities, the first is row 0 with the sum 2"),
        ([[0.5, 0.5], [np.nan, 1]], [0, 0], "1 of 2 rows are no probabilities, the first is row 1"),
        ([[1.5, -0.5]], [0], "1 of 1 rows"),
        ([[0.5, 0.5]], [2], "class 2 is not one of 0 to 1"),
        ([[0.5, 0.5]], [-1], "class -1 is not one of 0 to 1"),
        ([[0.5, 0.5]], [0, 1], "give one class number for 1 rows"),
        ([[0.5, 0.5]], [0.0], "truth is float64"),
        (np.ones((0, 2)), [], r"shape \(0, 2\)"),
    ],
)
def test_bad_input_is_refused(probabilities, truth, message):
    with pytest.raises(InputError, match=message):
        evaluate(probabilities, np.asarray(truth), ["a", "b"])


def test_names_are_as_many_as_columns():
    with pytest.raises(InputError, match="1 different class names for 2 columns"):
        evaluate([[0.5, 0.5]], [0], ["a", "a"])
