"""The strokes that waveforms are drawn with: tones along a track, envelopes, and pulses of a given band."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy  # its parts are imported when they are first used

if TYPE_CHECKING:
    from embed.simulator.families.family import Array

TOP_HZ = 3900.0
"""Tracks above this are faded out; it is just below the Nyquist frequency of the simulation."""


def gaussian(t: Array, centre: float, sigma: float) -> Array:
    """Return a Gaussian envelope of unit height; ``centre`` and ``sigma`` in seconds."""
    return np.exp(-0.5 * ((t - centre) / sigma) ** 2)


def plateau(t: Array, start: float, stop: float, rise: float) -> Array:
    """Return an envelope of unit height between two times with smooth edges of ``rise`` seconds."""
    return 0.25 * (1.0 + np.tanh((t - start) / rise)) * (1.0 + np.tanh((stop - t) / rise))


def tone(t: Array, track: Array, phase: float = 0.0) -> Array:
    """Return the unit sinusoid whose instantaneous frequency is ``track`` (n,) Hz, silent where that passes `TOP_HZ`.

    The phase is the running integral of the frequency, 2 pi sum f dt.
    """
    step = t[1] - t[0]
    audible = 1.0 / (1.0 + np.exp(np.clip((np.abs(track) - TOP_HZ + 200.0) / 40.0, -60.0, 60.0)))
    return audible * np.sin(2.0 * np.pi * step * np.cumsum(np.clip(track, -TOP_HZ, TOP_HZ)) + phase)


def sine_gaussian(t: Array, centre: float, frequency: float, cycles: float, phase: float) -> Array:
    """Return a sine-Gaussian whose envelope has a standard deviation of ``cycles`` periods."""
    return gaussian(t, centre, cycles / frequency) * np.sin(2.0 * np.pi * frequency * (t - centre) + phase)


def pulse(
    t: Array, centre: float, low: float, high: float, *, steepness: tuple[float, float] = (4.0, 2.0), drift: float = 0.0
) -> Array:
    """Return a single pulse whose spectrum is flat between two frequencies.

    Parameters
    ----------
    t : ndarray of float64, shape (n,)
        Seconds, equally spaced.
    centre : float
        Time of the pulse, s.
    low, high : float
        Hz: where the amplitude has fallen to one half on either side.
    steepness : tuple of float
        Powers of frequency with which the amplitude rises below ``low`` and falls above ``high``.
    drift : float
        Seconds by which the frequency ``low`` arrives later than high frequencies do (dispersion: delay = drift low/f).

    Returns
    -------
    ndarray of float64, shape (n,)
        The pulse.
    """
    n, step = len(t), t[1] - t[0]
    f = np.maximum(scipy.fft.rfftfreq(n, step), 1e-3)
    amplitude = 1.0 / ((1.0 + (low / f) ** steepness[0]) * (1.0 + (f / high) ** steepness[1]))
    amplitude *= np.exp(-((f / TOP_HZ) ** 8))
    # A delay of drift low/f is a phase of -2 pi drift low ln f; its constant carries no meaning.
    spectrum = amplitude * np.exp(-2j * np.pi * (f * (centre - t[0]) + drift * low * np.log(f / low)))
    return scipy.fft.irfft(spectrum, n) / step


def smooth_walk(t: Array, timescale: float, rng: np.random.Generator) -> Array:
    """Return a smooth random function of time (n,) with zero mean, unit variance and the given coherence time in s.

    It is Gaussian noise whose spectrum falls as exp(-(pi timescale f)^2), so it has no kinks, whose broad spectrum would
    show as spikes where the noise floor is low.
    """
    n, step = len(t), t[1] - t[0]
    count = min(n // 2, int(1.5 * n * step / timescale) + 4)
    f = np.arange(count) / (n * step)
    spectrum = np.zeros(n // 2 + 1, dtype=np.complex128)
    spectrum[:count] = rng.standard_normal((count, 2)).view(np.complex128)[:, 0] * np.exp(
        -0.5 * (np.pi * timescale * f) ** 2
    )
    spectrum[0] = 0.0
    walk = scipy.fft.irfft(spectrum, n)
    return walk / max(float(walk.std()), 1e-300)


def narrow_noise(t: Array, frequency: float, width: float, rng: np.random.Generator) -> Array:
    """Return Gaussian noise about ``frequency`` Hz, ``width`` Hz wide: a carrier with two slow random quadratures."""
    carrier = 2.0 * np.pi * frequency * t
    slow = 0.5 / width
    return smooth_walk(t, slow, rng) * np.cos(carrier) + smooth_walk(t, slow, rng) * np.sin(carrier)


def repeated(t: Array, stroke: Array, centres: Array, heights: Array) -> Array:
    """Return a stroke (n,), drawn about t = 0, repeated at the given times with the given heights.

    Times are rounded to samples; what falls outside ``t`` is lost.
    """
    step, n = t[1] - t[0], len(t)
    out = np.zeros(n)
    for centre, height in zip(centres, heights, strict=True):
        shift = round(float(centre) / step)
        if abs(shift) >= n:
            continue
        if shift >= 0:
            out[shift:] += height * stroke[: n - shift]
        else:
            out[:shift] += height * stroke[-shift:]
    return out


def accompanied(t: Array, stroke: Array, others: int, heights: tuple[float, float], rng: np.random.Generator) -> Array:
    """Return a stroke (n,) and ``others`` more of it within 2 s, each of a height between the two given."""
    centres = np.concatenate([[0.0], rng.uniform(-2.0, 2.0, others)])
    return repeated(t, stroke, centres, np.concatenate([[1.0], rng.uniform(*heights, others)]))


def high_passed(t: Array, wave: Array, corner: float, order: float = 12.0) -> Array:
    """Return a wave (n,) without the frequencies below ``corner`` Hz.

    Whitened strain of a smooth disturbance falls this steeply below 20 Hz, because the seismic wall rises as f^-14.
    """
    f = np.maximum(scipy.fft.rfftfreq(len(t), t[1] - t[0]), 1e-3)
    return scipy.fft.irfft(scipy.fft.rfft(wave) / (1.0 + (corner / f) ** order), len(t))
