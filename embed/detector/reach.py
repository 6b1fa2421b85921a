"""The strain around the glitches of a study, in the files that are within its reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.signal

from embed.detector.demands import check_rate
from embed.detector.noise import SETTLING_SECONDS
from embed.detector.segments import whiten_at
from embed.errors import InputError
from embed.strain.record import BLOCK_SECONDS, StrainRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from embed.detector.options import SourceOptions
    from embed.detector.strainfiles import ReachedFile
    from embed.types import Floats

GAUSSIAN = 1.4826
"""Standard deviation of Gaussian noise over the median of its absolute values."""


class GlitchStrain:
    """Segments around glitches.

    Parameters
    ----------
    files : sequence of ReachedFile
    source : SourceOptions
        Of the detector. One for a single detector reads the glitch's own, whichever that is.
    """

    def __init__(self, files: Sequence[ReachedFile], source: SourceOptions) -> None:
        self.files, self.source = files, source

    def segment(
        self, name: str, ifo: str | None, gps: float | None, *, place: float = 0.5
    ) -> NDArray[np.float32] | str:
        """The segment in whose middle a glitch is, float32 (D, samples), or the reason why there is none.

        Parameters
        ----------
        name : str
            The glitch's id: of several files that hold its time, the one of this name is taken.
        ifo : str or None
            The glitch's detector.
        gps : float or None
            s.
        place : float
            Where else in the segment it is, as a share of its length.
        """
        if gps is None or not np.isfinite(gps):
            return "its time is not known"
        ifos = self.source.ifos if len(self.source.ifos) > 1 else (ifo,)
        rows = []
        for own in ifos:
            row = self._row(name, own, gps, place)
            if isinstance(row, str):
                return row
            rows.append(row)
        return np.stack(rows)

    def _row(self, name: str, ifo: str | None, gps: float, place: float) -> NDArray[np.float32] | str:
        reach = BLOCK_SECONDS / 2 + 1.0
        near = [
            reached
            for reached in self.files
            if reached.file.ifo == ifo and reached.file.start < gps + reach and reached.file.end > gps - reach
        ]
        near = [reached for reached in near if reached.file.path.stem == name] or near
        if not near:
            return f"no strain of {ifo} at its time"
        try:
            record = StrainRecord([reached.file for reached in near])
            check_rate(record.sample_rate, self.source)
        except InputError as error:
            return str(error)
        block = record.block_around(gps, max(place, 1 - place) * self.source.seconds + SETTLING_SECONDS)
        if isinstance(block, str):
            return block
        if near[0].whitened:
            values = decimated(block.values, check_rate(block.sample_rate, self.source))
        else:
            try:
                values = whiten_at(block.values, block.sample_rate, self.source)
            except InputError as error:
                return str(error)
        first = round((gps - block.start - place * self.source.seconds) * self.source.sample_rate)
        return values[first : first + self.source.samples]


def decimated(whitened: Floats, decimate: int) -> NDArray[np.float32]:
    """Strain that was whitened elsewhere, at the detector's sample rate, its noise scaled to the variance of one: float32."""
    low = scipy.signal.resample_poly(whitened, 1, decimate) if decimate > 1 else whitened
    return (low / (GAUSSIAN * np.median(np.abs(low)))).astype(np.float32)
