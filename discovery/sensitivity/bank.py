"""The bank of a matched filter over the masses that a network was trained on, whitened as its strain is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from embed.detector.matchedfilter import MatchedFilter, make_bank, spread
from embed.detector.noise import NoiseSource
from embed.detector.signals import Binary, SignalSource

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from embed.detector.options import SourceOptions
    from embed.types import Floats, Progress

PROPOSED = 4_000
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
    progress: Progress | None = None,
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
    progress : callable, optional

    Returns
    -------
    FilterBank
    """
    filters = mean_filters(source, seed)
    rng = np.random.default_rng(seed)
    waveforms = _waveforms(source, filters, PROPOSED + TRIED, rng)
    rows = spread(waveforms[:PROPOSED, 0], minimal_match, progress=progress)
    bank = make_bank(waveforms[rows], round(MERGER * source.samples), source.sample_rate)
    tried = waveforms[PROPOSED:, 0]
    matches = np.array([_match(one, bank.templates[:, 0].numpy()) for one in tried])
    return FilterBank(MatchedFilter(bank, device=device), len(bank), matches)


def mean_filters(source: SourceOptions, seed: int) -> Floats:
    """Mean of the whitening filters of some blocks of noise: float64 (D, taps)."""
    noise = NoiseSource(source, seed)
    return np.mean([noise.block(number).filters for number in range(FILTERS)], axis=0)


def _waveforms(source: SourceOptions, filters: Floats, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Whitened binaries (count, D, samples), overhead of the first detector, face on, drawn as the network's."""
    signals = SignalSource(source)
    alone = [SignalSource(replace(source, ifos=(ifo,))) for ifo in source.ifos]
    found = np.empty((count, len(alone), source.samples))
    for number in range(count):
        drawn = signals.draw(rng)
        own = _facing(drawn, MERGER * source.seconds)
        for place, one in enumerate(alone):
            found[number, place] = one.whitened(own, filters[place : place + 1])[0][0]
    return found


def _facing(drawn: Binary, merger: float) -> Binary:
    """Turn a binary so that every detector sees it well; a template's height and phase mean nothing."""
    return replace(drawn, latitude=0.67, longitude=-1.85, inclination=0.0, polarisation=0.0, phase=0.0, merger=merger)


def _match(waveform: Floats, templates: NDArray[np.complex64]) -> float:
    """Best match of a waveform with templates (T, m), over times and phases."""
    size = 2 * waveform.shape[-1]
    own = np.fft.fft(waveform / np.linalg.norm(waveform), size)
    return max(
        float(abs(np.fft.ifft(own * np.fft.fft(part, size).conj())).max())
        for part in np.array_split(templates, max(1, len(templates) // 64))
    )
