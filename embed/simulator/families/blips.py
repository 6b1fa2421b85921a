"""Pulses: Blip and its relatives, from the shortest to the loudest.

Only whitened they are simple, a pulse flat between two corner frequencies; so they are written in units of the noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embed.simulator.families.family import O1_TABLE, O4_EXAMPLES, Family, Range, Spread
from embed.simulator.families.waves import (
    accompanied,
    high_passed,
    plateau,
    pulse,
    repeated,
    sine_gaussian,
    smooth_walk,
)

if TYPE_CHECKING:
    from embed.simulator.families.family import Array, Parameters

_CABERO = "Cabero et al. 2019, CQG 36 155010 (blip glitches); Zevin et al. 2017, CQG 34 064003"


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
    two weaker lobes of low frequency, ``lobe`` seconds before and after, are the belly. Fins and scales are the whitening filter's
    ringing, which dies away within ``ring`` seconds: at the lines of the mains, and more faintly above 200 Hz.
    """
    body = pulse(t, 0.0, p["low"], 1.5 * p["low"], steepness=(8.0, p["fall"]), drift=p["drift"])
    body += p["tail"] * pulse(t, 0.0, 2.0 * p["low"], p["top"], steepness=(4.0, 3.0))
    body /= np.abs(body).max()
    body = high_passed(t, np.tanh(p["saturation"] * body), p["low"])
    body /= np.abs(body).max()
    for side in (-1.0, 1.0):
        lobe = sine_gaussian(t, side * p["lobe"] * rng.uniform(0.7, 1.3), 1.3 * p["low"], 0.6, rng.uniform(0, 6.3))
        body += p["fin"] * rng.uniform(0.2, 1.0) * lobe
    ringing = [(band, 1.2, p["fin"], p["ring"]) for band in (38.0, 55.0, 75.0, 105.0)]
    ringing += [(band, 4.0, p["scales"], 0.6 * p["ring"]) for band in (230.0, 380.0, 600.0, 950.0)]
    for band, cycles, height, ring in ringing:
        stroke = sine_gaussian(t, 0.0, band * np.exp(rng.uniform(-0.2, 0.2)), cycles, rng.uniform(0, 6.3))
        body += height * repeated(t, stroke, rng.laplace(0.0, ring, 14), rng.uniform(-1.0, 1.0, 14))
    others = int(p["companions"])
    centres = np.concatenate([[0.0], rng.uniform(-1.0, 1.9, others)])
    heights = np.concatenate([[1.0], np.exp(rng.uniform(-3.0, -0.3, others))])
    return repeated(t, body, centres, heights)


def extremely_loud(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a disturbance that saturates the detector: a pulse over the whole band, its rumble, and a wall of noise.

    The wall is what is left when the lock is lost or the readout rails: the whole band is full from one moment on, ``wait``
    after the disturbance began and for ``length`` seconds, with gaps where the noise happens to be low.
    """
    body = pulse(t, 0.0, p["low"], p["high"], steepness=(8.0, p["fall"]))
    body /= np.abs(body).max()
    body = high_passed(t, np.tanh(p["saturation"] * body), p["low"])
    body /= np.abs(body).max()
    walk = smooth_walk(t, 0.6 / p["low"], rng)
    rumble = walk * np.where(t < 0, np.exp(t / (0.15 * p["decay"])), np.exp(-np.abs(t) / p["decay"]))
    if rng.random() < 0.5:
        return body + p["rumble"] * rumble
    noise = high_passed(t, rng.standard_normal(len(t)) * np.exp(p["uneven"] * smooth_walk(t, 0.1, rng)), p["low"])
    wall = plateau(t, p["wait"], p["wait"] + p["length"], 0.01) * noise
    return p["onset"] * body + p["rumble"] * rumble + wall


def high_frequency_burst(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a click: a pulse of a few milliseconds above several hundred hertz, sometimes several of them."""
    one = pulse(t, 0.0, p["low"], p["high"], steepness=(5.0, 3.0))
    return accompanied(t, one, int(p["others"]), (0.3, 0.9), rng)


def helix(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return trains of a few pulses at equal spacing, one of them or many in the picture.

    The pulses of a train interfere: bright at multiples of 1/spacing, and below it two strands, the ends of the train, that
    cross where tiles grow longer than it: the braid that gave the class its name.
    """
    one = pulse(t, 0.0, p["low"], p["high"], steepness=(3.0, 3.0))
    count = int(p["pulses"])
    order: Array = np.arange(count, dtype=np.float64) - (count - 1) / 2
    others = rng.poisson(p["crowd"] * 4.0)
    centres = np.concatenate([[0.0], rng.uniform(-2.4, 2.4, others)])
    heights = np.concatenate([[1.0], rng.uniform(0.5, 1.0, others)])
    unevenness: Array = 1.0 + 0.15 * rng.standard_normal(count)
    train = repeated(t, one, order / p["frequency"], unevenness)
    return repeated(t, train, centres, heights * rng.choice(np.array([-1.0, 1.0]), len(heights)))


_BLIP: dict[str, Range | Spread] = {
    "low": Range(32.0, 130.0, "Hz", "log"),
    "high": Spread((85.0, 115.0, 170.0, 235.0, 310.0, 470.0, 600.0), "Hz"),
    "fall": Range(2.5, 5.5),
    "drift": Range(-0.002, 0.006, "s"),
    "tail": Range(0.0, 0.4),
}

FAMILIES = (
    Family(
        "Blip",
        "A thin teardrop of about 10 ms at 30-500 Hz, fuller at its foot; no structure in time. SNR mostly 8-50.",
        f"{_CABERO}; {O1_TABLE}",
        blip,
        _BLIP,
        Spread((7.86, 8.75, 12.1, 17.1, 27.3, 51.2, 73.3)),
        share_h1=0.7,
        rate=4.0,
    ),
    Family(
        "Repeating_Blips",
        "Two to ten blips at nearly equal spacing (0.1-1 s), seen together in the 2 and 4 s views.",
        f"{_CABERO}; {O1_TABLE}",
        repeating_blips,
        {
            **_BLIP,
            "count": Range(2, 9, "1", "integer"),
            "spacing": Range(0.12, 0.65, "s", "log"),
            "scatter": Range(0.05, 0.4),
        },
        Spread((8.11, 9.12, 15.6, 25.9, 45.4, 90.3, 119.0)),
        share_h1=0.85,
    ),
    Family(
        "Tomte",
        "A triangle like a gnome's cap, 20-150 Hz with its foot near 30-40 Hz, 0.1-0.2 s wide; no thin tail.",
        f"Zevin et al. 2017; {O1_TABLE}",
        tomte,
        {
            "low": Range(20.0, 34.0, "Hz"),
            "high": Range(55.0, 120.0, "Hz", "log"),
            "fall": Range(2.5, 4.0),
            "foot": Range(0.2, 0.7),
            "drift": Range(-0.01, 0.02, "s"),
        },
        Spread((8.79, 9.75, 12.6, 14.4, 18.2, 22.6, 24.4)),
        share_h1=0.45,
        rate=1.5,
    ),
    Family(
        "Blip_Low_Frequency",
        "A short teardrop below 100 Hz, wider in time (0.1-0.2 s) and weaker than Tomte, without its broad foot.",
        "Soni et al. 2021, CQG 38 195016; Glanzer et al. 2023, CQG 40 065004",
        blip_low_frequency,
        {
            "frequency": Range(16.0, 46.0, "Hz", "log"),
            "cycles": Range(0.25, 0.5),
            "upper": Range(0.0, 0.5),
        },
        Range(7.5, 20.0, "1", "log"),
        share_h1=0.3,
        rate=2.0,
    ),
    Family(
        "Koi_Fish",
        "A fat body at 10-100 Hz (0.1-0.3 s), a tail thinning upwards to 500-2000 Hz, fins at the sides where the whitening "
        "filter rings near 60 Hz, scales above them; loud (SNR 35-450), often with smaller ones beside it.",
        f"Zevin et al. 2017; {O1_TABLE}",
        koi_fish,
        {
            "low": Range(8.0, 28.0, "Hz"),
            "fall": Range(1.6, 3.0),
            "tail": Range(0.015, 0.12, "1", "log"),
            "top": Range(300.0, 1500.0, "Hz", "log"),
            "saturation": Range(0.3, 2.0),
            "drift": Range(-0.005, 0.01, "s"),
            "lobe": Range(0.04, 0.12, "s"),
            "fin": Range(0.01, 0.1, "1", "log"),
            "scales": Range(0.002, 0.02, "1", "log"),
            "ring": Range(0.04, 0.13, "s"),
            "companions": Range(0, 4, "1", "integer"),
        },
        Spread((23.8, 40.8, 69.8, 108.0, 166.0, 282.0, 367.0)),
        share_h1=0.6,
        rate=2.5,
    ),
    Family(
        "Extremely_Loud",
        "The whole band saturates: a wall of yellow after a rise that begins at low frequency, or halves of the 4 s view yellow "
        "with dark holes at low frequency, spread by the whitening filter. SNR from 500 to 10^4.",
        f"Zevin et al. 2017; {O1_TABLE}",
        extremely_loud,
        {
            "low": Range(10.0, 20.0, "Hz"),
            "high": Range(40.0, 400.0, "Hz", "log"),
            "fall": Range(1.0, 2.0),
            "saturation": Range(0.5, 8.0, "1", "log"),
            "rumble": Range(0.03, 0.5, "1", "log"),
            "decay": Range(0.5, 3.0, "s", "log"),
            "onset": Range(0.3, 10.0, "1", "log"),
            "wait": Range(0.0, 0.5, "s"),
            "length": Range(0.4, 6.0, "s", "log"),
            "uneven": Range(0.0, 0.4),
        },
        Spread((500.0, 550.0, 750.0, 1250.0, 2270.0, 9430.0, 22100.0)),
        share_h1=0.66,
        rate=1.7,
        jitter=0.05,
        centred=False,
    ),
    Family(
        "Helix",
        "Short braided columns at 20-400 Hz, brightest near 135 Hz and its double, 0.05 s wide, alone or a dozen in the 4 s view; "
        "faint (SNR 7.5-13).",
        f"Zevin et al. 2017 (photon-calibrator glitches at Livingston); {O1_TABLE}",
        helix,
        {
            "frequency": Range(118.0, 142.0, "Hz"),
            "pulses": Range(3, 5, "1", "integer"),
            "low": Range(15.0, 60.0, "Hz", "log"),
            "high": Range(220.0, 450.0, "Hz", "log"),
            "crowd": Range(0.2, 3.5, "1/s"),
        },
        Spread((7.54, 7.63, 8.07, 8.64, 9.31, 10.9, 13.1)),
        share_h1=0.01,
    ),
    Family(
        "High_Frequency_Burst",
        "A hair-thin spike from several hundred hertz to the top, milliseconds long, clear in the 0.5 s view only.",
        O4_EXAMPLES,
        high_frequency_burst,
        {
            "low": Range(450.0, 1100.0, "Hz", "log"),
            "high": Range(1700.0, 3500.0, "Hz"),
            "others": Range(0, 2, "1", "integer"),
        },
        Range(7.5, 25.0, "1", "log"),
        rate=0.5,
        jitter=0.002,
    ),
)
