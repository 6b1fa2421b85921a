"""The noise of a detector: a one-sided power spectral density, and Gaussian noise that has it."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h5py
import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal

from embed.errors import InputError
from embed.strain.dead import LEAST_SECONDS, dead_samples

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from embed.simulator.families.family import Array

SAMPLE_RATE = 8192
"""Hz. The highest tile of the picture, 2048 Hz at Q = 4, reaches up to 2048 (1 + sqrt(11)/4) = 3746 Hz: nothing of the
picture is above the Nyquist frequency of 4096 Hz, so 16384 Hz would double the cost and change no pixel."""

HIGH_PASS_HZ = 8.0
"""Calibrated strain is high-passed near here; below it the noise only has to stay finite."""

SHORTEST_FILE_S = 8.0
"""A median over fewer than seven overlapping two-second segments says little about a spectrum."""


@dataclass(frozen=True)
class Line:
    """A narrow spectral line: frequency and half-width in Hz, and its height over the smooth PSD."""

    frequency: float
    half_width: float
    height: float


_COMMON_LINES = (
    Line(60.0, 0.03, 50.0),
    Line(120.0, 0.03, 25.0),
    Line(180.0, 0.03, 40.0),
    Line(300.0, 0.03, 20.0),
    *(Line(500.0 + d, 0.02, 300.0) for d in (-3.8, -1.1, 0.9, 3.2, 6.9)),
    *(Line(1003.0 + 2.0 * d, 0.04, 100.0) for d in (-3.8, -1.1, 0.9, 3.2)),
    *(Line(1475.0 + 3.0 * d, 0.06, 60.0) for d in (-3.8, -1.1, 0.9, 3.2)),
    Line(1922.0, 0.08, 40.0),
    Line(1945.0, 0.08, 40.0),
)
LINES: dict[str, tuple[Line, ...]] = {
    "H1": (*_COMMON_LINES, Line(35.9, 0.01, 40.0), Line(36.7, 0.01, 100.0), Line(37.3, 0.01, 80.0),
           Line(331.9, 0.01, 400.0), Line(1083.7, 0.02, 300.0)),
    "L1": (*_COMMON_LINES, Line(33.7, 0.01, 40.0), Line(34.7, 0.01, 100.0), Line(35.3, 0.01, 80.0),
           Line(331.3, 0.01, 400.0), Line(1083.1, 0.02, 300.0)),
}  # fmt: skip
"""Power mains with harmonics, suspension violin modes with harmonics, photon-calibrator lines, and roll and bounce modes, by detector.
Heights are orders of magnitude. LIGO detector characterisation in O1: Covas et al. 2018, PRD 97 082002."""


@dataclass(frozen=True)
class Noise:
    """A detector's noise on a frequency grid.

    Parameters
    ----------
    frequencies : ndarray of float64, shape (m,)
        Hz, from 0, equally spaced.
    psd : ndarray of float64, shape (m,)
        One-sided power spectral density, 1/Hz, lines included.
    smooth : ndarray of float64, shape (m,)
        The same without its lines: what a broadband glitch in units of the noise is coloured with.
    """

    frequencies: Array
    psd: Array
    smooth: Array


def design_psd(frequencies: Array) -> Array:
    """Advanced LIGO's design sensitivity.

    Parameters
    ----------
    frequencies : ndarray of float64, shape (m,)
        Hz.

    Returns
    -------
    ndarray of float64, shape (m,)
        One-sided PSD in 1/Hz: the analytic fit of Sathyaprakash & Schutz 2009 (Living Rev. Relativity 12, 2, table 1),
        S = 1e-49 [x^-4.14 - 5 x^-2 + 111 (1 - x^2 + x^4/2) / (1 + x^2/2)] with x = f / 215 Hz, to which is added,
        since the fit holds above 20 Hz only, a seismic wall falling as f^-14 that meets it at 11 Hz. Below
        `HIGH_PASS_HZ` the strain is high-passed.
    """
    f = np.maximum(np.asarray(frequencies, dtype=np.float64), HIGH_PASS_HZ)
    x = f / 215.0
    fit = 1e-49 * (x**-4.14 - 5.0 * x**-2 + 111.0 * (1.0 - x**2 + x**4 / 2.0) / (1.0 + x**2 / 2.0))
    wall = 2.5e-44 * (f / 11.0) ** -14
    high_pass = np.minimum(np.asarray(frequencies) / HIGH_PASS_HZ, 1.0) ** 8
    return (fit + wall) * np.maximum(high_pass, 1e-6)


def detector_noise(ifo: str, n: int, sample_rate: float = SAMPLE_RATE) -> Noise:
    """Noise of H1 or L1 in the observing runs: the design curve, the excess of those years, and the lines.

    Parameters
    ----------
    ifo : {"H1", "L1"}
        The detector; its lines and low-frequency excess differ.
    n : int
        Samples of the transform whose frequency grid is wanted.
    sample_rate : float
        Hz.

    Returns
    -------
    Noise
        On ``n // 2 + 1`` frequencies.

    Notes
    -----
    The excess below 100 Hz (factor 3 to 10 in amplitude over design, steeper at Hanford) follows the sensitivities
    published for O1 (Martynov et al. 2016, PRD 93 112004, figure 1), to the accuracy that whitened data can show.
    """
    if ifo not in LINES:
        raise InputError(f"unknown detector {ifo!r}; the simulated detectors are {', '.join(LINES)}")
    f = scipy.fft.rfftfreq(n, 1.0 / sample_rate)
    steepness, knee = {"H1": (4.0, 75.0), "L1": (3.5, 65.0)}[ifo]
    with np.errstate(divide="ignore"):
        excess = 4.0 * (1.0 + np.minimum((knee / np.maximum(f, HIGH_PASS_HZ)) ** steepness, 100.0))
    smooth = design_psd(f) * excess
    psd = smooth.copy()
    for line in LINES[ifo]:
        near = slice(*np.searchsorted(f, (line.frequency - 2.0, line.frequency + 2.0)))
        psd[near] += smooth[near] * line.height / (1.0 + ((f[near] - line.frequency) / line.half_width) ** 2)
    return Noise(f, psd, smooth)


def measured_noise(paths: Sequence[Path], n: int, sample_rate: float = SAMPLE_RATE) -> Noise:
    """Noise measured from strain files: the median over all their two-second segments.

    Parameters
    ----------
    paths : sequence of Path
        GWOSC HDF5 files (dataset ``strain/Strain`` with attribute ``Xspacing``) of one detector, seconds long each.
    n, sample_rate : int, float
        Grid of the result.

    Returns
    -------
    Noise
        Above 80 % of a file's Nyquist frequency, where decimation filters have bitten, the design curve continues it.

    Raises
    ------
    InputError
        A file cannot be read, holds NaN, is shorter than `SHORTEST_FILE_S`, or the list is empty.
    """
    if not paths:
        raise InputError("no strain files were given; name at least one, or use noise='design'")
    grid = scipy.fft.rfftfreq(n, 1.0 / sample_rate)
    psd = mean_psd([file_psd(path) for path in paths], grid)
    width = max(3, round(8.0 / grid[1]) | 1)  # a median 8 Hz wide steps over lines
    smooth = np.exp(scipy.ndimage.median_filter(np.log(psd), size=width, mode="nearest"))
    smooth[: round(30.0 / grid[1])] = psd[: round(30.0 / grid[1])]  # the wall is too steep for that median
    return Noise(grid, psd, np.minimum(smooth, psd) if np.all(smooth > 0) else psd)


def mean_psd(densities: Sequence[tuple[Array, Array]], grid: Array) -> Array:
    """Geometric mean of measured spectra, on a grid.

    Parameters
    ----------
    densities : sequence of (frequencies, psd)
        Hz and 1/Hz, positive, float64.
    grid : ndarray of float64, shape (m,)
        Hz.

    Returns
    -------
    ndarray of float64, shape (m,)
        1/Hz. Above 80 % of a spectrum's highest frequency, and below `HIGH_PASS_HZ`, the design curve continues it.
    """
    top = 0.8 * min(frequencies[-1] for frequencies, _ in densities)
    low, high = np.searchsorted(grid, (HIGH_PASS_HZ, top))
    log_psd = np.mean([np.interp(grid, f, np.log(p)) for f, p in densities], axis=0)
    psd, design = np.exp(log_psd), design_psd(grid)
    psd[high:] = design[high:] * np.median(psd[high - 200 : high] / design[high - 200 : high])
    psd[:low] = psd[low] * (design[:low] / design[low])
    return psd


def file_detector(path: Path) -> str:
    """Detector of a GWOSC file, from ``meta/Detector`` or the name's ``H-H1_`` prefix.

    Raises
    ------
    InputError
        Neither says that it is H1 or L1.
    """
    found = path.name.split("_")[0].split("-")[-1]
    with contextlib.suppress(OSError, KeyError), h5py.File(path) as file:
        found = np.asarray(file["meta/Detector"][()]).astype(str).item()
    if not re.fullmatch(r"[A-Z][0-9]", found):
        raise InputError(
            f"{path} does not say which detector it is of, neither inside nor by its name, such as H-H1_GWOSC.hdf5 or H1_psd-0.hdf"
        )
    if found not in LINES:
        raise InputError(f"{path} is of detector {found!r}; noise can be measured for {', '.join(LINES)}")
    return found


def file_psd(path: Path) -> tuple[Array, Array]:
    """Measure the spectrum of a GWOSC file: frequencies (Hz) and one-sided PSD (1/Hz), see `measured_noise`."""
    try:
        with h5py.File(path) as file:
            dataset = file["strain/Strain"]
            strain, spacing = np.asarray(dataset[()], dtype=np.float64), float(dataset.attrs["Xspacing"])
    except (OSError, KeyError) as error:
        raise InputError(f"{path} is not a GWOSC HDF5 strain file ({error}); it needs strain/Strain") from error
    if not np.isfinite(strain).all():
        raise InputError(f"{path} has gaps (NaN); crop it to a stretch of science data first")
    if len(strain) * spacing < SHORTEST_FILE_S:
        raise InputError(f"{path} is {len(strain) * spacing:g} s long; at least {SHORTEST_FILE_S:g} s are needed")
    if dead_samples(strain, 1.0 / spacing).any():
        raise InputError(
            f"{path} has gaps: the same value for {LEAST_SECONDS:g} s or longer; crop it to a stretch of science data first"
        )
    segment = round(2.0 / spacing)
    f, psd = scipy.signal.welch(strain, 1.0 / spacing, nperseg=segment, average="median")
    return f, np.maximum(psd, np.finfo(np.float64).tiny)


def coloured_spectrum(noise: Noise, sample_rate: float, rng: np.random.Generator) -> NDArray[np.complex128]:
    """Spectrum of stationary Gaussian noise with the given spectral density.

    Parameters
    ----------
    noise : Noise
        On the grid of an even transform of n samples, (n // 2 + 1,).
    sample_rate : float
        Hz.
    rng : numpy.random.Generator
        Random numbers.

    Returns
    -------
    ndarray of complex128, shape (n // 2 + 1,)
        Whose ``irfft`` is strain (n,), periodic over its length.
    """
    # One-sided PSD S and rfft X are tied by S = 2 |X|^2 / (n rate), so each quadrature has variance S n rate / 4.
    n = 2 * (len(noise.psd) - 1)
    spectrum: NDArray[np.complex128] = rng.standard_normal((len(noise.psd), 2)).view(np.complex128)[:, 0]
    spectrum *= np.sqrt(noise.psd * (n * sample_rate / 4.0))
    spectrum[0] = 0.0
    return spectrum
