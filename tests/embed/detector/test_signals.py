"""Signals: waveforms, projection, SNR, against lalsimulation and a matched filter written here."""

import lal
import lalsimulation as simulation
import numpy as np
import pytest

from embed.detector.examples import Examples
from embed.detector.geometry import antenna_response, arrival_delay
from embed.detector.noise import NoiseSource
from embed.detector.options import SourceOptions
from embed.detector.signals import Binary, SignalSource
from embed.detector.waveforms import chirp_mass, waveform
from embed.errors import InputError
from embed.simulator.noise import detector_noise

BINARY = Binary((36.0, 29.0), (0.0, 0.0), 0.4, 1.1, 0.7, 0.5, 1.3, 0.85)


def test_the_strain_is_lalsimulations_projected_by_hand():
    binary = Binary((40.0, 20.0), (0.3, -0.2), 0.4, 1.1, 0.7, 0.5, 0.0, 0.85)
    size, rate = 16384, 2048
    step = rate / size
    found = SignalSource(SourceOptions(spin=0.5)).strain(binary, size)
    plus, cross = simulation.SimInspiralChooseFDWaveform(
        40 * lal.MSUN_SI, 20 * lal.MSUN_SI, 0, 0, 0.3, 0, 0, -0.2, 1e6 * lal.PC_SI, binary.inclination,
        0, 0, 0, 0, step, 20.0, 1024.0, 20.0, None, simulation.IMRPhenomD,
    )  # fmt: skip
    f = step * np.arange(size // 2 + 1)
    delays = [arrival_delay(ifo, binary.latitude, binary.longitude) for ifo in ("H1", "L1")]
    waves = []
    for ifo, delay in zip(("H1", "L1"), delays, strict=True):
        respond = antenna_response(ifo, binary.latitude, binary.longitude, binary.polarisation)
        wave = respond[0] * plus.data.data + respond[1] * cross.data.data
        waves.append(rate * wave * np.exp(-2j * np.pi * f * (0.85 + delay - min(delays))))
    band = slice(round(25 / step), round(400 / step))
    ratio = (
        found[:, band] / np.array(waves)[:, band]
    )  # lalsimulation's own phase at the reference frequency is left open
    assert np.abs(ratio) == pytest.approx(1.0, abs=1e-6)
    assert np.ptp(np.angle(ratio / ratio[0, 0])) < 1e-6


def test_the_bundled_waveform_is_close_to_the_better_one():
    step, bins = 1 / 8, 8193
    psd = detector_noise("H1", 16384, 2048).psd
    for masses in ((20.0, 15.0), (36.0, 29.0), (60.0, 40.0)):
        one = waveform("IMRPhenomD", masses, (0, 0), bins, step)
        other = waveform("bundled", masses, (0, 0), bins, step)
        overlap = np.abs(np.fft.ifft(one * other.conj() / psd)).max() * bins
        norms = [np.sum(np.abs(wave) ** 2 / psd) for wave in (one, other)]
        assert overlap / np.sqrt(norms[0] * norms[1]) > 0.95
        assert np.sqrt(norms[1] / norms[0]) == pytest.approx(1.0, abs=0.3)
        peak = np.abs(np.fft.irfft(other)).argmax()
        assert min(peak, 16384 - peak) < 0.02 * 2048  # the merger at time 0


def test_the_chirp_mass_of_equal_masses_by_hand():
    assert chirp_mass((10.0, 10.0)) == pytest.approx(10.0 / 2**0.2)


def test_the_stated_snr_is_that_of_the_true_spectrum():
    options = SourceOptions(waveform="bundled")
    block = NoiseSource(options, 0).block(0)
    signals = SignalSource(options)
    size = 8 * 2048
    _, snr = signals.whitened(BINARY, block)
    spectra = signals.strain(BINARY, size) / 2048  # to 1/Hz
    f = np.arange(size // 2 + 1) / 8
    for place, ifo in enumerate(("H1", "L1")):
        psd = detector_noise(ifo, size, 2048).psd
        inside = (f >= 20) & (f < 819)
        expected = np.sqrt(4 * np.sum(np.abs(spectra[place, inside]) ** 2 / psd[inside]) / 8)
        assert snr[place] == pytest.approx(expected, rel=0.03)


def test_a_matched_filter_finds_the_stated_snr_at_the_stated_time():
    options = SourceOptions(waveform="bundled", masses=(25.0, 60.0))
    examples = Examples(options, 5)
    count = 128
    blocks = [examples.noise.block(number) for number in range(2)]
    made = examples.batch(range(count), label="signal", snr=(12.0, 12.0))
    quiet = examples.batch(range(count), label="noise")
    assert made.network_snr == pytest.approx(12.0)
    found = []
    for row, binary in enumerate(made.binaries):
        template, norm = examples.signals.whitened(binary, blocks[row // 64])
        template /= np.sqrt(np.sum(template**2))
        found.append(np.sum(template * made.strain[row]))
        added = made.strain[row] - quiet.strain[row]
        np.testing.assert_allclose(added, template * np.sqrt(np.sum(added**2)), rtol=0, atol=1e-4)
        assert made.distance[row] == pytest.approx(np.sqrt(np.sum(norm**2)) / 12.0)
        assert 0.75 <= binary.merger <= 0.95
    # a second holds nearly all of such signals; noise adds a standard normal number to each
    assert np.mean(found) == pytest.approx(12.0, abs=0.5)
    assert np.std(found) == pytest.approx(1.0, abs=0.2)


def test_light_travels_between_the_detectors():
    options = SourceOptions(waveform="bundled")
    signals = SignalSource(options)
    waves = np.fft.irfft(signals.strain(BINARY, 8192), 8192) * np.sign(
        [antenna_response(ifo, 0.4, 1.1, 0.5)[0] for ifo in ("H1", "L1")]
    ).reshape(2, 1)
    fine = np.fft.irfft(np.fft.rfft(waves[0]) * np.fft.rfft(waves[1]).conj(), 8 * 8192)
    lag = np.abs(fine).argmax()
    seconds = (lag if lag < 4 * 8192 else lag - 8 * 8192) / (8 * 2048)
    expected = arrival_delay("H1", 0.4, 1.1) - arrival_delay("L1", 0.4, 1.1)
    assert seconds == pytest.approx(expected, abs=0.001)  # polarisations shift the phase by less than that


def test_binaries_are_isotropic_and_within_their_ranges():
    signals = SignalSource(SourceOptions(masses=(10.0, 30.0), waveform="bundled"))
    drawn = [signals.draw(np.random.default_rng(seed)) for seed in range(1000)]
    sines = np.sin([binary.latitude for binary in drawn])
    assert np.mean(sines) == pytest.approx(0.0, abs=0.08)
    assert np.mean(sines**2) == pytest.approx(1 / 3, abs=0.04)
    assert np.mean(np.cos([binary.inclination for binary in drawn]) ** 2) == pytest.approx(1 / 3, abs=0.04)
    assert all(10 <= binary.masses[1] <= binary.masses[0] <= 30 for binary in drawn)


def test_lalsuite_is_named_where_it_is_lacking(monkeypatch):
    monkeypatch.setattr("embed.detector.options.find_spec", lambda _: None)
    assert SourceOptions().chosen_waveform == "bundled"
    with pytest.raises(InputError, match=r"IMRPhenomD needs lalsuite: `pip install glitch-discovery\[strain\]`"):
        _ = SourceOptions(waveform="IMRPhenomD").chosen_waveform
