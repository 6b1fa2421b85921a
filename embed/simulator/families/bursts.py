"""Bursts without a carrier: low-frequency bursts, light modulation, scratchy noise, and no glitch at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embed.simulator.families.family import O1_TABLE, Family, Range, Spread
from embed.simulator.families.waves import gaussian, narrow_noise, plateau, pulse, repeated, sine_gaussian, smooth_walk

if TYPE_CHECKING:
    from embed.simulator.families.family import Array, Parameters


def low_frequency_burst(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a hump on the floor of the picture: noise at 10-20 Hz swelling once, with its middle reaching higher."""
    floor = narrow_noise(t, p["frequency"], 10.0, rng) * gaussian(t, 0.0, p["sigma"])
    hump = narrow_noise(t, 2.0 * p["frequency"], 12.0, rng) * gaussian(t, 0.0, 0.45 * p["sigma"])
    steady = sine_gaussian(t, 0.0, p["frequency"], 0.5 * p["sigma"] * p["frequency"], rng.uniform(0, 6.3))
    return floor + p["steady"] * steady + p["hump"] * hump


def light_modulation(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a volley of spikes from a radio-frequency sideband that flickers, and the rumble that comes with it.

    About ``spikes`` pulses within ``span`` seconds, of uneven height and reach; the rumble at 10-40 Hz lasts
    ``rumble`` seconds and begins with the volley.
    """
    half = p["span"] / 2
    count = max(6, rng.poisson(p["spikes"]))
    out = np.zeros_like(t)
    for band in (0.7, 1.0, 1.6):
        one = pulse(t, 0.0, band * p["low"], band * p["high"], steepness=(5.0, 2.0))
        k = count // 3
        centres = np.clip(rng.normal(0.0, half, k), -3.0, 3.0)
        out += repeated(t, one / np.abs(one).max(), centres, np.exp(p["scatter"] * rng.standard_normal(k)))
    start = rng.normal(0.0, 0.05) - 0.2 * half
    window = plateau(t, start, start + p["rumble"], 0.03) * np.exp(0.5 * smooth_walk(t, 0.08, rng))
    return out + p["floor"] * window * narrow_noise(t, p["bottom"], 0.8 * p["bottom"], rng)


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
        f"Zevin et al. 2017; {O1_TABLE}",
        low_frequency_burst,
        {
            "frequency": Spread((10.2, 10.6, 11.3, 13.0, 15.5, 19.6, 26.0), "Hz"),
            "sigma": Range(0.08, 0.6, "s", "log"),
            "steady": Range(0.0, 1.5),
            "hump": Range(0.0, 1.2),
        },
        Spread((7.63, 8.5, 11.5, 15.5, 25.0, 81.5, 200.0)),
        share_h1=0.27,
        rate=2.0,
        jitter=0.03,
    ),
    Family(
        "Light_Modulation",
        "Six to fifty bright spikes of uneven height, 20 Hz and up, within 0.05-4 s, and a rumble at 10-40 Hz that begins with "
        "them; SNR 8-170, Hanford.",
        f"Zevin et al. 2017 (45 MHz sideband amplitude); {O1_TABLE}",
        light_modulation,
        {
            "low": Range(22.0, 50.0, "Hz"),
            "high": Range(90.0, 3000.0, "Hz", "log"),
            "span": Range(0.06, 3.0, "s", "log"),
            "spikes": Range(7.0, 50.0, "1", "log"),
            "scatter": Range(0.3, 0.6),
            "bottom": Range(13.0, 32.0, "Hz", "log"),
            "rumble": Range(0.2, 2.5, "s", "log"),
            "floor": Range(0.1, 0.5, "1", "log"),
        },
        Spread((8.5, 10.0, 14.5, 20.0, 38.0, 90.0, 172.0)),
        share_h1=0.97,
        rate=1.5,
        jitter=0.05,
    ),
    Family(
        "Scratchy",
        "A band at 80-300 Hz scratched by many wavelets of 10-30 ms for 1-4 s and longer; each faint: tiles of SNR 5.5-9.5.",
        f"Zevin et al. 2017 (swiss-cheese baffles at Hanford, 'blue mountains'); {O1_TABLE}",
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
        "Zevin et al. 2017: a trigger, but nothing to see",
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
