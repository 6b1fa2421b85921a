"""The matched filter against direct correlation in time, and against what theory says of noise and of signals."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
from scipy.stats import chi2, kstest

from embed.detector.matchedfilter import Bank, MatchedFilter, make_bank, matches, spread
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


def quadrature(template, size):
    """h + i h', each of `size` samples, by SciPy's Hilbert transform of the padded template."""
    return scipy.signal.hilbert(np.pad(np.asarray(template, float), (0, size - len(template))))


def sums_by_hand(bank, strain):
    """Every time of every template, one sum after the other: complex (T, D, times)."""
    size = 1024  # of the ring on which the quadrature lives
    z = np.zeros((len(bank), 2, size), complex)
    for number, pair in enumerate(bank.templates.numpy()):
        for detector in range(2):
            shape = quadrature(pair[detector], size)
            for sample in range(size):
                turned = np.roll(shape, sample - bank.reference)[: strain.shape[-1]]
                z[number, detector, sample] = (strain[detector] * turned).sum()
    return z


def by_hand(sums, first, last, reach):
    """The loudest at every second time, and its template."""
    best, which = -1.0, -1
    for number, z in enumerate(sums):
        for sample in range(first, last, 2):
            for other in range(sample - 2 * reach, sample + 2 * reach + 1, 2):
                network = abs(z[0, sample]) ** 2 + abs(z[1, other % z.shape[-1]]) ** 2
                if network > best:
                    best, which = network, number
    return best**0.5, which


def test_windows_are_correlations_by_hand(bank):
    rng = np.random.default_rng(0)
    strain = rng.standard_normal((3, 2, 256)).astype(np.float32)
    search = MatchedFilter(bank, window=8 / RATE)
    assert search.reach == 4
    sums = [sums_by_hand(bank, one) for one in strain]
    for first, last in ((100, 140), (0, 20), (240, 256)):
        statistic, template = search.of_windows(strain, first, last)
        expected = [by_hand(one, first, last, 4) for one in sums]
        np.testing.assert_allclose(
            statistic, [value for value, _ in expected], rtol=2e-3
        )  # but for the Nyquist frequency
        assert template.tolist() == [number for _, number in expected]


def test_series_is_the_loudest_of_each_placement_and_slides_are_rolls(bank):
    rng = np.random.default_rng(1)
    strain = rng.standard_normal((2, 6000)).astype(np.float32)
    search = MatchedFilter(bank, window=6 / RATE)
    found = search.of_series(strain, (600, 700), 200, (0, 500))
    snr = np.zeros((len(bank), 2, 6000))
    for number, pair in enumerate(bank.templates.numpy()):
        for detector in range(2):
            shape = quadrature(pair[detector], 16384)
            ring = np.fft.ifft(
                np.fft.fft(strain[detector], 16384) * np.fft.fft(np.roll(shape, -REFERENCE).conj()).conj()
            )
            snr[number, detector] = abs(ring)[:6000]
    snr = snr[..., ::2]
    near = np.stack([scipy.ndimage.maximum_filter1d(one, 7, mode="wrap") for one in snr[:, 1]])
    for turn, row in zip((0, 500), found, strict=True):
        network = np.sqrt(snr[:, 0] ** 2 + np.roll(near, turn // 2, -1) ** 2).max(0)
        expected = [network[start : start + 50].max() for start in range(300, 2951, 100)]
        np.testing.assert_allclose(row, expected, rtol=2e-3)  # the quadrature's far ends are cut by the pieces
    with pytest.raises(InputError, match="give even numbers of samples"):
        search.of_series(strain, (600, 700), 201)


def test_a_signal_has_its_optimal_ratio_and_noise_two_degrees_of_freedom(bank):
    signal = np.zeros((1, 2, 1024), np.float32)
    waveform = chirp(40, 200)
    for detector, (height, delay) in enumerate(((6.0, 0), (4.0, 12))):
        start = 300 + delay
        signal[0, detector, start : start + 512] = height * waveform / np.linalg.norm(waveform)
    statistic, template = MatchedFilter(bank).of_windows(signal, 600, 800)
    assert template[0] == 1
    assert statistic[0] == pytest.approx(np.hypot(6, 4), rel=0.01)
    too_late, _ = MatchedFilter(bank, window=4 / RATE).of_windows(signal, 600, 800)
    assert too_late[0] < 0.95 * statistic[0]  # 12 samples are more than 4

    noise = np.random.default_rng(2).standard_normal((4000, 1, 512)).astype(np.float32)
    one = MatchedFilter(Bank(bank.templates[:1, :1], REFERENCE, RATE))
    found, _ = one.of_windows(noise, REFERENCE, REFERENCE + 1)
    assert kstest(found**2, chi2(2).cdf).pvalue > 0.001


def test_a_spread_bank_matches_what_it_left_out():
    rng = np.random.default_rng(3)
    waveforms = np.stack([chirp(low, 3 * low) for low in rng.uniform(30, 60, 60)])
    taken = spread(waveforms, np.arange(60), 0.9)
    assert 3 < len(taken) < 40
    unit = waveforms / np.linalg.norm(waveforms, axis=1, keepdims=True)
    shapes = np.stack([quadrature(one, 2048) for one in unit])
    match = np.array(
        [[abs(np.fft.ifft(np.fft.fft(one, 2048) * np.fft.fft(shape).conj())).max() for shape in shapes] for one in unit]
    )[:, taken]
    assert match.max(1).min() >= 0.899
    for place in range(1, len(taken)):
        assert match[taken[place], :place].max() < 0.91
    bank = make_bank(waveforms[taken][:, None], 0, RATE)
    np.testing.assert_allclose(
        matches(waveforms, bank.templates[:, 0]), match.max(1), atol=0.03
    )  # at every second sample


def test_what_is_no_waveform_is_refused(bank):
    with pytest.raises(InputError, match="zero or not finite"):
        make_bank(np.zeros((1, 2, 64)), 3, RATE)
    with pytest.raises(InputError, match=r"give \(templates, detectors, samples\)"):
        make_bank(np.ones((2, 64)), 3, RATE)
    with pytest.raises(InputError, match="for a bank of 2 detectors"):
        MatchedFilter(bank).of_windows(np.zeros((1, 1, 64), np.float32), 0, 10)
    one = MatchedFilter(Bank(bank.templates[:, :1], REFERENCE, RATE))
    with pytest.raises(InputError, match="one detector cannot be slid"):
        one.of_series(np.zeros((1, 2048), np.float32), (600, 700), 100, (0, 10))
