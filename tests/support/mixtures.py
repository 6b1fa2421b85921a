"""Planted mixtures of Gaussian clusters."""

import numpy as np

from discovery.clustering.result import NOISE


def mixture(sizes, dims=12, spread=0.35, seed=0, width=64, stray=0):
    """Draw Gaussian clusters of the given sizes in a `dims`-dimensional part of a wider space, and stray points."""
    rng = np.random.default_rng(seed)
    plane = np.linalg.qr(rng.normal(size=(width, dims)))[0]
    truth = np.repeat(np.arange(len(sizes)), sizes)
    centres = rng.normal(size=(len(sizes), dims))
    points = centres[truth] + spread * rng.normal(size=(len(truth), dims))
    points = np.vstack([points, 1.5 * rng.normal(size=(stray, dims))])
    truth = np.concatenate([truth, np.full(stray, NOISE)])
    order = rng.permutation(len(truth))
    return (points @ plane.T + 0.02 * rng.normal(size=(len(truth), width)))[order], truth[order]
