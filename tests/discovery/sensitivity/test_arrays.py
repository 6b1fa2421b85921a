"""Thresholds, sensitivity, backgrounds, slides and distances on arrays, against cases by hand and what is known of them."""

import numpy as np
import pytest
import scipy.stats

from discovery.sensitivity.background import (
    Background,
    Triggers,
    compare,
    find_peaks,
    make_background,
    slide_turns,
)
from discovery.sensitivity.curves import alarms_by_class, sensitivity_curve, snr_at_share, threshold_at
from discovery.sensitivity.distance import draw_distances, sensitive_distance
from embed.errors import InputError
from embed.metrics.intervals import poisson, rate_ratio_interval, same_rate


def test_a_threshold_is_what_so_many_noise_windows_exceed():
    noise = np.arange(1000.0)
    found = threshold_at(noise, 0.02)
    assert (found.value, found.alarms, found.noise) == (979.0, 20, 1000)
    assert found.low < 0.02 < found.high
    tied = threshold_at(np.repeat(np.arange(100.0), 10), 0.025)
    assert (tied.value, tied.alarms) == (97.0, 20)  # never more than asked


def test_too_few_noise_windows_support_nothing():
    found = threshold_at(np.arange(999.0), 0.01)
    assert not found.supported
    curve = sensitivity_curve([8, 8, 12], [1, 2, 3], found)
    assert np.isnan(curve.share).all()
    with pytest.raises(InputError, match="between 0 and 1"):
        threshold_at(np.arange(10.0), 0)
    with pytest.raises(InputError, match="1 of them not finite"):
        threshold_at([1.0, np.inf], 0.5)


def test_sensitivity_counts_signals_of_each_loudness():
    threshold = threshold_at(np.arange(1000.0), 0.01)  # 989
    curve = sensitivity_curve([8, 12, 8, 12, 8, 12], [990, 995, 3, 991, 989, 2000], threshold)
    assert curve.snr.tolist() == [8, 12]
    assert curve.found.tolist() == [1, 3]
    assert curve.signals.tolist() == [3, 3]
    assert snr_at_share(curve) == pytest.approx(8 + 4 * (0.5 - 1 / 3) / (2 / 3))
    assert np.isnan(snr_at_share(curve, 1.1))


def test_peaks_are_the_loudest_that_are_apart():
    times = np.arange(0, 10, 0.5)
    loud = np.zeros(20)
    loud[[3, 4, 5, 12, 13]] = 4, 9, 5, 7, 7
    peaks = find_peaks(times, loud, apart=1.0, above=0.0)
    assert peaks.times.tolist() == [2.0, 6.0]
    assert peaks.statistic.tolist() == [9, 7]
    gap = find_peaks([0, 5, 10], [np.nan, 1, 2], apart=1)
    assert gap.times.tolist() == [5, 10]
    with pytest.raises(InputError, match="positive time"):
        find_peaks([0.0], [1.0], apart=0)


def test_a_background_gives_counts_and_never_extrapolates():
    own = make_background(
        [Triggers(np.arange(3.0), np.array([5.0, 7.0, 6.0])), Triggers(np.zeros(1), np.array([9.0]))],
        1e4,
        "time slides",
    )
    assert own.statistic.tolist() == [9, 7, 6, 5]
    assert own.rate([4, 6, 6.5, 10]).tolist() == [4e-4, 3e-4, 2e-4, 0]
    low, high = own.interval(10.0) * 1e4
    assert low == 0
    assert high == pytest.approx(-np.log(0.025))  # of none seen
    assert own.threshold(2e-4) == 6
    assert own.threshold(1e-4) == 7
    assert np.isnan(own.threshold(0.99e-4))
    assert own.threshold(1.0) == -np.inf
    with pytest.raises(InputError, match="nothing was searched"):
        make_background([], 0.0, "time slides")


def test_poisson_intervals_against_their_definition():
    for count in (0, 1, 7, 150):
        low, high = poisson(count)
        assert scipy.stats.poisson.cdf(count, high) == pytest.approx(0.025)
        if count:
            assert scipy.stats.poisson.sf(count - 1, low) == pytest.approx(0.025)
    low, high = rate_ratio_interval((20, 100.0), (10, 100.0))
    assert low < 2 < high
    rng = np.random.default_rng(0)
    inside = [
        low <= 2 <= high
        for low, high in (
            rate_ratio_interval((int(rng.poisson(20)), 10.0), (int(rng.poisson(5)), 5.0)) for _ in range(500)
        )
    ]
    assert np.mean(inside) >= 0.94
    assert rate_ratio_interval((0, 1.0), (0, 1.0)) == (0.0, np.inf)
    assert same_rate((0, 1.0), (0, 1.0)) == 1
    assert same_rate((30, 1.0), (10, 1.0)) < 0.01


def coincidences(first, second, window, turn, seconds):
    """Sums of squares of pairs within the window, after the second's times are turned."""
    found = [np.empty(0)]
    turned = (second[0] + turn) % seconds
    for time, loud in zip(*first, strict=True):
        near = abs(turned - time) < window
        found.append(np.hypot(loud, second[1][near]))
    return np.concatenate(found)


def test_slides_give_the_rate_of_independent_noise():
    """Two detectors with triggers of their own: the rate of chance coincidences, from one stretch slid and from fresh stretches."""
    rng = np.random.default_rng(1)
    seconds, window, rate = 2000.0, 0.05, 0.5

    def detector():
        count = rng.poisson(rate * seconds)
        return rng.uniform(0, seconds, count), 4 + rng.exponential(1.0, count)

    first, second = detector(), detector()
    turns = slide_turns(seconds, 20.0, 99, light_travel=0.01)
    assert len(turns) == 99
    assert turns[0] == 20
    assert turns[-1] == 1980
    slid = np.concatenate([coincidences(first, second, window, turn, seconds) for turn in turns])
    fresh = np.concatenate([coincidences(detector(), detector(), window, 0.0, seconds) for _ in range(99)])
    backgrounds = [
        make_background([Triggers(np.zeros(len(loud)), loud)], len(turns) * seconds, how)
        for loud, how in ((slid, "time slides"), (fresh, "noise alone"))
    ]
    for found in compare(*backgrounds, (1e-2, 1e-3, 1e-4)):
        assert found.chance > 0.01, found
    unslid = make_background([Triggers(np.zeros(len(slid)), slid * 1.3)], backgrounds[0].livetime, "")
    assert min(found.chance for found in compare(unslid, backgrounds[1], (1e-2, 1e-3))) < 1e-4


def test_slides_are_longer_than_light_takes():
    assert slide_turns(62.0, 1.0, 1000, light_travel=0.01).tolist() == list(range(1, 62))
    assert slide_turns(62.0, 1.0, 4, light_travel=0.01).tolist() == [1, 21, 41, 61]
    assert slide_turns(1.0, 1.0, 4, light_travel=0.01).tolist() == []
    assert slide_turns(51.004, 1.0, 2, light_travel=0.01).tolist() == [1, 50]  # 51 would be 4 ms backwards
    with pytest.raises(InputError, match="too near to the light-travel time"):
        slide_turns(62.0, 0.05, 4, light_travel=0.01)


def test_the_sensitive_distance_is_a_volume():
    """A search that finds all within 100 Mpc has this distance, whatever the spheres that injections were drawn from."""
    rng = np.random.default_rng(2)
    farthest = rng.uniform(120, 400, 20000)
    distance = draw_distances(farthest, rng)
    assert scipy.stats.kstest((distance / farthest) ** 3, "uniform").pvalue > 0.001
    found = sensitive_distance(distance < 100, farthest)
    assert found.low < 100 < found.high
    assert found.high - found.low < 6
    none = sensitive_distance(np.zeros(100, bool), np.full(100, 50.0))
    assert none.distance == 0
    assert 0 < none.high < 50


def test_the_sensitive_distance_is_mlgwsc_1s():
    """Its formula: volume of the largest sphere over N, times the found ones' (Mc / Mc_max)^(5/2)."""
    rng = np.random.default_rng(3)
    mass = rng.uniform(5, 40, 500)
    found = rng.random(500) < 0.3
    largest = 5000.0
    volume = 4 / 3 * np.pi * largest**3 / 500 * ((mass[found] / mass.max()) ** 2.5).sum()
    own = sensitive_distance(found, largest * (mass / mass.max()) ** (5 / 6))
    assert own.distance == pytest.approx((3 * volume / (4 * np.pi)) ** (1 / 3))
    with pytest.raises(InputError, match="one distance an injection"):
        sensitive_distance([True], [1.0, 2.0])


def test_false_alarms_are_counted_by_class():
    counted = alarms_by_class(["Blip", "Tomte", "Blip"], [3.0, 1.0, 2.0], 2.0)
    assert counted == {"Blip": (1, 2), "Tomte": (0, 1)}


def test_an_empty_background_has_no_rate_but_an_upper_end():
    quiet = Background(np.empty(0), 3600.0, "noise alone")
    assert quiet.rate(3.0) == 0
    assert quiet.interval(3.0)[1] > 0
    assert quiet.least_rate() == 1 / 3600
