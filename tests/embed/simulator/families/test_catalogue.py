"""Waveforms of the families: their strokes, their physics, and the SNR with which they are laid into noise."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from embed.gravityspy import CLASS_LISTS
from embed.simulator import (
    CLASSES,
    CONFUSABLE,
    FAMILIES,
    NONE_OF_THE_ABOVE,
    SAMPLE_RATE,
    UNCATALOGUED,
    Range,
    detector,
    lay,
    loudest_tile,
)
from embed.simulator.families.chirps import SUN_S, chirp, inspiral_merger_ringdown, reverse_chirp
from embed.simulator.families.scattering import LASER_M, fringe
from embed.simulator.families.waves import gaussian, high_passed, pulse, repeated, sine_gaussian, smooth_walk, tone
from embed.simulator.families.whistles import whistle

N = 16 * SAMPLE_RATE
T = (np.arange(N) - N // 2) / SAMPLE_RATE


def ridge(wave, times, width=0.06):
    """Frequency of the strongest bin of a spectrogram at some times."""
    f, t, power = scipy.signal.spectrogram(wave, SAMPLE_RATE, nperseg=int(width * SAMPLE_RATE), noverlap=0, nfft=8192)
    return np.array([f[power[:, np.argmin(np.abs(t - 8.0 - time))].argmax()] for time in times])


def instantaneous(wave):
    return np.gradient(np.unwrap(np.angle(scipy.signal.hilbert(wave)))) * SAMPLE_RATE / (2 * np.pi)


# --- strokes -----------------------------------------------------------------------------------------------------------


def test_tone_follows_its_track():
    track = 300.0 + 80.0 * np.sin(2 * np.pi * 0.5 * T)
    middle = np.abs(T) < 6
    assert np.abs(instantaneous(tone(T, track)) - track)[middle].max() < 1.0


def test_tone_is_silent_above_its_top():
    assert np.abs(tone(T, np.full(N, 4500.0))).max() < 1e-3


def test_pulse_halves_at_its_corners_and_delays_low_frequencies():
    spectrum = np.fft.rfft(pulse(T, 0.0, 60.0, 400.0, steepness=(12.0, 12.0), drift=0.004))
    f = np.fft.rfftfreq(N, 1 / SAMPLE_RATE)
    height = np.abs(spectrum) / np.abs(spectrum).max()
    assert np.interp([60.0, 400.0], f, height) == pytest.approx(0.5, abs=0.01)
    phase = np.unwrap(np.angle(spectrum[(f > 50) & (f < 500)]))
    delay = -np.gradient(phase, f[1]) / (2 * np.pi) % 16.0 - 8.0
    at = f[(f > 50) & (f < 500)]
    assert np.interp([60.0, 240.0], at, delay) == pytest.approx([0.004, 0.001], abs=1e-4)


@given(st.floats(0.02, 2.0), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_smooth_walk_is_standard_and_smooth(timescale, seed):
    walk = smooth_walk(T, timescale, np.random.default_rng(seed))
    assert abs(walk.mean()) < 1e-9
    assert walk.std() == pytest.approx(1.0)
    assert np.abs(np.gradient(walk, T)).max() < 12.0 / timescale
    assert abs(walk[0] - walk[-1]) < 12.0 / timescale / SAMPLE_RATE  # no step where the ends meet


@given(st.lists(st.tuples(st.floats(-12, 12), st.floats(-3, 3)), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_repeated_is_a_sum_of_shifted_copies(places):
    stroke = gaussian(T, 0.0, 0.01)
    found = repeated(T, stroke, np.array([p for p, _ in places]), np.array([h for _, h in places]))
    wanted = sum(h * gaussian(T, round(p * SAMPLE_RATE) / SAMPLE_RATE, 0.01) for p, h in places)
    assert np.allclose(found, wanted, atol=1e-12)


def test_high_pass_removes_what_is_below():
    wave = np.sin(2 * np.pi * 10 * T) + np.sin(2 * np.pi * 100 * T)
    assert np.abs(high_passed(T, wave, 30.0) - np.sin(2 * np.pi * 100 * T)).max() < 1e-3


def test_range_draws_within_its_ends():
    rng = np.random.default_rng(0)
    for law in ("uniform", "log"):
        values = [Range(2.0, 5.0, "Hz", law).draw(rng) for _ in range(500)]
        assert 2.0 <= min(values) < 2.2
        assert 4.8 < max(values) <= 5.0
    assert {Range(1, 3, "1", "integer").draw(rng) for _ in range(60)} == {1.0, 2.0, 3.0}


# --- tiles -------------------------------------------------------------------------------------------------------------


@given(st.floats(15.0, 1500.0), st.floats(0.8, 5.0), st.floats(-3, 3))
@settings(max_examples=25, deadline=None)
def test_loudest_tile_of_a_sine_gaussian_is_its_matched_filter_snr(frequency, cycles, centre):
    spectrum = np.fft.rfft(sine_gaussian(T, centre, frequency, cycles, 0.3))
    snr = np.sqrt(2 * np.sum(np.abs(spectrum) ** 2))
    tile = loudest_tile(spectrum, 16.0)
    assert 0.85 * snr < tile.snr <= 1.001 * snr
    assert tile.time == pytest.approx(centre, abs=1.5 * cycles / frequency)
    assert tile.frequency == pytest.approx(frequency, rel=0.25)


# --- physics -----------------------------------------------------------------------------------------------------------


def test_fringe_frequency_is_twice_the_speed_over_the_wavelength():
    swing, top = 0.2, 60.0
    motion = top * LASER_M / (4 * np.pi * swing) * np.sin(2 * np.pi * swing * T)
    near = np.abs(T) < 0.5
    wanted = top * np.abs(np.cos(2 * np.pi * swing * T))
    assert np.abs(instantaneous(fringe(motion, 0.0)) - wanted)[near].max() < 5.0
    assert np.abs(instantaneous(fringe(motion, 0.0, 2)) - 2 * wanted)[near].max() < 5.0


def test_chirp_spends_the_newtonian_time_from_a_frequency_to_merger():
    mass, symmetric = 20.0, 0.25
    f = np.arange(25.0, 60.0, 0.01)
    _, phase = inspiral_merger_ringdown(f, mass, symmetric)
    delay = np.gradient(phase, f) / (2 * np.pi)
    chirp_mass = mass * SUN_S * symmetric**0.6
    newton = 5.0 / 256.0 * chirp_mass ** (-5.0 / 3.0) * (np.pi * f) ** (-8.0 / 3.0)
    found, wanted = delay - np.interp(55.0, f, delay), newton - np.interp(55.0, f, newton)
    assert abs(found[500]) == pytest.approx(abs(wanted[500]), rel=0.25)  # post-Newtonian terms are the rest
    assert found[500] * found[1000] > 0


def test_chirp_rings_where_gw150914_did():
    f = np.arange(20.0, 1000.0, 0.5)
    amplitude, _ = inspiral_merger_ringdown(f, 68.0, 0.247)  # the redshifted mass
    falling = amplitude * f ** (2.0 / 3.0)
    assert 200 < f[np.argmax(falling < 0.8 * falling[f == 150.0])] < 300


def test_chirp_rises_and_reverse_chirp_falls():
    p = {"mass": 20.0, "ratio": 1.0, "start": 20.0}
    rng = np.random.default_rng
    forward, backward = chirp(T, p, rng(0)), reverse_chirp(T, p, rng(0))
    assert np.array_equal(forward[::-1], backward)
    low, mid, late = ridge(forward, (-0.8, -0.3, -0.09))
    assert 20 < low < mid < late
    energy = np.cumsum(forward**2) / np.sum(forward**2)
    assert energy[np.searchsorted(T, -6.0)] < 0.02  # 20 Hz is 4.4 s before the merger
    assert energy[np.searchsorted(T, 0.1)] > 0.98


def test_whistle_u_turns_at_its_frequency_and_w_crosses_twice():
    p = {"turn": 600.0, "bend": 2e4, "slope": 1e4, "period": 1.0, "quiet": 50.0, "fade": 0.0, "reach": 0.5}
    u = whistle(T, {**p, "shape": 2}, np.random.default_rng(0))
    w = whistle(T, {**p, "shape": 3}, np.random.default_rng(0))
    assert ridge(u, (0.0,), 0.04)[0] == pytest.approx(600.0, rel=0.15)
    assert ridge(w, (0.0,), 0.04)[0] == pytest.approx(600.0, rel=0.15)
    outer, inner = ridge(w, (0.42, 0.2), 0.02)
    assert inner < 500 < outer


BANDS = {
    "1080Lines": (1000, 1200), "1400Ripples": (1200, 1700), "Air_Compressor": (44, 56), "Blip": (40, 520),
    "Blip_Low_Frequency": (10, 80), "Chirp": (25, 500), "Fast_Scattering": (18, 70), "Helix": (60, 450),
    "Koi_Fish": (15, 130), "Light_Modulation": (10, 450), "Low_Frequency_Burst": (9, 28),
    "Low_Frequency_Lines": (9, 36), "Paired_Doves": (14, 230), "Power_Line": (50, 70), "Repeating_Blips": (40, 520),
    "Reverse_Chirp": (25, 500), "Scattered_Light": (9, 180), "Scratchy": (60, 420), "Tomte": (18, 120),
    "70Hz_Line": (60, 80), "High_Frequency_Burst": (500, 2048), "Pizzicato": (350, 700), "Violin_Mode": (450, 2048), "Wandering_Line": (150, 2048), "Whistle": (80, 2048),
}  # fmt: skip

SHORT = {"Blip", "Tomte", "Koi_Fish", "Chirp", "Blip_Low_Frequency", "Extremely_Loud", "Helix"}
"""Families with one loudest tile; lines and sweeps have many nearly as loud."""


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_family_is_documented_drawn_within_ranges_and_laid_at_its_snr(name):
    family = FAMILIES[name]
    assert len(family.look) > 30
    assert len(family.source) > 10
    for index in range(3):
        rng = np.random.default_rng([7, index])
        where = detector("H1" if rng.random() < family.share_h1 else "L1")
        spectrum, injection = lay(family, where, rng, alone=True)
        assert np.isfinite(spectrum).all()
        for parameter, spread in family.parameters.items():
            assert spread.low <= injection.parameters[parameter] <= spread.high
            assert spread.unit
        tile = loudest_tile(spectrum * where.whitening, 16.0)
        assert tile.snr == pytest.approx(injection.tile.snr, rel=0.03)
        if name in SHORT:
            assert tile.time == pytest.approx(injection.tile.time, abs=0.02)
        if name in BANDS:
            low, high = BANDS[name]
            assert low <= tile.frequency <= high


def test_same_stream_same_glitch():
    for name in FAMILIES:
        one, two = (lay(FAMILIES[name], detector("L1"), np.random.default_rng(5))[0] for _ in range(2))
        assert np.array_equal(one, two)


def test_catalogue_holds_every_class_asked_for():
    assert CLASS_LISTS["O4"] == CLASSES
    assert [len(names) for names in CLASS_LISTS.values()] == [22, 24, 27]
    assert set(CLASSES) - {NONE_OF_THE_ABOVE} | {"Reverse_Chirp"} == {n for n in FAMILIES if n not in UNCATALOGUED}
    assert len(UNCATALOGUED) >= 6
    assert set(CONFUSABLE) == set(CLASSES) | {"Reverse_Chirp"}
    assert all(near != name for name, others in CONFUSABLE.items() for near in others)
    assert {near for others in CONFUSABLE.values() for near in others} <= set(CLASSES) | {"Reverse_Chirp"}
