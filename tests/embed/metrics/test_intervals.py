"""The mean of repetitions, against SciPy's own interval."""

import math

import numpy as np
import pytest
from scipy import stats

from embed.errors import InputError
from embed.metrics.intervals import mean_interval


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
