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
    from embed.tiling import QPlane

LOCAL_HALF_WIDTH = 8.0  # Hz: a row at least this wide forgets strain more than a second away (to 1e-4 in amplitude)
LOCAL_MARGIN = 1.25  # s of strain kept on each side of what is looked at, for rows computed near the trigger only
FADE_SECONDS = 0.25  # of that margin, spent on fading in and out
GROUP_TILES = 1 << 18  # tiles of all blocks computed at once: the working set stays in the processor's cache


@dataclass(frozen=True)
class TileRows:
    """Rows of a plane with the same tile spacing, for B blocks.

    Attributes
    ----------
    rows : tuple of int
        Rows of the plane.
    energies : Tensor, float32, shape (B, R, N)
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


def local_span(planes: tuple[QPlane, ...], centre: float, half: float, size: int, sample_rate: float) -> LocalSpan:
    """Shortest span that holds what is looked at, ``centre - half`` to ``centre + half`` (s), with its margins.

    It starts on a tile of the block in every row computed from it, so that the tiles are the block's own.
    """
    coarsest = min((plane.tiles[local_rows(plane)[0]] for plane in planes if local_rows(plane)), default=1)
    fraction = 1
    while size * 1.0 / (2 * fraction) >= 2 * (half + LOCAL_MARGIN) * sample_rate and 2 * fraction <= coarsest:
        fraction *= 2
    step = size // coarsest
    while fraction > 1:
        length = size // fraction
        first = round((centre * sample_rate - length / 2) / step) * step
        first = min(max(first, 0), size - length)
        room = min(centre - first / sample_rate, (first + length) / sample_rate - centre) - half
        if size % coarsest == 0 and room >= LOCAL_MARGIN:
            return LocalSpan(fraction, first)
        fraction //= 2
    return LocalSpan(1, 0)


@lru_cache(maxsize=128)
def local_rows(plane: QPlane) -> tuple[int, ...]:
    """Rows of a plane that may be computed from the local span; the others take the whole block."""
    return tuple(r for r in range(len(plane.frequencies)) if plane.half_width(r) >= LOCAL_HALF_WIDTH)


def local_spectrum(x: Tensor, sample_rate: float, first: list[int], fraction: int) -> Tensor:
    """Spectrum of the local span of each block, scaled to the units of the block's own, complex64 (B, F)."""
    length = x.shape[-1] // fraction
    near = torch.stack([row[start : start + length] for row, start in zip(x, first, strict=True)])
    fade = int(FADE_SECONDS * sample_rate)
    ramp = torch.hann_window(2 * fade, dtype=x.dtype, device=x.device)[:fade]
    near[:, :fade] *= ramp
    near[:, -fade:] *= ramp.flip(0)
    return spectrum_of(near) * fraction


def spectrum_of(x: Tensor) -> Tensor:
    """One-sided spectrum of (B, T). SciPy keeps an FFT's tables between calls; torch, on a CPU, makes them anew."""
    return torch.from_numpy(scipy.fft.rfft(x.numpy())) if x.device.type == "cpu" else torch.fft.rfft(x)


def tile_rows(
    spectrum: Tensor, plane: QPlane, rows: tuple[int, ...], fraction: int, start: tuple[float, ...]
) -> list[TileRows]:
    """All tiles of some rows, from the spectrum of the whole block (fraction 1) or of the local span."""
    span = plane.duration / fraction
    out = []
    for count in sorted({plane.tiles[r] for r in rows}):
        some = tuple(r for r in rows if plane.tiles[r] == count)
        tiles = count // fraction
        energies = spectrum.real.new_empty(len(spectrum), len(some), tiles)
        step = max(1, GROUP_TILES // (tiles * len(spectrum)))
        for lo in range(0, len(some), step):
            energies[:, lo : lo + step] = _energies(spectrum, plane, some[lo : lo + step], span, tiles)
        out.append(TileRows(some, energies, start, tiles / span))
    return out


def medians_of(spectrum: Tensor, plane: QPlane, groups: list[TileRows], most: int | None) -> Tensor:
    """Median energy of every row over the block, of at most ``most`` evenly spread tiles each, float32 (B, R)."""
    out = spectrum.real.new_empty(len(spectrum), len(plane.frequencies))
    for group in groups:
        tiles = plane.tiles[group.rows[0]]
        count = tiles if most is None else min(tiles, most)
        if group.energies.shape[-1] == tiles:  # computed over the whole block already
            out[:, list(group.rows)] = median(group.energies[..., :: tiles // count])
        else:
            out[:, list(group.rows)] = row_medians(spectrum, plane, group.rows, count)
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
    parts = torch.view_as_real(spectrum)  # real and imaginary parts side by side: a real product of both
    windowed = parts.new_empty(len(spectrum), len(rows), tiles, 2)
    for slot, row in enumerate(rows):
        first, weights = _window(plane, row, span, spectrum.device)
        bins = min(len(weights), spectrum.shape[-1] - first)  # fewer than the window's where that passes Nyquist
        head = min(bins, tiles)
        torch.mul(parts[:, first : first + head], weights[:head], out=windowed[:, slot, :head])
        windowed[:, slot, head:] = 0
        for lo in range(tiles, bins, tiles):
            width = min(tiles, bins - lo)
            piece = parts[:, first + lo : first + lo + width]
            windowed[:, slot, :width].addcmul_(piece, weights[lo : lo + width])
    amplitude = torch.fft.ifft(torch.view_as_complex(windowed), norm="forward")
    return torch.addcmul(amplitude.real.square(), amplitude.imag, amplitude.imag)


@lru_cache(maxsize=2048)
def _window(plane: QPlane, row: int, span: float, device: torch.device) -> tuple[int, Tensor]:
    """`QPlane.window` as a tensor (W, 2) on a device, each weight twice: for the real and the imaginary part."""
    first, weights = plane.window(row, span)
    return first, torch.from_numpy(weights)[:, None].expand(-1, 2).contiguous().to(device)
