"""A matched filter of two detectors: a bank of templates, their signal-to-noise ratios, and the network's.

The line to hold a network against. The strain is whitened to unit variance; a template is the whitened waveform h with its
quadrature h', the same with every phase turned by 90 degrees. The signal-to-noise ratio at a time is |sum d (h + i h')| / |h|
(Allen et al. 2012, PRD 85 122006, equations 4.2 and 4.3), which in noise has two degrees of freedom and in a signal's own
template is the optimal one. The network's is the root of the sum of squares of one template's at two times that light can connect
(Usman et al. 2016, CQG 33 215004).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike

    from embed.types import Floats, Progress, Rows, Vectors

LIGHT_TRAVEL = 0.0100128
"""s between H1 and L1; LIGO-T980044."""
TIMING = 0.002
"""s by which the loudest sample of noise may be away from a signal's time, at both ends of `LIGHT_TRAVEL`."""
MINIMAL_MATCH = 0.97
"""Least share of the signal-to-noise ratio that some template of a bank finds: Gabbard et al. 2018 use the same."""
ELEMENTS = 1 << 22
"""Complex numbers of the filter's output that are in memory at once: 32 MB."""


@dataclass(frozen=True)
class Bank:
    """Templates of unit length, with their quadrature.

    Attributes
    ----------
    templates : Tensor of complex64, shape (T, D, m)
        Of D detectors: h + i h', the sum of squares of h is 1.
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
    return Bank(_analytic(plain / norm).to(torch.complex64), reference, sample_rate)


def _analytic(values: torch.Tensor) -> torch.Tensor:
    """Add the quadrature as the imaginary part: complex128 (..., m). Twice the length keeps the ends apart."""
    size = values.shape[-1]
    spectrum = torch.fft.fft(values, 2 * size)
    spectrum[..., 1:size] *= 2
    spectrum[..., size + 1 :] = 0
    return torch.fft.ifft(spectrum)[..., :size]


def spread(waveforms: ArrayLike, minimal_match: float = MINIMAL_MATCH, *, progress: Progress | None = None) -> Rows:
    """Choose of many waveforms those that are a bank of the others: a stochastic bank (Harry, Allen and Sathyaprakash 2009, PRD 80 104014).

    A waveform is taken when no one taken before matches it, over all times and phases, as well as `minimal_match`.

    Parameters
    ----------
    waveforms : array_like, shape (N, m)
        Whitened waveforms of one detector in the order in which they are proposed.
    minimal_match : float
    progress : callable, optional

    Returns
    -------
    ndarray of int64, shape (T,)
        Rows that are taken, ascending.
    """
    plain = torch.as_tensor(np.asarray(waveforms, np.float64))
    bank = make_bank(plain[:, None], 0, 1.0).templates[:, 0]
    size = 2 * plain.shape[-1]
    own = torch.fft.fft(bank.real, size)
    spectra = torch.fft.fft(bank, size).conj()
    taken: list[int] = []
    for row in range(len(plain)):
        if not taken or _best_match(own[row], spectra, taken, minimal_match) < minimal_match:
            taken.append(row)
        if progress is not None:
            progress(row + 1, len(plain))
    return np.array(taken, np.int64)


def _best_match(own: torch.Tensor, spectra: torch.Tensor, taken: Sequence[int], enough: float) -> float:
    """Return the best match with the templates taken, or the first that is enough; the last ones taken are tried last."""
    best = 0.0
    step = max(1, ELEMENTS // own.shape[-1] // 4)
    for first in range(0, len(taken), step):
        match = torch.fft.ifft(own * spectra[list(taken[first : first + step])]).abs().max()
        best = max(best, float(match))
        if best >= enough:
            break
    return best


class MatchedFilter:
    """The network's signal-to-noise ratio, the loudest over a bank.

    Parameters
    ----------
    bank : Bank
        Of D detectors.
    window : float
        s by which the times in two detectors may differ.
    device : torch.device or str
    """

    def __init__(
        self, bank: Bank, *, window: float = LIGHT_TRAVEL + TIMING, device: torch.device | str = "cpu"
    ) -> None:
        self.bank = bank
        self.reach = round(window * bank.sample_rate)
        self.device = torch.device(device)
        self._spectra: dict[int, torch.Tensor] = {}

    def of_windows(self, strain: ArrayLike, first: int, last: int) -> tuple[Vectors, Rows]:
        """Filter short windows.

        Parameters
        ----------
        strain : array_like, shape (B, D, n)
            Whitened, of unit variance.
        first, last : int
            Samples of the window between which, the last one excluded, the merger is sought.

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
        per_window = len(self.bank) * windows.shape[1] * size
        step = max(1, ELEMENTS // per_window)
        found = [self._windows(part.to(self.device), size, first, last) for part in windows.split(step)]
        best, template = (torch.cat(parts) for parts in zip(*found, strict=True))
        return best.numpy(), template.numpy()

    def _windows(
        self, part: torch.Tensor, size: int, first: int, last: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        spectra = torch.fft.fft(part, size)[:, None]
        step = max(1, ELEMENTS // (part.shape[0] * part.shape[1] * size))
        best = torch.full((len(part),), -1.0, device=self.device)
        template = torch.zeros(len(part), dtype=torch.int64, device=self.device)
        for begin in range(0, len(self.bank), step):
            squares = self._squares(spectra, slice(begin, begin + step), size)
            network = _coincident(squares, first, last, self.reach).amax(-1)
            value, row = network.max(1)
            louder = value > best
            best[louder], template[louder] = value[louder], row[louder] + begin
        return best.sqrt().cpu(), template.cpu()

    def _squares(self, spectra: torch.Tensor, rows: slice, size: int) -> torch.Tensor:
        """Squared signal-to-noise ratios (B, t, D, size) of some templates; a merger at sample s is at place s, from the start of the window."""
        z = torch.fft.ifft(spectra * self._conjugate(size)[rows])
        return z.real.square().add_(z.imag.square())

    def _conjugate(self, size: int) -> torch.Tensor:
        """Conjugate spectra (T, D, size) of the templates, their mergers at time 0."""
        if size not in self._spectra:
            padded = torch.nn.functional.pad(self.bank.templates, (0, size - self.bank.templates.shape[-1]))
            rolled = padded.roll(-self.bank.reference, -1)
            self._spectra = {size: torch.fft.fft(rolled).conj().resolve_conj().to(self.device)}
        return self._spectra[size]

    def of_series(self, strain: ArrayLike, edges: Sequence[int], slides: Iterable[int] = (0,)) -> Vectors:
        """Filter a long stretch, as it is and with the second detector slid in time.

        Parameters
        ----------
        strain : array_like, shape (D, N)
            Whitened, of unit variance.
        edges : sequence of int, length W + 1
            Samples at which the bins begin, of which each gives its loudest signal-to-noise ratio, and at which the last one ends.
        slides : iterable of int
            Samples by which the second detector's strain between the first and the last edge is turned, as on a ring, to later times.

        Returns
        -------
        ndarray of float32, shape (S, W)
        """
        windows = torch.as_tensor(np.asarray(strain, np.float32))[None]
        self._check(windows)
        first, last, turns = int(edges[0]), int(edges[-1]), list(slides)
        if windows.shape[1] == 1 and turns != [0]:
            raise InputError("the strain of one detector cannot be slid; give two detectors")
        size = _fast_size(windows.shape[-1] + self.bank.templates.shape[-1])
        spectra = torch.fft.fft(windows.to(self.device), size)[:, None]
        step = max(1, ELEMENTS // (windows.shape[1] * size))
        best = torch.zeros((len(turns), last - first), device=self.device)
        for begin in range(0, len(self.bank), step):
            squares = self._squares(spectra, slice(begin, begin + step), size)[0]
            one = squares[:, 0, first:last]
            if windows.shape[1] == 1:
                torch.maximum(best[0], one.amax(0), out=best[0])
                continue
            other = _loudest_within(squares[:, 1], first, last, self.reach)
            for place, turn in enumerate(turns):
                torch.maximum(best[place], (one + other.roll(turn, -1)).amax(0), out=best[place])
        starts = torch.as_tensor(np.asarray(edges[:-1]) - first, device=self.device)
        bins = torch.bucketize(torch.arange(last - first, device=self.device), starts, right=True) - 1
        loudest = torch.zeros((len(turns), len(starts)), device=self.device)
        loudest.scatter_reduce_(1, bins.expand(len(turns), -1), best, "amax")
        return loudest.sqrt().cpu().numpy()

    def _check(self, windows: torch.Tensor) -> None:
        if windows.ndim != 3 or windows.shape[1] != self.bank.templates.shape[1]:
            raise InputError(
                f"strain of shape {tuple(windows.shape)} for a bank of {self.bank.templates.shape[1]} detectors; give (windows, detectors, samples)"
            )


def _coincident(squares: torch.Tensor, first: int, last: int, reach: int) -> torch.Tensor:
    """Squared network ratio (..., last - first) of (..., D, size): the first detector's at each sample, the second's loudest near it."""
    one = squares[..., 0, first:last]
    if squares.shape[-2] == 1:
        return one
    return one + _loudest_within(squares[..., 1, :], first, last, reach)


def _loudest_within(values: torch.Tensor, first: int, last: int, reach: int) -> torch.Tensor:
    """Maximum of (..., size), which is a ring, over `reach` samples on both sides of each sample from `first` to `last`."""
    places = torch.arange(first - reach, last + reach, device=values.device) % values.shape[-1]
    near = values[..., places].reshape(-1, 1, len(places))
    return torch.nn.functional.max_pool1d(near, 2 * reach + 1, 1).reshape(*values.shape[:-1], last - first)


def _fast_size(least: int) -> int:
    """Next power of two."""
    return 1 << (least - 1).bit_length()


def optimal_snr(whitened: ArrayLike) -> Floats:
    """Optimal network signal-to-noise ratio of whitened signals (..., D, n): ndarray of float64, shape (...)."""
    return np.sqrt(np.square(np.asarray(whitened, np.float64)).sum(axis=(-2, -1)))
