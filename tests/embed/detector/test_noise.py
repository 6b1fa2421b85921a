"""Noise, whitened as strain is, and the spectra that it follows."""

import h5py
import numpy as np
import pytest
import scipy.signal

from embed.detector.noise import NoiseSource
from embed.detector.options import SourceOptions
from embed.detector.segments import whiten_at
from embed.detector.spectra import curve_files, curve_noise
from embed.errors import InputError
from embed.simulator.noise import coloured_spectrum, detector_noise, file_psd


def density(values, rate):
    """Spectral density relative to white noise of unit variance."""
    return scipy.signal.welch(values, rate, nperseg=2 * rate)[1] * rate / 2


def test_whitened_noise_has_unit_spectral_density_and_none_where_the_band_is_faded():
    source = NoiseSource(SourceOptions(), 3)
    values = np.concatenate([source.block(number).values for number in range(2)], axis=1)
    assert values.dtype == np.float32
    assert values.shape == (2, 2 * 64 * 2048)
    for row in values:
        white = density(row.astype(np.float64), 2048)
        for low in (20, 40, 100, 200, 400, 700):
            assert white[2 * low : 2 * low + 80].mean() == pytest.approx(1.0, abs=0.06)
        assert white[2 * 1000 :].mean() < 0.02
    assert abs(np.corrcoef(values)[0, 1]) < 0.01


def test_strain_at_twice_the_rate_is_whitened_to_the_same_scale():
    rng = np.random.default_rng(0)
    options = SourceOptions()
    noise = detector_noise("H1", 32 * 4096, 4096)
    strain = np.fft.irfft(coloured_spectrum(noise, 4096, rng), 32 * 4096)
    white = density(whiten_at(strain, 4096, options)[2048:-2048].astype(np.float64), 2048)
    for low in (20, 100, 400, 700):
        assert white[2 * low : 2 * low + 80].mean() == pytest.approx(1.0, abs=0.1)


def test_a_block_depends_on_its_number_and_the_seed_alone():
    options = SourceOptions(ifos=("H1",))
    one, other = NoiseSource(options, 3), NoiseSource(options, 3)
    other.block(0)
    fifth = one.block(5).values
    assert np.array_equal(fifth, other.block(5).values)
    assert not np.array_equal(fifth, other.block(6).values)
    assert not np.array_equal(fifth, NoiseSource(options, 4).block(5).values)


def test_a_filter_does_to_a_sum_what_it_did_to_the_noise():
    source = NoiseSource(SourceOptions(ifos=("H1",)), 1)
    block = source.block(0)
    taps = block.filters[0]
    centred = np.roll(taps, len(taps) // 2)
    pulse = np.zeros(8192)
    pulse[3000] = 1.0
    expected = np.convolve(pulse, centred)[len(taps) // 2 :][:8192]
    found = np.fft.irfft(np.fft.rfft(pulse) * block.gains(8192)[0], 8192)
    assert np.allclose(found, expected, atol=1e-6 * np.abs(expected).max())


@pytest.fixture
def spectra(tmp_path):
    frequencies = np.arange(1025.0)
    for ifo, scale in (("H1", 1.0), ("L1", 4.0)):
        with h5py.File(tmp_path / f"{ifo}_psd-0.hdf", "w") as file:
            file["data"] = scale * 1e-46 * (1 + (60 / np.maximum(frequencies, 1)) ** 4)
            file["data"].attrs["delta_f"] = 1.0
    return tmp_path


def test_a_spectrum_in_a_file_is_that_of_the_noise(spectra):
    noise = curve_noise(spectra / "L1_psd-0.hdf", 8 * 2048, 2048)
    at = np.searchsorted(noise.frequencies, [20.0, 100.0, 500.0])
    assert noise.psd[at] == pytest.approx([4e-46 * 82, 4e-46 * 1.1296, 4e-46 * 1.00020736], rel=1e-6)
    source = NoiseSource(SourceOptions(noise=(str(spectra),)), 0)
    block = source.block(0)
    assert block.curves == ("H1_psd-0.hdf", "L1_psd-0.hdf")
    assert block.values[:, :].std(axis=1) == pytest.approx([0.95, 0.95], abs=0.02)


@pytest.fixture(scope="module")
def measured(real_data):
    """Spectra of the third run, twenty of each detector, in PyCBC's layout."""
    folder = real_data / "psds"
    if not folder.is_dir():
        pytest.skip("no measured spectra under ../shared/data/psds")
    return folder


def test_a_measured_spectrum_is_that_of_its_file_and_of_the_noise(measured):
    for path in (measured / "H1_psd-0.hdf", measured / "L1_psd-7.hdf"):
        with h5py.File(path) as file:
            psd, step = file["data"][()], file["data"].attrs["delta_f"]
        noise = curve_noise(path, 64 * 2048, 2048)
        inside = (noise.frequencies >= 20) & (noise.frequencies < 900)
        expected = np.interp(noise.frequencies, step * np.arange(len(psd)), psd)
        assert np.median(noise.psd[inside] / expected[inside]) == pytest.approx(1.0, abs=0.01)
        strain = np.fft.irfft(coloured_spectrum(noise, 2048, np.random.default_rng(1)), 64 * 2048)
        found = scipy.signal.welch(strain, 2048, nperseg=8 * 2048)[1]
        per_bin = np.interp(np.arange(len(found)) / 8, noise.frequencies, noise.psd)
        for low in (30, 100, 250, 400, 700):
            band = slice(8 * low, 8 * low + 400)
            assert np.median(found[band] / per_bin[band]) == pytest.approx(1.0, abs=0.1)


def test_noise_of_measured_spectra_is_whitened_to_unit_density_and_is_of_all_of_them(measured):
    source = NoiseSource(SourceOptions(noise=(str(measured),)), 2)
    assert {ifo: len(names) for ifo, names in source.curves.items()} == {"H1": 20, "L1": 20}
    assert all(name.startswith(f"{ifo}_psd-") for ifo, names in source.curves.items() for name in names)
    blocks = [source.block(number) for number in range(4)]
    assert len({block.curves for block in blocks}) > 1
    for values in np.concatenate([block.values for block in blocks]):
        white = density(values.astype(np.float64), 2048)
        for low in (30, 100, 200, 400, 700):
            assert np.median(white[2 * low : 2 * low + 80]) == pytest.approx(1.0, abs=0.12)


def test_strain_in_a_file_is_measured(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "H-H1_TEST-0-32.hdf5"
    with h5py.File(path, "w") as file:
        file["strain/Strain"] = 1e-21 * rng.standard_normal(32 * 4096)
        file["strain/Strain"].attrs["Xspacing"] = 1 / 4096
    psd = curve_noise(path, 8 * 2048, 2048).psd
    assert np.median(psd[400:4000]) == pytest.approx(np.median(file_psd(path)[1]), rel=0.02)
    assert curve_files([tmp_path], ["H1"]) == {"H1": [path]}


def test_noise_that_is_not_there_is_refused(spectra, tmp_path):
    (spectra / "L1_psd-0.hdf").unlink()
    with pytest.raises(InputError, match=r"has nothing of L1; give files of each detector, or other --ifos"):
        NoiseSource(SourceOptions(noise=(str(spectra),)), 0)
    with pytest.raises(InputError, match=r"no file or folder .*nowhere of measured noise"):
        curve_files([tmp_path / "nowhere"], ["H1"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no file ending in \.hdf, \.hdf5, \.h5"):
        curve_files([tmp_path / "empty"], ["H1"])
    with h5py.File(spectra / "H1_psd-0.hdf", "a") as file:
        file["data"][30] = 0.0
    with pytest.raises(InputError, match="is no spectrum: data must be a row of positive numbers from 8 Hz on"):
        curve_noise(spectra / "H1_psd-0.hdf", 2048, 2048)
    (spectra / "H1_psd-0.hdf").write_bytes(b"not HDF5")
    with pytest.raises(InputError, match="cannot be read as HDF5"):
        curve_noise(spectra / "H1_psd-0.hdf", 2048, 2048)
