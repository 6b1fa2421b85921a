"""The loudest false alarms as spectrograms, and which simulated glitches they look like to the glitch backbone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from discovery.sensitivity.statistic import merger_sample, turned_second
from embed.detector.examples import Examples
from embed.detector.noise import NoiseSource
from embed.detector.options import GLITCH
from embed.generator.features import make_features
from embed.generator.options import DURATIONS
from embed.qtransform.picture import quantise
from embed.qtransform.transform import q_scan
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from discovery.sensitivity.evaluated import Evaluated
    from discovery.sensitivity.results import Results
    from embed.detector.options import SourceOptions
    from embed.types import Floats, Pixels

SHOWN = 8
"""False alarms of noise, and as many of glitches."""
REFERENCES = 160
"""Simulated glitches with which they are compared; and six stretches of noise."""
VOTES = 5
"""Nearest neighbours that are asked."""
STRETCH_S = 8.0
"""Whitened strain around a segment from which its spectrogram is made."""
SIDE = 120
"""Pixels of a picture."""
NO_GLITCH = "No_Glitch"


@dataclass(frozen=True)
class LoudPicture:
    """A false alarm.

    Attributes
    ----------
    title : str
        Where it is.
    statistic : float
    views : dict of str to ndarray of uint8, shape (SIDE, SIDE)
        By detector: levels of the view of 1 s.
    looks_like : dict of str to str
        By detector: what its nearest neighbours are.
    """

    title: str
    statistic: float
    views: dict[str, Pixels]
    looks_like: dict[str, str]


@dataclass(frozen=True)
class LoudPictures:
    """The loudest false alarms, of noise and of glitches."""

    noise: list[LoudPicture]
    glitches: list[LoudPicture]


def loud_pictures(found: Evaluated, results: Results, *, seed: int) -> LoudPictures:
    """Make the pictures of the first detector's loudest false alarms.

    Parameters
    ----------
    found : Evaluated
    results : Results
    seed : int
        As in the evaluation.
    """
    source = found.source
    blocks = NoiseSource(source, seed + 1)
    noise = [
        (f"noise block {one.block}, slid by {one.turn / source.sample_rate:g} s", one.statistic,
         _stretch(turned_second(blocks.block(one.block).values, one.turn), one.start, source))
        for one in found.noise[found.name].loudest[:SHOWN]
    ]  # fmt: skip
    glitches = _loud_glitches(found, results, blocks, seed)
    if not noise + glitches:
        return LoudPictures([], [])
    neighbours = _Neighbours(source, blocks, seed)
    return LoudPictures(*([neighbours.picture(*one) for one in group] for group in (noise, glitches)))


def _loud_glitches(
    found: Evaluated, results: Results, blocks: NoiseSource, seed: int
) -> list[tuple[str, float, NDArray[np.float32]]]:
    """Glitches above the lowest threshold, the loudest first."""
    cuts = [one.value for one in results.thresholds[found.name] if one.supported]
    if found.glitches is None or not cuts:
        return []
    values = found.glitches.statistic[found.name]
    rows = [row for row in np.argsort(-values, kind="stable")[:SHOWN].tolist() if values[row] > cuts[0]]
    examples = Examples(found.source, seed + 4)
    rest = blocks.block(0).values
    return [
        (found.glitches.families[row], float(values[row]),
         _pasted(rest, examples.batch([row], label=GLITCH).strain[0], found.source))
        for row in rows
    ]  # fmt: skip


def _stretch(values: NDArray[np.float32], start: int, source: SourceOptions) -> NDArray[np.float32]:
    """`STRETCH_S` of a block (D, T), with the merger of the segment that begins at a sample in its middle, as on a ring."""
    size = round(STRETCH_S * source.sample_rate)
    return np.roll(values, size // 2 - start - merger_sample(source), axis=-1)[:, :size]


def _pasted(values: NDArray[np.float32], segment: NDArray[np.float32], source: SourceOptions) -> NDArray[np.float32]:
    """A segment (D, samples) in the middle of `STRETCH_S` of noise; whitened noise has no memory, so that the seams do not show."""
    whole = values[:, : round(STRETCH_S * source.sample_rate)].copy()
    first = (whole.shape[-1] - source.samples) // 2
    whole[:, first : first + source.samples] = segment
    return whole


def _levels(strain: NDArray[np.float32], source: SourceOptions) -> Pixels:
    """Views of 1, 2 and 4 s of stretches (B, T): uint8 (B, 3, SIDE, SIDE)."""
    found = q_scan(strain, source.sample_rate, whitened=True, durations=DURATIONS, shape=(SIDE, SIDE))
    return quantise(found.energies).cpu().numpy()


class _Neighbours:
    """Simulated glitches, and noise, as vectors of the glitch backbone."""

    def __init__(self, source: SourceOptions, blocks: NoiseSource, seed: int) -> None:
        self.source = source
        self.features = make_features("glitch", torch.device("cpu"))
        rest = blocks.block(0).values
        batch = Examples(source, seed + 6).batch(range(REFERENCES), label=GLITCH)
        stretches = [
            _pasted(rest, segment, source)[place]
            for segment, place in zip(batch.strain, batch.snr.argmax(axis=1).tolist(), strict=True)
        ]
        size = round(STRETCH_S * source.sample_rate)
        quiet = [blocks.block(1).values[0, first : first + size] for first in range(0, 6 * size, size)]
        self.names = np.array([*batch.families, *[NO_GLITCH] * len(quiet)])
        self.vectors = self._vectors(_levels(np.stack(stretches + quiet), source))

    def _vectors(self, levels: Pixels) -> Floats:
        return np.asarray(normalise(self.features(levels).astype(np.float32)), np.float64)

    def picture(self, title: str, statistic: float, stretch: NDArray[np.float32]) -> LoudPicture:
        levels = _levels(stretch, self.source)
        alike = self._vectors(levels) @ self.vectors.T
        looks = {}
        for ifo, row in zip(self.source.ifos, alike, strict=True):
            nearest = self.names[np.argsort(-row, kind="stable")[:VOTES]].tolist()
            name, votes = Counter(nearest).most_common(1)[0]
            looks[ifo] = f"{name} ({votes} of {VOTES})" if 2 * votes > VOTES else "nothing known"
        views = dict(zip(self.source.ifos, levels[:, 0], strict=True))
        return LoudPicture(title, statistic, views, looks)
