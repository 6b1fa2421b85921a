"""The looks of reworked families, by what their waveforms must have; and spreads, against the table of real glitches."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from embed.simulator import FAMILIES, SAMPLE_RATE, Spread
from embed.simulator.families.blips import helix
from embed.simulator.families.bursts import light_modulation
from embed.simulator.families.family import QUANTILES
from embed.simulator.families.lines import violin_mode, wandering_line
from embed.simulator.families.scattering import paired_doves

N = 16 * SAMPLE_RATE
T = (np.arange(N) - N // 2) / SAMPLE_RATE


def test_a_spread_has_the_quantiles_that_it_was_given():
    spread = Spread((2.0, 3.0, 5.0, 8.0, 13.0, 40.0, 90.0))
    rng = np.random.default_rng(0)
    drawn = np.array([spread.draw(rng) for _ in range(20000)])
    assert spread.low <= drawn.min()
    assert drawn.max() <= spread.high
    # Shares are drawn between the outermost quantiles, 1 % and 99 %.
    shares = (np.array(QUANTILES) - 0.01) / 0.98
    assert np.quantile(drawn, shares[1:-1]) == pytest.approx(spread.quantiles[1:-1], rel=0.05)


def test_snr_follows_the_table_of_o1(real_data):
    """Two-sample Kolmogorov-Smirnov distance between the SNR drawn and that of O1's glitches of the class."""
    table = pd.read_csv(real_data / "gravityspy_o1_table.csv")
    rng = np.random.default_rng(0)
    for name in ("Blip", "Koi_Fish", "Power_Line", "Helix", "Tomte", "Air_Compressor", "Repeating_Blips"):
        drawn = [FAMILIES[name].draw(rng)["snr"] for _ in range(2000)]
        assert ks_2samp(drawn, table.snr[table.label == name]).statistic < 0.12, name


def middle_share(wave, near):
    """Share of a wave's energy within ``near`` seconds of the middle."""
    energy = wave**2
    return energy[np.abs(T) < near].sum() / energy.sum()


def test_helix_is_bright_at_multiples_of_its_pulse_rate():
    p = {"frequency": 128.0, "pulses": 5, "low": 20.0, "high": 400.0, "crowd": 0.0}
    spectrum = np.abs(np.fft.rfft(helix(T, p, np.random.default_rng(1))))
    f = np.fft.rfftfreq(len(T), T[1] - T[0])
    on, off = (spectrum[np.abs(f - at) < 4].mean() for at in (128.0, 1.5 * 128.0))
    assert on > 3 * off


def test_doves_turn_round_from_one_to_the_next():
    p = {"length": 0.2, "spacing": 1.2, "bottom": 20.0, "top": 90.0, "bend": 1.0, "echo": 0.0, "company": 1.0}
    rng = np.random.default_rng(3)
    wave = paired_doves(T, p, rng)
    assert middle_share(wave, 0.15) < 0.6  # five of them
    # Each half-swing's sweep is the middle one reversed: correlated with the mirror image, not with itself.
    middle = wave[np.abs(T) < 0.12]
    after = slice(np.searchsorted(T, 0.7), np.searchsorted(T, 1.7))
    straight, mirrored = (np.abs(np.correlate(wave[after], stroke, "valid")).max() for stroke in (middle, middle[::-1]))
    assert mirrored > 1.5 * straight


def test_wandering_line_is_whole_or_broken():
    p = {"frequency": 800.0, "reach": 0.02, "pace": 1.0, "span": 6.0, "breaks": 4.0}
    silent = []
    for broken in (0, 1):
        wave = wandering_line(T, {**p, "broken": broken}, np.random.default_rng(2))
        power = np.convolve(wave**2, np.ones(80) / 80, "same")[np.abs(T) < 2]
        silent.append(np.mean(power < 1e-3 * power.max()))
    assert silent[0] < 0.02
    assert 0.15 < silent[1] < 0.95


def test_violin_mode_sounds_all_its_overtones_at_the_same_moment():
    p = {"mode": 1, "sigma": 0.02, "others": 1.0, "split": 20.0, "repeats": 0}
    wave = violin_mode(T, p, np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(wave))
    f = np.fft.rfftfreq(len(T), T[1] - T[0])
    assert all(spectrum[np.abs(f - mode) < 30].max() > 0.1 * spectrum.max() for mode in (500, 1003, 1475, 1935))
    assert middle_share(wave, 0.1) > 0.99
    assert spectrum[np.abs(f - 500) < 3].mean() < 0.5 * spectrum[np.abs(f - 480) < 3].mean()  # the notch between


def test_light_modulation_rumbles_after_its_spikes():
    p = {
        "low": 30.0,
        "high": 600.0,
        "span": 0.06,
        "spikes": 4.0,
        "scatter": 0.4,
        "bottom": 20.0,
        "rumble": 1.0,
        "floor": 1.0,
    }
    wave = light_modulation(T, p, np.random.default_rng(0))
    before, after = (np.sum(wave[(a < T) & (b > T)] ** 2) for a, b in ((-0.9, -0.3), (0.3, 0.9)))
    assert after > 20 * before
