"""The published picture: the time and frequency of its pixels, and how they become a view.

A Gravity Spy image is a matplotlib figure of 800 x 600 pixels whose axes box, once the colour bar has taken its share,
is 574 x 480 pixels, the outermost under the frame: what is seen inside is 573 x 479. Each pixel shows the cell of
gwpy's grid, 2 ms by 0.5 Hz, that its centre falls in; the frequency axis is log2, the time axis linear. A view of fewer
pixels is the picture averaged over each larger pixel, as by Pillow's BOX filter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from embed.errors import InputError
from embed.qtransform.splines import frequency_spline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.qtransform.loudest import PlaneTiles
    from embed.qtransform.tiling import QPlane

AXES_BOX = (480.0, 620 / 1.08)
"""Axes box of the published 800 x 600 image, rows and columns, pixels."""
PUBLISHED_SHAPE = (479, 573)
"""What is seen of it inside the frame: from the second row and the second column on."""
TIME_CELL, FREQUENCY_CELL = 0.002, 0.5
"""The cells drawn in the published image, s and Hz."""
CELL_SPAN = 4.0
"""The grid of time cells starts this many seconds before the trigger."""
FULL_SCALE = 25.5
"""Normalised energy of the brightest colour."""
COLOURS = 256
"""Of viridis as matplotlib holds it."""


def quantise(energies: Tensor) -> Tensor:
    """Levels of normalised energies: ``floor(energy * 256 / 25.5)`` within 0..255, uint8, the same shape.

    So does matplotlib choose the colours of the published pictures: a level is a tenth of a unit of energy, within a third of
    a level.
    """
    return (energies * (COLOURS / FULL_SCALE)).floor_().clamp_(0, COLOURS - 1).to(torch.uint8)


@dataclass(frozen=True)
class Layout:
    """What the views of a trigger show.

    Attributes
    ----------
    durations : tuple of float
        Of the views, s.
    axis : tuple of float
        Frequencies at the bottom and the top of the picture, Hz.
    reach : float
        Highest frequency that the tiles cover, Hz; above it the picture is zero.
    shape : tuple of int
        Rows and columns of a view.
    """

    durations: tuple[float, ...]
    axis: tuple[float, float]
    reach: float
    shape: tuple[int, int] = PUBLISHED_SHAPE


def draw(tiles: PlaneTiles, centre: float, layout: Layout, scale: float = 1.0) -> Tensor:
    """Draw the views of one trigger.

    Parameters
    ----------
    tiles : PlaneTiles
        Of the plane to show.
    centre : float
        Time of the trigger, s from the block's start.
    layout : Layout
    scale : float
        Factor on the energies, ahead of the clip at full scale.

    Returns
    -------
    Tensor of float32, shape (D, H, W)
        Normalised energy within 0..25.5; row 0 is the highest frequency.
    """
    height, width = layout.shape
    times, index, weights = _column_cells(layout.durations, width)
    matrix = torch.from_numpy(_row_matrix(tiles.plane, layout.axis, layout.reach)).to(tiles.medians.device)
    # every different column of the published pictures
    image = tiles.read(centre + times, matrix).mul_(scale).clamp_(0, FULL_SCALE)
    columns = _weighted(image, index, weights).reshape(len(layout.durations), width, -1)  # (D, W, 479)
    if height == PUBLISHED_SHAPE[0]:
        return columns.transpose(1, 2)
    rows = columns.permute(2, 0, 1).reshape(PUBLISHED_SHAPE[0], -1)
    return _weighted(rows, *_box_weights(PUBLISHED_SHAPE[0], height)).reshape(height, -1, width).transpose(0, 1)


@lru_cache(maxsize=8)
def _column_cells(
    durations: tuple[float, ...], width: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float32]]:
    """Return how the columns of all views are averaged from cells in time.

    Returns
    -------
    times : ndarray of float64, shape (U,)
        Of the different cells that the published pictures show, s from the trigger.
    index, weights : ndarray of int64 and of float32, shape (K, D * width)
        Cells under each column of the views, and their shares of it.
    """
    columns = PUBLISHED_SHAPE[1]
    at = np.concatenate([((np.arange(columns) + 1.5) / AXES_BOX[1] - 0.5) * span for span in durations])
    cell, of_column = np.unique(np.floor((at + CELL_SPAN) / TIME_CELL + 1e-6), return_inverse=True)
    pixel, share = _box_weights(columns, width)
    index = np.concatenate([of_column.reshape(len(durations), columns)[d][pixel] for d in range(len(durations))], -1)
    return cell * TIME_CELL - CELL_SPAN, index, np.tile(share, (1, len(durations)))


def row_frequencies(axis: tuple[float, float]) -> NDArray[np.float64]:
    """Frequency of the cell under each row of the published picture, Hz, descending, (479,)."""
    low, high = axis
    pixel = high * (low / high) ** ((np.arange(PUBLISHED_SHAPE[0]) + 1.5) / AXES_BOX[0])
    return low + np.floor((pixel - low) / FREQUENCY_CELL) * FREQUENCY_CELL


@lru_cache(maxsize=64)
def _row_matrix(plane: QPlane, axis: tuple[float, float], reach: float) -> NDArray[np.float32]:
    """Spline matrix from rows of tiles to rows of the published picture, (479, R); zero above what is reached."""
    cells = row_frequencies(axis)
    matrix = frequency_spline(np.asarray(plane.frequencies), cells)
    matrix[cells >= reach] = 0
    return matrix


def _weighted(lines: Tensor, index: NDArray[np.int64], weights: NDArray[np.float32]) -> Tensor:
    """Weighted sums of rows of (U, F) by index and weights (K, M): (M, F)."""
    at = torch.from_numpy(index).to(lines.device)
    shares = torch.from_numpy(weights).to(lines.device)[..., None]
    out = lines.index_select(0, at[0]).mul_(shares[0])
    for k in range(1, len(at)):
        out.addcmul_(lines.index_select(0, at[k]), shares[k])
    return out


@lru_cache(maxsize=16)
def _box_weights(fine: int, coarse: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Fine pixels whose centres are within each coarse one, and their equal shares: both (K, coarse)."""
    if not 0 < coarse <= fine:
        raise InputError(f"a view of {coarse} pixels across is not within 1..{fine}, the published image's resolution")
    edges = np.floor(np.arange(coarse + 1) * fine / coarse + 0.5).astype(np.int64)
    count = np.diff(edges)
    step = np.arange(count.max())[:, None]
    return np.minimum(edges[:-1] + step, fine - 1), ((step < count) / count).astype(np.float32)
