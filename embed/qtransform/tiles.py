"""Tile energies of the Q-transform, for a batch of blocks, computed only where they are needed.

A row of tiles is the inverse FFT of the block's spectrum under the row's window, squared. Two observations make it
cheap to know the tiles near a trigger and the row's median over the block, without all the tiles of the block:

- a window wide in frequency is short in time, so a few seconds of strain around the trigger give the tiles there;
- every n-th tile of a row comes exactly from the spectrum folded n times, so a median of evenly spread tiles is cheap.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from embed.qtransform.tiling import QPlane

FADE_SECONDS = 0.25
"""Of a local span's margins, spent on fading in and out."""
GROUP_TILES = 1 << 18
"""Tiles of all blocks computed at once: the working set stays in the processor's cache."""


@dataclass(frozen=True)
class TileRows:
    """Rows of a plane with the same tile spacing, for B blocks.

    Attributes
    ----------
    rows : tuple of int
        Rows of the plane.
    energies : Tensor of float32, shape (B, R, N)
        Not normalised, in the units of the block's spectrum squared.
    start : tuple of float
        Time of the first tile in each block, s from the block's start.
    rate : float
        Tiles per second.
    """

    rows: tuple[int, ...]
    energies: Tensor
    start: tuple[float, ...]
    rate: float


@dataclass(frozen=True)
class Locality:
    """Which rows may be computed from the strain near a trigger alone, and how much of it they need.

    Attributes
    ----------
    half_width : float
        Hz: a row's window at least this wide forgets strain further away than the margin, to 1e-4 in amplitude.
    margin : float
        s of strain on each side of the span that is searched or shown, `FADE_SECONDS` of it faded.
    """

    half_width: float
    margin: float


PICTURE_LOCALITY = Locality(half_width=8.0, margin=1.25)
SEARCH_LOCALITY = Locality(half_width=16.0, margin=0.75)


@dataclass(frozen=True)
class LocalSpan:
    """The part of a block that tiles near its trigger are computed from.

    Attributes
    ----------
    fraction : int
        The span is the block's length over this, a power of two; 1 is the whole block.
    first : int
        Its first sample.
    """

    fraction: int
    first: int


@dataclass(frozen=True)
class Source:
    """The spectra of B blocks, or of the same fraction of each, that tiles are computed from.

    Attributes
    ----------
    spectrum : Tensor of complex64, shape (B, F)
        In the units of the whole block's.
    fraction : int
        Of the block's length.
    start : tuple of float
        Of each span, s from the block's start.
    half_width : float
        Rows at least this wide may be computed from it, Hz.
    """

    spectrum: Tensor
    fraction: int
    start: tuple[float, ...]
    half_width: float


def local_span(
    planes: tuple[QPlane, ...], centre: float, half: float, locality: Locality, *, size: int, sample_rate: float
) -> LocalSpan:
    """Shortest span that holds the time searched or shown, ``centre - half`` to ``centre + half`` (s), with its margins.

    It starts on a tile of the block in every row computed from it, so that the tiles are the block's own.
    """
    rows = [(plane, _first_row(plane, locality.half_width)) for plane in planes]
    coarsest = min((plane.tiles[row] for plane, row in rows if row < len(plane.tiles)), default=1)
    fraction = 1
    while size >= 4 * fraction * (half + locality.margin) * sample_rate and 2 * fraction <= coarsest:
        fraction *= 2
    step = size // coarsest
    while fraction > 1:
        length = size // fraction
        first = round((centre * sample_rate - length / 2) / step) * step
        first = min(max(first, 0), size - length)
        room = min(centre - first / sample_rate, (first + length) / sample_rate - centre) - half
        if size % coarsest == 0 and room >= locality.margin:
            return LocalSpan(fraction, first)
        fraction //= 2
    return LocalSpan(1, 0)


def local_source(x: Tensor, sample_rate: float, spans: list[LocalSpan], locality: Locality) -> Source:
    """Spectra of the local spans, all of one length, of blocks (B, T)."""
    fraction = spans[0].fraction
    length = x.shape[-1] // fraction
    near = torch.stack([row[span.first : span.first + length] for row, span in zip(x, spans, strict=True)])
    fade = int(FADE_SECONDS * sample_rate)
    ramp = torch.hann_window(2 * fade, dtype=x.dtype, device=x.device)[:fade]
    near[:, :fade] *= ramp
    near[:, -fade:] *= ramp.flip(0)
    start = tuple(span.first / sample_rate for span in spans)
    return Source(spectrum_of(near) * fraction, fraction, start, locality.half_width)


def whole_source(x: Tensor) -> Source:
    """Spectra of whole blocks (B, T)."""
    return Source(spectrum_of(x), 1, (0.0,) * len(x), 0.0)


@lru_cache(maxsize=256)
def _first_row(plane: QPlane, half_width: float) -> int:
    """First row with a window at least this wide; half widths ascend with the rows."""
    return sum(plane.half_width(row) < half_width for row in range(len(plane.frequencies)))


def spectrum_of(x: Tensor) -> Tensor:
    """One-sided spectrum of (B, T). SciPy keeps an FFT's tables between calls; torch, on a CPU, computes them each time."""
    return torch.from_numpy(scipy.fft.rfft(x.numpy())) if x.device.type == "cpu" else torch.fft.rfft(x)


def plane_tiles(sources: list[Source], plane: QPlane) -> list[TileRows]:
    """All tiles of a plane, each row from the shortest of the sources that serves it (the last one, in their order)."""
    limits = [_first_row(plane, source.half_width) for source in sources] + [len(plane.frequencies)]
    return [
        group
        for source, first, last in zip(sources, limits, limits[1:], strict=False)
        for group in tile_rows(source, plane, range(first, last))
    ]


def tile_rows(source: Source, plane: QPlane, rows: Iterable[int]) -> list[TileRows]:
    """All tiles of some rows, from one source."""
    span = plane.duration / source.fraction
    blocks = len(source.spectrum)
    out = []
    for count in sorted({plane.tiles[r] for r in rows}):
        some = tuple(r for r in rows if plane.tiles[r] == count)
        tiles = count // source.fraction
        energies = source.spectrum.real.new_empty(blocks, len(some), tiles)
        step = max(1, GROUP_TILES // (tiles * blocks))
        for lo in range(0, len(some), step):
            energies[:, lo : lo + step] = _energies(source.spectrum, plane, some[lo : lo + step], span, tiles)
        out.append(TileRows(some, energies, source.start, tiles / span))
    return out


def medians_of(
    whole: Source, plane: QPlane, groups: list[TileRows], most: int | None, *, rough: bool = False
) -> Tensor:
    """Median energy of every row over the block, float32 (B, R).

    Parameters
    ----------
    whole : Source
        Of the whole blocks.
    plane : QPlane
    groups : list of TileRows
        All rows of the plane.
    most : int or None
        Evenly spread tiles that a median is taken of; None for all.
    rough : bool
        Of rows not computed over the whole block, take only every other median, and in between the mean of the
        neighbours' (windows of neighbouring rows overlap by more than half).
    """
    out = whole.spectrum.real.new_empty(len(whole.spectrum), len(plane.frequencies))
    for group in groups:
        tiles = plane.tiles[group.rows[0]]
        count = tiles if most is None else min(tiles, most)
        if group.energies.shape[-1] == tiles:
            out[:, list(group.rows)] = median(group.energies[..., :: tiles // count])
            continue
        measured = group.rows[::2] if rough else group.rows
        out[:, list(measured)] = row_medians(whole.spectrum, plane, measured, count)
        if rough:
            for row in group.rows[1::2]:
                out[:, row] = (out[:, row - 1] + out[:, min(row + 1, measured[-1])]) / 2
    return out


def row_medians(spectrum: Tensor, plane: QPlane, rows: tuple[int, ...], count: int) -> Tensor:
    """Median energy over the block of ``count`` evenly spread tiles of some rows, float32 (B, R)."""
    step = max(1, GROUP_TILES // (count * len(spectrum)))
    parts = [
        median(_energies(spectrum, plane, rows[lo : lo + step], plane.duration, count))
        for lo in range(0, len(rows), step)
    ]
    return torch.cat(parts, -1)


def median(energies: Tensor) -> Tensor:
    """Median over the last axis, the mean of the middle two. NumPy's selection is quicker than torch's on a CPU."""
    count = energies.shape[-1]
    if energies.device.type != "cpu":
        ordered = energies.sort(-1).values
        return (ordered[..., (count - 1) // 2] + ordered[..., count // 2]) / 2
    parted = np.partition(energies.numpy(), count // 2, axis=-1)  # what lies left of the middle is no larger
    upper = parted[..., count // 2]
    lower = upper if count % 2 else parted[..., : count // 2].max(-1)
    return torch.from_numpy((lower + upper) / 2)


def _energies(spectrum: Tensor, plane: QPlane, rows: tuple[int, ...], span: float, tiles: int) -> Tensor:
    """Energies of ``tiles`` evenly spread tiles of rows (B, R, tiles): the windowed spectrum folded, then inverted."""
    blocks, bins = spectrum.shape
    windows = _windows if len(rows) > 1 else _windows.__wrapped__  # single rows are many, and rarely come again
    first, weights = windows(plane, rows, span, tiles, bins=bins, device=spectrum.device)
    at = (first + torch.arange(weights.shape[1], device=spectrum.device)).clamp_(max=bins - 1)
    band = spectrum.gather(1, at.reshape(1, -1).expand(blocks, -1)).reshape(blocks, *weights.shape).mul_(weights)
    if weights.shape[1] > tiles:
        band = band.reshape(blocks, len(rows), -1, tiles).sum(2)
    amplitude = torch.fft.ifft(band, n=tiles, norm="forward")
    return torch.addcmul(amplitude.real.square(), amplitude.imag, amplitude.imag)


@lru_cache(maxsize=512)
def _windows(
    plane: QPlane, rows: tuple[int, ...], span: float, tiles: int, *, bins: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Bisquare windows of rows on a spectrum of ``bins`` bins.

    Returns
    -------
    first : Tensor of int64, shape (R, 1)
        Bin that each window begins at.
    weights : Tensor of float32, shape (R, W)
        Zero past the window's end, and at and past the spectrum's. Where W is more than ``tiles``, a multiple of it.
    """
    ranges = [plane.window_bins(row, span) for row in rows]
    width = max(last - first for first, last, _, _ in ranges) + 1
    if width > tiles:
        width = -(-width // tiles) * tiles
    first = torch.tensor([[first] for first, _, _, _ in ranges])
    offset, half = torch.tensor([[first - centre, half] for first, _, centre, half in ranges]).T[..., None]
    along = torch.arange(width)
    weights = (1 - ((along + offset) / half).square_()).clamp_(min=0).square_()
    weights[first + along >= bins] = 0
    return first.to(device), weights.to(device)
