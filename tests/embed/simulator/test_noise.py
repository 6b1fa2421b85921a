"""The noise of a simulated detector: its spectrum, measured spectra, and the filter that whitens it."""

import h5py
import numpy as np
import pytest
import scipy.signal

from embed.errors import InputError
from embed.simulator import SAMPLE_RATE, design_psd, detector, detector_noise, measured_noise
from embed.simulator.noise import coloured_spectrum, file_detector


def strain_of(noise, rng):
    return np.fft.irfft(coloured_spectrum(noise, SAMPLE_RATE, rng))


def write_strain(path, strain, rate=SAMPLE_RATE, ifo=None):
    with h5py.File(path, "w") as file:
        file["strain/Strain"] = strain
        file["strain/Strain"].attrs["Xspacing"] = 1.0 / rate
        if ifo:
            file["meta/Detector"] = ifo
    return path


def test_design_psd_by_hand_at_the_fit_s_own_frequency():
    # x = 1 at 215 Hz: 1e-49 (1 - 5 + 111 (1 - 1 + 1/2) / (1 + 1/2)) = 33e-49; the wall there is 2.5e-44 (215/11)^-14.
    assert design_psd(np.array([215.0]))[0] == pytest.approx(3.3e-48, rel=1e-9)


def test_design_psd_is_lowest_near_200_hz_and_walls_off_below_11():
    f = np.arange(9.0, 4000.0, 0.5)
    psd = design_psd(f)
    assert 150 < f[psd.argmin()] < 300
    assert psd[0] > 1e3 * psd[f == 40.0][0]


@pytest.mark.parametrize("ifo", ["H1", "L1"])
def test_coloured_noise_has_its_spectrum_by_welch(ifo):
    noise = detector_noise(ifo, 64 * SAMPLE_RATE)
    f, psd = scipy.signal.welch(strain_of(noise, np.random.default_rng(0)), SAMPLE_RATE, nperseg=4 * SAMPLE_RATE)
    wanted = np.interp(f, noise.frequencies, noise.smooth)
    for low, high in ((22, 30), (70, 110), (200, 290), (600, 900), (1100, 1400)):
        band = (f > low) & (f < high)
        assert np.median(psd[band] / wanted[band]) == pytest.approx(0.97, abs=0.06)  # the median of a 31-fold mean


def test_lines_stand_over_the_smooth_spectrum():
    noise = detector_noise("H1", 64 * SAMPLE_RATE)
    at = np.argmin(np.abs(noise.frequencies - 60.0))
    assert noise.psd[at] > 20 * noise.smooth[at]
    assert noise.psd[at + 640] == pytest.approx(noise.smooth[at + 640], rel=1e-3)  # 10 Hz beside it


def test_measured_noise_recovers_the_noise_it_was_given(tmp_path):
    true = detector_noise("L1", 128 * SAMPLE_RATE)
    path = write_strain(tmp_path / "L-L1_a.hdf5", strain_of(true, np.random.default_rng(1)))
    n = 16 * SAMPLE_RATE
    found, wanted = measured_noise([path], n), detector_noise("L1", n)
    band = (found.frequencies > 20) & (found.frequencies < 1500)
    ratio = found.smooth[band] / wanted.smooth[band]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.1)
    assert np.percentile(np.abs(np.log(ratio)), 90) < 0.4
    assert found.psd[np.argmin(np.abs(found.frequencies - 60.0))] > 4 * wanted.smooth[960]


def test_measured_noise_continues_beyond_a_file_of_lower_rate(tmp_path):
    strain = strain_of(detector_noise("H1", 64 * SAMPLE_RATE), np.random.default_rng(2))
    path = write_strain(tmp_path / "a.hdf5", scipy.signal.decimate(strain, 4), rate=SAMPLE_RATE / 4)
    found = measured_noise([path], 16 * SAMPLE_RATE)
    wanted = detector_noise("H1", 16 * SAMPLE_RATE)
    high = found.frequencies > 2000
    assert np.all(np.isfinite(found.psd))
    assert np.median(found.psd[high] / wanted.psd[high]) == pytest.approx(1.0, abs=0.3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: write_strain(p, np.ones(4 * SAMPLE_RATE)), "4 s long; at least 8 s"),
        (lambda p: write_strain(p, np.full(16 * SAMPLE_RATE, np.nan)), r"gaps \(NaN\)"),
        (lambda p: write_strain(p, np.zeros(16 * SAMPLE_RATE)), "gaps: the same value for 0.125 s or longer"),
        (lambda p: p.write_bytes(b"no HDF5"), "not a GWOSC HDF5 strain file"),
    ],
)
def test_files_that_cannot_be_measured(tmp_path, make, message):
    path = tmp_path / "H-H1_x.hdf5"
    make(path)
    with pytest.raises(InputError, match=message):
        measured_noise([path], 16 * SAMPLE_RATE)


def test_no_files_and_unknown_detectors(tmp_path):
    with pytest.raises(InputError, match="no strain files"):
        measured_noise([], 1024)
    with pytest.raises(InputError, match="'V1'"):
        detector_noise("V1", 1024)
    assert file_detector(write_strain(tmp_path / "x.hdf5", np.ones(8), ifo="L1")) == "L1"
    assert file_detector(write_strain(tmp_path / "H-H1_LOSC_4.hdf5", np.ones(8))) == "H1"
    (tmp_path / "table.csv").write_text("gps")
    with pytest.raises(InputError, match=r"table.csv does not say which detector it is of"):
        file_detector(tmp_path / "table.csv")
    with pytest.raises(InputError, match="'K1'"):
        file_detector(write_strain(tmp_path / "K-K1_x.hdf5", np.ones(8)))


def test_whitening_gain_is_gwpy_s_whitening():
    """The filter made from the known spectrum and gwpy's, made from 64 s of the noise itself, give the same series."""
    gwpy = pytest.importorskip("gwpy.timeseries")
    where = detector("L1", seconds=64.0)
    spectrum = coloured_spectrum(where.noise, SAMPLE_RATE, np.random.default_rng(3))
    ours = np.fft.irfft(spectrum * where.whitening)
    theirs = gwpy.TimeSeries(np.fft.irfft(spectrum), sample_rate=SAMPLE_RATE).whiten(fftlength=2, overlap=1).value
    middle = slice(8 * SAMPLE_RATE, -8 * SAMPLE_RATE)
    sos = scipy.signal.butter(6, (20.0, 2000.0), "bandpass", fs=SAMPLE_RATE, output="sos")
    ours, theirs = scipy.signal.sosfiltfilt(sos, ours)[middle], scipy.signal.sosfiltfilt(sos, theirs)[middle]
    assert np.corrcoef(ours, theirs)[0, 1] > 0.985  # 8 % of error on each amplitude leaves 0.99


def test_whitened_noise_is_white():
    where = detector("H1")
    power = np.abs(coloured_spectrum(where.noise, SAMPLE_RATE, np.random.default_rng(4)) * where.whitening) ** 2
    f = where.noise.frequencies
    for low, high in ((12, 20), (40, 55), (150, 290), (1100, 1900)):
        assert power[(f > low) & (f < high)].mean() == pytest.approx(1.0, abs=0.2)


def test_real_strain_files_give_noise(real_data):
    files = sorted((real_data / "strain" / "gwosc").glob("*.hdf5"))
    if not files:
        pytest.skip("no GWOSC strain files under ../shared/data/strain/gwosc")
    by_ifo = {ifo: [path for path in files if file_detector(path) == ifo] for ifo in ("H1", "L1")}
    for paths in by_ifo.values():
        noise = measured_noise(paths, 16 * SAMPLE_RATE)
        at = np.searchsorted(noise.frequencies, (40.0, 150.0, 1000.0))
        assert np.all(noise.smooth[at] > design_psd(noise.frequencies[at]) * 0.5)
        assert noise.smooth[at[1]] < noise.smooth[at[0]]
