"""Whitening: strain to noise of unit variance, whatever the detector's spectrum, by inverse spectrum truncation.

The filter is gwpy's (``TimeSeries.q_transform(whiten=True)``), batched: the amplitude spectral density (ASD) of the
block itself, its inverse as a transfer function, truncated in the time domain to a finite impulse response (FIR) and
applied by one FFT. Source of the method: B. Allen et al., "FINDCHIRP", arXiv:gr-qc/0509116.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from embed.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

FIR_SECONDS = 2.0  # length of the whitening filter; half of it is corrupted at each end of a block
SEGMENT_SECONDS = 2.0  # length of one periodogram of the ASD: 0.5 Hz between its points
TAPER_BINS = 5  # bins of the transfer function tapered to zero next to 0 Hz and next to Nyquist


def whiten(
    strain: Tensor | ArrayLike,
    sample_rate: float,
    *,
    fir_seconds: float = FIR_SECONDS,
    segment_seconds: float = SEGMENT_SECONDS,
    overlap: float = 0.5,
    device: torch.device | str | None = None,
) -> Tensor:
    """Whiten blocks of strain, each by its own spectrum.

    Parameters
    ----------
    strain : Tensor or array, shape (B, T) or (T,)
        Strain (any unit), free of gaps. Calibrated strain spans more than single precision holds, so the arithmetic
        is float64 whatever comes in.
    sample_rate : float
        Hz.
    fir_seconds, segment_seconds : float
        Length of the filter and of one periodogram, s.
    overlap : float
        Fraction of a periodogram shared with the next one.
    device : device, optional
        Where to compute; where ``strain`` already lies unless given.

    Returns
    -------
    Tensor, float32, the shape of ``strain``
        Zero mean and unit variance where the noise is stationary and Gaussian. Half a filter (1 s) at each end is
        filter settling and means nothing.

    Raises
    ------
    InputError
        A block shorter than the filter, with NaN or infinite samples, or without any power.
    """
    x = blocks(strain, device=device).to(torch.float64)
    flat = x.reshape(-1, x.shape[-1])
    size = flat.shape[-1]
    taps = int(fir_seconds * sample_rate)
    if size < max(taps, int(segment_seconds * sample_rate)):
        msg = (
            f"a block of {size / sample_rate:g} s is too short to whiten: the filter takes {fir_seconds:g} s and the "
            f"spectrum {segment_seconds:g} s; give a longer block, or strain whitened already (whitened=True)"
        )
        raise InputError(msg)
    asd = amplitude_spectral_density(flat, sample_rate, segment_seconds=segment_seconds, overlap=overlap)
    if bool((asd <= 0).any()):
        msg = "the strain has no power at some frequency (constant, or zeros): it cannot be whitened"
        raise InputError(msg)
    response = _truncated_inverse(asd, size, taps)
    x = _taper_ends(flat - flat.mean(-1, keepdim=True), taps)
    length = size + response.shape[-1] // 2  # long enough that what wraps round is the response's zeros
    length = _fast_length(max(length, size + taps))
    kernel = x.new_zeros(len(x), length)
    half = taps // 2
    kernel[:, :half], kernel[:, length - half :] = response[:, :half], response[:, response.shape[-1] - half :]
    y = torch.fft.irfft(torch.fft.rfft(x, n=length) * torch.fft.rfft(kernel), n=length)[:, :size]
    y = y * (2.0 / sample_rate) ** 0.5
    return y.to(torch.float32).reshape(blocks(strain, device=device).shape)


def amplitude_spectral_density(
    strain: Tensor, sample_rate: float, *, segment_seconds: float = SEGMENT_SECONDS, overlap: float = 0.5
) -> Tensor:
    """One-sided ASD by the median of windowed periodograms, as ``scipy.signal.welch(average="median")``.

    Parameters
    ----------
    strain : Tensor, float64, shape (B, T)
    sample_rate, segment_seconds, overlap : float
        Hz, s, fraction of a segment.

    Returns
    -------
    Tensor, float64, shape (B, S // 2 + 1)
        Unit of the strain per sqrt(Hz), at multiples of ``1 / segment_seconds``.
    """
    segment = int(segment_seconds * sample_rate)
    window = torch.hann_window(segment, periodic=True, dtype=strain.dtype, device=strain.device)
    frames = strain.unfold(-1, segment, segment - int(overlap * segment))  # (B, S, segment), a view
    frames = (frames - frames.mean(-1, keepdim=True)) * window
    power = torch.view_as_real(torch.fft.rfft(frames)).square().sum(-1)  # (B, S, F)
    count = power.shape[1]
    ordered = power.sort(dim=1).values
    median = (ordered[:, (count - 1) // 2] + ordered[:, count // 2]) / 2 / _median_bias(count)
    density = median / (sample_rate * window.square().sum())
    density[:, 1 : segment // 2 + segment % 2] *= 2  # one-sided: all but 0 Hz and Nyquist
    return density.sqrt()


def blocks(strain: Tensor | ArrayLike, *, device: torch.device | str | None = None) -> Tensor:
    """Return strain as a floating tensor, refusing what no transform can use.

    Raises
    ------
    InputError
        Not one or two dimensions, no samples, or NaN or infinite samples (gaps).
    """
    x = strain if isinstance(strain, Tensor) else torch.from_numpy(np.ascontiguousarray(strain))
    if x.ndim not in (1, 2) or x.shape[-1] == 0:
        msg = f"strain has shape {tuple(x.shape)}; give one block (T,) or a batch of blocks (B, T)"
        raise InputError(msg)
    if not x.is_floating_point():
        x = x.to(torch.float64)
    if not bool(torch.isfinite(x).all()):
        bad = int((~torch.isfinite(x)).sum())
        msg = f"strain holds {bad} NaN or infinite samples of {x.numel()} (a gap?); give blocks free of gaps"
        raise InputError(msg)
    return x if device is None else x.to(device)


def _truncated_inverse(asd: Tensor, size: int, taps: int) -> Tensor:
    """Impulse response of 1/ASD, interpolated to a block of ``size`` samples and truncated to ``taps``, (B, size)."""
    bins = size // 2 + 1
    position = torch.linspace(0, asd.shape[-1] - 1, bins, dtype=asd.dtype, device=asd.device)
    left = position.floor().long().clamp_(max=asd.shape[-1] - 2)
    weight = position - left
    transfer = 1 / torch.lerp(asd[:, left], asd[:, left + 1], weight)
    taper = torch.hann_window(2 * TAPER_BINS, periodic=False, dtype=asd.dtype, device=asd.device)
    transfer[:, :TAPER_BINS] *= taper[:TAPER_BINS]
    transfer[:, -TAPER_BINS:] *= taper[-TAPER_BINS:]
    impulse = torch.fft.irfft(transfer)  # 2 * (bins - 1) samples, time zero first
    window = torch.hann_window(taps, periodic=True, dtype=asd.dtype, device=asd.device)
    half = taps // 2
    impulse[:, :half] *= window[half : 2 * half]
    impulse[:, -half:] *= window[:half]
    impulse[:, half:-half] = 0
    return impulse


def _taper_ends(strain: Tensor, taps: int) -> Tensor:
    """Fade in and out over half a filter at each end."""
    window = torch.hann_window(taps, periodic=True, dtype=strain.dtype, device=strain.device)
    pad = (taps + 1) // 2
    strain[:, :pad] *= window[:pad]
    strain[:, -pad:] *= window[-pad:]
    return strain


def _median_bias(count: int) -> float:
    """Ratio of the expected median to the mean of ``count`` periodograms (arXiv:gr-qc/0509116, appendix B)."""
    even = 2 * np.arange(1, (count - 1) // 2 + 1)
    return float(1 + np.sum(1 / (even + 1) - 1 / even))


def _fast_length(size: int) -> int:
    """Return the smallest length >= ``size`` of the form 2^a or 3 * 2^a or 5 * 2^a, quick for any FFT."""
    return min(k << max(0, (-(-size // k) - 1).bit_length()) for k in (1, 3, 5))
