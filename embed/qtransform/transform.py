"""The Q-transform, batched: strain around many triggers to Gravity Spy's four views of each.

The recipe is Gravity Spy's. A block (64 s where there is one) is whitened by its own spectrum; all tiles of all Q
planes are computed over the block and each row of tiles is divided by its median energy over the block; the plane with
the loudest tile within 0.25 s of the trigger is kept, interpolated to a grid of 2 ms by 0.5 Hz and shown as a picture
of normalised energy 0 to 25.5, time across, log2 of frequency up, 10 to 2048 Hz. Here nothing is computed on that
grid: the same splines are read where the published picture has its pixels (see `embed.qtransform.picture`).

Sources: S. Chatterji, PhD thesis (MIT, 2005), chapter 5 (the transform); M. Zevin et al., CQG 34, 064003 (2017)
(Gravity Spy); ``gwpy.signal.qtransform``, whose tiles these are and whose energies `embed.qtransform.reference` gives to
single precision. `q_scan` departs from gwpy in two ways, both for speed: a row of more than ``median_tiles`` tiles is divided
by the median of that many of them, evenly spread over the block (energies change by about a per cent); and tiles wider
than 8 Hz are computed from the seconds around the trigger, not from the whole block (they change by about 1e-4, by a
hundredth where Nyquist cuts the window). The
loudest tile, and so the plane, is found with the medians of all tiles (of 262,144 where there are more).

Frequencies above what the sample rate holds: rows of tiles go up to Nyquist, a window cut at Nyquist where it would
pass it, exactly as if the whitened strain had been resampled to a higher rate; picture rows above Nyquist are energy
0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from embed.errors import InputError
from embed.gravityspy import DURATIONS
from embed.qtransform.loudest import analyse
from embed.qtransform.picture import PUBLISHED_SHAPE, Layout, draw, quantise
from embed.qtransform.threads import in_threads
from embed.qtransform.tiles import PICTURE_LOCALITY, SEARCH_LOCALITY, local_source, local_span, whole_source
from embed.qtransform.tiling import FREQUENCY_RANGE, Q_RANGE, QPlane, q_tiling
from embed.qtransform.whitening import FIR_SECONDS, PASS_BAND, blocks, whiten

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

SEARCH_SECONDS = 0.5
"""Window around the trigger in which the loudest tile picks the Q plane."""
MEDIAN_TILES = 4096
"""Tiles of a row that its median is taken of: standard error 2.3 % were they independent."""
CHUNK_SAMPLES = 1 << 21
"""Of whitened strain in one chunk."""


@dataclass(frozen=True)
class QScan:
    """Views of B triggers, before they are quantised.

    Attributes
    ----------
    energies : Tensor of float32, shape (B, D, H, W)
        Normalised energy, 0 to 25.5, of each duration; row 0 is the highest frequency.
    q : Tensor of float64, shape (B,)
        Q of the plane shown.
    time, frequency, energy : Tensor of float64, shape (B,)
        The loudest tile within the search window: s from the centre, Hz, normalised energy (not clipped).
    """

    energies: Tensor
    q: Tensor
    time: Tensor
    frequency: Tensor
    energy: Tensor

    @property
    def snr(self) -> Tensor:
        """Signal-to-noise ratio of the loudest tile, sqrt(2 energy), shape (B,)."""
        return (2 * self.energy).sqrt()


def q_views(
    strain: Tensor | ArrayLike,
    sample_rate: float,
    centres: Tensor | ArrayLike | None = None,
    *,
    whitened: bool = False,
    durations: tuple[float, ...] = DURATIONS,
    q_range: tuple[float, float] = Q_RANGE,
    frequency_range: tuple[float, float] = FREQUENCY_RANGE,
    shape: tuple[int, int] = PUBLISHED_SHAPE,
    device: torch.device | str | None = None,
) -> Tensor:
    """Levels of Gravity Spy's views: ``q_scan`` quantised. Parameters as there.

    Returns
    -------
    Tensor of uint8, shape (B, D, H, W)
        See `embed.qtransform.picture.quantise`; on the device of the computation.
    """
    options = _Options(sample_rate, whitened, durations, q_range, frequency_range, shape, MEDIAN_TILES)
    levels, _ = _compute(blocks(strain, device=device), options, centres=centres, finish=quantise)
    return levels


def q_scan(
    strain: Tensor | ArrayLike,
    sample_rate: float,
    centres: Tensor | ArrayLike | None = None,
    *,
    whitened: bool = False,
    durations: tuple[float, ...] = DURATIONS,
    q_range: tuple[float, float] = Q_RANGE,
    frequency_range: tuple[float, float] = FREQUENCY_RANGE,
    shape: tuple[int, int] = PUBLISHED_SHAPE,
    median_tiles: int | None = MEDIAN_TILES,
    scale: ArrayLike = 1.0,
    device: torch.device | str | None = None,
    chunk: int | None = None,
) -> QScan:
    """Compute the views of many triggers.

    Parameters
    ----------
    strain : Tensor or array, shape (B, T)
        One block of strain per trigger, free of gaps: 64 s for Gravity Spy's own recipe, at least the longest view
        and, where it is to be whitened, 1 s more at each end.
    sample_rate : float
        Hz.
    centres : Tensor or array, float, shape (B,), optional
        Time of each trigger, s from the start of its block; the middle of the block unless given.
    whitened : bool
        The strain is whitened already (unit variance is not needed: energies are relative to the median).
    durations : tuple of float
        Span of each view, s, centred on the trigger.
    q_range, frequency_range : tuple of float
        Of the tiling; frequency_range is also the picture's axis, Hz.
    shape : tuple of int
        Rows and columns of a view, at most 479 x 573, the published picture's.
    median_tiles : int, optional
        Tiles of a row that its median is taken of; None for all, as gwpy does, in about three times the time.
    scale : float or array, shape (B,)
        Factor on each trigger's energies, ahead of the clip at full scale: ln 2 makes them relative to the mean of the
        noise, as some published pictures are, where the recipe takes its median.
    device : device, optional
        Where to compute; the device of ``strain`` unless given.
    chunk : int, optional
        Triggers computed at once in each thread. Memory grows with it, 0.3 GB by default; results do not change.

    Returns
    -------
    QScan

    Raises
    ------
    InputError
        NaN or infinite samples, a block too short, a trigger too near an end of its block, or strain that is zero.
    """
    options = _Options(sample_rate, whitened, durations, q_range, frequency_range, shape, median_tiles)
    energies, peaks = _compute(
        blocks(strain, device=device), options, centres=centres, scale=scale, chunk=chunk, finish=torch.Tensor.clone
    )
    return QScan(energies, *peaks)


@dataclass(frozen=True)
class _Options:
    """What is to be shown, and how; see `q_scan`."""

    sample_rate: float
    whitened: bool
    durations: tuple[float, ...]
    q_range: tuple[float, float]
    frequency_range: tuple[float, float]
    shape: tuple[int, int]
    median_tiles: int | None


def _compute(
    x: Tensor,
    options: _Options,
    *,
    centres: Tensor | ArrayLike | None,
    scale: ArrayLike = 1.0,
    chunk: int | None = None,
    finish: Callable[[Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """Compute finished views (B, D, H, W), and Q, time, frequency and energy of the loudest tiles (4, B) float64."""
    x = x.reshape(-1, x.shape[-1])
    sample_rate = options.sample_rate
    size, half = x.shape[-1], max(options.durations) / 2
    needed = half + (0 if options.whitened else FIR_SECONDS / 2)
    when = _centres(centres, len(x), size / sample_rate, needed)
    factors = np.broadcast_to(np.asarray(scale, np.float64), len(x))
    low, high = options.frequency_range
    reach = min(high, sample_rate / 2)
    layout = Layout(options.durations, options.frequency_range, reach, options.shape)
    planes = q_tiling(size / sample_rate, options.q_range, (low, reach))
    decimate = 1 if options.whitened else decimation(planes, sample_rate, size)
    rate, length = sample_rate / decimate, size // decimate
    span = partial(local_span, planes, size=length, sample_rate=rate)
    near = [span(float(c), half, PICTURE_LOCALITY) for c in when]
    close = [span(float(c), SEARCH_SECONDS / 2, SEARCH_LOCALITY) for c in when]
    views: dict[int, Tensor] = {}
    peaks = torch.empty(4, len(x), dtype=torch.float64, device=x.device)

    def compute(some: list[int]) -> None:
        if options.whitened:
            piece = x[some].to(torch.float32)
        else:  # one at a time: a block of 64 s fills the processor's cache
            piece = torch.cat([whiten(x[i : i + 1], sample_rate, decimate=decimate) for i in some])
        sources = [whole_source(piece)]
        if near[some[0]].fraction > 1:
            sources.append(local_source(piece, rate, [near[i] for i in some], PICTURE_LOCALITY))
        kept = len(sources)
        if close[some[0]].fraction > sources[-1].fraction:
            sources.append(local_source(piece, rate, [close[i] for i in some], SEARCH_LOCALITY))
        at = when[some].to(x.device)
        found = analyse(sources, planes, at, kept=kept, search=SEARCH_SECONDS, median_tiles=options.median_tiles)
        for item, tiles in zip(some, found.tiles, strict=True):
            views[item] = finish(draw(tiles, float(when[item]), layout, float(factors[item])))
        peaks[:, some] = torch.stack([found.q, found.time - at, found.frequency, found.energy])

    lengths = [(one.fraction, other.fraction) for one, other in zip(near, close, strict=True)]
    alike = [[i for i, own in enumerate(lengths) if own == each] for each in sorted(set(lengths))]
    step = chunk or min(max(1, CHUNK_SAMPLES // length), -(-len(x) // torch.get_num_threads()))
    for _ in in_threads(compute, [g[lo : lo + step] for g in alike for lo in range(0, len(g), step)], x.device):
        pass
    return torch.stack([views[i] for i in range(len(x))]), peaks


def decimation(planes: tuple[QPlane, ...], sample_rate: float, size: int) -> int:
    """Largest power of two by which the whitened strain may be decimated and still hold every tile's window."""
    top = max(f + plane.half_width(r) for plane in planes for r, f in enumerate(plane.frequencies))
    decimate = 1
    taps = int(FIR_SECONDS * sample_rate)
    while (
        PASS_BAND * sample_rate / (4 * decimate) >= top
        and size % (2 * decimate) == 0
        and taps % (4 * decimate) == 0
        and sample_rate % (2 * decimate) == 0
    ):
        decimate *= 2
    return decimate


def _centres(centres: Tensor | ArrayLike | None, count: int, duration: float, needed: float) -> Tensor:
    """Check trigger times against their blocks: float64 (B,) on the CPU, s."""
    if centres is None:
        centres = np.full(count, duration / 2)
    when = torch.as_tensor(centres, dtype=torch.float64).reshape(-1).cpu()
    if len(when) != count:
        raise InputError(f"{len(when)} centres for {count} blocks of strain; give one per block")
    outside = (when < needed) | (when > duration - needed) | ~torch.isfinite(when)
    if bool(outside.any()):
        worst = int(outside.nonzero()[0])
        raise InputError(
            f"trigger {worst} lies {float(when[worst]):g} s into a block of {duration:g} s, but {needed:g} s are needed "
            "on each side (half the longest view, and 1 s for the whitening filter); give a longer block"
        )
    return when
