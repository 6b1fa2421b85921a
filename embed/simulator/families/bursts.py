"""Bursts without a carrier: low-frequency bursts, light modulation, scratchy noise, and no glitch at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embed.simulator.families.family import Family, Range
from embed.simulator.families.lines import narrow_noise
from embed.simulator.families.waves import gaussian, plateau, pulse, repeated, sine_gaussian, smooth_walk

if TYPE_CHECKING:
    from embed.simulator.families.family import Array, Parameters

_MEANS = "training set v1.1 (Bahaadini et al. 2018)"


def low_frequency_burst(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a hump on the floor of the picture: noise at 10-20 Hz swelling once, with its middle reaching higher."""
    floor = narrow_noise(t, p["frequency"], 3.0, rng) * gaussian(t, 0.0, p["sigma"])
    hump = narrow_noise(t, 1.5 * p["frequency"], 5.0, rng) * gaussian(t, 0.0, 0.45 * p["sigma"])
    steady = sine_gaussian(t, 0.0, p["frequency"], p["sigma"] * p["frequency"], rng.uniform(0, 6.3))
    return floor + p["steady"] * steady + p["hump"] * hump


def light_modulation(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a volley of spikes from a radio-frequency sideband that flickers: pulses at random times on a rumbling floor."""
    half = p["span"] / 2
    count = max(8, rng.poisson(p["rate"] * p["span"]))
    out = np.zeros_like(t)
    for band in (0.7, 1.0, 1.6):
        one = pulse(t, 0.0, band * p["low"], band * p["high"], steepness=(5.0, 2.0))
        k = max(1, count // 3)
        centres = rng.normal(0.0, 0.5 * half, k)
        out += repeated(t, one / np.abs(one).max(), centres, np.exp(p["scatter"] * rng.standard_normal(k)))
    floor = narrow_noise(t, 1.1 * p["low"], 0.4 * p["low"], rng) * np.exp(0.7 * smooth_walk(t, 0.15, rng))
    return out + p["floor"] * floor * plateau(t, -half, half, 0.2)


def scratchy(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a scratched band: short wavelets in quick succession, their frequency and strength wavering."""
    half = p["span"] / 2
    count = max(20, round(p["rate"] * p["span"]))
    centres = np.linspace(-half, half, count) + 0.3 / p["rate"] * rng.standard_normal(count) + rng.normal(0.0, 0.2)
    waver = np.interp(centres, t[:: len(t) // 512], smooth_walk(t, p["waver"], rng)[:: len(t) // 512])
    heights = np.exp(p["scatter"] * rng.standard_normal(count) + 0.35 * waver)
    out = np.zeros_like(t)
    octaves = np.clip(np.round(3.0 * (0.25 * waver + 0.18 * rng.standard_normal(count))), -3, 3)
    for octave in np.unique(octaves):
        these = octaves == octave
        f = p["frequency"] * 2.0 ** (octave / 4.0)
        out += repeated(t, sine_gaussian(t, 0.0, f, p["cycles"], rng.uniform(0, 6.3)), centres[these], heights[these])
    return out


def no_glitch(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return next to nothing: one faint tile, such as noise itself makes when a trigger threshold is low."""
    return sine_gaussian(t, 0.0, p["frequency"], p["cycles"], rng.uniform(0, 6.3))


FAMILIES = (
    Family(
        "Low_Frequency_Burst",
        "A hump on the bottom edge, 10-25 Hz, 0.5-2 s wide; SNR 8-80.",
        f"Zevin et al. 2017; {_MEANS}: SNR 29.9, 16 Hz",
        low_frequency_burst,
        {
            "frequency": Range(10.5, 17.0, "Hz"),
            "sigma": Range(0.1, 0.45, "s", "log"),
            "steady": Range(0.3, 2.0),
            "hump": Range(0.0, 0.6),
        },
        Range(9.0, 80.0, "1", "log"),
        share_h1=0.27,
        rate=2.0,
        jitter=0.03,
    ),
    Family(
        "Light_Modulation",
        "Many bright spikes of uneven height, 20-300 Hz, crowding into 1-4 s over a bright floor; SNR 12-150, Hanford.",
        f"Zevin et al. 2017 (45 MHz sideband amplitude); {_MEANS}: SNR 34.6, 105 Hz, 2.3 s",
        light_modulation,
        {
            "low": Range(22.0, 50.0, "Hz"),
            "high": Range(60.0, 250.0, "Hz", "log"),
            "span": Range(0.8, 4.0, "s"),
            "rate": Range(9.0, 25.0, "1/s"),
            "scatter": Range(0.4, 0.8),
            "floor": Range(0.0, 0.15),
        },
        Range(15.0, 120.0, "1", "log"),
        share_h1=0.99,
        rate=1.5,
        jitter=0.05,
    ),
    Family(
        "Scratchy",
        "A band at 80-300 Hz scratched by many wavelets of 10-30 ms for 1-4 s and longer; each faint: tiles of SNR 5.5-9.5.",
        f"Zevin et al. 2017 (swiss-cheese baffles at Hanford, 'blue mountains'); {_MEANS}: SNR 8.6, 153 Hz, 1.5 s",
        scratchy,
        {
            "frequency": Range(110.0, 240.0, "Hz", "log"),
            "cycles": Range(0.6, 1.4),
            "span": Range(1.5, 5.5, "s"),
            "rate": Range(18.0, 40.0, "1/s", "log"),
            "waver": Range(0.08, 0.5, "s", "log"),
            "scatter": Range(0.1, 0.3),
        },
        Range(5.5, 9.5, "1", "log"),
        share_h1=0.27,
        jitter=0.05,
    ),
    Family(
        "No_Glitch",
        "Noise alone: the speckle of the Q-transform, evenly dark, at whatever Q won by chance.",
        f"Zevin et al. 2017; {_MEANS}: SNR 9.3 by Omicron, but nothing to see",
        no_glitch,
        {
            "frequency": Range(12.0, 1500.0, "Hz", "log"),
            "cycles": Range(0.5, 6.0),
        },
        Range(0.5, 3.5),
        share_h1=0.6,
        jitter=0.2,
    ),
)
