"""The sensitive distance of a search, by Monte Carlo over injections, as MLGWSC-1 defines it.

Schäfer et al. 2023, arXiv:2209.11146, section II D: the sensitive volume is the mean, over injections, of the volume that each was drawn
from, where it is found. There an injection is drawn uniformly in volume up to a distance that grows with its chirp mass, Mc^(5/6), so that
light binaries are not all too faint. Here it is drawn up to the distance at which its own signal-to-noise ratio is `FAINTEST`, which
wastes fewer injections on what nobody finds; the mean is of the same volume.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from embed.errors import InputError
from embed.metrics.intervals import LEVEL, wilson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from embed.types import Floats

FAINTEST = 5.0
"""Network signal-to-noise ratio down to which injections are drawn; fainter ones count as not found."""


@dataclass(frozen=True)
class SensitiveDistance:
    """Radius of the sphere that has the sensitive volume.

    Attributes
    ----------
    distance, low, high : float
        Mpc, with its interval.
    found, injections : int
    """

    distance: float
    low: float
    high: float
    found: int
    injections: int


def draw_distances(farthest: ArrayLike, rng: np.random.Generator) -> Floats:
    """Draw a distance uniformly in the volume of each sphere: float64, of the shape and the unit of the radii."""
    radii = np.asarray(farthest, np.float64)
    return radii * rng.uniform(size=radii.shape) ** (1 / 3)


def sensitive_distance(found: ArrayLike, farthest: ArrayLike) -> SensitiveDistance:
    """Estimate the sensitive distance.

    Parameters
    ----------
    found : array_like of bool, shape (N,)
        Whether each injection was found.
    farthest : array_like, shape (N,)
        Mpc up to which each was drawn, uniformly in volume.

    Returns
    -------
    SensitiveDistance
        The interval is that of a mean of weights; where none, or all, was found it is Wilson's of the count, of the volume drawn from.

    Raises
    ------
    InputError
        Without injections, or when lengths differ.
    """
    hit, radii = np.asarray(found, bool), np.asarray(farthest, np.float64)
    if hit.shape != radii.shape or hit.ndim != 1 or not len(hit):
        raise InputError(f"{hit.shape} injections drawn up to {radii.shape} distances; give one distance an injection")
    volumes = np.where(hit, radii**3, 0.0)  # without 4 pi / 3, which falls out
    mean, error = float(volumes.mean()), float(volumes.std(ddof=1) / np.sqrt(len(hit))) if len(hit) > 1 else 0.0
    half = float(norm.ppf((1 + LEVEL) / 2)) * error
    low, high = max(mean - half, 0.0), mean + half
    if not hit.any() or hit.all():
        ends = wilson(int(hit.sum()), len(hit)) * float((radii**3).mean())
        low, high = float(ends[0]), float(ends[1])
    distance, nearest, furthest = (value ** (1 / 3) for value in (mean, low, high))
    return SensitiveDistance(distance, nearest, furthest, int(hit.sum()), len(hit))
