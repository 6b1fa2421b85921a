"""Finished clusterings, worked by hand."""

import numpy as np
import pandas as pd

from discovery.clustering.result import NOISE, Method, finished
from embed.vectors.similarity import normalise


def test_noise_has_no_probability_and_clusters_are_numbered_by_size_then_by_first_row():
    unit = normalise([[1, 0], [1, 0.1], [1, 0.2], [0, 1], [0.1, 1], [1, 1]])
    found = finished(
        unit,
        np.array([7, 7, 7, 3, 3, NOISE]),
        np.array([1.0, 0.5, 0.5, 0.25, 1.0, 0.75]),
        Method("test", {}, pd.DataFrame()),
    )
    assert found.labels.tolist() == [0, 0, 0, 1, 1, NOISE]
    assert found.probability.tolist() == [1.0, 0.5, 0.5, 0.25, 1.0, 0.0]
    assert found.clusters == 2
    assert found.noise_share == 1 / 6
    assert found.medoids[0] == 1
