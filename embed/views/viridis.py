"""Viridis colours from levels and levels from viridis colours; a level is ten times the normalised energy, 0 to 255.

Gravity Spy draws normalised energies 0 to 25.5 with matplotlib's viridis, whose table has 256 colours: a colour's place in
the table is the energy in steps of 0.1.
"""

from functools import cache
from threading import Lock

import numpy as np

from embed.types import Pixels

LUMINANCE = np.array([0.2125, 0.7154, 0.0721])
"""Weights of red, green and blue in skimage's rgb2gray (ITU-R BT.709), with which the training set's planes were made."""

_NEAR = 6
"""Colours within this many steps (of 255) of the table in every channel are looked up exactly, others in coarse cells."""

_ONCE = Lock()
"""Held while the inverse is computed: the first threads to ask for it would all compute it."""


@cache
def table() -> Pixels:
    """Return the 256 colours: ndarray of uint8, shape (256, 3)."""
    import matplotlib as mpl  # noqa: PLC0415 - seconds that a command which draws nothing need not wait for

    return mpl.colormaps["viridis"](np.arange(256), bytes=True)[:, :3].copy()


@cache
def _inverse() -> Pixels:
    """Level of the nearest table colour for all 2**24 colours, uint8, indexed by blue << 16 | green << 8 | red.

    Exact near the table, as all pixels are except a few antialiased ones; elsewhere nearest to the centre of an 8x1x8 cell.
    """
    from scipy.spatial import cKDTree  # noqa: PLC0415 - as above

    colours = table().astype(np.int64)
    tree = cKDTree(colours)
    axes = (np.arange(32) * 8 + 3.5, np.arange(256.0), np.arange(32) * 8 + 3.5)
    coarse = (
        tree.query(np.stack(np.meshgrid(*axes, indexing="ij")[::-1], -1).reshape(-1, 3))[1]
        .astype(np.uint8)
        .reshape(32, 256, 32)
    )
    inverse = np.repeat(np.repeat(coarse, 8, axis=0), 8, axis=2).reshape(-1)
    step = np.arange(-_NEAR, _NEAR + 1)
    offsets = np.stack(np.meshgrid(step, step, step, indexing="ij"), -1).reshape(-1, 3)
    near = (colours[:, None] + offsets).reshape(-1, 3)
    keys = np.unique((near[:, 2] << 16 | near[:, 1] << 8 | near[:, 0])[((near >= 0) & (near <= 255)).all(axis=1)])
    near = np.stack([keys & 255, keys >> 8 & 255, keys >> 16], -1)
    inverse[keys] = tree.query(near)[1].astype(np.uint8)
    return inverse


def levels_of_colours(colours: Pixels) -> Pixels:
    """Invert viridis.

    Parameters
    ----------
    colours : ndarray of uint8, shape (..., 4)
        Red, green, blue, and a byte that is not read.

    Returns
    -------
    ndarray of uint8, shape (...)
        Level of the nearest of the 256 colours.
    """
    with _ONCE:
        inverse = _inverse()
    return inverse.take(colours.view("<u4")[..., 0] & 0xFFFFFF)


def levels_of_luminance(luminance: np.ndarray) -> Pixels:
    """Invert viridis' luminance, which grows with the level.

    Parameters
    ----------
    luminance : ndarray of float, shape (...)
        ``rgb2gray`` of viridis colours, 0 to 1.

    Returns
    -------
    ndarray of uint8, shape (...)
        The nearest level.
    """
    scale = table() / 255.0 @ LUMINANCE
    return np.rint(np.interp(luminance, scale, np.arange(256.0))).astype(np.uint8)


def colours_of_levels(levels: Pixels) -> Pixels:
    """Return the viridis colours, ndarray of uint8, shape (..., 3), of levels, ndarray of uint8, shape (...)."""
    return table()[levels]


def off_scale_share(colours: Pixels, levels: Pixels, tolerance: float = 60.0) -> float:
    """Return the share of pixels whose colour is farther than `tolerance` (of 255, Euclidean) from that of their nearest level."""
    squares = np.zeros(levels.shape, np.int32)
    for channel in range(3):
        squares += np.square(colours[..., channel].astype(np.int32) - table()[:, channel][levels])
    return float((squares > tolerance**2).mean())
