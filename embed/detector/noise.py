"""Whitened noise of the detectors, block by block, and the filters that whitened it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embed.detector.options import SourceOptions
    from embed.types import Floats


@dataclass(frozen=True)
class WhitenedBlock:
    """Noise of all detectors over the same time, whitened by its own spectrum as `discover scan` whitens.

    Attributes
    ----------
    values : ndarray of float32, shape (D, T)
        Of unit spectral density; without the second at each end where the filter settles: 62 s.
    filters : ndarray of float64, shape (D, taps)
        Impulse responses that whitened it, time 0 first; see `apply_filter`.
    psds : tuple of D str
        The curve of each detector: ``design``, or the file's name.
    """

    values: NDArray[np.float32]
    filters: Floats
    psds: tuple[str, ...]


class NoiseSource:
    """Blocks of noise.

    Parameters
    ----------
    options : SourceOptions
        Detectors, sample rate and spectra.
    seed : int

    Raises
    ------
    InputError
        When the spectra of a detector cannot be read, or there are none.
    """

    def __init__(self, options: SourceOptions, seed: int) -> None:
        self.options, self.seed = options, seed

    def block(self, number: int) -> WhitenedBlock:
        """Noise number `number`, by it and the seed alone: blocks of other numbers are independent of it."""
        raise NotImplementedError
