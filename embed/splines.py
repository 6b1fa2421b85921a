"""Cubic splines through tile energies: in time on the even grid of a row, in frequency across the rows of a plane.

They are the interpolating, not-a-knot splines of FITPACK (SciPy's ``InterpolatedUnivariateSpline`` and
``RectBivariateSpline``), that gwpy draws its spectrograms with, in a form that runs on a whole batch at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.interpolate import make_interp_spline
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

POLE = math.sqrt(3) - 2  # of the filter that turns samples into B-spline coefficients (Unser 1999, eq. 14)
REACH = 14  # samples on each side that a coefficient depends on: POLE ** 14 is 1e-8


def time_spline(samples: Tensor, position: Tensor) -> Tensor:
    """Cubic not-a-knot spline through evenly spaced samples, read at any position.

    Parameters
    ----------
    samples : Tensor, float32, shape (B, R, L)
        At least four samples a row.
    position : Tensor, float64, shape (B, M)
        Where to read, in samples from the first one. Beyond the ends the end polynomials go on, as SciPy's do.

    Returns
    -------
    Tensor, float32, shape (B, R, M)
    """
    length = samples.shape[-1]
    coefficients = _coefficients(samples)
    left = position.floor().clamp(1, length - 3)
    u = (position - left).to(samples.dtype)
    v = 1 - u
    weights = (v**3 / 6, (u * u * (3 * u - 6) + 4) / 6, (v * v * (3 * v - 6) + 4) / 6, u**3 / 6)
    index = left.long()
    out = samples.new_zeros(*samples.shape[:-1], position.shape[-1])
    for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
        at = (index + offset)[:, None, :].expand(-1, samples.shape[1], -1)
        out += coefficients.gather(-1, at) * weight[:, None, :]
    return out


def frequency_spline(knots: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float32]:
    """Matrix that reads the cubic not-a-knot spline through values at ``knots``.

    Parameters
    ----------
    knots : ndarray, float64, shape (R,)
        Row frequencies, Hz, ascending.
    at : ndarray, float64, shape (F,)
        Where to read, Hz; outside the knots the nearest knot's value holds, as in FITPACK's bivariate splines.

    Returns
    -------
    ndarray, float32, shape (F, R)
    """
    degree = min(3, len(knots) - 1)
    spline = make_interp_spline(knots, np.eye(len(knots)), k=degree)
    return np.asarray(spline(np.clip(at, knots[0], knots[-1])), dtype=np.float32)


def _coefficients(samples: Tensor) -> Tensor:
    """B-spline coefficients of rows of samples, (B, R, L).

    Far from the ends a coefficient is a symmetric exponential filter of the samples. Near an end, any multiple of
    POLE ** n may be added without moving the spline at the samples; the not-a-knot condition (no jump of the third
    derivative, that is no fourth difference of coefficients, one sample in) says which.
    """
    length = samples.shape[-1]
    reach = min(REACH, length - 1)
    taps = samples.new_tensor([math.sqrt(3) * POLE ** abs(k) for k in range(-reach, reach + 1)])
    flat = samples.reshape(-1, 1, length)
    padded = torch.nn.functional.pad(flat, (reach + 1, reach + 1), mode="replicate")
    c = torch.nn.functional.conv1d(padded, taps[None, None])  # (BR, 1, L + 2): one more at each end
    decay = samples.new_tensor([POLE**n for n in range(length + 2)])
    fourth = samples.new_tensor([1.0, -4.0, 6.0, -4.0, 1.0])
    unit = (1 - POLE) ** 4  # fourth difference of POLE ** n over n = 0..4, n counted from the extra sample
    head = (c[..., :5] * fourth).sum(-1, keepdim=True)
    tail = (c[..., -5:] * fourth).sum(-1, keepdim=True)
    c = c - head / unit * decay - tail / unit * decay.flip(0)
    return c[..., 1:-1].reshape(samples.shape)
