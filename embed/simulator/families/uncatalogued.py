"""Morphologies in no catalogue: what None_of_the_Above holds until somebody looks.

Each has a plausible machine behind it, and none resembles a named class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy  # its parts are imported when they are first used

from embed.simulator.families.family import Family, Range
from embed.simulator.families.waves import gaussian, narrow_noise, plateau, repeated, tone

if TYPE_CHECKING:
    from embed.simulator.families.family import Array, Parameters


def harmonic_comb(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a ladder: all harmonics of one fundamental for a moment, as from a pump with a loose coupling."""
    out = np.zeros_like(t)
    for k in range(1, int(p["teeth"]) + 1):
        f = k * p["fundamental"]
        if f < 1900.0:
            out += k ** -p["fall"] * np.sin(2 * np.pi * f * t + rng.uniform(0, 6.3))
    return out * plateau(t, -p["length"] / 2, p["length"] / 2, 0.03)


def frequency_steps(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a staircase: a tone that jumps by a fixed ratio at fixed times, as a synthesiser stepping through a table."""
    count = int(p["steps"])
    index = np.floor(t / p["dwell"] + count / 2.0)
    if rng.random() < 0.5:
        index = count - 1 - index
    track = p["start"] * p["ratio"] ** np.clip(index, 0, count - 1)
    return tone(t, track) * plateau(t, -count * p["dwell"] / 2, count * p["dwell"] / 2, 0.01)


def triangle_sweep(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a zigzag: a tone whose log-frequency follows a triangle wave, as a loop hunting for its lock."""
    phase = (t / p["period"] + rng.random()) % 1.0
    triangle = 4.0 * np.abs(phase - 0.5) - 1.0
    return tone(t, p["centre"] * 2.0 ** (p["swing"] * triangle)) * plateau(t, -p["span"] / 2, p["span"] / 2, 0.05)


def echoing_ring(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a bell and its echoes: a tone struck suddenly and dying, heard again every ``delay`` with less strength."""
    bell = np.where(t < 0, 0.0, np.exp(-np.maximum(t, 0.0) / p["decay"])) * np.sin(2 * np.pi * p["frequency"] * t)
    count = int(p["echoes"])
    heights: Array = p["loss"] ** np.arange(count, dtype=np.float64) * rng.choice(np.array([-1.0, 1.0]), count)
    return repeated(t, bell, p["delay"] * np.arange(count, dtype=np.float64), heights)


def crossing_sweeps(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return an X: one tone rising and one falling through the same frequency at the same time."""
    octaves = p["speed"] * t
    window = gaussian(t, 0.0, p["sigma"])
    rising, falling = (tone(t, p["centre"] * 2.0**o, rng.uniform(0, 6.3)) for o in (octaves, -octaves))
    return window * (rising + falling)


def band_burst(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a box: noise with sharp edges in time and in frequency, as from a digital filter that rails for a while."""
    noise = rng.standard_normal(len(t))
    f = scipy.fft.rfftfreq(len(t), t[1] - t[0])
    box = plateau(np.log2(np.maximum(f, 1.0)), np.log2(p["low"]), np.log2(p["low"]) + p["octaves"], 0.03)
    return scipy.fft.irfft(scipy.fft.rfft(noise) * box, len(t)) * plateau(t, -p["length"] / 2, p["length"] / 2, 0.01)


def lightning_whistler(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a dispersed burst, t = D / sqrt(f): how a plasma hands on a lightning stroke (Storey 1953)."""
    n, step = len(t), t[1] - t[0]
    f = np.maximum(scipy.fft.rfftfreq(n, step), 1.0)
    inside = plateau(np.log2(f), np.log2(p["low"]), np.log2(p["high"]), 0.15)
    # Group delay D f^-1/2 is the derivative of the phase 4 pi D f^1/2; delays are counted from that of the middle.
    middle = p["dispersion"] / np.sqrt(np.sqrt(p["low"] * p["high"]))
    phase = 4.0 * np.pi * p["dispersion"] * np.sqrt(f) - 2.0 * np.pi * f * (middle + t[0]) + rng.uniform(0, 6.3)
    return scipy.fft.irfft(inside * f**-0.25 * np.exp(-1j * phase), n) / step


def paired_tones(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return two parallel bars of noise, an octave and more apart, going on and off together, as a relay chattering."""
    gate = np.zeros_like(t)
    for k in range(int(p["times"])):
        start = (k - (p["times"] - 1) / 2) * p["spacing"]
        gate += plateau(t, start - p["length"] / 2, start + p["length"] / 2, 0.01)
    return gate * (narrow_noise(t, p["low"], 6.0, rng) + narrow_noise(t, p["ratio"] * p["low"], 12.0, rng))


FAMILIES = (
    Family(
        "Harmonic_Comb",
        "A ladder of equally spaced tones up to 1900 Hz, 0.2-0.8 s.",
        "in no catalogue; a pump with a loose coupling",
        harmonic_comb,
        {
            "fundamental": Range(60.0, 130.0, "Hz"),
            "teeth": Range(8, 14, "1", "integer"),
            "fall": Range(0.0, 0.4),
            "length": Range(0.25, 0.8, "s"),
        },
        Range(9.0, 20.0, "1", "log"),
        catalogued=False,
    ),
    Family(
        "Frequency_Steps",
        "A staircase of four to eight tones between 100 and 1500 Hz.",
        "in no catalogue; a synthesiser stepping through its table",
        frequency_steps,
        {
            "start": Range(90.0, 180.0, "Hz", "log"),
            "ratio": Range(1.25, 1.55),
            "dwell": Range(0.15, 0.4, "s"),
            "steps": Range(4, 7, "1", "integer"),
        },
        Range(12.0, 28.0, "1", "log"),
        catalogued=False,
    ),
    Family(
        "Triangle_Sweep",
        "A zigzag line about 200-500 Hz that fills the 2 and 4 s views.",
        "in no catalogue; a servo hunting for its lock",
        triangle_sweep,
        {
            "centre": Range(180.0, 450.0, "Hz", "log"),
            "swing": Range(0.35, 0.8, "octave"),
            "period": Range(0.35, 0.9, "s"),
            "span": Range(2.5, 5.0, "s"),
        },
        Range(10.0, 24.0, "1", "log"),
        jitter=0.05,
        catalogued=False,
    ),
    Family(
        "Echoing_Ring",
        "A tone at 250-900 Hz struck, dying, and heard again three to six times, each fainter.",
        "in no catalogue; a mechanical ring with reflections",
        echoing_ring,
        {
            "frequency": Range(250.0, 900.0, "Hz", "log"),
            "decay": Range(0.03, 0.08, "s"),
            "delay": Range(0.22, 0.45, "s"),
            "echoes": Range(4, 7, "1", "integer"),
            "loss": Range(0.7, 0.9),
        },
        Range(14.0, 40.0, "1", "log"),
        catalogued=False,
    ),
    Family(
        "Crossing_Sweeps",
        "An X centred at 100-400 Hz, 0.3-1 s wide.",
        "in no catalogue; two oscillators swept against each other",
        crossing_sweeps,
        {
            "centre": Range(110.0, 400.0, "Hz", "log"),
            "speed": Range(2.5, 6.0, "octave/s"),
            "sigma": Range(0.15, 0.35, "s"),
        },
        Range(10.0, 24.0, "1", "log"),
        catalogued=False,
    ),
    Family(
        "Band_Burst",
        "A box of noise with sharp edges, an octave high and 0.3-1 s long, above 200 Hz.",
        "in no catalogue; a digital filter that rails",
        band_burst,
        {
            "low": Range(220.0, 700.0, "Hz", "log"),
            "octaves": Range(0.7, 1.3, "octave"),
            "length": Range(0.3, 1.0, "s"),
        },
        Range(9.0, 16.0, "1", "log"),
        jitter=0.03,
        catalogued=False,
    ),
    Family(
        "Lightning_Whistler",
        "A line falling as the inverse square of time from 1500 to 80 Hz over 0.5-1.5 s, with a long low tail.",
        "in no catalogue; dispersion law of Storey 1953, Phil. Trans. A 246 113",
        lightning_whistler,
        {
            "dispersion": Range(8.0, 16.0, "s Hz^0.5"),
            "low": Range(60.0, 110.0, "Hz"),
            "high": Range(900.0, 1700.0, "Hz"),
        },
        Range(9.0, 22.0, "1", "log"),
        jitter=0.03,
        catalogued=False,
    ),
    Family(
        "Paired_Tones",
        "Two bars, at 100-200 Hz and two to four times that, blinking together two to five times.",
        "in no catalogue; a relay that chatters",
        paired_tones,
        {
            "low": Range(100.0, 200.0, "Hz", "log"),
            "ratio": Range(2.2, 4.0),
            "times": Range(2, 5, "1", "integer"),
            "spacing": Range(0.3, 0.6, "s"),
            "length": Range(0.1, 0.25, "s"),
        },
        Range(9.0, 20.0, "1", "log"),
        catalogued=False,
    ),
)
