"""Pulses: Blip and its relatives, from the shortest to the loudest.

Only whitened they are simple, a pulse flat between two corner frequencies; so they are written in units of the noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embed.simulator.families.family import Family, Range
from embed.simulator.families.waves import (
    gaussian,
    high_passed,
    plateau,
    pulse,
    repeated,
    sine_gaussian,
    smooth_walk,
    tone,
)

if TYPE_CHECKING:
    from embed.simulator.families.family import Array, Parameters

_CABERO = "Cabero et al. 2019, CQG 36 155010 (blip glitches); Zevin et al. 2017, CQG 34 064003"
_MEANS = (
    "class means of SNR and peak frequency of the Gravity Spy training set v1.1 (Bahaadini et al. 2018, Inf. Sci. 444)"
)


def blip(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return one pulse of about one cycle, whitened: half-amplitude corners ``low`` and ``high``, dispersed by ``drift``."""
    body = pulse(t, 0.0, p["low"], p["high"], steepness=(5.0, p["fall"]), drift=p["drift"])
    if rng.random() < p["tail"]:
        body += (
            0.25 * np.abs(body).max() * sine_gaussian(t, rng.uniform(0.005, 0.03), p["low"], 0.6, rng.uniform(0, 6.3))
        )
    return body


def repeating_blips(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return ``count`` blips of one shape, ``spacing`` apart within a few per cent, with heights scattered by ``scatter``."""
    one = blip(t, p, rng)
    count = int(p["count"])
    order = np.arange(count) - rng.integers(0, count)
    centres = order * p["spacing"] + 0.03 * p["spacing"] * rng.standard_normal(count)
    return repeated(t, one, centres, np.exp(p["scatter"] * rng.standard_normal(count)))


def tomte(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a pulse of low frequency with a broad foot and a pointed cap."""
    cap = pulse(t, 0.0, p["low"], p["high"], steepness=(6.0, p["fall"]), drift=p["drift"])
    foot = sine_gaussian(t, 0.0, p["low"] * rng.uniform(1.05, 1.4), rng.uniform(0.8, 1.4), rng.uniform(0, 6.3))
    return cap / np.abs(cap).max() + p["foot"] * foot


def blip_low_frequency(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a sine-Gaussian of about one cycle below 100 Hz, with a little of a blip's upper band."""
    body = sine_gaussian(t, 0.0, p["frequency"], p["cycles"], rng.uniform(0, 6.3))
    upper = pulse(t, 0.0, p["frequency"], 2.2 * p["frequency"], steepness=(4.0, 3.0))
    return body + p["upper"] * upper / np.abs(upper).max()


def koi_fish(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a loud pulse that drives the readout into saturation, its lobes, and sometimes companions.

    A pulse falling from ``low`` as f^-fall is compressed, w -> tanh(c w), which joins a flatter ``tail`` up to ``top``;
    two weaker lobes of low frequency, ``lobe`` seconds before and after, are the fins.
    """
    body = pulse(t, 0.0, p["low"], 1.5 * p["low"], steepness=(8.0, p["fall"]), drift=p["drift"])
    body += p["tail"] * pulse(t, 0.0, 2.0 * p["low"], p["top"], steepness=(4.0, 3.0))
    body /= np.abs(body).max()
    body = high_passed(t, np.tanh(p["saturation"] * body), p["low"])
    body /= np.abs(body).max()
    for side in (-1.0, 1.0):
        lobe = sine_gaussian(t, side * p["lobe"] * rng.uniform(0.7, 1.3), 1.3 * p["low"], 0.6, rng.uniform(0, 6.3))
        body += p["fin"] * rng.uniform(0.2, 1.0) * lobe
    others = int(p["companions"])
    centres = np.concatenate([[0.0], rng.uniform(-1.0, 1.9, others)])
    heights = np.concatenate([[1.0], np.exp(rng.uniform(-3.0, -0.3, others))])
    return repeated(t, body, centres, heights)


def extremely_loud(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a step-like disturbance that rings: a saturated pulse over the whole band and a decaying low-frequency rumble."""
    body = pulse(t, 0.0, p["low"], p["high"], steepness=(8.0, p["fall"]))
    body /= np.abs(body).max()
    body = high_passed(t, np.tanh(p["saturation"] * body), p["low"])
    body /= np.abs(body).max()
    walk = smooth_walk(t, 0.6 / p["low"], rng)
    rumble = walk * np.where(t < 0, np.exp(t / (0.15 * p["decay"])), np.exp(-np.abs(t) / p["decay"]))
    return body + p["rumble"] * rumble


def helix(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return two strands winding about each other in frequency: tones whose log-frequency swings in opposite phase."""
    swing = p["swing"] * np.sin(2 * np.pi * t / p["period"] + rng.uniform(0, 6.3))
    envelope = gaussian(t, 0.0, p["sigma"])
    strands = [tone(t, p["centre"] * 2.0 ** (side * swing), rng.uniform(0, 6.3)) for side in (-1.0, 1.0)]
    rungs = pulse(t, 0.0, 0.6 * p["centre"], 2.0 * p["centre"], steepness=(4.0, 4.0))
    return envelope * (strands[0] + strands[1]) + p["spine"] * rungs / np.abs(rungs).max() * plateau(t, -0.1, 0.1, 0.01)


_BLIP = {
    "low": Range(45.0, 150.0, "Hz", "log"),
    "high": Range(160.0, 420.0, "Hz", "log"),
    "fall": Range(2.5, 4.5),
    "drift": Range(-0.002, 0.006, "s"),
    "tail": Range(0.0, 0.4),
}

FAMILIES = (
    Family(
        "Blip",
        "A thin teardrop of about 10 ms at 30-500 Hz, fuller at its foot; no structure in time. SNR mostly 8-50.",
        f"{_CABERO}; {_MEANS}: SNR 22.8, 199 Hz",
        blip,
        _BLIP,
        Range(8.0, 60.0, "1", "log"),
        share_h1=0.7,
        rate=4.0,
    ),
    Family(
        "Repeating_Blips",
        "Two to ten blips at nearly equal spacing (0.1-1 s), seen together in the 2 and 4 s views.",
        f"{_CABERO}; {_MEANS}: SNR 29.2, 200 Hz",
        repeating_blips,
        {
            **_BLIP,
            "count": Range(3, 9, "1", "integer"),
            "spacing": Range(0.12, 0.65, "s", "log"),
            "scatter": Range(0.05, 0.3),
        },
        Range(13.0, 60.0, "1", "log"),
        share_h1=0.85,
    ),
    Family(
        "Tomte",
        "A triangle like a gnome's cap, 20-150 Hz with its foot near 30-40 Hz, 0.1-0.2 s wide; no thin tail.",
        f"Zevin et al. 2017; {_MEANS}: SNR 16.2, 47 Hz",
        tomte,
        {
            "low": Range(20.0, 34.0, "Hz"),
            "high": Range(55.0, 130.0, "Hz", "log"),
            "fall": Range(2.5, 4.0),
            "foot": Range(0.2, 0.7),
            "drift": Range(-0.01, 0.02, "s"),
        },
        Range(8.0, 28.0, "1", "log"),
        share_h1=0.45,
        rate=1.5,
    ),
    Family(
        "Blip_Low_Frequency",
        "A short teardrop below 100 Hz, wider in time (0.1-0.2 s) and weaker than Tomte, without its broad foot.",
        "Soni et al. 2021, CQG 38 195016; Glanzer et al. 2023, CQG 40 065004",
        blip_low_frequency,
        {
            "frequency": Range(14.0, 42.0, "Hz", "log"),
            "cycles": Range(0.25, 0.5),
            "upper": Range(0.0, 0.5),
        },
        Range(7.5, 20.0, "1", "log"),
        share_h1=0.3,
        rate=2.0,
    ),
    Family(
        "Koi_Fish",
        "A fat body at 20-100 Hz (0.1-0.3 s), a tail thinning upwards to 500-2000 Hz, faint fins at the sides where the "
        "whitening filter rings at 60 Hz; loud (SNR 35-450), often with smaller ones beside it.",
        f"Zevin et al. 2017; {_MEANS}: SNR 139, 157 Hz",
        koi_fish,
        {
            "low": Range(19.0, 30.0, "Hz"),
            "fall": Range(1.6, 3.0),
            "tail": Range(0.01, 0.08, "1", "log"),
            "top": Range(300.0, 1500.0, "Hz", "log"),
            "saturation": Range(0.3, 2.0),
            "drift": Range(-0.005, 0.01, "s"),
            "lobe": Range(0.04, 0.12, "s"),
            "fin": Range(0.0, 0.06),
            "companions": Range(0, 3, "1", "integer"),
        },
        Range(35.0, 450.0, "1", "log"),
        share_h1=0.6,
        rate=2.5,
    ),
    Family(
        "Extremely_Loud",
        "The whole band saturates; halves of the 4 s view are yellow with dark holes at low frequency, spread by the "
        "whitening filter. SNR from several hundred to 10^4.",
        f"Zevin et al. 2017; {_MEANS}: SNR 2416",
        extremely_loud,
        {
            "low": Range(10.0, 20.0, "Hz"),
            "high": Range(40.0, 400.0, "Hz", "log"),
            "fall": Range(1.0, 2.0),
            "saturation": Range(0.5, 8.0, "1", "log"),
            "rumble": Range(0.003, 0.15, "1", "log"),
            "decay": Range(0.1, 0.8, "s"),
        },
        Range(500.0, 9000.0, "1", "log"),
        share_h1=0.6,
        jitter=0.05,
    ),
    Family(
        "Helix",
        "Two strands winding about each other within 0.1-0.3 s at 60-450 Hz, like a vortex; faint (SNR 7.5-12).",
        f"Zevin et al. 2017 (photon-calibrator glitches at Livingston); {_MEANS}: SNR 8.8, 134 Hz, 0.09 s, 326 Hz wide",
        helix,
        {
            "centre": Range(110.0, 200.0, "Hz"),
            "swing": Range(0.5, 1.1, "octave"),
            "period": Range(0.05, 0.12, "s"),
            "sigma": Range(0.03, 0.08, "s"),
            "spine": Range(0.2, 1.2),
        },
        Range(7.5, 13.0, "1", "log"),
        share_h1=0.02,
    ),
)
