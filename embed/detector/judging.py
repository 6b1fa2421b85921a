"""Which glitches a detector calls a signal: its statistic at their times, above what a stated share of noise alone exceeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.detector.noise import NoiseSource
from embed.detector.reach import GlitchStrain
from embed.detector.strainfiles import reached_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from embed.detector.model import Detector
    from embed.study.study import Study
    from embed.types import Floats, Progress

FALSE_ALARM = 0.01
"""Share of the segments of noise that are called a signal."""
NOISE_SEGMENTS = 5_000
"""Of noise alone, from which the threshold is taken."""
_FIRST_SEED = 2**41
"""Of that noise: no training and no evaluation has it."""


@dataclass(frozen=True)
class Judged:
    """What a detector says of glitches.

    Attributes
    ----------
    detector : str
        Its folder's name.
    threshold : float
        Of the statistic.
    statistic : ndarray of float64, shape (N,)
        Log-odds of a signal; NaN where a glitch's strain is not within reach.
    unreached : dict of str to int
        Reason -> glitches.
    """

    detector: str
    threshold: float
    statistic: Floats
    unreached: dict[str, int]


def noise_threshold(detector: Detector, *, count: int = NOISE_SEGMENTS, share: float = FALSE_ALARM) -> float:
    """Return the statistic that a share of segments of noise exceed: noise that the detector learnt from, of other seeds.

    Parameters
    ----------
    detector : Detector
    count : int
        Segments, none of which overlaps with another.
    share : float
        Of them; the threshold is exact for ``share * count`` of them, of which at least one is needed.

    Raises
    ------
    InputError
        When the spectra of its noise are no longer there.
    """
    source = detector.source
    noise = NoiseSource(source, _FIRST_SEED)
    found: list[Floats] = []
    number = 0
    while sum(map(len, found)) < count:
        values = noise.block(number).values
        whole = values[:, : values.shape[1] // source.samples * source.samples]
        found.append(detector.statistic(whole.reshape(len(values), -1, source.samples).swapaxes(0, 1)))
        number += 1
    loudest = np.sort(np.concatenate(found)[:count])[::-1]
    return float(loudest[round(share * count)])


def judge_glitches(
    study: Study,
    detector: Detector,
    glitches: Sequence[tuple[str, str, float]],
    *,
    strain: Sequence[Path] = (),
    progress: Progress | None = None,
) -> Judged:
    """Judge each glitch by the one segment in which its time is where the detector's signals have their merger.

    Parameters
    ----------
    study : Study
    detector : Detector
        Of one detector, it reads the glitch's own.
    glitches : sequence of N (str, str, float)
        Id, detector and GPS time, s.
    strain : sequence of Path
        Strain files besides those that the study was scanned from.
    progress : callable, optional
        Called with (glitches done, glitches in all).

    Raises
    ------
    InputError
        When a named file cannot be read, or the detector's spectra are no longer there.
    """
    reach = GlitchStrain(reached_files(study, strain), detector.source)
    threshold = noise_threshold(detector)
    merger = sum(detector.source.placement) / 2
    statistic = np.full(len(glitches), np.nan)
    unreached: dict[str, int] = {}
    for row, (name, ifo, gps) in enumerate(glitches):
        segment = reach.segment(name, ifo, gps, place=merger)
        if isinstance(segment, str):
            unreached[segment] = unreached.get(segment, 0) + 1
        else:
            statistic[row] = detector.statistic(segment[None])[0]
        if progress is not None:
            progress(row + 1, len(glitches))
    return Judged(detector.folder.name, threshold, statistic, unreached)
