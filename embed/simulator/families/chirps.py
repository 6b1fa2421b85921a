"""Chirp: two compact stars spiralling together; and its mirror image in time, which is in no catalogue of sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy  # its parts are imported when they are first used

from embed.simulator.families.family import Family, Range

if TYPE_CHECKING:
    from embed.simulator.families.family import Array, Parameters

SUN_S = 4.925491e-6
"""G M_sun / c^3, s."""


def inspiral_merger_ringdown(frequencies: Array, mass: float, symmetric: float) -> tuple[Array, Array]:
    """Frequency-domain amplitude and phase of a non-spinning binary.

    Parameters
    ----------
    frequencies : ndarray of float64, shape (m,)
        Hz, positive.
    mass : float
        Total mass in the detector frame, solar masses.
    symmetric : float
        Symmetric mass ratio m1 m2 / (m1 + m2)^2, at most 1/4.

    Returns
    -------
    amplitude, phase : ndarray of float64, shape (m,)
        Amplitude to a constant factor, and phase in radians with the coalescence near t = 0: the phenomenological model
        of Ajith et al. 2008, PRD 77 104017 (eq. 4.13 and 4.15, tables I and II), whose phase continues the post-Newtonian
        series psi_k of its stationary phase.
    """
    m = mass * SUN_S
    e = symmetric

    def corner(a: float, b: float, c: float) -> float:
        return (a * e**2 + b * e + c) / (np.pi * m)

    merger, ring = corner(2.9740e-1, 4.4810e-2, 9.5560e-2), corner(5.9411e-1, 8.9794e-2, 1.9111e-1)
    sigma, cut = corner(5.0801e-1, 7.7515e-2, 2.2369e-2), corner(8.4845e-1, 1.2848e-1, 2.7299e-1)
    f = np.asarray(frequencies, dtype=np.float64)
    inspiral = (f / merger) ** (-7.0 / 6.0)
    merging = (f / merger) ** (-2.0 / 3.0)
    bell = (sigma / (2 * np.pi)) / ((f - ring) ** 2 + sigma**2 / 4.0)
    w = (np.pi * sigma / 2.0) * (ring / merger) ** (-2.0 / 3.0)
    amplitude = np.where(f < merger, inspiral, np.where(f < ring, merging, w * bell)) * (f < cut)

    table = ((1.7516e-1, 7.9483e-2, -7.2390e-2), (-5.1571e1, -1.7595e1, 1.3253e1), (6.5866e2, 1.7803e2, -1.5972e2),
             (-3.9031e3, -7.7493e2, 8.8195e2), (-2.4874e4, -1.4892e3, 4.4588e3), (2.5196e4, 3.3970e2, -3.9573e3))  # fmt: skip
    phase = np.zeros_like(f)
    for k, (x, y, z) in zip((0, 2, 3, 4, 6, 7), table, strict=True):
        psi = (x * e**2 + y * e + z) / (e * (np.pi * m) ** ((5.0 - k) / 3.0))
        phase += psi * f ** ((k - 5.0) / 3.0)
    return amplitude, phase


def merging_at_zero(frequencies: Array, mass: float, symmetric: float) -> tuple[Array, Array]:
    """The same binary with its merger at t = 0, for a spectrum ``amplitude * exp(1j * phase)`` as ``rfft`` has it.

    Parameters
    ----------
    frequencies, mass, symmetric
        See `inspiral_merger_ringdown`.

    Returns
    -------
    amplitude, phase : ndarray of float64, shape (m,)
    """
    amplitude, phase = inspiral_merger_ringdown(frequencies, mass, symmetric)
    merger = (2.9740e-1 * symmetric**2 + 4.4810e-2 * symmetric + 9.5560e-2) / (np.pi * mass * SUN_S)
    # The model's own origin of time is arbitrary: take out the group delay at the merger frequency.
    slope = np.gradient(phase, frequencies)
    at = min(int(np.searchsorted(frequencies, merger)), len(frequencies) - 1)
    # exp(-i psi) with this sign of psi arrives low frequencies first.
    return amplitude, phase - slope[at] * frequencies


def chirp(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return the strain of a binary that merges at t = 0."""
    n, step = len(t), t[1] - t[0]
    f = scipy.fft.rfftfreq(n, step)
    inside = slice(np.searchsorted(f, p["start"]), None)
    symmetric = p["ratio"] / (1.0 + p["ratio"]) ** 2
    amplitude, phase = merging_at_zero(f[inside], p["mass"], symmetric)
    rise = 1.0 / (1.0 + (p["start"] * 1.15 / f[inside]) ** 20)
    spectrum = np.zeros(len(f), dtype=np.complex128)
    total = phase + 2.0 * np.pi * f[inside] * t[0] + rng.uniform(0, 6.3)
    spectrum[inside] = amplitude * rise * np.exp(1j * total)
    return scipy.fft.irfft(spectrum, n) / step


def reverse_chirp(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return the chirp reflected in time: it begins with the merger and slides down."""
    return chirp(t, p, rng)[::-1].copy()


_BINARY = {
    "mass": Range(18.0, 90.0, "M_sun", "log"),
    "ratio": Range(0.4, 1.0),
    "start": Range(14.0, 24.0, "Hz"),
}

FAMILIES = (
    Family(
        "Chirp",
        "A line sweeping upwards ever faster from 30 Hz to 100-500 Hz within 0.1-0.8 s: binary black holes. SNR 6-24.",
        "Ajith et al. 2008, PRD 77 104017; the class is hardware injections and events; training set v1.1: SNR 13.6, 141 Hz",
        chirp,
        _BINARY,
        Range(6.0, 24.0, "1", "log"),
        domain="strain",
        rate=0.5,
        jitter=0.01,
    ),
    Family(
        "Reverse_Chirp",
        "A chirp reflected in time: a line that falls from 100-600 Hz to 30 Hz and slows.",
        "Zevin et al. 2017; the unseen class of Bahaadini et al. 2018 (DIRECT): the Chirp model with t replaced by -t",
        reverse_chirp,
        _BINARY,
        Range(6.0, 24.0, "1", "log"),
        domain="strain",
        rate=1.0,
        jitter=0.01,
    ),
)
