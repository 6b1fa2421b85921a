"""Tile energies of the Q-transform, for a batch of blocks, computed only where they are needed.

A row of tiles is the inverse FFT of the block's spectrum under the row's window, squared. Three observations make it
cheap to know the tiles near a trigger and the row's median over the block, without all the tiles of the block:

- a window wide in frequency is short in time, so a few seconds of strain around the trigger give the tiles there;
- every n-th tile of a row comes exactly from the spectrum folded n times, so a median of evenly spread tiles is cheap;
- only the rows that may hold the loudest tile, and those that are shown, need a good median.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.fft import rfft
from torch import Tensor

from embed.errors import InputError
from embed.splines import REACH, time_spline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.tiling import QPlane

LOCAL_HALF_WIDTH = 8.0  # Hz: a row at least this wide forgets strain more than a second away (to 1e-4 in amplitude)
LOCAL_MARGIN = 1.25  # s of strain kept on each side of what is looked at, for rows computed near the trigger only
FADE_SECONDS = 0.25  # of that margin, spent on fading in and out
COARSE_TILES = 1024  # tiles whose median tells which rows may hold the loudest tile: standard error below 4.5 %
# The rows that come within a factor of the loudest are compared again, by the median of more tiles: those that may
# still win after an error of four standard deviations, and at last those within two per cent, to 0.3 %.
SETTLING = ((1 << 13, 0.8), (1 << 18, 0.98))
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
class PlaneTiles:
    """Tiles of one plane for one block.

    Attributes
    ----------
    plane : QPlane
    groups : tuple of TileRows
        All rows of the plane, for one block (B = 1).
    medians : Tensor, float32, shape (R,)
        By which each row is divided.
    """

    plane: QPlane
    groups: tuple[TileRows, ...]
    medians: Tensor

    def read(self, times: NDArray[np.float64], matrix: Tensor) -> Tensor:
        """Read the splines through the normalised energies.

        Parameters
        ----------
        times : ndarray, float64, shape (M,)
            s from the block's start.
        matrix : Tensor, float32, shape (F, R)
            From rows of the plane to frequencies (see `embed.splines.frequency_spline`).

        Returns
        -------
        Tensor, float32, shape (M, F)
        """
        weights = (matrix / self.medians).T
        out = weights.new_zeros(len(times), len(matrix))
        for group in self.groups:
            position = (times - group.start[0]) * group.rate
            first = max(0, int(position.min()) - REACH)
            near = group.energies[0, :, first : int(position.max()) + REACH + 2]
            lines = time_spline(near, torch.from_numpy(position - first).to(out.device))
            out.addmm_(lines, weights[list(group.rows)])
        return out


@dataclass(frozen=True)
class Analysis:
    """What the blocks show near their triggers.

    Attributes
    ----------
    tiles : tuple of PlaneTiles
        Of the plane that holds the loudest tile, for each block.
    q, time, frequency, energy : Tensor, float64, shape (B,)
        Of the loudest tile; s from the block's start, Hz, normalised.
    """

    tiles: tuple[PlaneTiles, ...]
    q: Tensor
    time: Tensor
    frequency: Tensor
    energy: Tensor


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


def analyse(
    x: Tensor,
    sample_rate: float,
    planes: tuple[QPlane, ...],
    when: Tensor,
    first: list[int],
    fraction: int,
    *,
    search: float,
    median_tiles: int | None,
) -> Analysis:
    """Compute the tiles of blocks near their triggers, and find the loudest tile of each.

    Parameters
    ----------
    x : Tensor, float32, shape (B, T)
        Whitened strain.
    sample_rate : float
        Hz.
    planes : tuple of QPlane
    when : Tensor, float64, shape (B,)
        Triggers, s from each block's start.
    first : list of int
        First sample of each block's local span (see `local_span`).
    fraction : int
        Of all the local spans.
    search : float
        Width of the window around each trigger that the loudest tile is sought in, s.
    median_tiles : int or None
        Tiles of a row that its median is taken of, for the plane that is kept; None for all.

    Raises
    ------
    InputError
        A block without any energy in a row.
    """
    spectrum = _rfft(x)
    near = spectrum if fraction == 1 else _local_spectrum(x, sample_rate, first, fraction)
    start = tuple(f / sample_rate for f in first)
    coarse = None if median_tiles is None else min(median_tiles, COARSE_TILES)
    groups, medians, energies, times = [], [], [], []
    for plane in planes:
        local = local_rows(plane) if fraction > 1 else ()
        whole = tuple(range(len(plane.frequencies) - len(local)))  # half widths ascend with the rows
        rows = _tile_rows(spectrum, plane, whole, 1, (0.0,) * len(x))
        rows += _tile_rows(near, plane, local, fraction, start)
        peak, time = _row_peaks(rows, len(plane.frequencies), when, search)
        groups.append(rows)
        medians.append(_medians(spectrum, plane, rows, coarse))
        energies.append(peak)
        times.append(time)
    if coarse is not None:
        _settle(spectrum, planes, energies, medians, coarse)
    loudest = torch.cat([e / m for e, m in zip(energies, medians, strict=True)], -1).double()
    if not bool(torch.isfinite(loudest).all()):
        msg = "the strain of a block is zero, or zero over most of it, in some band: its energies cannot be normalised"
        raise InputError(msg)
    energy, at = loudest.max(-1)
    owner = torch.cat([torch.full((len(p.frequencies),), i, device=x.device) for i, p in enumerate(planes)])
    frequency = torch.tensor([f for p in planes for f in p.frequencies], dtype=torch.float64, device=x.device)
    q = torch.tensor([p.q for p in planes], dtype=torch.float64, device=x.device)
    time = torch.cat(times, -1).gather(-1, at[:, None])[:, 0]
    tiles = _of_chosen_planes(spectrum, planes, groups, medians, owner[at].tolist(), median_tiles, coarse)
    return Analysis(tiles, q[owner[at]], time, frequency[at], energy)


def _of_chosen_planes(
    spectrum: Tensor,
    planes: tuple[QPlane, ...],
    groups: list[list[TileRows]],
    medians: list[Tensor],
    chosen: list[int],
    most: int | None,
    coarse: int | None,
) -> tuple[PlaneTiles, ...]:
    """Tiles of each block's own plane, with the finer medians."""
    out: dict[int, PlaneTiles] = {}
    for index in sorted(set(chosen)):
        blocks = [block for block, own in enumerate(chosen) if own == index]
        own = [TileRows(g.rows, g.energies[blocks], tuple(g.start[b] for b in blocks), g.rate) for g in groups[index]]
        middle = medians[index][blocks]
        if coarse != most:
            middle = _medians(spectrum[blocks], planes[index], own, most)
        for slot, block in enumerate(blocks):
            single = tuple(TileRows(g.rows, g.energies[slot, None], (g.start[slot],), g.rate) for g in own)
            out[block] = PlaneTiles(planes[index], single, middle[slot])
    return tuple(out[block] for block in range(len(chosen)))


def _local_spectrum(x: Tensor, sample_rate: float, first: list[int], fraction: int) -> Tensor:
    """Spectrum of the local span of each block, scaled to the units of the block's own, complex64 (B, F)."""
    length = x.shape[-1] // fraction
    near = torch.stack([row[start : start + length] for row, start in zip(x, first, strict=True)])
    fade = int(FADE_SECONDS * sample_rate)
    ramp = torch.hann_window(2 * fade, dtype=x.dtype, device=x.device)[:fade]
    near[:, :fade] *= ramp
    near[:, -fade:] *= ramp.flip(0)
    return _rfft(near) * fraction


def _rfft(x: Tensor) -> Tensor:
    """One-sided spectrum of (B, T). SciPy keeps an FFT's tables between calls; torch, on a CPU, makes them anew."""
    return torch.from_numpy(rfft(x.numpy())) if x.device.type == "cpu" else torch.fft.rfft(x)


def _tile_rows(
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


def _medians(spectrum: Tensor, plane: QPlane, groups: list[TileRows], most: int | None) -> Tensor:
    """Median energy of every row over the block, of at most ``most`` evenly spread tiles each, float32 (B, R)."""
    out = spectrum.real.new_empty(len(spectrum), len(plane.frequencies))
    for group in groups:
        tiles = plane.tiles[group.rows[0]]
        count = tiles if most is None else min(tiles, most)
        if group.energies.shape[-1] == tiles:  # computed over the whole block already
            out[:, list(group.rows)] = median(group.energies[..., :: tiles // count])
        else:
            out[:, list(group.rows)] = _row_medians(spectrum, plane, group.rows, count)
    return out


def _row_medians(spectrum: Tensor, plane: QPlane, rows: tuple[int, ...], count: int) -> Tensor:
    """Median energy over the block of ``count`` evenly spread tiles of some rows, float32 (B, R)."""
    step = max(1, GROUP_TILES // (count * len(spectrum)))
    parts = [
        median(_energies(spectrum, plane, rows[lo : lo + step], plane.duration, count))
        for lo in range(0, len(rows), step)
    ]
    return torch.cat(parts, -1)


def _row_peaks(groups: list[TileRows], rows: int, when: Tensor, search: float) -> tuple[Tensor, Tensor]:
    """Loudest tile of each row near the trigger: energy (float32) and time (float64, s), both (B, rows)."""
    energy = groups[0].energies.new_empty(len(when), rows)
    time = when.new_empty(len(when), rows)
    for group in groups:
        start = when.new_tensor(group.start)
        count = group.energies.shape[-1]
        first = ((when - search / 2 - start) * group.rate).floor().long().clamp(min=0)
        last = ((when + search / 2 - start) * group.rate).floor().long().clamp(max=count)
        last = torch.maximum(last, first + 1)
        at = first[:, None] + torch.arange(int((last - first).max()), device=when.device)
        near = group.energies.gather(-1, at.clamp(max=count - 1)[:, None].expand(-1, len(group.rows), -1))
        near = near.masked_fill((at >= last[:, None])[:, None], 0)
        top, index = near.max(-1)
        energy[:, list(group.rows)] = top
        time[:, list(group.rows)] = start[:, None] + (first[:, None] + index).double() / group.rate
    return energy, time


def _settle(
    spectrum: Tensor, planes: tuple[QPlane, ...], energies: list[Tensor], medians: list[Tensor], most: int
) -> None:
    """Give the rows that may hold a block's loudest tile the median of (nearly) all their tiles, in place."""
    for count, close in SETTLING:
        loudest = torch.stack([(e / m).amax(-1) for e, m in zip(energies, medians, strict=True)]).amax(0)
        for plane, energy, middle in zip(planes, energies, medians, strict=True):
            contenders = (energy >= close * loudest[:, None] * middle).cpu()
            for block, row in contenders.nonzero().tolist():
                if plane.tiles[row] > most:
                    middle[block, row] = _row_medians(
                        spectrum[block, None], plane, (row,), min(plane.tiles[row], count)
                    )[0, 0]
        most = count


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
