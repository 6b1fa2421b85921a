"""Lines that come and go: mains, motors, suspension fibres, and electronics, each a narrow band that lights up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embed.simulator.families.family import O1_TABLE, O4_EXAMPLES, Family, Range, Spread
from embed.simulator.families.waves import (
    accompanied,
    gaussian,
    narrow_noise,
    plateau,
    pulse,
    repeated,
    sine_gaussian,
    smooth_walk,
    tone,
)

if TYPE_CHECKING:
    from embed.simulator.families.family import Array, Parameters


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
    """Return a burst near the mains' 60 Hz and its harmonics: a load switched on, dying away, with the spike of the switch."""
    envelope = gaussian(t, 0.0, p["sigma"])
    if p["sudden"] > 0.5:
        envelope = np.where(t < -0.5 * p["sigma"], 0.0, np.exp(-np.maximum(t + 0.5 * p["sigma"], 0.0) / p["sigma"]))
    hum = 2 * np.pi * p["frequency"] * t
    out = envelope * np.sin(hum + rng.uniform(0, 6.3))
    for k in (2, 3):
        out += p["harmonics"] * rng.uniform(0.2, 1.0) * envelope * np.sin(k * hum + rng.uniform(0, 6.3))
    spike = pulse(t, rng.normal(0.0, 0.01), 50.0, 200.0)
    return out + max(p["spike"], 0.0) * spike / np.abs(spike).max()


def violin_mode(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return suspension fibres plucked: dashes at 500 Hz and its overtones at the same moments, of uneven strength.

    Overtones of a fibre under tension are not quite whole multiples; 500, 1003, 1475 and 1935 Hz are those of the silica
    suspensions. The whitening filter takes out the middle of each, where the fibre rings all the time: two dashes are left.
    """
    modes = (500.0, 1003.0, 1475.0, 1935.0)
    others = int(p["repeats"])
    times = np.concatenate([[0.0], rng.uniform(-1.9, 1.9, others)])
    out = np.zeros_like(t)
    for k, mode in enumerate(modes):
        overtone = 1.0 if k == int(p["mode"]) - 1 else p["others"] * rng.uniform(0.2, 1.0)
        for side in (-1.0, 1.0):
            f = mode + side * p["split"] * (1.0 if k == 0 else rng.uniform(0.0, 1.0))
            dash = sine_gaussian(t, 0.0, f, f * p["sigma"], rng.uniform(0, 6.3))
            heights = np.concatenate([[1.0], rng.uniform(0.1, 1.0, others)]) * rng.uniform(0.5, 1.0, others + 1)
            out += overtone * repeated(t, dash, times, heights)
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
    """Return a tone that strolls in frequency, as an oscillator without a lock does, whole or broken into dashes.

    A broken line lights up about ``breaks`` times a second; each dash swoops up or down to its frequency, a hook.
    """
    octaves = p["reach"] * smooth_walk(t, p["pace"], rng) + 0.15 * p["reach"] * smooth_walk(t, 0.25 * p["pace"], rng)
    strength = np.exp(0.4 * smooth_walk(t, 0.8, rng))
    if p["broken"] > 0.5:
        gate, hook = np.zeros_like(t), np.zeros_like(t)
        start = t[0] + rng.exponential(1.0 / p["breaks"])
        while start < t[-1]:
            length = rng.uniform(0.2, 0.9) / p["breaks"]
            depth = rng.normal(0.0, 0.25) if rng.random() < 0.6 else 0.0
            inside = slice(*np.searchsorted(t, (start, start + length)))
            gate[inside] = plateau(t[inside], start + 0.003, start + length - 0.003, 0.002) * rng.uniform(0.4, 1.0)
            hook[inside] = depth * np.exp(-(t[inside] - start) / (0.2 * length))
            start += length + rng.exponential(0.4 / p["breaks"])
        strength, octaves = strength * gate, octaves + hook
    return strength * plateau(t, -p["span"] / 2, p["span"] / 2, 0.1) * tone(t, p["frequency"] * 2.0**octaves)


def line_70(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a short dash at 70 Hz, now and then with a weaker one beside it."""
    one = sine_gaussian(t, 0.0, p["frequency"], p["frequency"] * p["sigma"], rng.uniform(0, 6.3))
    return accompanied(t, one, int(p["others"]), (0.2, 0.7), rng)


def pizzicato(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a plucked string: two or three round dots close together near 500 Hz."""
    out = np.zeros_like(t)
    for _ in range(int(p["dots"])):
        f = p["frequency"] * 2.0 ** rng.normal(0.0, 0.04)
        out += sine_gaussian(
            t, rng.normal(0.0, p["sigma"]), f, p["cycles"] * rng.uniform(0.7, 1.3), rng.uniform(0, 6.3)
        )
    return out


FAMILIES = (
    Family(
        "1080Lines",
        "A string of short yellow dots near 1080 Hz, for most or all of the 4 s view; SNR 7.5-15, Hanford.",
        f"Zevin et al. 2017; {O1_TABLE} (four glitches) and the training set v1.1's mean SNR of 10.2",
        lines_1080,
        {
            "frequency": Range(1065.0, 1105.0, "Hz"),
            "rate": Range(6.0, 25.0, "1/s"),
            "cycles": Range(5.0, 14.0),
            "span": Range(1.5, 5.5, "s"),
        },
        Range(7.5, 17.5, "1", "log"),
        share_h1=0.99,
    ),
    Family(
        "1400Ripples",
        "A short row of ripples near 1400-1600 Hz, 0.05-0.3 s long, alone in the picture; SNR 7.5-15, Livingston.",
        f"Zevin et al. 2017; {O1_TABLE}: 1527 Hz",
        ripples_1400,
        {
            "frequency": Range(1390.0, 1610.0, "Hz"),
            "beat": Range(8.0, 40.0, "Hz"),
            "sigma": Range(0.015, 0.1, "s", "log"),
            "wobble": Range(0.0, 0.012),
        },
        Spread((7.72, 7.82, 9.7, 10.7, 12.1, 13.6, 14.9)),
        share_h1=0.01,
        rate=0.7,
    ),
    Family(
        "Air_Compressor",
        "A thick bar at 50 Hz for 0.3-2 s with soft ends; faint (SNR 7.5-12).",
        f"Zevin et al. 2017 (compressor motors at 50 Hz); {O1_TABLE}",
        air_compressor,
        {
            "frequency": Range(47.0, 52.0, "Hz"),
            "slip": Range(0.2, 1.2, "Hz"),
            "length": Range(0.08, 0.9, "s", "log"),
            "rise": Range(0.03, 0.12, "s"),
            "second": Range(0.0, 0.25),
        },
        Spread((7.51, 7.58, 7.93, 8.42, 9.27, 10.3, 11.8)),
        share_h1=0.95,
        rate=0.7,
    ),
    Family(
        "Power_Line",
        "A bar at 60 Hz, for one glitch in three near 65 Hz, narrow in frequency, 0.2-1 s, sometimes with harmonics and a thin "
        "spike at its start.",
        f"Zevin et al. 2017; {O1_TABLE}",
        power_line,
        {
            "frequency": Spread((57.9, 59.1, 59.7, 60.8, 64.9, 65.5, 66.1), "Hz"),
            "sigma": Range(0.1, 0.4, "s", "log"),
            "sudden": Range(0, 1, "1", "integer"),
            "harmonics": Range(0.0, 0.3),
            "spike": Range(-0.5, 0.5),
        },
        Spread((7.56, 7.73, 8.81, 11.8, 13.2, 14.4, 15.5)),
        share_h1=0.6,
    ),
    Family(
        "Violin_Mode",
        "Short dashes (0.03-0.2 s) at 500 Hz, often two, and at its overtones near 1000, 1475 and 1935 Hz at the same moments, "
        "once or several times in the 4 s view.",
        f"Zevin et al. 2017; Aston et al. 2012, CQG 29 235004 (fibres); {O1_TABLE}",
        violin_mode,
        {
            "mode": Range(1, 4, "1", "integer"),
            "sigma": Range(0.008, 0.08, "s", "log"),
            "others": Range(0.5, 1.1),
            "split": Range(3.0, 38.0, "Hz"),
            "repeats": Range(0, 6, "1", "integer"),
        },
        Spread((7.5, 8.2, 10.5, 14.0, 20.0, 32.0, 42.0)),
        share_h1=0.35,
    ),
    Family(
        "Low_Frequency_Lines",
        "Horizontal bars at the bottom, 10-30 Hz, thin in frequency, through part or all of the 4 s view; SNR 7.5-55.",
        f"Zevin et al. 2017; {O1_TABLE}",
        low_frequency_lines,
        {
            "frequency": Spread((10.1, 10.2, 10.5, 11.2, 13.0, 19.0, 21.0), "Hz"),
            "count": Range(1, 3, "1", "integer"),
            "drift": Range(0.0, 0.03),
            "span": Range(0.8, 8.0, "s", "log"),
        },
        Spread((7.53, 7.71, 9.4, 14.1, 23.0, 54.2, 100.0)),
        share_h1=0.17,
        jitter=0.15,
    ),
    Family(
        "Wandering_Line",
        "One thin line meandering through the 4 s view somewhere between 200 and 1900 Hz, whole or in dashes with hooks; "
        "SNR 8-40, Hanford.",
        f"Zevin et al. 2017; {O1_TABLE}",
        wandering_line,
        {
            "frequency": Range(380.0, 1350.0, "Hz", "log"),
            "reach": Range(0.02, 0.4, "octave", "log"),
            "pace": Range(0.25, 2.0, "s", "log"),
            "span": Range(1.5, 6.5, "s"),
            "broken": Range(0, 1, "1", "integer"),
            "breaks": Range(1.0, 8.0, "1/s", "log"),
        },
        Range(8.0, 40.0, "1", "log"),
        share_h1=0.99,
        rate=0.5,
        jitter=0.1,
    ),
    Family(
        "70Hz_Line",
        "A short bar at 70 Hz, 0.05-0.25 s; SNR 8-25.",
        O4_EXAMPLES,
        line_70,
        {
            "frequency": Range(68.0, 72.0, "Hz"),
            "sigma": Range(0.02, 0.09, "s", "log"),
            "others": Range(0, 2, "1", "integer"),
        },
        Range(7.5, 25.0, "1", "log"),
        rate=0.5,
    ),
    Family(
        "Pizzicato",
        "Two or three round dots close together near 500 Hz, 0.02-0.05 s; SNR 7.5-14.",
        O4_EXAMPLES,
        pizzicato,
        {
            "frequency": Range(400.0, 620.0, "Hz", "log"),
            "cycles": Range(2.0, 6.0),
            "sigma": Range(0.005, 0.025, "s", "log"),
            "dots": Range(2, 4, "1", "integer"),
        },
        Range(7.5, 14.0, "1", "log"),
        share_h1=0.8,
        rate=0.5,
    ),
)
