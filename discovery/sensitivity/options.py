"""Options of a detector's evaluation and of its scan, and their defaults; nothing heavy is imported, so that a command line can read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from embed.detector.options import SourceOptions

SNRS = tuple(float(value) for value in range(4, 21))
"""Network signal-to-noise ratios at which signals are made."""
SLIDE_STEP_S = 1.0
"""Between two time slides: a hundred times the light-travel time between H1 and L1."""
MOST_SLIDES = 60
"""Of one block of 64 s."""
APART_S = 0.5
"""Triggers are as far apart, s, as those of `discover scan --find`."""

SLIDES, LOUDEST = 20, 20
"""Time slides of each block of a scan, and triggers that it writes."""


@dataclass(frozen=True)
class SensitivityOptions:
    """What is measured of a detector.

    Attributes
    ----------
    noise : int
        Segments of noise that do not overlap, 1 or more.
    signals : int
        Signals at each of `SNRS`.
    injections : int
        Signals distributed uniformly in volume.
    glitches : int
        Simulated glitches; 0 leaves them out.
    livetime : float
        Hours of time slides.
    templates : bool
        Whether a matched filter judges the same segments.
    minimal_match : float
        Of its bank: least share of the signal-to-noise ratio that some template finds. Gabbard et al. 2018 use 0.97 too.
    seed : int
        Examples of training are never met, whatever the seed.

    Raises
    ------
    InputError
        For numbers out of range.
    """

    noise: int = 20_000
    signals: int = 500
    injections: int = 4_000
    glitches: int = 2_000
    livetime: float = 10.0
    templates: bool = True
    minimal_match: float = 0.97
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.5 <= self.minimal_match < 1:
            raise InputError(f"a minimal match of {self.minimal_match:g}: give 0.5 to below 1, 0.97 is usual")
        if not 0 < self.livetime <= 24 * 366:
            raise InputError(f"{self.livetime:g} hours of time slides: give more than 0, and at most a year")
        if self.noise < 100:
            raise InputError(f"{self.noise} segments of noise: give 100 or more, a threshold needs 10 false alarms")


def check_comparable(detectors: Sequence[tuple[Path, SourceOptions]]) -> None:
    """Refuse detectors that cannot judge the same segments, or of one name.

    Parameters
    ----------
    detectors : sequence of tuple of Path and SourceOptions
        Their folders, whose names are theirs, and what they read.

    Raises
    ------
    InputError
    """
    (folder, own), *others = detectors
    first = folder.resolve().name
    for other, source in others:
        name = other.resolve().name
        if name == first:
            raise InputError(f"two detectors are named {name!r}; rename the folder of one")
        for what in ("ifos", "sample_rate", "seconds", "masses", "placement", "noise"):
            one, two = getattr(own, what), getattr(source, what)
            if one != two:
                raise InputError(
                    f"{first} was trained with {what} {one} and {name} with {two}; compare detectors that read the same segments"
                )


def check_background(source: SourceOptions, slides: int, *, given: bool) -> None:
    """Refuse a scan that no background can give a rate to.

    Parameters
    ----------
    source : SourceOptions
        Of the detector.
    slides : int
        Of each block.
    given : bool
        Whether an evaluation's background is given.

    Raises
    ------
    InputError
    """
    if given:
        return
    if len(source.ifos) < 2:
        raise InputError(
            "no background to state a false-alarm rate by: one detector cannot be slid; give --background, the background.csv of an evaluation"
        )
    if slides < 1:
        raise InputError(f"{slides} slides give no background; give 1 or more, or --background")
