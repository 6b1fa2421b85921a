"""The Q-transform, batched: strain around many triggers to Gravity Spy's four views of each.

The recipe is Gravity Spy's. A block (64 s where there is one) is whitened by its own spectrum; all tiles of all Q
planes are computed over the block and each row of tiles is divided by its median energy over the block; the plane with
the loudest tile within 0.25 s of the trigger is kept, interpolated to a grid of 2 ms by 0.5 Hz and shown as an image
of normalised energy 0 to 25.5, time across, log2 of frequency up, 10 to 2048 Hz. Here nothing is computed on that grid:
the same splines are read where the published image (an axes box of 574 x 480 pixels) has its pixels, and the pixels
averaged down to the views' shape, as if the image had been downloaded and resized.

Sources: S. Chatterji, PhD thesis (MIT, 2005), chapter 5 (the transform); M. Zevin et al., CQG 34, 064003 (2017)
(Gravity Spy); ``gwpy.signal.qtransform``, whose tiles and numbers these are to within single precision.

Frequencies above what the sample rate holds: a row of tiles exists up to Nyquist, its window cut at Nyquist, exactly
as if the whitened strain had been resampled to a higher rate; picture rows above Nyquist are energy 0.
``q_transform(clamp="gwpy")`` instead stops where gwpy does, at 0.63 of Nyquist for Q from 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from embed.errors import InputError
from embed.splines import REACH, frequency_spline, time_spline
from embed.tiling import FREQUENCY_RANGE, MISMATCH, Q_RANGE, QPlane, gwpy_upper_frequency, q_tiling, window
from embed.whitening import blocks, whiten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

DURATIONS = (0.5, 1.0, 2.0, 4.0)  # s, the four views
SEARCH_SECONDS = 0.5  # window around the trigger in which the loudest tile picks the Q plane
FULL_SCALE = 25.5  # normalised energy of the brightest colour
LEVELS_PER_UNIT = 10  # so that full scale is 255
PUBLISHED_BOX = (480, 574)  # axes box of the published 800 x 600 image, rows and columns, pixels
TIME_CELL, FREQUENCY_CELL = 0.002, 0.5  # s and Hz: the cells drawn in the published image
CELL_SPAN = 4.0  # s: the grid of time cells starts this long before the trigger
SORTED_MEDIAN = 4096  # rows of fewer tiles take the mean of the two middle ones; for longer the difference is < 1e-3


@dataclass(frozen=True)
class QScan:
    """Views of B triggers, before they are quantised.

    Attributes
    ----------
    energies : Tensor, float32, shape (B, D, H, W)
        Normalised energy, 0 to 25.5, of each duration; row 0 is the highest frequency.
    q : Tensor, float64, shape (B,)
        Q of the plane shown.
    time, frequency, energy : Tensor, float64, shape (B,)
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
    shape: tuple[int, int] = PUBLISHED_BOX,
    device: torch.device | str | None = None,
) -> Tensor:
    """Levels of Gravity Spy's views: ``q_scan`` quantised. Parameters as there.

    Returns
    -------
    Tensor, uint8, shape (B, D, H, W)
        ``round(10 * normalised energy)``, saturating at 255; on the device of the computation.
    """
    scan = q_scan(
        strain,
        sample_rate,
        centres,
        whitened=whitened,
        durations=durations,
        q_range=q_range,
        frequency_range=frequency_range,
        shape=shape,
        device=device,
    )
    return quantise(scan.energies)


def quantise(energies: Tensor) -> Tensor:
    """Levels of normalised energies: ``round(10 * energy)`` within 0..255, uint8, the same shape."""
    return (energies * LEVELS_PER_UNIT).round_().clamp_(0, 255).to(torch.uint8)


def q_scan(
    strain: Tensor | ArrayLike,
    sample_rate: float,
    centres: Tensor | ArrayLike | None = None,
    *,
    whitened: bool = False,
    durations: tuple[float, ...] = DURATIONS,
    q_range: tuple[float, float] = Q_RANGE,
    frequency_range: tuple[float, float] = FREQUENCY_RANGE,
    shape: tuple[int, int] = PUBLISHED_BOX,
    device: torch.device | str | None = None,
    chunk: int = 4,
) -> QScan:
    """Compute the views of many triggers.

    Parameters
    ----------
    strain : Tensor or array, shape (B, T)
        One block of strain per trigger, free of gaps: 64 s for Gravity Spy's own recipe, at least the longest view
        and 2 s at each end (1 s for the whitening filter, 1 s for the tiles).
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
        Rows and columns of a view, at most 480 x 574.
    device : device, optional
        Where to compute; where ``strain`` lies unless given.
    chunk : int
        Triggers computed at once; memory grows with it, results do not change.

    Returns
    -------
    QScan

    Raises
    ------
    InputError
        NaN or infinite samples, a block too short, or a trigger too near an end of its block.
    """
    x = blocks(strain, device=device)
    x = x.reshape(-1, x.shape[-1])
    duration = x.shape[-1] / sample_rate
    when = _centres(centres, len(x), duration, max(durations) / 2)
    parts = []
    for lo in range(0, len(x), chunk):
        piece = x[lo : lo + chunk]
        piece = piece.to(torch.float32) if whitened else whiten(piece, sample_rate)
        parts.append(
            _scan(piece, sample_rate, when[lo : lo + chunk], durations, q_range, frequency_range, (shape[0], shape[1]))
        )
    fields = ("energies", "q", "time", "frequency", "energy")
    return QScan(*(torch.cat([getattr(part, name) for part in parts]) for name in fields))


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
        As in `q_scan`.
    clamp : {"gwpy", "nyquist"}
        Highest frequency of the tiling: gwpy's for this sample rate and Q range, or Nyquist.
    search : float
        Width of the window that picks the plane, s.

    Returns
    -------
    energies : Tensor, float32, shape (M, F)
    q : float
    peak : tuple of float
        Time (s from the block's start), frequency (Hz) and normalised energy of the loudest tile in the window.
    """
    x = blocks(strain, device=device).reshape(1, -1)
    x = x.to(torch.float32) if whitened else whiten(x, sample_rate)
    top = gwpy_upper_frequency(sample_rate, q_range) if clamp == "gwpy" else sample_rate / 2
    low, high = frequency_range
    duration = x.shape[-1] / sample_rate
    planes = q_tiling(duration, q_range, (low, min(high, top)), MISMATCH)
    spectrum = torch.fft.rfft(x)
    when = torch.tensor([centre], dtype=torch.float64, device=x.device)
    best: tuple[float, float, float] = (0.0, 0.0, 0.0)
    kept: tuple[QPlane, list[tuple[NDArray[np.int64], Tensor]]] | None = None
    for plane in planes:
        rows = list(row_energies(spectrum, plane, duration))
        energy, time, frequency = _loudest(rows, plane, duration, when, search)
        if float(energy) > best[2]:
            best, kept = (float(time), float(frequency), float(energy)), (plane, rows)
    if kept is None:
        msg = "no tile has any energy within the search window: the strain is zero there"
        raise InputError(msg)
    plane, rows = kept
    at = torch.as_tensor(np.asarray(times, dtype=np.float64), device=x.device)[None]
    in_time = x.new_zeros(len(plane.frequencies), at.shape[-1])
    for index, energies in rows:
        in_time[torch.from_numpy(index)] = time_spline(energies, at * (energies.shape[-1] / duration))[0]
    matrix = torch.from_numpy(frequency_spline(plane.frequencies, np.asarray(frequencies, dtype=np.float64)))
    return (matrix.to(x.device) @ in_time).T.contiguous(), plane.q, best


def row_energies(spectrum: Tensor, plane: QPlane, duration: float) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    """Energies of all tiles of a plane, each row divided by its median over the block.

    Parameters
    ----------
    spectrum : Tensor, complex64, shape (B, F)
        ``torch.fft.rfft`` of whitened blocks; any scale. Bins beyond its end read as zero.
    plane : QPlane
    duration : float
        Of the block, s.

    Yields
    ------
    rows : ndarray, int64, shape (R,)
        Rows of the plane that have the same number of tiles N.
    energies : Tensor, float32, shape (B, R, N)
        Tile n is centred ``n * duration / N`` after the block's start.
    """
    for count in np.unique(plane.tiles):
        rows = np.flatnonzero(plane.tiles == count)
        windowed = spectrum.new_zeros(len(spectrum), len(rows), int(count))
        for slot, row in enumerate(rows):
            first, bins = int(plane.first_bin[row]), int(plane.bins[row])
            weights = torch.from_numpy(window(plane, int(row), duration)).to(spectrum.device)
            band = spectrum[:, first : first + bins]
            windowed[:, slot, : band.shape[-1]] = band * weights[: band.shape[-1]]
        energies = torch.view_as_real(torch.fft.ifft(windowed, norm="forward")).square().sum(-1)
        yield rows, energies / _median(energies)[..., None]


def _median(energies: Tensor) -> Tensor:
    """Median over the last axis."""
    count = energies.shape[-1]
    if count > SORTED_MEDIAN:
        return energies.median(-1).values
    ordered = energies.sort(-1).values
    return (ordered[..., (count - 1) // 2] + ordered[..., count // 2]) / 2


def _loudest(
    rows: list[tuple[NDArray[np.int64], Tensor]], plane: QPlane, duration: float, when: Tensor, search: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Energy, time (s from the block's start) and frequency of each block's loudest tile near ``when``, each (B,)."""
    best = torch.zeros_like(when), torch.zeros_like(when), torch.zeros_like(when)
    for index, energies in rows:
        count = energies.shape[-1]
        first = ((when - search / 2).clamp(min=0) * (count / duration)).floor().long()
        last = ((when + search / 2).clamp(max=duration) * (count / duration)).floor().long()
        last = torch.maximum(last, first + 1)
        at = first[:, None] + torch.arange(int((last - first).max()), device=when.device)
        near = energies.gather(-1, at.clamp(max=count - 1)[:, None].expand(-1, len(index), -1))
        near = near.masked_fill((at >= last[:, None])[:, None], 0)
        top, flat = near.flatten(1).max(-1)
        row = torch.from_numpy(plane.frequencies[index]).to(when.device)[flat // at.shape[-1]]
        time = (first + flat % at.shape[-1]) * (duration / count)
        better = top > best[0]
        best = tuple(torch.where(better, new, old) for new, old in zip((top.double(), time, row), best, strict=True))  # type: ignore[assignment]
    return best


def _scan(
    x: Tensor,
    sample_rate: float,
    when: Tensor,
    durations: tuple[float, ...],
    q_range: tuple[float, float],
    frequency_range: tuple[float, float],
    shape: tuple[int, int],
) -> QScan:
    """One chunk of `q_scan`, of whitened strain (B, T)."""
    duration = x.shape[-1] / sample_rate
    top = min(frequency_range[1], sample_rate / 2)
    planes = q_tiling(duration, q_range, (frequency_range[0], top), MISMATCH)
    spectrum = torch.fft.rfft(x)
    when = when.to(x.device)
    times = when[:, None] + torch.from_numpy(_column_times(durations)).to(x.device)  # (B, D * columns)
    loudest = torch.zeros(4, len(x), dtype=torch.float64, device=x.device)  # energy, time, frequency, Q
    pictures = x.new_zeros(len(x), len(durations), *shape)
    for plane in planes:
        rows = list(row_energies(spectrum, plane, duration))
        found = torch.stack([*_loudest(rows, plane, duration, when, SEARCH_SECONDS), torch.full_like(when, plane.q)])
        better = found[0] > loudest[0]
        loudest = torch.where(better, found, loudest)
        chosen = better.nonzero()[:, 0]
        if len(chosen):
            pictures[chosen] = _pictures(
                [(index, energies[chosen]) for index, energies in rows],
                plane,
                duration,
                times[chosen],
                (len(durations), *shape),
                frequency_range,
            )
    return QScan(pictures, loudest[3], loudest[1] - when, loudest[2], loudest[0])


def _pictures(
    rows: list[tuple[NDArray[np.int64], Tensor]],
    plane: QPlane,
    duration: float,
    times: Tensor,
    shape: tuple[int, int, int],
    frequency_range: tuple[float, float],
) -> Tensor:
    """Tiles of one plane to views (B, D, H, W)."""
    in_time = rows[0][1].new_zeros(len(times), len(plane.frequencies), times.shape[-1])
    for index, energies in rows:
        rate = energies.shape[-1] / duration
        start = ((times.min(-1).values * rate).floor().long() - REACH).clamp(min=0)
        length = min(energies.shape[-1], int((times.max() - times.min()) * rate) + 2 * REACH + 2)
        start = start.clamp(max=energies.shape[-1] - length)
        at = start[:, None] + torch.arange(length, device=times.device)
        near = energies.gather(-1, at[:, None].expand(-1, len(index), -1))
        in_time[:, torch.from_numpy(index)] = time_spline(near, times * rate - start[:, None])
    views, height, width = shape
    in_time = in_time.reshape(len(times), len(plane.frequencies), views, -1).transpose(1, 2)
    fine = torch.from_numpy(_row_matrix(plane.q, plane.frequency_range, duration, frequency_range)).to(times.device)
    image = (fine @ in_time).clamp_(0, FULL_SCALE)  # (B, D, 480, 574), the published pixels
    vertical = torch.from_numpy(_box_average(PUBLISHED_BOX[0], height)).to(times.device)
    horizontal = torch.from_numpy(_box_average(PUBLISHED_BOX[1], width)).to(times.device)
    return vertical @ image @ horizontal.T


@lru_cache(maxsize=8)
def _column_times(durations: tuple[float, ...]) -> NDArray[np.float64]:
    """Time of the cell under each column of each view's published image, s from the centre, (D * columns,)."""
    columns = PUBLISHED_BOX[1]
    at = np.concatenate([((np.arange(columns) + 0.5) / columns - 0.5) * span for span in durations])
    return np.floor((at + CELL_SPAN) / TIME_CELL + 1e-6) * TIME_CELL - CELL_SPAN


@lru_cache(maxsize=32)
def _row_matrix(
    q: float, covered: tuple[float, float], duration: float, axis: tuple[float, float]
) -> NDArray[np.float32]:
    """Spline matrix from rows of tiles to rows of the published image, (480, R); zero above the range covered."""
    plane = next(p for p in q_tiling(duration, (q, q), covered, MISMATCH))
    rows = PUBLISHED_BOX[0]
    low, high = axis
    pixel = high * (low / high) ** ((np.arange(rows) + 0.5) / rows)
    cell = low + np.floor((pixel - low) / FREQUENCY_CELL) * FREQUENCY_CELL
    matrix = frequency_spline(plane.frequencies, cell)
    matrix[cell >= covered[1]] = 0
    return matrix


@lru_cache(maxsize=16)
def _box_average(fine: int, coarse: int) -> NDArray[np.float32]:
    """Matrix (coarse, fine) that averages pixels over the area of larger ones."""
    if not 0 < coarse <= fine:
        msg = f"a view of {coarse} pixels across is not within 1..{fine}, the published image's resolution"
        raise InputError(msg)
    edges = np.arange(coarse + 1) * fine / coarse
    overlap = np.minimum(edges[1:, None], np.arange(1, fine + 1)) - np.maximum(edges[:-1, None], np.arange(fine))
    return (np.clip(overlap, 0, None) * coarse / fine).astype(np.float32)


def _centres(centres: Tensor | ArrayLike | None, count: int, duration: float, half: float) -> Tensor:
    """Check trigger times against their blocks, float64 (B,)."""
    if centres is None:
        centres = np.full(count, duration / 2)
    when = torch.as_tensor(centres, dtype=torch.float64).reshape(-1)
    if len(when) != count:
        msg = f"{len(when)} centres for {count} blocks of strain; give one per block"
        raise InputError(msg)
    outside = (when < half) | (when > duration - half) | ~torch.isfinite(when)
    if bool(outside.any()):
        worst = int(outside.nonzero()[0])
        msg = (
            f"trigger {worst} lies {float(when[worst]):g} s into a block of {duration:g} s: "
            f"the longest view needs {half:g} s on each side; give a longer block"
        )
        raise InputError(msg)
    return when
