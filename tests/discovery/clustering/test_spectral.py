"""The lower end of a graph's spectrum, against a dense solver and known spectra."""

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from support.mixtures import mixture

from discovery.clustering import spectral
from discovery.clustering.spectral import laplacian_eigenvalues, laplacian_spectrum
from embed.vectors.graph import affinity, neighbour_graph


def dense(edges, count):
    scale = 1 / np.sqrt(edges.sum(axis=1))
    return scipy.linalg.eigvalsh(np.eye(len(scale)) - scale[:, None] * edges.toarray() * scale)[:count]


@pytest.mark.parametrize("spread", [0.2, 1.5])  # components, and one cloud
def test_eigenvalues_alone_are_those_of_a_dense_solver(spread, monkeypatch):
    monkeypatch.setattr(spectral, "DENSE_BELOW", 100)
    edges = affinity(neighbour_graph(mixture([500, 300, 200], spread=spread)[0], 10))
    values = laplacian_eigenvalues(edges, 21, seed=0)
    np.testing.assert_allclose(values, dense(edges, 21), atol=1e-5)
    np.testing.assert_allclose(laplacian_spectrum(edges, 21, seed=0).eigenvalues, dense(edges, 21), atol=1e-10)
    np.testing.assert_array_equal(values, laplacian_eigenvalues(edges, 21, seed=0))


@pytest.mark.parametrize("count", [21, 61])
def test_eigenvalues_that_are_nearly_equal_are_all_found(count, monkeypatch):
    """Groups alike that meet in one row, as many as are sought and more."""
    monkeypatch.setattr(spectral, "DENSE_BELOW", 100)
    groups = [affinity(neighbour_graph(np.random.default_rng(seed).normal(size=(80, 5)), 10)) for seed in range(24)]
    edges = scipy.sparse.block_diag([*groups, scipy.sparse.csr_array((1, 1))], format="lil")
    hub = edges.shape[0] - 1
    for first in range(0, hub, 80):
        edges[hub, first] = edges[first, hub] = 1.0
    edges = scipy.sparse.csr_array(edges)
    np.testing.assert_allclose(laplacian_eigenvalues(edges, count, seed=0), dense(edges, count), atol=1e-5)


def test_eigenvalues_that_crowd_at_zero_are_sought_in_double_precision(monkeypatch):
    """Of a path of n rows they are 1 - cos(pi j / (n - 1)) (Chung 1997, example 1.4): below 1e-4, where single precision keeps no digit of the first."""
    monkeypatch.setattr(spectral, "DENSE_BELOW", 100)
    n = 1200
    path = scipy.sparse.eye_array(n, k=1)
    values = laplacian_eigenvalues((path + path.T).tocsr(), 7, seed=0)
    np.testing.assert_allclose(values, 1 - np.cos(np.pi * np.arange(7) / (n - 1)), rtol=1e-4, atol=1e-12)
