"""Find loud tiles in strain, as triggers, for strain without a list of triggers.

The strain is cut into overlapping blocks, whitened and Q-transformed as for the views. Of the tiles above the threshold the
loudest in each short time bin is kept; of those, a louder tile removes all others within the dead time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from embed.errors import InputError
from embed.fleet.spread import check_processor, here
from embed.gravityspy import DURATIONS
from embed.qtransform.threads import in_threads
from embed.qtransform.tiles import Source, median, plane_tiles, whole_source
from embed.qtransform.tiling import FREQUENCY_RANGE, Q_RANGE, q_tiling
from embed.qtransform.transform import decimation
from embed.qtransform.whitening import FIR_SECONDS, whiten
from embed.strain.record import BLOCK_SECONDS
from embed.strain.thresholds import DEAD_TIME, SNR_THRESHOLD
from embed.strain.triggers import Trigger
from embed.study.report import batches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embed.fleet.spread import Spread
    from embed.qtransform.tiling import QPlane
    from embed.strain.record import StrainRecord
    from embed.types import Floats, Rows


BIN_SECONDS = 1 / 32
"""Of each bin of this length the loudest tile is kept, before the dead time is applied."""

EDGE_SECONDS = max(DURATIONS) / 2 + FIR_SECONDS / 2
"""At the ends of good strain, where no view could be made."""

SHORTEST_SECONDS = 2 * EDGE_SECONDS + 2.0
"""Shortest stretch of good strain that is searched."""

SEARCHED = 16
"""Stretches of a part: a quarter of an hour of strain."""

MEDIAN_TILES = 1 << 14
"""Tiles of a row whose median is taken: its standard error is then 1.1 %."""

TIME, ENERGY, FREQUENCY, Q = range(4)
"""Columns of a table of loud tiles."""


def find_triggers(
    record: StrainRecord,
    *,
    snr: float = SNR_THRESHOLD,
    dead_time: float = DEAD_TIME,
    whitened: bool = False,
    q_range: tuple[float, float] = Q_RANGE,
    frequency_range: tuple[float, float] = FREQUENCY_RANGE,
    device: torch.device | str | None = None,
    spread: Spread = here,
) -> list[Trigger]:
    """Find the loud times of a record.

    Parameters
    ----------
    record : StrainRecord
    snr : float
        Least signal-to-noise ratio of a tile, sqrt(2 normalised energy).
    dead_time : float
        Least time between two triggers, s: of those nearer, the louder is kept.
    whitened : bool
        The strain is whitened already.
    q_range, frequency_range, device
        As in `embed.qtransform.transform.q_scan`.
    spread : Spread
        Where the strain is searched: in this process, or on an `embed.fleet.cluster.Fleet`.

    Returns
    -------
    list of Trigger
        In order of time. The outermost 3 s of a good stretch, where no view could be made either, and stretches of less
        than 8 s are not searched.

    Raises
    ------
    InputError
        When the threshold or the dead time is not positive, or the strain cannot be whitened.
    """
    if not (snr > 0 and dead_time > 0):
        raise InputError(f"the SNR threshold ({snr:g}) and the dead time ({dead_time:g} s) must be positive")
    where = torch.device(device or "cpu")
    check_processor(spread, where.type)

    work = _Search(record, snr**2 / 2, q_range, frequency_range, where, whitened)
    parts = batches(record.stretches(BLOCK_SECONDS, 2 * EDGE_SECONDS, SHORTEST_SECONDS), SEARCHED)
    needs = [file.path for file in record.files]
    loud = [np.empty((0, 4)), *(tiles for _, tiles in spread(work, parts, needs=needs, in_order=True))]
    kept = loudest_apart(np.concatenate(loud), dead_time)
    return [
        Trigger(
            gps=float(tile[TIME]),
            ifo=record.ifo,
            gravityspy_id=f"{tile[TIME]:.9f}",
            snr=float(np.sqrt(2 * tile[ENERGY])),
            peak_frequency=float(tile[FREQUENCY]),
            q_value=float(tile[Q]),
        )
        for tile in kept
    ]


@dataclass(frozen=True)
class _Search:
    """The work of a search; a part is some stretches, by their start and end (GPS)."""

    record: StrainRecord
    least: float
    q_range: tuple[float, float]
    frequency_range: tuple[float, float]
    device: torch.device
    whitened: bool

    def __call__(self, stretches: Sequence[tuple[float, float]]) -> Floats:
        return np.concatenate(list(in_threads(self._loud_tiles, stretches, self.device)))

    def _loud_tiles(self, stretch: tuple[float, float]) -> Floats:
        """Loudest tile of each time bin of a stretch's inner part, of energy `least` or more: ndarray of float64, shape (N, 4)."""
        block = self.record.block(*stretch)
        rate, size = block.sample_rate, len(block.values)
        low, high = self.frequency_range
        planes = q_tiling(size / rate, self.q_range, (low, min(high, rate / 2)))
        x = torch.from_numpy(block.values)[None].to(self.device)
        x = x.to(torch.float32) if self.whitened else whiten(x, rate, decimate=decimation(planes, rate, size))
        whole = whole_source(x)
        tiles = np.concatenate([_loud_in_plane(whole, plane, self.least) for plane in planes])
        inner = (tiles[:, TIME] >= EDGE_SECONDS) & (tiles[:, TIME] < size / rate - EDGE_SECONDS)
        tiles = tiles[inner]
        bins = np.floor(tiles[:, TIME] / BIN_SECONDS)
        order = np.lexsort((-tiles[:, ENERGY], bins))
        _, first = np.unique(bins[order], return_index=True)
        tiles = tiles[order][first]
        tiles[:, TIME] += block.start
        return tiles


def _loud_in_plane(whole: Source, plane: QPlane, least: float) -> Floats:
    """Tiles of a plane of at least this normalised energy, one per time of a group of rows: ndarray of float64, shape (N, 4)."""
    found = [np.empty((0, 4))]
    for group in plane_tiles([whole], plane):
        energies = group.energies[0]
        stride = max(1, energies.shape[-1] // MEDIAN_TILES)
        energy, row = (energies / median(energies[:, ::stride])[:, None]).max(0)
        at = (energy >= least).nonzero()[:, 0]
        frequencies = np.asarray(plane.frequencies)[np.asarray(group.rows)]
        found.append(
            np.stack(
                [
                    at.cpu().numpy() / group.rate,
                    energy[at].double().cpu().numpy(),
                    frequencies[row[at].cpu().numpy()],
                    np.full(len(at), plane.q),
                ],
                -1,
            )
        )
    return np.concatenate(found)


def loudest_apart(tiles: Floats, dead_time: float) -> Floats:
    """Keep the loudest tile, remove all others within the dead time, and so on; of equally loud ones the earlier is kept.

    Parameters
    ----------
    tiles : ndarray of float64, shape (N, 4)
        Columns `TIME` (s), `ENERGY`, `FREQUENCY` (Hz) and `Q`.
    dead_time : float
        Seconds.

    Returns
    -------
    ndarray of float64, shape (M, 4)
        In order of time.
    """
    return tiles[loudest_rows(tiles[:, TIME], tiles[:, ENERGY], dead_time)]


def loudest_rows(times: Floats, loudness: Floats, dead_time: float) -> Rows:
    """Choose what `loudest_apart` keeps, of anything that has a time and a loudness.

    Parameters
    ----------
    times, loudness : ndarray of float64, shape (N,)
        Times in seconds, in any order.
    dead_time : float
        Seconds.

    Returns
    -------
    ndarray of int64, shape (M,)
        Rows, in order of time.
    """
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    free = np.ones(len(times), dtype=bool)
    kept = []
    for row in np.argsort(-loudness[order], kind="stable").tolist():
        if free[row]:
            kept.append(row)
            first = np.searchsorted(ordered, ordered[row] - dead_time, side="right")
            last = np.searchsorted(ordered, ordered[row] + dead_time, side="left")
            free[first:last] = False
    return order[np.sort(np.array(kept, dtype=np.int64))].astype(np.int64)
