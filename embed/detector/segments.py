"""Strain of files cut into whitened segments for a detector, with clear refusals of what it cannot read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from embed.strain.record import StrainRecord


@dataclass(frozen=True)
class Segments:
    """A stretch of whitened strain that all detectors have, and how segments are cut from it.

    Attributes
    ----------
    values : ndarray of float32, shape (D, T)
        Whitened, at the detector's sample rate.
    start : float
        GPS time of the first sample, s.
    samples, stride : int
        Of a segment; from one to the next.
    """

    values: NDArray[np.float32]
    start: float
    samples: int
    stride: int

    def __len__(self) -> int:
        """How many segments."""
        raise NotImplementedError

    def cut(self, first: int, last: int) -> NDArray[np.float32]:
        """Segments `first` to `last` (exclusive): float32 (n, D, samples), a view."""
        raise NotImplementedError


def whitened_segments(
    records: Mapping[str, StrainRecord], *, ifos: tuple[str, ...], sample_rate: int, seconds: float, stride: float
) -> Iterator[Segments]:
    """Whiten the strain that all detectors have in blocks of at most 64 s, and cut it into segments.

    Raises
    ------
    InputError
        When a detector is missing, a sample rate is below or no multiple of `sample_rate`, or they have no time in common.
    """
    raise NotImplementedError
