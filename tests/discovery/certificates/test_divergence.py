"""Divergences against the closed form for Gaussians, and what separation means for new, known and mixed groups."""

import numpy as np
import pytest
import scipy.stats
from sklearn.isotonic import IsotonicRegression
from support.mixtures import mixture

from discovery.certificates.calibration import MIXED, REPEATS, Calibration, calibrate
from discovery.certificates.divergence import (
    LEAST_CLASS,
    MOST_OF_A_CLASS,
    ClassVectors,
    diverge,
    kth_distances,
    sampled_classes,
)
from discovery.clustering.prepared import intrinsic_dimension
from embed.vectors.graph import neighbour_graph
from embed.vectors.similarity import normalise

DIMS = 3


def cloud(rng, n, shift=0.0):
    """Points near one place of the sphere, where it is as good as flat."""
    flat = 0.01 * rng.normal(size=(n, DIMS)) + np.array([0.01 * shift, *[0.0] * (DIMS - 1)])
    return np.column_stack([np.ones(n), flat])


def planted(seed=0, classes=6, size=60):
    vectors, truth = mixture([size] * classes, dims=12, seed=seed)
    unit = normalise(vectors)
    rows = {f"class {number}": np.flatnonzero(truth == number) for number in range(classes)}
    return unit, rows, intrinsic_dimension(neighbour_graph(unit, 15).distances().astype(float))


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_the_divergence_of_two_gaussians(shift):
    """Of equal width sigma and means d sigma apart it is d^2 / 2."""
    rng = np.random.default_rng(5)
    unit = normalise(np.concatenate([cloud(rng, 2000, shift), cloud(rng, 3000)]))
    found = diverge(unit, np.arange(2000), {"other": np.arange(2000, 5000)}, DIMS)
    assert found.nats[0] == pytest.approx(
        shift**2 / 2, abs=0.06 + 0.06 * shift**2
    )  # the estimate lags where one cloud is thin
    assert (found.favourite, found.favourite_share) == ("other", 1.0)


def test_sizes_do_not_count():
    """A handful of a large class and most of a small one are as near to the rest of it."""
    rng = np.random.default_rng(6)
    unit = normalise(cloud(rng, 3000))
    few = diverge(unit, np.arange(30), {"rest": np.arange(30, 3000)}, DIMS).nats[0]
    many = diverge(unit, np.arange(2970), {"rest": np.arange(2970, 3000)}, DIMS).nats[0]
    assert abs(few) < 0.5
    assert abs(many) < 0.5


def test_the_nearest_class_is_named_first():
    unit, classes, dimension = planted()
    rows = classes.pop("class 2")
    found = diverge(unit, rows, classes, dimension)
    assert (np.diff(found.nats) >= 0).all()
    assert set(found.classes) == set(classes)
    apart = ClassVectors(unit, classes).distances(rows)
    np.testing.assert_array_equal(found.nats, diverge(unit, rows, classes, dimension, apart).nats)


def test_a_mixture_of_known_classes_is_not_apart_from_them():
    unit, classes, dimension = planted(seed=1)
    mixed = np.concatenate([rows[:8] for rows in classes.values()])
    rest = {name: rows[8:] for name, rows in classes.items()}
    found = diverge(unit, mixed, rest, dimension)
    assert found.nats[0] > 3  # far from each of them as a whole
    assert found.separation < 1
    assert found.favourite_share == pytest.approx(1 / 6, abs=0.1)


def test_large_classes_are_sampled_and_small_ones_left_out():
    names = {
        "large": np.arange(2 * MOST_OF_A_CLASS),
        "small": np.arange(LEAST_CLASS - 1),
        "just": np.arange(LEAST_CLASS),
    }
    sampled = sampled_classes(names, 3)
    assert list(sampled) == ["just", "large"]
    assert len(sampled["large"]) == len(set(sampled["large"].tolist())) == MOST_OF_A_CLASS
    assert (sampled["large"] == sampled_classes(names, 3)["large"]).all()


def test_hidden_classes_are_new_and_parts_are_not():
    unit, classes, dimension = planted(seed=2, classes=8)
    calibration = calibrate(ClassVectors(unit, classes), classes, np.array([20, 30]), dimension, seed=0)
    assert (np.diff(calibration.separation) >= 0).all()
    assert 0 < calibration.new.mean() < 0.5
    hidden = {name: rows for name, rows in classes.items() if name != "class 0"}
    new = diverge(unit, classes["class 0"][:25], hidden, dimension).separation
    part = diverge(unit, classes["class 0"][:25], {**hidden, "class 0": classes["class 0"][25:]}, dimension).separation
    chance, low, high = calibration.probability(new)
    assert chance > 0.9
    assert low <= chance <= high == 1.0
    chance, low, high = calibration.probability(part)
    assert chance < 0.1
    assert low == 0.0 <= chance <= high


def test_the_probability_by_hand():
    """Isotonic blocks: twenty not new, ten of which half were, thirty new."""
    new = [*[0] * 20, *[1, 0] * 5, *[1] * 30]
    calibration = Calibration(np.arange(60.0), np.array(new))
    assert calibration.probability(25.0)[0] == pytest.approx(0.5)
    assert calibration.probability(1000)[0] == pytest.approx(30.5 / 31)
    assert calibration.probability(-1000)[0] == pytest.approx(0.5 / 21)
    _, low, high = calibration.probability(25.0)
    assert 0.2 < low < 0.5 < high < 0.8


def test_of_many_classes_a_sample_gives_the_cases(monkeypatch):
    unit, classes, dimension = planted(seed=2, classes=8)
    monkeypatch.setattr("discovery.certificates.calibration.MOST_CLASSES", 3)
    few = calibrate(ClassVectors(unit, classes), classes, np.array([20, 30]), dimension, seed=0)
    assert len(few.new) == 3 * (3 * REPEATS + 1)
    assert few.new.sum() == 3 * REPEATS
    again = calibrate(ClassVectors(unit, classes), classes, np.array([20, 30]), dimension, seed=0)
    assert (few.separation == again.separation).all()


def test_the_distances_to_all_classes_are_those_to_each():
    """Classes of several sizes; some rows are in a class, some do not count."""
    unit, _, _ = planted()
    classes = {"b": np.arange(200, 240), "a": np.arange(30, 35), "c": np.arange(240, 280), "d": np.arange(90, 99)}
    known = ClassVectors(unit, classes)
    rows = np.array([0, 31, 95, 210, 300])
    apart = np.column_stack([kth_distances(unit, rows, members) for members in classes.values()])
    np.testing.assert_allclose(known.distances(rows), apart, rtol=1e-4)
    without = np.array([[200, 95], [201, 90], [202, 91], [203, 98], [204, 92]])
    for row, left_out, found in zip(rows, without, known.distances(rows, without), strict=True):
        rest = [np.setdiff1d(members, left_out) for members in classes.values()]
        one = np.array([row])
        np.testing.assert_allclose(found, [kth_distances(unit, one, members)[0] for members in rest], rtol=1e-4)


def test_a_calibration_compares_a_few_times_with_all_classes(monkeypatch):
    """Not once for each case: the products are what it costs."""
    unit, classes, dimension = planted(seed=2, classes=8)
    products = []
    block = ClassVectors._block
    monkeypatch.setattr(ClassVectors, "_block", lambda *given: products.append(len(given[1])) or block(*given))
    calibrate(ClassVectors(unit, classes), classes, np.array([20, 30]), dimension, seed=0)
    assert len(products) == 1
    assert products[0] <= sum(map(len, classes.values())) + 8 * MIXED * LEAST_CLASS


def test_intervals_and_blocks_are_those_of_scipy_and_scikit_learn():
    rng = np.random.default_rng(1)
    separation = np.sort(rng.normal(size=200).round(2))
    new = (rng.random(200) < 1 / (1 + np.exp(-3 * separation))).astype(int)
    calibration = Calibration(separation, new)
    fitted = IsotonicRegression().fit_transform(separation, new)
    for place in (0, 60, 100, 140, 199):
        block = fitted == fitted[place]
        hits, misses = int(new[block].sum()), int((1 - new[block]).sum())
        belief = scipy.stats.beta(hits + 0.5, misses + 0.5)
        chance, low, high = calibration.probability(separation[place])
        assert chance == pytest.approx(belief.mean())
        assert low == pytest.approx(belief.ppf(0.05) if hits else 0.0)
        assert high == pytest.approx(belief.ppf(0.95) if misses else 1.0)


def test_two_classes_calibrate_nothing():
    unit, classes, dimension = planted(classes=2)
    assert calibrate(ClassVectors(unit, classes), classes, np.array([20]), dimension, seed=0) is None
