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
from embed.qtransform.splines import read_spline, spline_coefficients
from embed.qtransform.tiles import Source, TileRows, medians_of, plane_tiles, row_medians, tile_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embed.qtransform.tiling import QPlane

COARSE_TILES = 1024
"""Tiles whose median shows which rows may hold the loudest tile: standard error about 4.5 %."""
ROUGH_Q = 16.0
"""Above it rows are within 5 % of each other in frequency, and every other median is enough."""
SETTLING = ((1 << 13, 0.8), (1 << 18, 0.93))
"""Tiles and factor: rows within this factor of the loudest are compared again, by the median of so many tiles. Each time these are
the rows that may still win after an error of four standard deviations; the last time the error is 0.3 % at most."""


@dataclass(frozen=True)
class RowSplines:
    """Splines in time through the energies of some rows of one block.

    Attributes
    ----------
    rows : tuple of int
        Rows of the plane.
    coefficients : Tensor of float32, shape (N, R)
        From `embed.qtransform.splines.spline_coefficients`; not normalised.
    start : float
        Time of the first tile, s from the block's start.
    rate : float
        Tiles per second.
    """

    rows: tuple[int, ...]
    coefficients: Tensor
    start: float
    rate: float


@dataclass(frozen=True)
class PlaneTiles:
    """Tiles of one plane for one block.

    Attributes
    ----------
    plane : QPlane
    splines : tuple of RowSplines
        Through all rows of the plane, in its order.
    medians : Tensor of float32, shape (R,)
        By which each row is divided.
    """

    plane: QPlane
    splines: tuple[RowSplines, ...]
    medians: Tensor

    def read(self, times: NDArray[np.float64], matrix: Tensor) -> Tensor:
        """Read the normalised energies.

        Parameters
        ----------
        times : ndarray of float64, shape (M,)
            s from the block's start.
        matrix : Tensor of float32, shape (F, R)
            From rows of the plane to frequencies (see `embed.qtransform.splines.frequency_spline`).

        Returns
        -------
        Tensor of float32, shape (M, F)
        """
        lines = [
            read_spline(own.coefficients, torch.from_numpy((times - own.start) * own.rate).to(matrix.device))
            for own in self.splines
        ]
        return torch.cat(lines, -1) @ (matrix / self.medians).T


@dataclass(frozen=True)
class Analysis:
    """What the blocks show near their triggers.

    Attributes
    ----------
    tiles : tuple of PlaneTiles
        Of the plane that holds the loudest tile, for each block.
    q, time, frequency, energy : Tensor of float64, shape (B,)
        Of the loudest tile; s from the block's start, Hz, normalised.
    """

    tiles: tuple[PlaneTiles, ...]
    q: Tensor
    time: Tensor
    frequency: Tensor
    energy: Tensor


def analyse(
    sources: list[Source],
    planes: tuple[QPlane, ...],
    when: Tensor,
    *,
    kept: int,
    search: float,
    median_tiles: int | None,
) -> Analysis:
    """Compute the tiles of blocks near their triggers, and find the loudest tile of each.

    Parameters
    ----------
    sources : list of Source
        Of the whole blocks, then of ever shorter parts of them.
    planes : tuple of QPlane
    when : Tensor of float64, shape (B,)
        Triggers, s from each block's start.
    kept : int
        How many of the sources cover all that is to be shown; the others serve the search alone.
    search : float
        Width of the window around each trigger that the loudest tile is sought in, s.
    median_tiles : int or None
        Tiles of a row that its median is taken of, for the plane that is kept; None for all.

    Raises
    ------
    InputError
        A block without any energy in a row.
    """
    whole = sources[0]
    coarse = None if median_tiles is None else min(median_tiles, COARSE_TILES)
    groups, medians, energies, times = [], [], [], []
    for plane in planes:
        rows = plane_tiles(sources, plane)
        peak, time = _row_peaks(rows, len(plane.frequencies), when, search)
        groups.append(rows)
        medians.append(medians_of(whole, plane, rows, coarse, rough=coarse is not None and plane.q > ROUGH_Q))
        energies.append(peak)
        times.append(time)
    if coarse is not None:
        _settle(whole.spectrum, planes, energies, medians)
    loudest = torch.cat([e / m for e, m in zip(energies, medians, strict=True)], -1).double()
    if not bool(torch.isfinite(loudest).all()):
        raise InputError(
            "the strain of a block is zero, or zero over most of it, in some band: its energies cannot be normalised"
        )
    energy, at = loudest.max(-1)
    owner = torch.cat([torch.full((len(p.frequencies),), i, device=when.device) for i, p in enumerate(planes)])[at]
    frequency = torch.tensor([f for p in planes for f in p.frequencies], dtype=torch.float64, device=when.device)[at]
    q = torch.tensor([p.q for p in planes], dtype=torch.float64, device=when.device)[owner]
    time = torch.cat(times, -1).gather(-1, at[:, None])[:, 0]
    tiles: dict[int, PlaneTiles] = {}
    for index in owner.unique().tolist():
        blocks = (owner == index).nonzero()[:, 0].tolist()
        own = _shown(sources[:kept], planes[index], groups[index], blocks, median_tiles)
        tiles.update(zip(blocks, own, strict=True))
    return Analysis(tuple(tiles[block] for block in range(len(when))), q, time, frequency, energy)


def _shown(
    sources: list[Source], plane: QPlane, searched: list[TileRows], blocks: list[int], most: int | None
) -> list[PlaneTiles]:
    """Tiles of one plane for some blocks, for the picture: over all the time that it shows, with good medians."""
    own = [Source(s.spectrum[blocks], s.fraction, tuple(s.start[b] for b in blocks), s.half_width) for s in sources]
    enough = {s.fraction for s in own}
    groups = []
    for group in searched:
        if plane.tiles[group.rows[0]] // group.energies.shape[-1] in enough:
            start = tuple(group.start[b] for b in blocks)
            groups.append(TileRows(group.rows, group.energies[blocks], start, group.rate))
        else:  # computed for the search alone
            groups += tile_rows(own[-1], plane, group.rows)
    middle = medians_of(own[0], plane, groups, most)
    splines = [spline_coefficients(group.energies) for group in groups]
    return [
        PlaneTiles(
            plane,
            tuple(RowSplines(g.rows, c[slot], g.start[slot], g.rate) for g, c in zip(groups, splines, strict=True)),
            middle[slot],
        )
        for slot in range(len(blocks))
    ]


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


def _settle(spectrum: Tensor, planes: tuple[QPlane, ...], energies: list[Tensor], medians: list[Tensor]) -> None:
    """Give the rows that may hold a block's loudest tile the median of (nearly) all their tiles, in place."""
    settled: set[tuple[int, int, int]] = set()  # rows whose median is of all their tiles
    for count, close in SETTLING:
        loudest = torch.stack([(e / m).amax(-1) for e, m in zip(energies, medians, strict=True)]).amax(0)
        for index, (plane, energy, middle) in enumerate(zip(planes, energies, medians, strict=True)):
            contenders = (energy >= close * loudest[:, None] * middle).cpu()
            for block, row in contenders.nonzero().tolist():
                if (index, block, row) in settled:
                    continue
                own = row_medians(spectrum[block, None], plane, (row,), min(plane.tiles[row], count))
                middle[block, row] = own[0, 0]
                if plane.tiles[row] <= count:
                    settled.add((index, block, row))
