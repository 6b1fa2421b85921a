"""Rankings and lists from arrays alone: a case by hand, planted errors, and input that does not fit."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import average_precision_score

from audit import find_wrong_labels, rank_labels
from embed.errors import InputError

LABELS = [0, 0, 0, 0, 1, 1, 1, 1]
PROBABILITIES = [
    *([0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.01, 0.99]),  # labelled 0: row 3 is the worst, then 1, 2, 0
    *([0.1, 0.9], [0.6, 0.4], [0.2, 0.8], [0.99, 0.01]),  # labelled 1: the mirror image, row for row
]


def test_a_case_by_hand():
    """Classes mirror each other, so rows come in pairs; within a pair the numbers agree and ties go by row."""
    order = rank_labels(LABELS, PROBABILITIES)
    assert [sorted(pair) for pair in order.reshape(4, 2).tolist()] == [[3, 7], [1, 5], [2, 6], [0, 4]]
    assert order.dtype == np.int64


def test_the_list_is_the_head_of_the_ranking_and_grows_with_the_rate():
    order = rank_labels(LABELS, PROBABILITIES)
    lengths = []
    for rate in (1e-6, 0.3, 0.999):
        found = find_wrong_labels(LABELS, PROBABILITIES, rate=rate)
        assert found.tolist() == order[: len(found)].tolist()
        lengths.append(len(found))
    assert lengths[0] == 0
    assert lengths == sorted(lengths)
    assert lengths[2] == 8


def test_planted_errors_are_listed():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 400)
    scores = rng.normal(size=(400, 4))
    scores[np.arange(400), truth] += 6
    labels = truth.copy()
    rows = rng.choice(400, 30, replace=False)
    labels[rows] = (truth[rows] + rng.integers(1, 4, 30)) % 4
    probabilities = softmax(scores, axis=1)
    order = rank_labels(labels, probabilities)
    place = np.empty(400)
    place[order] = np.arange(400)
    assert average_precision_score(labels != truth, -place) > 0.97
    found = find_wrong_labels(labels, probabilities, rate=0.1)
    assert (labels != truth)[found].sum() >= 0.8 * 30
    assert (labels == truth)[found].mean() <= 0.2
    named = rank_labels(labels.astype(np.int8), probabilities.astype(np.float32))
    assert named[:10].tolist() == order[:10].tolist()


def test_a_class_that_nobody_is_labelled_as_keeps_its_column():
    order = rank_labels([0, 0, 1, 1], [[0.1, 0.1, 0.8], [0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1]])
    assert order[0] == 0


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([0.0, 1.0], [[1, 0], [0, 1]], r"labels of shape \(2,\) \(float64\)"),
        ([0, 1, 1], [[1, 0], [0, 1]], r"labels of shape \(3,\) \(int64\) and probabilities of shape \(2, 2\)"),
        ([[0, 1]], [[1, 0], [0, 1]], r"labels of shape \(1, 2\)"),
        ([0, 1], [0.5, 0.5], r"probabilities of shape \(2,\)"),
        ([0, 2], [[1, 0], [0, 1]], "label 2 in row 1 has no column among 2"),
        ([-1, 1], [[1, 0], [0, 1]], "label -1 in row 0 has no column"),
        ([0, 1], [[1, 0], [0.5, 0.6]], "1 rows of the probabilities do not sum to 1"),
        ([0, 1], [[1, 0], [np.nan, 1]], "row 1 of the probabilities"),
        ([0, 0], [[1.0], [1.0]], "of 1 class:"),
    ],
)
def test_what_does_not_fit_is_refused(labels, probabilities, message):
    with pytest.raises(InputError, match=message):
        rank_labels(labels, probabilities)


def test_a_rate_that_cannot_be():
    with pytest.raises(InputError, match=r"false discovery rate of 1\.5"):
        find_wrong_labels(LABELS, PROBABILITIES, rate=1.5)
