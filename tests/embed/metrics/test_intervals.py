"""The mean of repetitions, against SciPy's own interval; the mean share of groups, against what it covers."""

import math

import numpy as np
import pytest
from scipy import stats

from embed.errors import InputError
from embed.metrics.intervals import mean_interval, mean_share_interval, wilson


def test_the_interval_of_a_mean_is_students():
    values = np.array([0.61, 0.58, 0.70, 0.66, 0.63])
    mean, low, high, deviation = mean_interval(values)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx((expected.low, expected.high))
    assert deviation == pytest.approx(stats.tstd(values))


def test_one_repetition_has_no_spread():
    mean, *rest = mean_interval([0.5])
    assert mean == 0.5
    assert all(math.isnan(value) for value in rest)
    with pytest.raises(InputError, match="no value to take the mean of; give one or more"):
        mean_interval([])


def test_the_interval_of_a_mean_share_holds_the_mean_of_all_groups():
    """Groups whose shares scatter between 0 and 1: an interval that took all trials for one sample would hold it in a third of the draws."""
    rng = np.random.default_rng(0)
    covered = pooled = 0
    for _ in range(400):
        hits = rng.binomial(40, rng.beta(1.2, 0.8, 12))
        mean, low, high = mean_share_interval(hits, np.full(12, 40))
        assert 0 <= low <= mean <= high <= 1
        covered += low <= 0.6 <= high
        ends = wilson(hits.sum(), 480)
        pooled += ends[0] <= 0.6 <= ends[1]
    assert 0.92 <= covered / 400 <= 0.98
    assert pooled / 400 < 0.5


def test_each_group_counts_once_and_agreement_is_no_certainty():
    mean, low, high = mean_share_interval([0, 1000], [10, 1000])
    assert mean == 0.5
    assert low < 0.1
    assert high > 0.9
    mean, low, high = mean_share_interval([20, 20, 20], [20, 20, 20])
    assert (mean, high) == (1, 1)
    assert low < wilson(60, 60)[0]
    assert all(math.isnan(value) for value in mean_share_interval([5], [10])[1:])
    with pytest.raises(InputError, match="no group to take the mean share of; give one or more"):
        mean_share_interval([], [])
