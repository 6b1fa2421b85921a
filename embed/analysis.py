"""What a trigger shows: the loudest tile near it, and the tiles of the Q plane that holds it.

Every row of every plane is looked at, by a rough median first: only the rows that may hold the loudest tile, and those
that are shown, need a good one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from embed.errors import InputError
from embed.splines import REACH, time_spline
from embed.tiles import TileRows, local_rows, local_spectrum, medians_of, row_medians, spectrum_of, tile_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embed.tiling import QPlane

COARSE_TILES = 1024  # tiles whose median tells which rows may hold the loudest tile: standard error below 4.5 %
# The rows that come within a factor of the loudest are compared again, by the median of more tiles: those that may
# still win after an error of four standard deviations, and at last those within two per cent, to 0.3 %.
SETTLING = ((1 << 13, 0.8), (1 << 18, 0.98))


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
    spectrum = spectrum_of(x)
    near = spectrum if fraction == 1 else local_spectrum(x, sample_rate, first, fraction)
    start = tuple(f / sample_rate for f in first)
    coarse = None if median_tiles is None else min(median_tiles, COARSE_TILES)
    groups, medians, energies, times = [], [], [], []
    for plane in planes:
        local = local_rows(plane) if fraction > 1 else ()
        whole = tuple(range(len(plane.frequencies) - len(local)))  # half widths ascend with the rows
        rows = tile_rows(spectrum, plane, whole, 1, (0.0,) * len(x))
        rows += tile_rows(near, plane, local, fraction, start)
        peak, time = _row_peaks(rows, len(plane.frequencies), when, search)
        groups.append(rows)
        medians.append(medians_of(spectrum, plane, rows, coarse))
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
            middle = medians_of(spectrum[blocks], planes[index], own, most)
        for slot, block in enumerate(blocks):
            single = tuple(TileRows(g.rows, g.energies[slot, None], (g.start[slot],), g.rate) for g in own)
            out[block] = PlaneTiles(planes[index], single, middle[slot])
    return tuple(out[block] for block in range(len(chosen)))


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
                    middle[block, row] = row_medians(
                        spectrum[block, None], plane, (row,), min(plane.tiles[row], count)
                    )[0, 0]
        most = count
