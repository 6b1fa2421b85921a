"""Scattered light: beams that leave the main path, meet a moving surface, and come back.

A path that moves by x(t) adds the strain h = A sin(4 pi (x0 + x(t)) / lambda), a fringe of frequency 2 |v(t)| / lambda
(Accadia et al. 2010, CQG 27 194011; Soni et al. 2020, CQG 38 025016, eq. 1-3). Light that makes the trip k times has
k times the phase: the harmonics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embed.simulator.families.family import O1_TABLE, Family, Range, Spread
from embed.simulator.families.waves import gaussian, plateau, repeated, smooth_walk, tone

if TYPE_CHECKING:
    from embed.simulator.families.family import Array, Parameters

LASER_M = 1064e-9
"""Wavelength of the main laser, m."""


def fringe(motion: Array, phase: float, trips: int = 1) -> Array:
    """Return sin(4 pi k x / lambda + phase) for a motion x (n,) in metres and k round trips."""
    return np.sin(4.0 * np.pi * trips / LASER_M * motion + phase)


def scattered_light(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return the fringes of a surface swinging with the microseism: arches of duration 1/(2 f), highest at mid-swing.

    The swing's amplitude follows from the fringe frequency wanted at the top, X = f_top lambda / (4 pi f_swing).
    """
    reach = p["top"] * LASER_M / (4.0 * np.pi * p["swing"])
    swell = 1.0 + p["swell"] * smooth_walk(t, 0.7 / p["swing"], rng)
    wave = np.sin(2.0 * np.pi * p["swing"] * t) * gaussian(t, rng.normal(0.0, 0.3), p["packet"] / p["swing"]) * swell
    motion = reach * wave + 0.02 * LASER_M * smooth_walk(t, 0.05, rng) * p["rough"]
    speed = np.abs(np.gradient(motion, t)) * 2.0 / LASER_M
    visible = (1.0 - np.exp(-((speed / p["floor"]) ** 4))) * gaussian(t, 0.0, p["width"] / p["swing"])
    out = np.zeros_like(t)
    for trips in range(1, int(p["trips"]) + 1):
        strength = p["falloff"] ** (trips - 1) * np.exp(0.3 * rng.standard_normal())
        out += strength * visible * fringe(motion, rng.uniform(0, 6.3), trips)
    return out


def fast_scattering(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return a train of short arches: a surface shaken at a few hertz, heard while the microseism carries it fast enough.

    The fringe rises and falls once per half-period of the shaking; beats between two close shaking frequencies and the
    slow motion decide which arches are strong.
    """
    shake = p["rate"] / 2.0
    reach = p["top"] * LASER_M / (4.0 * np.pi * shake)
    beat = 0.5 * (1.0 + np.cos(2.0 * np.pi * p["beat"] * (t - rng.normal(0.0, 0.05))))
    vigour = (p["floor"] + (1.0 - p["floor"]) * beat ** p["sharpness"]) * np.exp(p["uneven"] * smooth_walk(t, 0.3, rng))
    motion = reach * (vigour / (0.5 + vigour)) ** 0.25 * np.sin(2.0 * np.pi * shake * t)
    slow = p["slow"] * LASER_M * smooth_walk(t, 2.0, rng)
    speed = np.abs(np.gradient(motion, t)) * 2.0 / LASER_M
    crest = np.clip(speed / p["top"], 0.0, None) ** 2.5
    return vigour * crest * fringe(motion + slow, rng.uniform(0, 6.3))


def paired_doves(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return short sweeps that climb and fall in turn, as a beamsplitter rocking at 0.4 Hz makes them, once each half-swing.

    Each goes from ``bottom`` to ``top`` within ``length`` seconds, with a step in strength on the way, and mirrored in time for
    every other half-swing.
    """
    half = p["length"] / 2
    phase = np.clip(t / p["length"] + 0.5, 0.0, 1.0)
    track = p["bottom"] * (p["top"] / p["bottom"]) ** (phase ** p["bend"])
    window = plateau(t, -half, half, 0.1 * p["length"]) * (1.0 + 0.5 * smooth_walk(t, 0.25 * p["length"], rng))
    sweep = window * (tone(t, track, rng.uniform(0, 6.3)) + p["echo"] * tone(t, 1.5 * track, rng.uniform(0, 6.3)))
    if rng.random() < 0.5:
        sweep = sweep[::-1].copy()
    order = np.arange(-2, 3)
    order = order[(order == 0) | (rng.random(5) < p["company"])]
    centres = order * p["spacing"] + np.where(order == 0, 0.0, rng.normal(0.0, 0.12, len(order)))
    heights = np.where(order == 0, 1.0, np.exp(rng.uniform(-0.8, 0.2, len(order))))
    even = order % 2 == 0
    return repeated(t, sweep, centres[even], heights[even]) + repeated(
        t, sweep[::-1].copy(), centres[~even], heights[~even]
    )


FAMILIES = (
    Family(
        "Scattered_Light",
        "Arches of 1-3 s below 60 Hz, often two to four stacked as harmonics with the lowest brightest; smooth, long.",
        "Accadia et al. 2010, CQG 27 194011; Soni et al. 2020, CQG 38 025016; training set v1.1: SNR 16.4, 30 Hz, 2.6 s",
        scattered_light,
        {
            "top": Range(15.0, 42.0, "Hz"),
            "swing": Range(0.13, 0.32, "Hz", "log"),
            "packet": Range(0.5, 1.2, "periods"),
            "swell": Range(0.0, 0.15),
            "rough": Range(0.0, 1.0),
            "floor": Range(8.0, 16.0, "Hz"),
            "width": Range(0.2, 0.5, "periods"),
            "trips": Range(1, 5, "1", "integer"),
            "falloff": Range(0.07, 0.4, "1", "log"),
        },
        Spread((7.96, 8.98, 11.1, 13.5, 20.0, 60.0, 120.0)),
        domain="strain",
        share_h1=0.6,
        rate=4.0,
        jitter=0.1,
    ),
    Family(
        "Fast_Scattering",
        "Short arches or blobs (0.1-0.2 s) at 20-60 Hz, repeated two to four times a second, of uneven strength.",
        "Soni et al. 2021, CQG 38 195016 (populations at 2 and 4 Hz); Glanzer et al. 2023, CQG 40 065004",
        fast_scattering,
        {
            "top": Range(22.0, 44.0, "Hz"),
            "rate": Range(2.6, 4.6, "1/s"),
            "beat": Range(0.3, 0.7, "Hz"),
            "floor": Range(0.02, 0.5),
            "sharpness": Range(1.0, 6.0),
            "uneven": Range(0.1, 0.6),
            "slow": Range(0.2, 1.5),
        },
        Range(9.0, 45.0, "1", "log"),
        domain="strain",
        share_h1=0.1,
        rate=4.0,
    ),
    Family(
        "Paired_Doves",
        "Thick short sweeps at 20-100 Hz, 0.1-0.25 s, rising and falling in turn, about 1.2 s from one to the next; SNR 14-45.",
        f"Zevin et al. 2017 (motion of the Hanford beamsplitter at 0.4 Hz); {O1_TABLE}",
        paired_doves,
        {
            "length": Range(0.08, 0.28, "s"),
            "spacing": Range(0.9, 1.5, "s"),
            "bottom": Range(16.0, 30.0, "Hz"),
            "top": Range(60.0, 130.0, "Hz", "log"),
            "bend": Range(0.7, 2.0),
            "echo": Range(0.0, 0.6),
            "company": Range(0.3, 1.0),
        },
        Range(12.0, 45.0, "1", "log"),
        share_h1=0.99,
        rate=0.6,
        jitter=0.02,
    ),
)
