"""Strain of files cut into whitened segments for a detector, with clear refusals of what it cannot read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.detector.demands import check_rate, check_records
from embed.detector.noise import INNER_SECONDS, SETTLING_SECONDS
from embed.errors import InputError
from embed.qtransform.whitening import whiten_with_filter
from embed.strain.record import LEAST_BLOCK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from embed.detector.options import SourceOptions
    from embed.strain.record import StrainRecord
    from embed.types import Floats


@dataclass(frozen=True)
class Segments:
    """A stretch of whitened strain that all detectors have, and how segments are cut from it.

    Attributes
    ----------
    values : ndarray of float32, shape (D, T)
        Whitened, at the detector's sample rate; a whole number of strides and a segment.
    start : float
        GPS time of the first sample, s.
    samples, stride : int
        Of a segment; from one to the next.
    sample_rate : int
        Hz.
    """

    values: NDArray[np.float32]
    start: float
    samples: int
    stride: int
    sample_rate: int

    def __len__(self) -> int:
        """How many segments."""
        return (self.values.shape[1] - self.samples) // self.stride + 1

    @property
    def times(self) -> Floats:
        """GPS times at which the segments start, float64 (n,)."""
        return self.start + np.arange(len(self), dtype=np.float64) * (self.stride / self.sample_rate)

    def cut(self, first: int, last: int) -> NDArray[np.float32]:
        """Segments `first` to `last` (exclusive): float32 (n, D, samples), a view."""
        windows = np.lib.stride_tricks.sliding_window_view(self.values, self.samples, axis=1)
        return windows[:, :: self.stride][:, first:last].swapaxes(0, 1)


def whiten_at(strain: Floats, rate: float, source: SourceOptions) -> NDArray[np.float32]:
    """Whiten a block of strain as the detector's examples were, at the detector's sample rate.

    Parameters
    ----------
    strain : ndarray of float64, shape (T,)
    rate : float
        Hz.
    source : SourceOptions
        Of the detector.

    Returns
    -------
    ndarray of float32, shape (T * sample_rate / rate,)
        The second at each end, where the filter settles, included.

    Raises
    ------
    InputError
        When the sample rate is no multiple of the detector's, or the block cannot be whitened.
    """
    decimate = check_rate(rate, source)
    usable = len(strain) // decimate * decimate
    whitened = whiten_with_filter(strain[:usable], rate, decimate=decimate, faded=True)[0]
    return whitened.numpy() * np.float32(
        np.sqrt(decimate)
    )  # white noise of a band d times as wide has d times the variance


def whitened_segments(
    records: Mapping[str, StrainRecord], source: SourceOptions, *, stride: float
) -> Iterator[Segments]:
    """Whiten the good strain that all detectors have, in blocks of at most 66 s, and cut it into segments.

    Parameters
    ----------
    records : mapping of str to StrainRecord
        By detector, see `embed.strain.record.records`; more than are needed may be there.
    source : SourceOptions
        Of the detector.
    stride : float
        From one segment's start to the next one's, s.

    Yields
    ------
    Segments
        In order of time. Stretches of less than 8 s are left out, and a second at each end of a stretch.

    Raises
    ------
    InputError
        When a detector is missing, a sample rate does not suit, the stride is not positive, or the detectors have no good strain in common.
    """
    check_records(records, source)
    step = round(stride * source.sample_rate)
    if step < 1:
        raise InputError(f"a stride of {stride:g} s is less than a sample; give more")
    rate, samples = source.sample_rate, source.samples
    edge = round(SETTLING_SECONDS * rate)
    inner = round(INNER_SECONDS * rate)
    most = (inner - samples) // step + 1  # segments of a block
    found = False
    for start, end in _common(records, source.ifos):
        size = int((end - start) * rate + 1e-6)
        count = (size - 2 * edge - samples) // step + 1
        if size < LEAST_BLOCK_SECONDS * rate or count < 1:
            continue
        found = True
        for first in range(0, count, most):
            some = min(most, count - first)
            begin = max(
                0, min(first * step, size - inner - 2 * edge)
            )  # the last block reaches back: it is as long as the others
            length = min(inner + 2 * edge, size - begin)
            whitened = np.stack(
                [
                    whiten_at(records[ifo].read(start + begin / rate, length / rate), records[ifo].sample_rate, source)
                    for ifo in source.ifos
                ]
            )
            offset = first * step - begin + edge
            values = whitened[:, offset : offset + (some - 1) * step + samples]
            yield Segments(values, start + (first * step + edge) / rate, samples, step, rate)
    if not found:
        raise InputError(
            f"{' and '.join(source.ifos)} have no {LEAST_BLOCK_SECONDS:g} s of good strain in common; give files of the same times"
        )


def _common(records: Mapping[str, StrainRecord], ifos: tuple[str, ...]) -> list[tuple[float, float]]:
    """Start and end (GPS) of the stretches that are good in all detectors."""
    common = list(records[ifos[0]].good())
    for ifo in ifos[1:]:
        own = list(records[ifo].good())
        common = [
            (max(start, begin), min(end, stop))
            for start, end in common
            for begin, stop in own
            if max(start, begin) < min(end, stop)
        ]
    return common
