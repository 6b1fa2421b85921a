"""Augmentation: the same glitch, slightly shifted, scaled, louder, cropped or compressed differently.

George, Shen and Huerta (2018, section III) shift by 0 to 10 pixels and zoom by up to 5 %; Khan et al. (2019) flip and rotate galaxies.
The rest is what differs between makers of spectrograms: the signal-to-noise ratio, the trigger's time, where
the axes were cropped, which durations there are, and how the picture was compressed.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import affine_grid, grid_sample, pad

from embed.training.randomness import uniform
from embed.training.variation import LOUDEST_FACTOR, NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embed.training.variation import Augmentation

TOP_LEVEL = 255.0
FAINT = 25.0
"""Highest level that counts as noise: its normalised energy has mean 1 (level 10) and is exponential, and passes 2.5 in one pixel of twelve."""
QUALITIES = (25.0, 95.0)
"""Of the compression, on libjpeg's scale."""

_BLOCK = 8
_LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""Quantisation of luminance at quality 50 (ITU-T T.81, table K.1)."""


class _Stream(IntEnum):
    """What random numbers are for."""

    SHIFT = 1
    ZOOM = 2
    TURN = 3
    TIME = 4
    CROP = 5
    LOUDNESS = 6
    SINGLE = 7
    COMPRESSION = 8
    NOISE = 9
    PIXELS = 10


def augment(
    levels: torch.Tensor, durations: Sequence[float], augmentation: Augmentation, keys: torch.Tensor
) -> torch.Tensor:
    """Vary a batch.

    Parameters
    ----------
    levels : Tensor of uint8, shape (B, V, side, side)
        Views in the encoding's order, or a plain picture's colours.
    durations : sequence of V float
        Seconds of each view; 0 where there are none.
    augmentation : Augmentation
    keys : Tensor of int64, shape (B,), on the CPU
        Of the random numbers, see `embed.training.randomness.draw_keys`.

    Returns
    -------
    Tensor of float32, shape (B, V, side, side), on the levels' device
        0 to 255.
    """
    values = levels.float()
    if augmentation == NONE:
        return values
    if augmentation.single and len(durations) > 1:
        values = _one_for_all(values, augmentation.single, keys)
    if augmentation.loudness != 1.0:
        values = _scaled(values, augmentation.loudness, keys)
    if _moves(augmentation):
        theta = geometry(augmentation, durations, levels.shape[-1], keys).to(values.device)
        values = _warped(values, theta)
    if augmentation.compression:
        draws = uniform(keys, _Stream.COMPRESSION, (2,))
        rows = torch.nonzero(draws[:, 0] < augmentation.compression)[:, 0]
        if len(rows):
            lowest, highest = QUALITIES
            quality = (lowest + (highest - lowest) * draws[rows, 1]).to(values.device)
            values[rows.to(values.device)] = compressed(values[rows.to(values.device)], quality)
    if augmentation.noise:
        size = (augmentation.noise * uniform(keys, _Stream.NOISE, (1,))).to(values.device)
        pixels = uniform(keys.to(values.device), _Stream.PIXELS, tuple(values.shape[1:]))
        values = torch.round(values + (2.0 * pixels - 1.0) * size[:, :, None, None])
    return values.clamp_(0.0, TOP_LEVEL)


def _moves(augmentation: Augmentation) -> bool:
    return bool(
        augmentation.shift
        or augmentation.zoom
        or augmentation.time_offset
        or augmentation.crop
        or augmentation.flip
        or augmentation.rotate
    )


def geometry(augmentation: Augmentation, durations: Sequence[float], side: int, keys: torch.Tensor) -> torch.Tensor:
    """Where each pixel of each view is taken from: float32 (B, V, 2, 3), in torch's coordinates (-1 to 1 over the picture)."""
    count, views = len(keys), len(durations)
    both = 2.0 * uniform(keys, _Stream.SHIFT, (2,)) - 1.0
    move = (both * augmentation.shift * 2.0 / side)[:, None].repeat(1, views, 1)  # (B, V, 2): x, y
    seconds = (2.0 * uniform(keys, _Stream.TIME, (1,)) - 1.0) * augmentation.time_offset
    share = torch.tensor([2.0 / duration if duration else 0.0 for duration in durations])
    move[..., 0] += seconds * share
    zoom = 1.0 + augmentation.zoom * (2.0 * uniform(keys, _Stream.ZOOM, (1,)) - 1.0)
    scale = (1.0 / zoom)[:, None].repeat(1, views, 2)  # (B, V, 2)
    edges = (2.0 * uniform(keys, _Stream.CROP, (views, 4)) - 1.0) * 2.0 * augmentation.crop
    scale = scale * (1.0 + (edges[..., 2:] - edges[..., :2]) / 2.0)
    move = move + (edges[..., 2:] + edges[..., :2]) / 2.0
    turn = uniform(keys, _Stream.TURN, (2,))
    angle = 2.0 * math.pi * turn[:, 0] if augmentation.rotate else torch.zeros(count)
    mirror = torch.where(turn[:, 1] < 0.5, -1.0, 1.0) if augmentation.flip else torch.ones(count)
    rows = torch.stack(
        [torch.cos(angle) * mirror, -torch.sin(angle), torch.sin(angle) * mirror, torch.cos(angle)], dim=1
    )
    matrix = rows.view(count, 1, 2, 2) * scale[:, :, None, :]
    return torch.cat([matrix, move[..., None]], dim=3)


def _warped(values: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
    """Take each pixel from the place that `theta` gives, bilinearly; beyond the edge the pixels of the edge are repeated."""
    count, views, height, width = values.shape
    flat = values.reshape(count * views, 1, height, width)
    grid = affine_grid(theta.reshape(-1, 2, 3), [*flat.shape], align_corners=False)
    return grid_sample(flat, grid, padding_mode="border", align_corners=False).view_as(values)


def _one_for_all(values: torch.Tensor, probability: float, keys: torch.Tensor) -> torch.Tensor:
    draws = uniform(keys, _Stream.SINGLE, (2,))
    views = values.shape[1]
    stays = (draws[:, 1] * views).long().clamp_(max=views - 1)
    own = torch.arange(views).expand(len(values), views)
    source = torch.where((draws[:, 0] < probability)[:, None], stays[:, None], own).to(values.device)
    return values.gather(1, source[:, :, None, None].expand_as(values))


def _scaled(values: torch.Tensor, most: float, keys: torch.Tensor) -> torch.Tensor:
    """Scale the energy above the noise, and leave the noise as it is: it is normalised."""
    exponent = 2.0 * uniform(keys, _Stream.LOUDNESS, (1,)) - 1.0
    factor = torch.exp(exponent * math.log(min(most, LOUDEST_FACTOR))).to(values.device)[:, :, None, None]
    return (torch.clamp(values, max=FAINT) + factor * torch.clamp(values - FAINT, min=0.0)).clamp_(max=TOP_LEVEL)


def compressed(values: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
    """Quantise as JPEG does to luminance: blocks of 8x8, cosine transform, T.81's table at libjpeg's qualities.

    Parameters
    ----------
    values : Tensor of float32, shape (B, V, height, width)
        0 to 255.
    quality : Tensor of float32, shape (B,)
        1 to 100, on the values' device.
    """
    count, views, height, width = values.shape
    padded = pad(values, (0, -width % _BLOCK, 0, -height % _BLOCK), mode="replicate") - 128.0
    rows, columns = padded.shape[2] // _BLOCK, padded.shape[3] // _BLOCK
    blocks = padded.view(count, views, rows, _BLOCK, columns, _BLOCK).transpose(3, 4)
    basis = _cosines().to(values.device)
    percent = torch.where(quality < 50.0, 5000.0 / quality, 200.0 - 2.0 * quality)
    table = torch.tensor(_LUMINANCE, dtype=torch.float32, device=values.device)
    steps = torch.floor((table * percent[:, None, None] + 50.0) / 100.0).clamp_(1.0, 255.0)[:, None, None, None]
    quantised = torch.round(basis @ blocks @ basis.T / steps) * steps
    back = (basis.T @ quantised @ basis).transpose(3, 4).reshape(padded.shape)
    return (back[:, :, :height, :width] + 128.0).clamp_(0.0, TOP_LEVEL)


def _cosines() -> torch.Tensor:
    """The orthonormal cosine transform of 8 numbers, as a matrix (8, 8)."""
    place = torch.arange(_BLOCK, dtype=torch.float64)
    matrix = torch.cos((place[None] + 0.5) * place[:, None] * math.pi / _BLOCK) * math.sqrt(2.0 / _BLOCK)
    matrix[0] /= math.sqrt(2.0)
    return matrix.float()
