"""The bank of a matched filter over the masses that a network was trained on, whitened as its strain is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from embed.detector.matchedfilter import MatchedFilter, make_bank, matches, spread
from embed.detector.noise import NoiseSource, WhitenedBlock
from embed.detector.signals import Binary, SignalSource
from embed.detector.waveforms import chirp_mass

if TYPE_CHECKING:
    import torch

    from embed.detector.options import SourceOptions
    from embed.types import Floats

PROPOSED = 3_000
"""Binaries proposed to the bank."""
TRIED = 300
"""Further binaries on which its match is measured."""
FILTERS = 8
"""Blocks of noise of which the whitening is averaged: a template has no block of its own."""
MERGER = 0.85
"""Where templates have their merger, as a share of the segment: what is more than the rest before it is cut, as in a segment."""


@dataclass(frozen=True)
class FilterBank:
    """A matched filter and what is known of its bank.

    Attributes
    ----------
    search : MatchedFilter
    templates : int
    matches : ndarray of float64, shape (TRIED,)
        Of further binaries, with the nearest template, in the first detector.
    """

    search: MatchedFilter
    templates: int
    matches: Floats


def build_bank(
    source: SourceOptions,
    minimal_match: float,
    *,
    seed: int,
    device: torch.device | str = "cpu",
) -> FilterBank:
    """Place templates over a network's masses and spins.

    Parameters
    ----------
    source : SourceOptions
        What the network was trained on.
    minimal_match : float
        Between 0 and 1.
    seed : int
    device : device
        Where the filter runs.

    Returns
    -------
    FilterBank
    """
    rng = np.random.default_rng(seed)
    waveforms, masses = _waveforms(source, _mean_filters(source, seed), PROPOSED + TRIED, rng)
    proposed, tried = waveforms[:PROPOSED], waveforms[PROPOSED:]
    rows = spread(proposed[:, 0], np.log(masses[:PROPOSED]), minimal_match)
    bank = make_bank(proposed[rows], round(MERGER * source.samples), source.sample_rate)
    return FilterBank(MatchedFilter(bank, device=device), len(bank), matches(tried[:, 0], bank.templates[:, 0]))


def _mean_filters(source: SourceOptions, seed: int) -> list[WhitenedBlock]:
    """Mean of the whitening filters of some blocks of noise, as a block of each detector alone."""
    noise = NoiseSource(source, seed)
    blocks = [noise.block(number) for number in range(FILTERS)]
    filters = np.mean([block.filters for block in blocks], axis=0)
    return [
        WhitenedBlock(blocks[0].values[place : place + 1], filters[place : place + 1], (f"mean of {FILTERS}",))
        for place in range(len(source.ifos))
    ]


def _waveforms(
    source: SourceOptions, means: list[WhitenedBlock], count: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Whitened binaries (count, D, samples), face on and well seen by all detectors, drawn as the network's, and their chirp masses."""
    signals = SignalSource(source)
    alone = [SignalSource(replace(source, ifos=(ifo,))) for ifo in source.ifos]
    found, masses = np.empty((count, len(alone), source.samples)), np.empty(count)
    for number in range(count):
        drawn = signals.draw(rng)
        own = _facing(drawn, MERGER * source.seconds)
        masses[number] = chirp_mass(drawn.masses)
        for place, one in enumerate(alone):
            found[number, place] = one.whitened(own, means[place])[0][0]
    return found, masses


def _facing(drawn: Binary, merger: float) -> Binary:
    """Turn a binary so that every detector sees it well; a template's height and phase mean nothing."""
    return replace(drawn, latitude=0.67, longitude=-1.85, inclination=0.0, polarisation=0.0, phase=0.0, merger=merger)
