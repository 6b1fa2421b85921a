"""Whitening: strain to noise of unit variance, for any spectrum of the detector, by inverse spectrum truncation.

The filter is gwpy's (``TimeSeries.q_transform(whiten=True)``), batched: the amplitude spectral density (ASD) of the
block itself, its inverse as a transfer function, truncated in the time domain to a finite impulse response (FIR) and
applied by overlap-save. Source of the method: B. Allen et al., "FINDCHIRP", arXiv:gr-qc/0509116.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor

from embed.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

FIR_SECONDS = 2.0
"""Length of the whitening filter; half of it is corrupted at each end of a block."""
SEGMENT_SECONDS = 2.0
"""Length of one periodogram of the ASD: 0.5 Hz between its points."""
OVERLAP = 0.5
"""Of neighbouring periodograms, the value recommended for a Hann window."""
PASS_BAND = (
    0.8  # of the remaining band, where it is decimated; above, the filter fades to nothing, so that it stays short
)
TAPER_BINS = 5
"""Bins of the transfer function tapered to zero next to 0 Hz and next to Nyquist."""
GROUP_SAMPLES = 1 << 18
"""Strain under the periodograms computed at once: the working set stays in the cache."""
PIECE_FILTERS = 4
"""Length of one overlap-save piece, in filters: a quarter of the work is discarded."""


def whiten(
    strain: Tensor | ArrayLike, sample_rate: float, *, decimate: int = 1, device: torch.device | str | None = None
) -> Tensor:
    """Whiten blocks of strain, each by its own spectrum.

    Parameters
    ----------
    strain : Tensor or array, shape (B, T) or (T,)
        Strain (any unit), free of gaps. Calibrated strain spans more than single precision holds, so the arithmetic
        is always float64.
    sample_rate : float
        Hz.
    decimate : int
        Return every ``decimate``-th sample of the band below the new Nyquist frequency, which costs less than the
        whole; T must be a multiple of it. The top fifth of the remaining band is faded out.
    device : device, optional
        Where to compute; the device of ``strain`` unless given.

    Returns
    -------
    Tensor of float32, shape (B, T // decimate) or (T // decimate,)
        Zero mean, and unit variance over the full band where the noise is stationary and Gaussian. Half a filter
        (1 s) at each end is filter settling and means nothing.

    Raises
    ------
    InputError
        A block shorter than the filter, with NaN or infinite samples, or without any power.
    """
    return whiten_with_filter(strain, sample_rate, decimate=decimate, device=device)[0]


def whiten_with_filter(
    strain: Tensor | ArrayLike,
    sample_rate: float,
    *,
    decimate: int = 1,
    faded: bool = False,
    device: torch.device | str | None = None,
) -> tuple[Tensor, Tensor]:
    """Whiten blocks of strain as `whiten` does, and return the filter of each, so that a signal can go through it too.

    Parameters
    ----------
    strain, sample_rate, decimate, device
        See `whiten`.
    faded : bool
        Fade out the top fifth of the band also where nothing is decimated: strain of all sample rates then has the same band.

    Returns
    -------
    whitened : Tensor of float32, shape (B, T // decimate) or (T // decimate,)
    filters : Tensor of float64, shape (B, taps)
        Impulse responses of ``FIR_SECONDS`` at the lower sample rate, time 0 first, the earlier half of the times last: whitened
        strain is strain at that rate convolved with it.

    Raises
    ------
    InputError
        See `whiten`.
    """
    x = blocks(strain, device=device)
    single = x.ndim == 1
    x = x.reshape(-1, x.shape[-1]).to(torch.float64)
    size = x.shape[-1]
    taps, segment = int(FIR_SECONDS * sample_rate), int(SEGMENT_SECONDS * sample_rate)
    if size < max(taps, segment):
        raise InputError(
            f"a block of {size / sample_rate:g} s is too short to whiten: the filter takes {FIR_SECONDS:g} s and the "
            f"spectrum {SEGMENT_SECONDS:g} s; give a longer block, or strain whitened already (whitened=True)"
        )
    if size % decimate or taps % (2 * decimate):
        raise InputError(f"{size} samples at {sample_rate:g} Hz cannot be decimated by {decimate}")
    asd = amplitude_spectral_density(x, sample_rate, bins=segment // 2 // decimate + 1)
    if bool((asd <= 0).any()):
        raise InputError("the strain has no power at some frequency (constant, or zeros): it cannot be whitened")
    response = _truncated_inverse(asd, size // decimate, taps // decimate, whole_band=decimate == 1 and not faded)
    y = _overlap_save(_tapered(x, taps), response, taps, decimate)
    scale = (2.0 / sample_rate) ** 0.5
    y = (y * scale).to(torch.float32)
    return y[0] if single else y, response * scale


def amplitude_spectral_density(strain: Tensor, sample_rate: float, *, bins: int | None = None) -> Tensor:
    """One-sided ASD by the median of periodograms, as ``scipy.signal.welch(average="median")`` with a Hann window.

    Parameters
    ----------
    strain : Tensor of float64, shape (B, T)
    sample_rate : float
        Hz.
    bins : int, optional
        Return only the lowest ``bins`` frequencies.

    Returns
    -------
    Tensor of float64, shape (B, bins)
        Unit of the strain per sqrt(Hz), at multiples of ``1 / SEGMENT_SECONDS``.
    """
    segment = int(SEGMENT_SECONDS * sample_rate)
    window = torch.hann_window(segment, periodic=True, dtype=strain.dtype, device=strain.device)
    segments = strain.unfold(-1, segment, segment - int(OVERLAP * segment))  # (B, S, segment), a view
    count = segments.shape[1]
    power = strain.new_empty(len(strain), count, segment // 2 + 1 if bins is None else bins)
    step = max(1, GROUP_SAMPLES // (segment * len(strain)))
    for some in (slice(lo, lo + step) for lo in range(0, count, step)):
        spectrum = torch.fft.rfft(segments[:, some] * window)[..., :bins]
        mean = segments[:, some].mean(-1)  # removed after the FFT: a Hann window's own spectrum is three bins wide
        spectrum[..., 0] -= mean * (segment / 2)
        spectrum[..., 1] += mean * (segment / 4)
        power[:, some] = torch.addcmul(spectrum.real.square(), spectrum.imag, spectrum.imag)
    median = _median_over_segments(power)
    density = median / (_median_bias(count) * sample_rate * window.square().sum())
    density[:, 1 : (segment + 1) // 2] *= 2  # one-sided: all but 0 Hz and Nyquist
    return density.sqrt()


def blocks(strain: Tensor | ArrayLike, *, device: torch.device | str | None = None) -> Tensor:
    """Return strain as a floating tensor, refusing what no transform can use.

    Raises
    ------
    InputError
        Not one or two dimensions, no samples, or NaN or infinite samples (gaps).
    """
    x = strain if isinstance(strain, Tensor) else torch.from_numpy(np.ascontiguousarray(strain))
    if x.ndim not in (1, 2) or x.numel() == 0:
        raise InputError(f"strain has shape {tuple(x.shape)}; give one block (T,) or a batch of blocks (B, T)")
    if not x.is_floating_point():
        x = x.to(torch.float64)
    if not bool(torch.isfinite(x.sum())):  # a NaN or an infinity spoils the sum, which is much quicker to look at
        bad = int((~torch.isfinite(x)).sum())
        raise InputError(
            f"strain holds {bad} NaN or infinite samples of {x.numel()} (a gap?); give blocks free of gaps"
        )
    return x if device is None else x.to(device)


def _truncated_inverse(asd: Tensor, size: int, taps: int, *, whole_band: bool) -> Tensor:
    """Impulse response of 1/ASD, interpolated for a block of ``size`` samples, truncated: (B, taps), time 0 first."""
    density = torch.nn.functional.interpolate(asd[:, None], size // 2 + 1, mode="linear", align_corners=True)[:, 0]
    transfer = density.reciprocal_()
    taper = torch.hann_window(2 * TAPER_BINS, periodic=False, dtype=asd.dtype, device=asd.device)
    transfer[:, :TAPER_BINS] *= taper[:TAPER_BINS]
    if whole_band:
        transfer[:, -TAPER_BINS:] *= taper[-TAPER_BINS:]
    else:
        faded = transfer.shape[-1] - int(PASS_BAND * transfer.shape[-1])
        transfer[:, -faded:] *= torch.hann_window(2 * faded, dtype=asd.dtype, device=asd.device)[faded:]
    window = torch.hann_window(taps, periodic=True, dtype=asd.dtype, device=asd.device)
    half = taps // 2
    if asd.device.type == "cpu":  # a real transfer function has an even response: a cosine transform, half the work
        impulse = torch.from_numpy(dct(transfer.numpy(), type=1)[:, : half + 1]) / (2 * (transfer.shape[-1] - 1))
    else:
        impulse = torch.fft.irfft(transfer)[:, : half + 1]
    return torch.cat([impulse[:, :half] * window[half:], impulse[:, 1:].flip(-1) * window[:half]], -1)


def _tapered(strain: Tensor, taps: int) -> Tensor:
    """Remove the mean, and fade in and out over half a filter at each end."""
    x = strain - strain.mean(-1, keepdim=True)
    window = torch.hann_window(taps, periodic=True, dtype=x.dtype, device=x.device)
    pad = (taps + 1) // 2
    x[:, :pad] *= window[:pad]
    x[:, -pad:] *= window[-pad:]
    return x


def _overlap_save(strain: Tensor, response: Tensor, taps: int, decimate: int) -> Tensor:
    """Convolve (B, T) with a response (B, taps / decimate) given at the lower rate: (B, T / decimate)."""
    size = strain.shape[-1]
    piece = PIECE_FILTERS * taps
    step = piece - taps
    count = -(-size // step)
    padded = torch.nn.functional.pad(strain, (taps // 2, count * step - size + taps // 2))
    low = piece // decimate
    half = response.shape[-1] // 2
    kernel = response.new_zeros(len(response), low)
    kernel[:, :half], kernel[:, -half:] = response[:, :half], response[:, half:]
    pieces = torch.fft.rfft(padded.unfold(-1, piece, step))[..., : low // 2 + 1]
    y = torch.fft.irfft(pieces * torch.fft.rfft(kernel)[:, None], n=low)[..., half:-half]
    return y.reshape(len(strain), -1)[:, : size // decimate] / decimate


def _median_over_segments(power: Tensor) -> Tensor:
    """Median over the middle axis of (B, S, F). NumPy's sort is several times faster than torch's on a CPU."""
    count = power.shape[1]
    if power.device.type == "cpu":
        ordered = torch.from_numpy(np.sort(power.numpy(), axis=1))
    else:
        ordered = power.sort(dim=1).values
    return (ordered[:, (count - 1) // 2] + ordered[:, count // 2]) / 2


def _median_bias(count: int) -> float:
    """Ratio of the expected median to the mean of ``count`` periodograms (arXiv:gr-qc/0509116, appendix B)."""
    even = 2 * np.arange(1, (count - 1) // 2 + 1)
    return float(1 + np.sum(1 / (even + 1) - 1 / even))
