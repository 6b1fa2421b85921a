"""The Q-transform of one block on any grid: the exact counterpart of gwpy's, without the shortcuts of `embed.qtransform.transform`.

With ``clamp="gwpy"`` the rows of tiles stop where gwpy's do, at 0.63 of Nyquist for Q from 4, and the energies are gwpy's to single precision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from embed.errors import InputError
from embed.qtransform.loudest import Analysis, analyse
from embed.qtransform.splines import frequency_spline
from embed.qtransform.threads import in_threads
from embed.qtransform.tiles import whole_source
from embed.qtransform.tiling import FREQUENCY_RANGE, Q_RANGE, gwpy_upper_frequency, q_tiling
from embed.qtransform.transform import SEARCH_SECONDS
from embed.qtransform.whitening import blocks, whiten

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def q_transform(
    strain: Tensor | ArrayLike,
    sample_rate: float,
    centre: float,
    times: ArrayLike,
    frequencies: ArrayLike,
    *,
    whitened: bool = False,
    q_range: tuple[float, float] = Q_RANGE,
    frequency_range: tuple[float, float] = FREQUENCY_RANGE,
    clamp: Literal["gwpy", "nyquist"] = "gwpy",
    search: float = SEARCH_SECONDS,
    device: torch.device | str | None = None,
) -> tuple[Tensor, float, tuple[float, float, float]]:
    """Normalised energies of one block on any grid of times and frequencies: the exact counterpart of gwpy's.

    Parameters
    ----------
    strain : Tensor or array, shape (T,)
    sample_rate : float
        Hz.
    centre : float
        Time of interest, s from the block's start.
    times, frequencies : array, shapes (M,) and (F,)
        s from the block's start, and Hz.
    whitened, q_range, frequency_range, device
        As in `embed.qtransform.transform.q_scan`.
    clamp : {"gwpy", "nyquist"}
        Highest frequency of the tiling: gwpy's for this sample rate and Q range, or Nyquist.
    search : float
        Width of the window that picks the plane, s.

    Returns
    -------
    energies : Tensor of float32, shape (M, F)
    q : float
    peak : tuple of float
        Time (s from the block's start), frequency (Hz) and normalised energy of the loudest tile in the window.

    Raises
    ------
    InputError
        More than one block, NaN or infinite samples, a block too short to whiten, or strain that is zero.
    """
    x = blocks(strain, device=device)
    if x.ndim != 1:
        raise InputError(f"strain has shape {tuple(x.shape)}; q_transform takes one block (T,), q_scan takes many")
    x = (x.to(torch.float32) if whitened else whiten(x, sample_rate))[None]
    top = gwpy_upper_frequency(sample_rate, q_range) if clamp == "gwpy" else sample_rate / 2
    planes = q_tiling(x.shape[-1] / sample_rate, q_range, (frequency_range[0], min(frequency_range[1], top)))
    when = torch.tensor([centre], dtype=torch.float64, device=x.device)

    def compute(blocks: Tensor) -> Analysis:
        return analyse([whole_source(blocks)], planes, when, kept=1, search=search, median_tiles=None)

    (analysis,) = in_threads(compute, [x], x.device)
    tiles = analysis.tiles[0]
    matrix = frequency_spline(np.asarray(tiles.plane.frequencies), np.asarray(frequencies, dtype=np.float64))
    energies = tiles.read(np.asarray(times, dtype=np.float64), torch.from_numpy(matrix).to(x.device))
    return energies, tiles.plane.q, (float(analysis.time[0]), float(analysis.frequency[0]), float(analysis.energy[0]))
