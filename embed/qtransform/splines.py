"""Cubic splines through tile energies: in time on the even grid of a row, in frequency across the rows of a plane.

They are the interpolating, not-a-knot splines of FITPACK (SciPy's ``InterpolatedUnivariateSpline`` and
``RectBivariateSpline``), that gwpy draws its spectrograms with, in a form that runs on a whole batch at once.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.interpolate import make_interp_spline
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

POLE = math.sqrt(3) - 2
"""Of the filter that turns samples into B-spline coefficients (Unser 1999, eq. 14)."""
REACH = 14
"""Samples on each side that a coefficient depends on: POLE ** 14 is 1e-8."""
BLOCK = 16
"""Coefficients computed by one row of a matrix product."""


def read_spline(coefficients: Tensor, position: Tensor) -> Tensor:
    """Read cubic splines through evenly spaced samples at any position.

    Parameters
    ----------
    coefficients : Tensor of float32, shape (L, R)
        From `spline_coefficients`.
    position : Tensor of float64, shape (M,)
        Where to read, in samples from the first one. Beyond the ends the end polynomials continue, as SciPy's do.

    Returns
    -------
    Tensor of float32, shape (M, R)
    """
    left = position.floor().clamp(1, len(coefficients) - 3)
    u = (position - left).to(coefficients.dtype)[:, None]
    v = 1 - u
    weights = (v**3 / 6, (u * u * (3 * u - 6) + 4) / 6, (v * v * (3 * v - 6) + 4) / 6, u**3 / 6)
    index = left.long()
    out = coefficients.index_select(0, index - 1) * weights[0]
    for offset in (0, 1, 2):
        out.addcmul_(coefficients.index_select(0, index + offset), weights[offset + 1])
    return out


def spline_coefficients(samples: Tensor) -> Tensor:
    """B-spline coefficients of the cubic not-a-knot splines through rows of samples.

    Far from the ends a coefficient is a symmetric exponential filter of the samples. Near an end, any multiple of
    POLE ** n may be added without moving the spline at the samples; the not-a-knot condition (no jump of the third
    derivative, that is no fourth difference of coefficients, one sample in) says which.

    Parameters
    ----------
    samples : Tensor of float32, shape (B, R, L)
        At least four a row.

    Returns
    -------
    Tensor of float32, shape (B, L, R)
        In this order reading them at a position is a memory copy.
    """
    *shape, length = samples.shape
    count = -(-(length + 2) // BLOCK)  # blocks of outputs, which start one sample early
    extra = count * BLOCK - length - 1
    left = samples[..., :1].expand(*shape, REACH + 1)
    right = samples[..., -1:].expand(*shape, REACH + extra)
    padded = torch.cat([left, samples, right], -1)
    c = (padded.unfold(-1, BLOCK + 2 * REACH, BLOCK) @ _filter_matrix().to(samples.device)).reshape(*shape, -1)
    c = c[..., : length + 2]
    decay = torch.tensor(POLE, dtype=samples.dtype, device=samples.device) ** torch.arange(
        min(REACH, length) + 2, dtype=samples.dtype, device=samples.device
    )
    fourth = samples.new_tensor([1.0, -4.0, 6.0, -4.0, 1.0]) / (1 - POLE) ** 4  # of POLE ** n over n = 0..4: one
    head, tail = (c[..., :5] * fourth).sum(-1, keepdim=True), (c[..., -5:] * fourth).sum(-1, keepdim=True)
    across = POLE ** (length - 3)  # what one end's correction is worth at the other end
    c[..., : len(decay)] -= (head - across * tail) / (1 - across**2) * decay
    c[..., -len(decay) :] -= (tail - across * head) / (1 - across**2) * decay.flip(0)
    return c[..., 1:-1].transpose(-1, -2).contiguous()


def frequency_spline(knots: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float32]:
    """Matrix that reads the cubic not-a-knot spline through values at ``knots``.

    Parameters
    ----------
    knots : ndarray of float64, shape (R,)
        Row frequencies, Hz, ascending.
    at : ndarray of float64, shape (F,)
        Where to read, Hz; outside the knots the nearest knot's value holds, as in FITPACK's bivariate splines.

    Returns
    -------
    ndarray of float32, shape (F, R)
    """
    degree = min(3, len(knots) - 1)
    spline = make_interp_spline(knots, np.eye(len(knots)), k=degree)
    return np.asarray(spline(np.clip(at, knots[0], knots[-1])), dtype=np.float32)


@lru_cache(maxsize=1)
def _filter_matrix() -> Tensor:
    """Matrix from BLOCK + 2 REACH samples to BLOCK coefficients: the symmetric exponential filter."""
    lag = np.arange(BLOCK + 2 * REACH)[:, None] - REACH - np.arange(BLOCK)
    taps = np.where(np.abs(lag) <= REACH, math.sqrt(3) * POLE ** np.abs(lag), 0)
    return torch.from_numpy(taps.astype(np.float32))
