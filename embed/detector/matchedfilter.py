"""A matched filter of two detectors: a bank of templates, their signal-to-noise ratios, and the network's.

The line to hold a network against. The strain is whitened to unit variance; a template is the whitened waveform h with its
quadrature h', the same with every phase turned by 90 degrees. The signal-to-noise ratio at a time is |sum d (h + i h')| / |h|
(Allen et al. 2012, PRD 85 122006, equations 4.2 and 4.3), which in noise has two degrees of freedom and in a signal's own
template is the optimal one. The network's is the root of the sum of squares of one template's at two times that light can connect
(Usman et al. 2016, CQG 33 215004).

h + i h' has no negative frequencies, so that the ratio is computed at every second sample and nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike

    from embed.types import Floats, Rows, Vectors

LIGHT_TRAVEL = 0.0100128
"""s between H1 and L1; LIGO-T980044."""
TIMING = 0.002
"""s by which the loudest sample of noise may be away from a signal's time, at both ends of `LIGHT_TRAVEL`."""
NEAR = 64
"""Templates, of the nearest chirp masses, with which a proposed one is compared."""
ELEMENTS = 1 << 21
"""Complex numbers of the filter's output that are in memory at once: 16 MB."""
PIECE_TEMPLATES = 4
"""Length of the pieces in which a long stretch is filtered, in templates: a quarter of the work is discarded."""


@dataclass(frozen=True)
class Bank:
    """Templates of unit length.

    Attributes
    ----------
    templates : Tensor of float32, shape (T, D, m)
        Of D detectors; each one's sum of squares is 1.
    reference : int
        Sample of the templates at which their merger is.
    sample_rate : float
        Hz.
    """

    templates: torch.Tensor
    reference: int
    sample_rate: float

    def __len__(self) -> int:
        return len(self.templates)


def make_bank(waveforms: ArrayLike, reference: int, sample_rate: float) -> Bank:
    """Make templates of whitened waveforms.

    Parameters
    ----------
    waveforms : array_like, shape (T, D, m)
        Whitened, of any height, with their mergers at sample `reference`.
    reference : int
    sample_rate : float
        Hz.

    Raises
    ------
    InputError
        When shapes disagree, or a waveform is zero.
    """
    plain = torch.as_tensor(np.asarray(waveforms, np.float64))
    if plain.ndim != 3 or not 0 <= reference < plain.shape[-1]:
        raise InputError(
            f"waveforms of shape {tuple(plain.shape)} with the merger at sample {reference}; give (templates, detectors, samples)"
        )
    norm = plain.square().sum(-1, keepdim=True).sqrt()
    if bool((norm == 0).any()) or not bool(torch.isfinite(norm).all()):
        raise InputError("a template's waveform is zero or not finite; give waveforms within the detector's band")
    return Bank((plain / norm).to(torch.float32), reference, sample_rate)


def spread(waveforms: ArrayLike, along: ArrayLike, minimal_match: float) -> Rows:
    """Choose of many waveforms those that are a bank of the others: a stochastic bank (Harry, Allen and Sathyaprakash 2009, PRD 80 104014).

    A waveform is taken when none of the `NEAR` nearest that were taken before matches it, over all times and phases, as well as
    `minimal_match`.

    Parameters
    ----------
    waveforms : array_like, shape (N, m)
        Whitened waveforms of one detector in the order in which they are proposed.
    along : array_like, shape (N,)
        What says which are near, such as the logarithm of the chirp mass.
    minimal_match : float

    Returns
    -------
    ndarray of int64, shape (T,)
        Rows that are taken, ascending.
    """
    plain = make_bank(np.asarray(waveforms)[:, None], 0, 1.0).templates[:, 0]
    place = np.asarray(along, np.float64)
    spectra = _one_sided(plain, _fast_size(2 * plain.shape[-1]))
    taken: list[int] = []
    for row in range(len(plain)):
        near = sorted(taken, key=lambda other: abs(place[other] - place[row]))[:NEAR]
        if not near or best_match(spectra[row], spectra[near]) < minimal_match:
            taken.append(row)
    return np.array(taken, np.int64)


def matches(waveforms: ArrayLike, templates: torch.Tensor) -> Floats:
    """Best match of each waveform (N, m) with templates (T, m) of one detector: ndarray of float64, shape (N,)."""
    own = make_bank(np.asarray(waveforms)[:, None], 0, 1.0).templates[:, 0]
    size = _fast_size(2 * own.shape[-1])
    spectra = _one_sided(templates, size)
    return np.array([best_match(one, spectra) for one in _one_sided(own, size)])


def best_match(own: torch.Tensor, spectra: torch.Tensor) -> float:
    """Best match of one waveform with others, from their one-sided spectra (M,) and (T, M), over times and phases."""
    parts = spectra.split(max(1, ELEMENTS // own.shape[-1]))
    return max(float(_to_series(own * part.conj()).abs().max()) for part in parts)


class MatchedFilter:
    """The network's signal-to-noise ratio, the loudest over a bank.

    Parameters
    ----------
    bank : Bank
        Of one or two detectors.
    window : float
        s by which the times in two detectors may differ.
    device : torch.device or str
    """

    def __init__(
        self, bank: Bank, *, window: float = LIGHT_TRAVEL + TIMING, device: torch.device | str = "cpu"
    ) -> None:
        self.bank = bank
        self.reach = round(window * bank.sample_rate / 2)
        self.device = torch.device(device)
        self._kept: dict[int, torch.Tensor] = {}

    def of_windows(self, strain: ArrayLike, first: int, last: int) -> tuple[Vectors, Rows]:
        """Filter short windows.

        Parameters
        ----------
        strain : array_like, shape (B, D, n)
            Whitened, of unit variance.
        first, last : int
            Samples of the window between which, the last one excluded, the merger is sought in the first detector.

        Returns
        -------
        statistic : ndarray of float32, shape (B,)
            The network's signal-to-noise ratio.
        template : ndarray of int64, shape (B,)
            Of the bank.
        """
        windows = torch.as_tensor(np.asarray(strain, np.float32))
        self._check(windows)
        size = _fast_size(windows.shape[-1] + self.bank.templates.shape[-1])
        step = max(1, ELEMENTS // (16 * windows.shape[1] * size))  # sixteen templates at once
        inside = slice(first // 2, (last + 1) // 2)
        best = torch.full((len(windows),), -1.0)
        template = torch.zeros(len(windows), dtype=torch.int64)
        for begin in range(0, len(windows), step):
            rows = slice(begin, begin + step)
            for offset, squares in self._squares(windows[rows], size):
                network = squares[..., 0, inside]
                if squares.shape[-2] == 2:
                    network = network + _loudest_within(squares[..., 1, :], inside, self.reach)
                value, row = network.amax(-1).max(1)
                louder = (value.cpu() > best[rows]).nonzero()[:, 0]
                best[begin + louder], template[begin + louder] = value.cpu()[louder], row.cpu()[louder] + offset
        return best.sqrt().numpy(), template.numpy()

    def of_series(
        self, strain: ArrayLike, placement: tuple[int, int], stride: int, turns: Sequence[int] = (0,)
    ) -> Vectors:
        """Filter a long stretch, as it is and with the second detector turned in time, as on a ring.

        Parameters
        ----------
        strain : array_like, shape (D, N)
            Whitened, of unit variance.
        placement : tuple of 2 int
            First and last sample, the latter excluded, of where the merger is sought, from each segment's start.
        stride : int
            Samples from one segment to the next.
        turns : sequence of int
            Samples by which the second detector is turned to later times.

        Returns
        -------
        ndarray of float32, shape (S, W)
            Of each turn, the loudest ratio of each segment whose placement ends within the stretch.

        Raises
        ------
        InputError
            When one detector is to be turned, or a number of samples is odd.
        """
        values = torch.as_tensor(np.asarray(strain, np.float32))
        self._check(values[None])
        if len(values) == 1 and any(turns):
            raise InputError("the strain of one detector cannot be slid; give two detectors")
        if stride % 2 or any(turn % 2 for turn in turns):
            raise InputError(f"stride {stride} and turns {list(turns)}: give even numbers of samples")
        count = values.shape[-1] // 2
        best = torch.zeros((len(turns), count), device=self.device)
        for network in self._long(values, count):
            one = network[:, 0]
            if len(values) == 1:
                torch.maximum(best[0], one.amax(0), out=best[0])
                continue
            other = _loudest_within(network[:, 1], slice(0, count), self.reach)
            for place, turn in enumerate(turns):
                ring = other.roll(turn // 2, -1)
                torch.maximum(best[place], ring.add_(one).amax(0), out=best[place])
        first, last = placement[0] // 2, (placement[1] + 1) // 2
        pooled = torch.nn.functional.max_pool1d(best[:, None, first:], last - first, stride // 2)[:, 0]
        return pooled.sqrt().cpu().numpy()

    def _long(self, values: torch.Tensor, count: int) -> Iterator[torch.Tensor]:
        """Squared ratios (t, D, count) of a stretch (D, N), some templates after the other, by pieces that overlap by a template."""
        length = self.bank.templates.shape[-1]
        size = _fast_size(PIECE_TEMPLATES * length)
        step = size - 2 * length
        pieces = -(-2 * count // step)
        padded = torch.nn.functional.pad(values, (length, pieces * step - values.shape[-1] + length))
        windows = padded.unfold(-1, size, step).swapaxes(0, 1)[:pieces]
        for _, squares in self._squares(windows, size):
            inner = squares[..., length // 2 : length // 2 + step // 2]
            yield inner.permute(1, 2, 0, 3).reshape(inner.shape[1], inner.shape[2], -1)[..., :count]

    def _squares(self, windows: torch.Tensor, size: int) -> Iterator[tuple[int, torch.Tensor]]:
        """Squared ratios (B, t, D, size / 2) of some templates after the other, with the first one's number.

        A merger at sample s of the window is at place s / 2; one before the window at the end, as on a ring.
        """
        spectra = torch.fft.rfft(windows.to(self.device), size)[..., : size // 2][:, None]
        step = max(1, ELEMENTS // (len(windows) * windows.shape[1] * size))
        templates = self._spectra(size)
        for begin in range(0, len(self.bank), step):
            z = _to_series(spectra * templates[begin : begin + step])
            yield begin, z.real.square().add_(z.imag.square())

    def _spectra(self, size: int) -> torch.Tensor:
        """Conjugate one-sided spectra (T, D, size / 2) of the templates, their mergers at time 0."""
        if size not in self._kept:
            plain = self.bank.templates
            padded = torch.nn.functional.pad(plain, (0, size - plain.shape[-1])).roll(-self.bank.reference, -1)
            self._kept = {size: _one_sided(padded, size).conj().resolve_conj().to(self.device)}
        return self._kept[size]

    def _check(self, windows: torch.Tensor) -> None:
        detectors = self.bank.templates.shape[1]
        if windows.ndim != 3 or windows.shape[1] != detectors:
            raise InputError(
                f"strain of shape {tuple(windows.shape)} for a bank of {detectors} detectors; give (windows, detectors, samples)"
            )


def _one_sided(values: torch.Tensor, size: int) -> torch.Tensor:
    """Spectrum of positive frequencies (..., size / 2) of real values, padded with zeros."""
    spectrum = torch.fft.rfft(values, size)[..., : size // 2].clone()
    spectrum[..., 0] /= 2
    return spectrum


def _to_series(product: torch.Tensor) -> torch.Tensor:
    """Complex correlation at every second sample (..., M) of a product of spectra of positive frequencies (..., M)."""
    return torch.fft.ifft(product)


def _loudest_within(values: torch.Tensor, inside: slice, reach: int) -> torch.Tensor:
    """Maximum of (..., size), which is a ring, over `reach` places on both sides of each place inside."""
    places = torch.arange(inside.start - reach, inside.stop + reach, device=values.device) % values.shape[-1]
    near = values[..., places].reshape(-1, 1, len(places))
    pooled = torch.nn.functional.max_pool1d(near, 2 * reach + 1, 1)
    return pooled.reshape(*values.shape[:-1], inside.stop - inside.start)


def _fast_size(least: int) -> int:
    """Next power of two."""
    return 1 << (least - 1).bit_length()
