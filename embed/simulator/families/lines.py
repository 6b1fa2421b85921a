"""Lines that come and go: mains, motors, suspension fibres, and electronics, each a narrow band that lights up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embed.simulator.families.family import Family, Range
from embed.simulator.families.waves import gaussian, plateau, pulse, repeated, sine_gaussian, smooth_walk, tone

if TYPE_CHECKING:
    from embed.simulator.families.family import Array, Parameters

_MEANS = "training set v1.1 (Bahaadini et al. 2018)"


def narrow_noise(t: Array, frequency: float, width: float, rng: np.random.Generator) -> Array:
    """Return Gaussian noise about ``frequency`` Hz, ``width`` Hz wide: a carrier with two slow random quadratures."""
    carrier = 2.0 * np.pi * frequency * t
    slow = 0.5 / width
    return smooth_walk(t, slow, rng) * np.cos(carrier) + smooth_walk(t, slow, rng) * np.sin(carrier)


def lines_1080(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a string of short bright dots along one frequency, arriving at random about ``rate`` times a second."""
    span = p["span"]
    count = max(4, rng.poisson(p["rate"] * span))
    dot = sine_gaussian(t, 0.0, p["frequency"], p["cycles"], rng.uniform(0, 6.3))
    dots = repeated(t, dot, rng.uniform(-span / 2, span / 2, count), np.exp(0.4 * rng.standard_normal(count)))
    return dots + 0.3 * narrow_noise(t, p["frequency"], 12.0, rng) * plateau(t, -span / 2, span / 2, 0.1)


def ripples_1400(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a short row of ripples: a tone near 1400 Hz whose strength beats ``beat`` times a second."""
    ripple = np.abs(np.sin(np.pi * p["beat"] * t + rng.uniform(0, 3.2))) ** 2
    track = p["frequency"] * (1.0 + p["wobble"] * smooth_walk(t, 0.05, rng))
    return gaussian(t, 0.0, p["sigma"]) * ripple * tone(t, track)


def air_compressor(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return the hum of a motor starting and stopping near 50 Hz, its frequency slipping a little."""
    track = p["frequency"] + p["slip"] * smooth_walk(t, 0.3, rng)
    half = p["length"] / 2
    body = plateau(t, -half, half, p["rise"]) * (1.0 + 0.3 * smooth_walk(t, 0.15, rng)) * tone(t, track)
    return body + p["second"] * plateau(t, -half, half, p["rise"]) * tone(t, 2.0 * track, 1.0)


def power_line(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a burst on the mains at 60 Hz and its harmonics: a load switched on, dying away, with the spike of the switch."""
    envelope = gaussian(t, 0.0, p["sigma"])
    if p["sudden"] > 0.5:
        envelope = np.where(t < -0.5 * p["sigma"], 0.0, np.exp(-np.maximum(t + 0.5 * p["sigma"], 0.0) / p["sigma"]))
    out = envelope * np.sin(2 * np.pi * 60.0 * t + rng.uniform(0, 6.3))
    for k in (2, 3):
        out += (
            p["harmonics"] * rng.uniform(0.2, 1.0) * envelope * np.sin(2 * np.pi * 60.0 * k * t + rng.uniform(0, 6.3))
        )
    spike = pulse(t, rng.normal(0.0, 0.01), 50.0, 200.0)
    return out + p["spike"] * spike / np.abs(spike).max()


def violin_mode(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a suspension fibre plucked: short bursts at 500 Hz and its overtones, strongest at one of them.

    Overtones of a fibre under tension are not quite whole multiples; 500, 1003, 1475 and 1935 Hz are those of the silica
    suspensions.
    """
    modes = (500.0, 1003.0, 1475.0, 1935.0)
    strongest = int(p["mode"]) - 1
    out = np.zeros_like(t)
    for k, mode in enumerate(modes):
        height = 1.0 if k == strongest else p["others"] * rng.uniform(0.0, 1.0)
        for _ in range(2):
            f = mode + (1 + 0.5 * k) * rng.uniform(-7.0, 7.0)
            start = rng.normal(0.0, 0.2 * p["sigma"])
            out += (
                height
                * rng.uniform(0.4, 1.0)
                * gaussian(t, start, p["sigma"])
                * np.sin(2 * np.pi * f * t + rng.uniform(0, 6.3))
            )
    return out


def low_frequency_lines(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return one to three hums below 30 Hz that last longer than the picture and breathe slowly."""
    out = np.zeros_like(t)
    for k in range(int(p["count"])):
        f = p["frequency"] if k == 0 else rng.uniform(10.5, 24.0)
        track = f * (1.0 + p["drift"] * smooth_walk(t, 2.0, rng))
        breath = np.exp(0.35 * smooth_walk(t, 0.8, rng))
        height = 1.0 if k == 0 else rng.uniform(0.2, 0.9)
        out += height * breath * tone(t, track, rng.uniform(0, 6.3))
    return out * plateau(t, -p["span"] / 2, p["span"] / 2, 0.3)


def wandering_line(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a tone that strolls in frequency for the whole picture, as an oscillator without a lock does."""
    octaves = p["reach"] * smooth_walk(t, p["pace"], rng) + 0.15 * p["reach"] * smooth_walk(t, 0.25 * p["pace"], rng)
    strength = np.exp(0.4 * smooth_walk(t, 0.8, rng))
    return strength * plateau(t, -p["span"] / 2, p["span"] / 2, 0.3) * tone(t, p["frequency"] * 2.0**octaves)


FAMILIES = (
    Family(
        "1080Lines",
        "A string of short yellow dots near 1080 Hz, for most or all of the 4 s view; SNR 7.5-15, Hanford.",
        f"Zevin et al. 2017; {_MEANS}: SNR 10.2, 1111 Hz, 0.85 s",
        lines_1080,
        {
            "frequency": Range(1065.0, 1105.0, "Hz"),
            "rate": Range(6.0, 25.0, "1/s"),
            "cycles": Range(5.0, 14.0),
            "span": Range(1.5, 5.5, "s"),
        },
        Range(7.5, 15.0, "1", "log"),
        share_h1=0.99,
    ),
    Family(
        "1400Ripples",
        "A short row of ripples near 1400 Hz, 0.05-0.4 s long; SNR 7.5-16, Livingston.",
        f"Zevin et al. 2017; {_MEANS}: SNR 10.9, 1527 Hz, 0.15 s",
        ripples_1400,
        {
            "frequency": Range(1320.0, 1560.0, "Hz"),
            "beat": Range(12.0, 40.0, "Hz"),
            "sigma": Range(0.03, 0.15, "s", "log"),
            "wobble": Range(0.0, 0.012),
        },
        Range(7.5, 16.0, "1", "log"),
        share_h1=0.01,
        rate=0.7,
    ),
    Family(
        "Air_Compressor",
        "A thick bar at 50 Hz for 0.3-2 s with soft ends; faint (SNR 7.5-12).",
        f"Zevin et al. 2017 (compressor motors at 50 Hz); {_MEANS}: SNR 8.7, 48 Hz, 0.41 s",
        air_compressor,
        {
            "frequency": Range(47.0, 52.0, "Hz"),
            "slip": Range(0.2, 1.2, "Hz"),
            "length": Range(0.3, 1.6, "s", "log"),
            "rise": Range(0.05, 0.2, "s"),
            "second": Range(0.0, 0.25),
        },
        Range(7.5, 13.0, "1", "log"),
        share_h1=0.95,
        rate=0.7,
    ),
    Family(
        "Power_Line",
        "A bar at 60 Hz, narrow in frequency, 0.2-1 s, sometimes with 120 and 180 Hz and a thin spike at its start.",
        f"Zevin et al. 2017; {_MEANS}: SNR 11.3, 62 Hz, 0.75 s",
        power_line,
        {
            "sigma": Range(0.06, 0.35, "s", "log"),
            "sudden": Range(0, 1, "1", "integer"),
            "harmonics": Range(0.0, 0.3),
            "spike": Range(0.0, 0.8),
        },
        Range(7.5, 22.0, "1", "log"),
        share_h1=0.6,
    ),
    Family(
        "Violin_Mode",
        "Short dashes (0.05-0.3 s) at 500 Hz and its overtones near 1000, 1475 and 1935 Hz.",
        f"Zevin et al. 2017; Aston et al. 2012, CQG 29 235004 (fibres); {_MEANS}: SNR 13.4, 1673 Hz, 0.29 s",
        violin_mode,
        {
            "mode": Range(1, 4, "1", "integer"),
            "sigma": Range(0.02, 0.12, "s", "log"),
            "others": Range(0.0, 0.9),
        },
        Range(7.5, 30.0, "1", "log"),
        share_h1=0.35,
    ),
    Family(
        "Low_Frequency_Lines",
        "Horizontal bars at the bottom, 10-30 Hz, running through the whole 4 s view; SNR 12-50.",
        f"Zevin et al. 2017; {_MEANS}: SNR 23.1, 12 Hz, 3.9 s",
        low_frequency_lines,
        {
            "frequency": Range(10.5, 18.0, "Hz", "log"),
            "count": Range(1, 3, "1", "integer"),
            "drift": Range(0.0, 0.03),
            "span": Range(5.0, 6.5, "s"),
        },
        Range(12.0, 50.0, "1", "log"),
        share_h1=0.2,
        jitter=0.3,
        centred=False,
    ),
    Family(
        "Wandering_Line",
        "One thin line meandering through the whole 4 s view somewhere between 200 and 1900 Hz; SNR 12-60, Hanford.",
        f"Zevin et al. 2017; {_MEANS}: SNR 27.8, 667 Hz, 6 s",
        wandering_line,
        {
            "frequency": Range(300.0, 1500.0, "Hz", "log"),
            "reach": Range(0.04, 0.4, "octave"),
            "pace": Range(0.5, 2.0, "s"),
            "span": Range(5.0, 6.5, "s"),
        },
        Range(12.0, 60.0, "1", "log"),
        share_h1=0.99,
        rate=0.5,
        jitter=0.3,
        centred=False,
    ),
)
