"""The adjusted Rand index as scikit-learn computes it."""

import numpy as np
from sklearn.metrics import adjusted_rand_score

from discovery.clustering.agreement import adjusted_rand


def test_it_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    for _ in range(100):
        one, other = (rng.integers(-1, most, 40) for most in rng.integers(1, 6, 2))
        assert adjusted_rand(one, other) == adjusted_rand_score(one, other)
    assert adjusted_rand(np.array([3]), np.array([0])) == 1.0
