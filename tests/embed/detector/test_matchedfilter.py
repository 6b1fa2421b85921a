"""The matched filter against direct correlation in time, and against what theory says of noise and of signals."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
from scipy.stats import chi2, kstest

from embed.detector.matchedfilter import Bank, MatchedFilter, make_bank, optimal_snr, spread
from embed.errors import InputError

RATE = 1024
REFERENCE = 400


def chirp(low, high, size=512, reference=REFERENCE):
    """A tone that rises up to the reference and stops there."""
    t = (np.arange(size) - reference) / RATE
    frequency = low + (high - low) * np.exp(20 * np.minimum(t, 0))
    return np.where(t <= 0, np.sin(2 * np.pi * np.cumsum(frequency) / RATE) * np.exp(8 * np.minimum(t, 0)), 0.0)


@pytest.fixture(scope="module")
def bank():
    waveforms = np.stack([chirp(low, high) for low, high in ((30, 120), (40, 200), (60, 300))])
    return make_bank(np.repeat(waveforms[:, None], 2, axis=1), REFERENCE, RATE)


def by_hand(bank, strain, first, last, reach):
    """Every time of every template, one product after the other."""
    best, which = -1.0, -1
    for number, template in enumerate(bank.templates.numpy().astype(complex)):
        z = np.zeros((2, strain.shape[-1] + 2 * reach), complex)  # from `reach` samples before the window
        for detector in range(2):
            for sample in range(-reach, strain.shape[-1] + reach):
                start = sample - bank.reference
                low, high = max(start, 0), min(start + template.shape[-1], strain.shape[-1])
                if low < high:
                    part = template[detector, low - start : high - start]
                    z[detector, sample + reach] = (strain[detector, low:high] * part.conj()).sum()
        for sample in range(first, last):
            one = abs(z[0, sample + reach]) ** 2
            for other in range(sample - reach, sample + reach + 1):
                network = one + abs(z[1, other + reach]) ** 2
                if network > best:
                    best, which = network, number
    return best**0.5, which


def test_windows_are_correlations_by_hand(bank):
    rng = np.random.default_rng(0)
    strain = rng.standard_normal((3, 2, 256)).astype(np.float32)
    search = MatchedFilter(bank, window=4 / RATE)
    assert search.reach == 4
    for first, last in ((100, 140), (0, 20), (240, 256)):
        statistic, template = search.of_windows(strain, first, last)
        expected = [by_hand(bank, one, first, last, 4) for one in strain]
        np.testing.assert_allclose(statistic, [value for value, _ in expected], rtol=2e-5)
        assert template.tolist() == [number for _, number in expected]


def test_series_is_the_loudest_of_each_bin_and_slides_are_rolls(bank):
    rng = np.random.default_rng(1)
    strain = rng.standard_normal((2, 4096)).astype(np.float32)
    search = MatchedFilter(bank, window=3 / RATE)
    edges = np.arange(600, 3000, 200)
    found = search.of_series(strain, edges, (0, 500))
    snr = np.stack(
        [
            [abs(scipy.signal.fftconvolve(one, part[::-1].conj())) for one, part in zip(strain, template, strict=True)]
            for template in bank.templates.numpy()
        ]
    )[..., 511 - REFERENCE :]  # the merger at sample s is at place s
    near = [scipy.ndimage.maximum_filter1d(one, 7) for one in snr[:, 1]]
    for turn, row in zip((0, 500), found, strict=True):
        ring = np.stack([np.roll(one[600:2800], turn) for one in near])
        network = np.sqrt(snr[:, 0, 600:2800] ** 2 + ring**2).max(0)
        np.testing.assert_allclose(row, network.reshape(-1, 200).max(1), rtol=2e-5)


def test_a_signal_has_its_optimal_ratio_and_noise_two_degrees_of_freedom(bank):
    signal = np.zeros((1, 2, 1024), np.float32)
    waveform = chirp(40, 200)
    for detector, (height, delay) in enumerate(((6.0, 0), (4.0, 12))):
        start = 300 + delay
        signal[0, detector, start : start + 512] = height * waveform / np.linalg.norm(waveform)
    assert optimal_snr(signal)[0] == pytest.approx(np.hypot(6, 4), rel=1e-6)
    statistic, template = MatchedFilter(bank).of_windows(signal, 600, 800)
    assert template[0] == 1
    assert statistic[0] == pytest.approx(np.hypot(6, 4), rel=0.01)
    too_late, _ = MatchedFilter(bank, window=4 / RATE).of_windows(signal, 600, 800)
    assert too_late[0] < 0.95 * statistic[0]  # 12 samples are more than 4

    noise = np.random.default_rng(2).standard_normal((4000, 2, 512)).astype(np.float32)
    one = MatchedFilter(Bank(bank.templates[:1, :1], REFERENCE, RATE))
    found, _ = one.of_windows(noise[:, :1], REFERENCE, REFERENCE + 1)
    assert kstest(found**2, chi2(2).cdf).pvalue > 0.001


def test_a_spread_bank_matches_what_it_left_out():
    rng = np.random.default_rng(3)
    waveforms = np.stack([chirp(low, 3 * low) for low in rng.uniform(30, 60, 60)])
    taken = spread(waveforms, 0.9)
    assert 3 < len(taken) < 40
    bank = make_bank(waveforms[taken][:, None], 0, RATE).templates[:, 0].numpy()
    unit = waveforms / np.linalg.norm(waveforms, axis=1, keepdims=True)
    match = np.array([[abs(np.convolve(one, other[::-1].conj())).max() for other in bank] for one in unit])
    assert match.max(1).min() >= 0.9
    for place in range(1, len(taken)):
        assert match[taken[place], :place].max() < 0.9


def test_what_is_no_waveform_is_refused(bank):
    with pytest.raises(InputError, match="zero or not finite"):
        make_bank(np.zeros((1, 2, 64)), 3, RATE)
    with pytest.raises(InputError, match=r"give \(templates, detectors, samples\)"):
        make_bank(np.ones((2, 64)), 3, RATE)
    with pytest.raises(InputError, match="for a bank of 2 detectors"):
        MatchedFilter(bank).of_windows(np.zeros((1, 1, 64), np.float32), 0, 10)
    with pytest.raises(InputError, match="one detector cannot be slid"):
        one = MatchedFilter(Bank(bank.templates[:, :1], REFERENCE, RATE))
        one.of_series(np.zeros((1, 2048), np.float32), (600, 700), (0, 10))
