"""The matched filter against PyCBC's: from strain on where PyCBC is installed, and everywhere against numbers that it gave.

PyCBC asks for an older NumPy and SciPy than the other tests run with, so that it is in no extra: install it into an environment of
its own, as docs/howto/detector.md says, to run the two tests that are skipped without it.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from embed.detector.matchedfilter import MatchedFilter, make_bank
from embed.detector.noise import WhitenedBlock
from embed.detector.options import SourceOptions
from embed.detector.signals import Binary, SignalSource
from embed.detector.spectra import curve_noise
from embed.qtransform.whitening import whiten_with_filter
from embed.simulator.noise import coloured_spectrum, detector_noise

SPECTRA = Path(__file__).parents[4] / "shared" / "data" / "psds"
RATE, SECONDS = 2048, 66
SIZE = RATE * SECONDS
AT = 33.0
"""When a binary merges in the strain, s."""
MERGER = 2.75
"""Of a template, s after its start; nothing of these binaries is cut from its 4 s."""
BINARIES = (((36.0, 29.0), 8.0), ((60.0, 25.0), 15.0), ((30.0, 30.0), 0.0))
"""Masses, and the SNR at which the binary is in the strain."""

PLAIN_RATE, PLAIN_SIZE = 1024, 4096
PYCBC_2_11_0 = {
    (40, 200): (4.6487, 5.6574, 6.8581, 8.0293, 8.8629, 9.0681, 8.4850, 7.1638, 5.3666, 3.4845, 1.9023, 0.8730),
    (60, 300): (1.3557, 1.9253, 2.3242, 2.7406, 3.1843, 3.2117, 2.5277, 1.2933, 0.1771, 1.0968, 1.5459, 1.4774),
    (30, 120): (0.4950, 0.5398, 0.6427, 0.7614, 0.8749, 0.9731, 1.0495, 1.0991, 1.1196, 1.1126, 1.0843, 1.0457),
}
"""Template -> what `pycbc.filter.matched_filter` of PyCBC 2.11.0 gives of `plain_strain` at the samples 2000, 2002, ... 2022."""


def sweep(low, high):
    """A tone that rises for half a second, at the start of the strain."""
    t = np.arange(512) / PLAIN_RATE
    return np.sin(2 * np.pi * (low * t + (high - low) * t**2)) * np.sin(np.pi * t / t[-1]) ** 2


def plain_strain():
    """White noise of unit variance, with the second sweep in it."""
    strain = np.random.default_rng(5).standard_normal(PLAIN_SIZE)
    strain[2010 : 2010 + 512] += sweep(40, 200)
    return strain


def pycbc_series(strain, spectrum, psd, rate, lowest):
    """PyCBC's signal-to-noise ratio of strain, for the `rfft` of a template and a two-sided grid of the spectral density."""
    from pycbc.filter import matched_filter
    from pycbc.types import FrequencySeries, TimeSeries

    step = rate / len(strain)
    found = matched_filter(
        FrequencySeries(spectrum / rate, delta_f=step),
        TimeSeries(strain, delta_t=1 / rate),
        psd=FrequencySeries(psd, delta_f=step),
        low_frequency_cutoff=lowest,
    )
    return np.abs(found.numpy())


def pycbc_spectrum(strain):
    """PyCBC's own estimate of the spectral density, by its own means throughout."""
    from pycbc.psd import interpolate, inverse_spectrum_truncation
    from pycbc.types import TimeSeries

    measured = interpolate(TimeSeries(strain, delta_t=1 / RATE).psd(4), 1 / SECONDS)
    found = inverse_spectrum_truncation(measured, 4 * RATE, low_frequency_cutoff=15.0).numpy()
    return np.where(found > 0, found, 1.0)  # below 15 Hz, where no template is


def own_series(whitened, template, reference, rate):
    """Ours, at every second sample."""
    bank = make_bank(np.asarray(template)[None, None], reference, rate)
    return MatchedFilter(bank).of_series(np.asarray(whitened)[None], (0, 1), 2)[0]


@pytest.mark.parametrize("sweeps", list(PYCBC_2_11_0))
def test_the_ratio_is_what_pycbc_gave(sweeps):
    found = own_series(plain_strain(), sweep(*sweeps), 0, PLAIN_RATE)
    np.testing.assert_allclose(found[1000:1012], PYCBC_2_11_0[sweeps], atol=2e-3)


@pytest.mark.parametrize("sweeps", list(PYCBC_2_11_0))
def test_what_pycbc_gave_is_what_it_gives(sweeps):
    pytest.importorskip("pycbc.filter")
    psd = np.full(PLAIN_SIZE // 2 + 1, 2 / PLAIN_RATE)
    spectrum = np.fft.rfft(sweep(*sweeps), PLAIN_SIZE)
    expected = pycbc_series(plain_strain(), spectrum, psd, PLAIN_RATE, None)
    np.testing.assert_allclose(PYCBC_2_11_0[sweeps], expected[2000:2024:2], atol=5e-5)


def noise_of(curve):
    if curve == "design":
        return detector_noise("H1", SIZE, RATE)
    if not (SPECTRA / curve).is_file():
        pytest.skip(f"no measured spectra under {SPECTRA}")
    return curve_noise(SPECTRA / curve, SIZE, RATE)


@pytest.mark.parametrize(("masses", "snr"), BINARIES)
@pytest.mark.parametrize("curve", ["design", "H1_psd-0.hdf"])
def test_from_strain_on_the_ratio_is_pycbcs(curve, masses, snr):
    pytest.importorskip("pycbc.filter")
    signals = SignalSource(SourceOptions(ifos=("H1",), seconds=4, waveform="bundled"))
    binary = Binary(masses, (0.0, 0.0), 0.4, 1.1, 0.7, 0.5, 1.3, AT)
    noise = noise_of(curve)
    spectrum = signals.strain(binary, SIZE)[0]
    inside = noise.frequencies >= 20
    optimal = np.sqrt(4 / SECONDS * np.sum(np.abs(spectrum[inside] / RATE) ** 2 / noise.psd[inside]))
    strain = np.fft.irfft(coloured_spectrum(noise, RATE, np.random.default_rng(3)), SIZE)
    strain += snr / optimal * np.fft.irfft(spectrum, SIZE)
    whitened, taps = whiten_with_filter(torch.from_numpy(strain)[None], RATE, faded=True)
    block = WhitenedBlock(whitened.numpy(), taps.numpy(), (curve,))
    template = signals.whitened(replace(binary, merger=MERGER), block)[0][0]
    own = own_series(whitened[0].numpy(), template, round(MERGER * RATE), RATE)

    at_zero = spectrum * np.exp(2j * np.pi * AT * np.arange(SIZE // 2 + 1) / SECONDS)
    gains = block.gains(SIZE)[0]
    same = 2 / RATE / np.maximum(gains**2, 1e-12 * (gains**2).max())  # the spectrum that this filter whitens
    expected = pycbc_series(strain, at_zero, same, RATE, 20.0)[::2]
    inner = slice(4 * RATE // 2, -4 * RATE // 2)  # 4 s at each end are tapered and settle
    assert own[inner] == pytest.approx(expected[inner], abs=0.04)  # the template is cut to 4 s
    if snr:
        apart = pycbc_series(strain, at_zero, pycbc_spectrum(strain), RATE, 20.0)[::2]
        assert own[inner].argmax() == expected[inner].argmax() == apart[inner].argmax()
        assert own[inner].max() == pytest.approx(apart[inner].max(), rel=0.04)
