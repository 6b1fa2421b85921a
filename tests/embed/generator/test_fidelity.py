"""Measures against closed forms, SciPy's matrix square root, and brute force."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from embed.generator.fidelity import copies, frechet_distance, kernel_distance, precision_recall, two_sample_accuracy


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(1)
    return rng.normal(size=(60, 5)) @ rng.normal(size=(5, 5)), rng.normal(1.0, 2.0, size=(40, 5))


def exactly(mean, spread, count=400):
    """Rows of two columns whose mean and (diagonal) covariance are exactly as given."""
    angles = 2 * np.pi * np.arange(count) / count
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return mean + unit * spread * np.sqrt(2 * (count - 1) / count)


def test_the_frechet_distance_of_two_normals_in_closed_form():
    one, other = (
        exactly(np.array([0.0, 1.0]), np.array([1.0, 3.0])),
        exactly(np.array([2.0, 1.0]), np.array([4.0, 0.5])),
    )
    # |m - n|^2 + sum of (s - t)^2 for commuting covariances
    assert frechet_distance(one, other) == pytest.approx(4.0 + 9.0 + 6.25)
    assert frechet_distance(one, one) == pytest.approx(0.0, abs=1e-9)


def test_the_frechet_distance_by_scipys_matrix_square_root(samples):
    one, other = samples
    first, second = np.cov(one.T), np.cov(other.T)
    by_hand = np.square(one.mean(0) - other.mean(0)).sum() + np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert frechet_distance(one, other) == pytest.approx(by_hand)


def test_the_kernel_distance_by_brute_force(samples):
    one, other = samples[0][:9], samples[1][:7]

    def kernel(x, y):
        return (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3

    own = [
        np.mean([kernel(x, y) for i, x in enumerate(rows) for j, y in enumerate(rows) if i != j])
        for rows in (one, other)
    ]
    cross = np.mean([kernel(x, y) for x in one for y in other])
    assert kernel_distance(one, other) == pytest.approx(sum(own) - 2 * cross)


def test_the_kernel_distance_of_one_distribution_is_0_on_average():
    rng = np.random.default_rng(3)
    found = [kernel_distance(*rng.normal(size=(2, 20, 4))) for _ in range(300)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(300)


def test_precision_and_recall_by_brute_force(samples):
    real, made = samples[0][:30], samples[1][:25]

    def share(points, sample):
        inside = 0
        for point in points:
            for place, centre in enumerate(sample):
                radius = sorted(np.linalg.norm(row - centre) for other, row in enumerate(sample) if other != place)[2]
                if np.linalg.norm(point - centre) <= radius:
                    inside += 1
                    break
        return inside / len(points)

    assert precision_recall(real, made) == pytest.approx((share(made, real), share(real, made)))


def test_dropped_modes_lower_recall_and_odd_ones_lower_precision():
    rng = np.random.default_rng(4)
    first, second = rng.normal(0, 1, (50, 3)), rng.normal(9, 1, (50, 3))
    precision, recall = precision_recall(np.concatenate([first, second]), rng.normal(0, 1, (50, 3)))
    assert precision > 0.8
    assert recall < 0.55
    precision, recall = precision_recall(first, np.concatenate([rng.normal(0, 1, (50, 3)), second]))
    assert precision < 0.55
    assert recall > 0.8


def test_copies_are_found_and_new_ones_are_none():
    rng = np.random.default_rng(5)
    real = rng.normal(size=(200, 6))
    new = rng.normal(size=(100, 6))
    made = np.concatenate([new, real[:10] + 1e-6])
    flags = copies(made, real)
    assert flags[100:].all()
    assert flags[:100].mean() < 0.05


def test_too_few_real_rows_tell_of_no_copies():
    made = np.random.default_rng(5).normal(size=(4, 6))
    assert not copies(made, made[:1]).any()
    assert not copies(made, made[:0]).any()


def test_the_two_sample_test_is_at_chance_for_one_distribution():
    rng = np.random.default_rng(6)
    assert two_sample_accuracy(*rng.normal(size=(2, 200, 4))) == pytest.approx(0.5, abs=0.1)
    assert two_sample_accuracy(rng.normal(size=(200, 4)), rng.normal(2, 1, size=(150, 4))) > 0.95
