"""Whistle: the beat note of two radio-frequency oscillators, one of which wanders past the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embed.simulator.families.family import Family, Range, Spread
from embed.simulator.families.waves import plateau, smooth_walk, tone

if TYPE_CHECKING:
    from embed.simulator.families.family import Array, Parameters


def whistle(t: Array, p: Parameters, rng: np.random.Generator) -> Array:
    """Return the beat at |difference| of two oscillators (Nuttall et al. 2015, CQG 32 245005, section on RF beat notes).

    The difference runs through b + s t + c t^2 / 2. Near a crossing that is a V; with no crossing a U; with two
    crossings a W whose middle is a hump of height |b|. Strength falls where the beat is swept fast (the readout's
    averaging) and below ``quiet`` Hz.
    """
    if p["shape"] == 1:  # one crossing: V
        difference = p["slope"] * t + 0.3 * p["slope"] * t * np.abs(t) / 0.5
    elif p["shape"] == 2:  # none: U
        difference = p["turn"] + 0.5 * p["bend"] * t**2
    elif p["shape"] == 3:  # two crossings: W
        difference = -p["turn"] + 0.5 * p["bend"] * t**2
    else:  # an oscillator that is swept to and fro: a chain of arches
        period = p["period"]
        difference = -p["turn"] + (p["turn"] + 2500.0) * np.sin(np.pi * (t - rng.normal(0, 0.02)) / period) ** 2
    difference = difference * (1.0 + 0.03 * smooth_walk(t, 0.1, rng)) + rng.normal(0.0, 10.0)
    track = np.abs(difference)
    strength = (track**2 / (track**2 + p["quiet"] ** 2)) * (1.0 + 0.3 * smooth_walk(t, 0.03, rng))
    if rng.random() < p["fade"]:
        strength = strength * (track / 500.0) ** -0.5
    return strength * plateau(t, -p["reach"], p["reach"], 0.05) * tone(t, difference, rng.uniform(0, 6.3))


FAMILIES = (
    Family(
        "Whistle",
        "Thin V, U or W lines above 100 Hz that sweep through hundreds of hertz in 0.05-1 s; SNR 6-14, Livingston.",
        "Nuttall et al. 2015, CQG 32 245005; SNR as of Gravity Spy's glitches of O1",
        whistle,
        {
            "shape": Range(1, 4, "1", "integer"),
            "slope": Range(8e3, 8e4, "Hz/s", "log"),
            "turn": Range(250.0, 1900.0, "Hz", "log"),
            "bend": Range(1e4, 6e5, "Hz/s^2", "log"),
            "period": Range(0.5, 2.5, "s"),
            "quiet": Range(30.0, 150.0, "Hz"),
            "fade": Range(0.0, 1.0),
            "reach": Range(0.3, 2.5, "s"),
        },
        Spread((6.0, 6.8, 7.9, 8.64, 9.97, 13.9, 18.0)),
        share_h1=0.03,
        rate=2.0,
        jitter=0.01,
    ),
)
