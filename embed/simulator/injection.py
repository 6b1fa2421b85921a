"""One glitch in noise: a family's waveform, scaled to its SNR, laid into a detector's noise, whitened or not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from embed.errors import InputError
from embed.simulator.families.catalogue import FAMILIES
from embed.simulator.families.waves import plateau, smooth_walk
from embed.simulator.loudest import Tile, loudest_tile
from embed.simulator.noise import SAMPLE_RATE, Noise, coloured_spectrum, detector_noise, measured_noise

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from embed.simulator.families.family import Array, Family

BLOCK_S = 16.0
"""Length of a simulated block: the 4 s view, and room for tiles and whitening. Real pictures are cut from 64 s, which serve
only to estimate the spectrum; here the spectrum is known."""

REACH_S = 7.0
"""Waveforms fade out beyond this time from the trigger: their ends must not meet in a step."""

SPECTRUM_STEP_HZ = 0.5
"""Resolution of the spectrum that Gravity Spy whitens with: segments of 2 s."""

SPECTRUM_ERROR = 0.08
"""Relative standard deviation of an amplitude spectral density that is the median of 63 half-overlapping segments."""

COMPANY_RATE = 0.07
"""Fraction of pictures in which a second, weaker glitch shows; of the order of trigger rate (about one a minute or two in
bad stretches) times the 4 s of the view."""

COMPANY = (
    "Blip",
    "Tomte",
    "Scattered_Light",
    "Low_Frequency_Burst",
    "Blip_Low_Frequency",
    "Fast_Scattering",
    "Koi_Fish",
)
"""Glitches that are common enough to occur near another one."""

LOUDEST_COMPANY = 25.0
"""SNR: a louder neighbour would have been the trigger."""

STRAY_RATE = 0.8
"""Mean number of faint sub-threshold tiles at low frequency per block: real noise is not Gaussian below 60 Hz."""

GLOW_RATE = 0.3
"""Fraction of pictures whose floor glows: noise at low frequency that comes and goes within seconds, with the ground's motion."""

GLOW_RATE_HZ = 256.0
"""Sample rate of that glow, which has nothing above 100 Hz."""


@dataclass(frozen=True)
class Detector:
    """A detector's noise on the grid of one block, and the filter that whitens it.

    Parameters
    ----------
    ifo : str
        H1 or L1.
    noise : Noise
        On the block's frequency grid.
    whitening : ndarray of float64, shape (m,)
        Gain of the zero-phase whitening filter; whitened noise has mean square one in every bin.
    """

    ifo: str
    noise: Noise
    whitening: Array


@dataclass(frozen=True)
class Injection:
    """A glitch as it was laid into noise: the parameters used, the tile that a trigger generator would report, its company."""

    parameters: dict[str, float]
    tile: Tile
    companion: str
    companion_time: float


@lru_cache(maxsize=8)
def detector(ifo: str, files: tuple[Path, ...] = (), seconds: float = BLOCK_S) -> Detector:
    """Prepare a detector; ``files`` of strain replace the design noise by a measured one."""
    n = round(seconds * SAMPLE_RATE)
    noise = measured_noise(files, n) if files else detector_noise(ifo, n)
    return Detector(ifo, noise, whitening_gain(noise))


def whitening_gain(noise: Noise) -> Array:
    """Gain of a whitening filter of 2 s, as the recipe of Gravity Spy makes it.

    Parameters
    ----------
    noise : Noise
        On the grid of an even transform.

    Returns
    -------
    ndarray of float64, shape (m,)
        The inverse of the amplitude spectral density as 2 s segments see it, truncated to 2 s with a Hann window
        (gwpy's ``TimeSeries.whiten``). Truncation is why a loud glitch rings at the mains: the notch is longer than the
        filter.
    """
    f, step = noise.frequencies, noise.frequencies[1]
    n = 2 * (len(f) - 1)
    # A periodogram with a Hann window of 2 s smears the PSD over its neighbours, 1/4 1/2 1/4 in amplitude squared.
    grid = np.arange(0.0, f[-1] + SPECTRUM_STEP_HZ / 2, SPECTRUM_STEP_HZ)
    reach = round(2.0 * SPECTRUM_STEP_HZ / step)
    kernel = _hann_leakage(np.arange(-reach, reach + 1) * step / SPECTRUM_STEP_HZ)
    padded = np.pad(noise.psd, reach, mode="reflect")
    smeared = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    gain = 1.0 / np.interp(f, grid, np.sqrt(np.interp(grid, f, smeared)))
    gain[0] = 0.0
    response = scipy.fft.irfft(gain, n)
    taps = round(n * step / SPECTRUM_STEP_HZ)  # n step is the sample rate
    window = np.zeros(n)
    half = min(taps // 2, n // 2)
    ramp = 0.5 * (1.0 + np.cos(np.pi * np.arange(half) / half))
    window[:half], window[-half:] = ramp, ramp[::-1]
    truncated = scipy.fft.rfft(response * window).real
    return truncated * np.sqrt(2.0 / (n * (n * step)))


def _hann_leakage(bins: Array) -> Array:
    """Power response of a Hann window at offsets measured in bins of the segment."""
    x = np.where(np.abs(np.abs(bins) - 1.0) < 1e-9, bins + 1e-6, bins)
    return (np.sinc(x) / (1.0 - x**2)) ** 2


def lay(
    family: Family, where: Detector, rng: np.random.Generator, *, alone: bool = False
) -> tuple[NDArray[np.complex128], Injection]:
    """Draw a glitch and put it in the middle of a block.

    Parameters
    ----------
    family : Family
        The class.
    where : Detector
        The detector, on the block's grid.
    rng : numpy.random.Generator
        Random numbers.
    alone : bool
        Without a companion, stray tiles and a glow.

    Returns
    -------
    spectrum : ndarray of complex128, shape (m,)
        One-sided spectrum (``rfft``) of the strain of the glitch, without noise.
    Injection
        What was drawn.
    """
    spectrum, parameters, tile = _one(family, where, rng)
    if alone:
        return spectrum, Injection(parameters, tile, "", 0.0)
    companion, when = "", 0.0
    if rng.random() < COMPANY_RATE:
        companion = COMPANY[rng.integers(len(COMPANY))]
        other, _, _ = _one(FAMILIES[companion], where, rng, loudest=min(0.6 * tile.snr, LOUDEST_COMPANY))
        when = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 1.9))
        spectrum += other * np.exp(-2j * np.pi * where.noise.frequencies * when)
    for _ in range(rng.poisson(STRAY_RATE)):
        spectrum += _stray(where, rng)
    if rng.random() < GLOW_RATE:
        _add_glow(spectrum, where, rng)
    return spectrum, Injection(parameters, tile, companion, when)


def _one(
    family: Family, where: Detector, rng: np.random.Generator, loudest: float = np.inf
) -> tuple[NDArray[np.complex128], dict[str, float], Tile]:
    parameters = family.draw(rng)
    parameters["snr"] = min(parameters["snr"], loudest)
    f = where.noise.frequencies
    duration = 1.0 / f[1]
    clock = _clock(len(f))
    wave = family.waveform(clock, parameters, rng)
    spectrum = scipy.fft.rfft(wave * plateau(clock, -REACH_S, REACH_S, 0.2))
    if family.domain == "whitened":
        spectrum *= np.sqrt(where.noise.smooth)
    spectrum[f < 8.0] = 0.0
    tile = loudest_tile(spectrum * where.whitening, duration)
    if not tile.snr > 0:
        raise InputError(
            f"the waveform of {family.name} is empty for {parameters}; correct the ranges of its parameters"
        )
    # The picture is centred on the loudest tile, as a trigger is, within the scatter of the trigger's time.
    offset = family.jitter * rng.standard_normal()
    shift = offset - tile.time if family.centred else offset
    spectrum *= parameters["snr"] / tile.snr * np.exp(-2j * np.pi * f * shift)
    return spectrum, parameters, Tile(parameters["snr"], tile.time + shift, tile.frequency, tile.q)


def _stray(where: Detector, rng: np.random.Generator) -> NDArray[np.complex128]:
    """Spectrum of one sub-threshold sine-Gaussian, written down in frequency since it is so narrow there."""
    f = where.noise.frequencies
    frequency = np.exp(rng.uniform(np.log(10.0), np.log(60.0)))
    sigma = rng.uniform(0.4, 2.0) / frequency
    near = slice(*np.searchsorted(f, (8.0, frequency + 1.0 / sigma)))
    turn = 2.0 * np.pi * (rng.random() - f[near] * (0.5 / f[1] + rng.uniform(-4.0, 4.0)))
    spectrum = np.zeros(len(f), dtype=np.complex128)
    bell = np.exp(-2.0 * (np.pi * sigma * (f[near] - frequency)) ** 2)
    spectrum[near] = bell * np.exp(1j * turn) * np.sqrt(where.noise.smooth[near])
    power = 2.0 * np.sum(np.abs(spectrum[near] * where.whitening[near]) ** 2)  # matched-filter SNR squared
    return spectrum * (rng.uniform(2.0, 5.5) / np.sqrt(power))


def _add_glow(spectrum: NDArray[np.complex128], where: Detector, rng: np.random.Generator) -> None:
    """Add noise below 20 to 60 Hz whose strength wanders, a fraction of the stationary noise's amplitude."""
    f = where.noise.frequencies
    n = round(GLOW_RATE_HZ / f[1])
    low = slice(0, n // 2 + 1)
    top = np.exp(rng.uniform(np.log(20.0), np.log(60.0)))
    white = rng.standard_normal((n // 2 + 1, 2)).view(np.complex128)[:, 0] / (1.0 + (f[low] / top) ** 6)
    strength = np.exp(0.8 * smooth_walk(np.arange(n) / GLOW_RATE_HZ, rng.uniform(0.3, 2.0), rng))
    glow = scipy.fft.rfft(scipy.fft.irfft(white, n) * strength)
    whole = 2 * (len(f) - 1)
    spectrum[low] += rng.uniform(0.2, 0.9) * glow * np.sqrt(where.noise.smooth[low] * (whole * SAMPLE_RATE / 4.0))


@lru_cache(maxsize=4)
def _clock(bins: int) -> Array:
    n = 2 * (bins - 1)
    clock = (np.arange(n) - n // 2) / SAMPLE_RATE
    clock.flags.writeable = False
    return clock


def whitened_block(spectrum: NDArray[np.complex128], where: Detector, rng: np.random.Generator) -> NDArray[np.float32]:
    """Add noise to a glitch and whiten the sum.

    Parameters
    ----------
    spectrum : ndarray of complex128, shape (m,)
        Of the glitch's strain, from `lay`.
    where : Detector
        The detector.
    rng : numpy.random.Generator
        Random numbers.

    Returns
    -------
    ndarray of float32, shape (n,)
        Whitened strain as a block of 64 s is whitened by its own measured spectrum, whose error is on it.
    """
    f = where.noise.frequencies
    error = 1.0 + SPECTRUM_ERROR * rng.standard_normal(int(f[-1] / SPECTRUM_STEP_HZ) + 2)
    gain = where.whitening * np.interp(f, SPECTRUM_STEP_HZ * np.arange(len(error)), error)
    whole = (coloured_spectrum(where.noise, SAMPLE_RATE, rng) + spectrum) * gain
    return scipy.fft.irfft(whole, 2 * (len(f) - 1)).astype(np.float32)


def strain_block(spectrum: NDArray[np.complex128], where: Detector, rng: np.random.Generator) -> Array:
    """Add noise to a glitch; returns strain (n,) float64, with the detector's colour."""
    return scipy.fft.irfft(coloured_spectrum(where.noise, SAMPLE_RATE, rng) + spectrum, 2 * (len(spectrum) - 1))
