"""Open data: strain of a public time, fetched from the Gravitational Wave Open Science Center and kept as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from embed.errors import InputError
from embed.storage import storage_errors
from embed.strain.files import StrainFile, gwpy_timeseries, open_strain
from embed.strain.record import BLOCK_SECONDS

if TYPE_CHECKING:
    import os

SAMPLE_RATE = 16384
"""Hz, Gravity Spy's; data at 4096 Hz are not valid above about 1700 Hz."""


def fetch_open_strain(
    ifo: str,
    gps: float,
    folder: str | os.PathLike[str],
    *,
    seconds: float = BLOCK_SECONDS,
    sample_rate: int = SAMPLE_RATE,
) -> StrainFile:
    """Fetch the block of strain around a time; a block that was fetched before is opened.

    Parameters
    ----------
    ifo : str
        Detector.
    gps : float
        s.
    folder : path
        Where the file is kept, as gwpy's HDF5; a missing folder is made.
    seconds : float
        Length of the block, which begins at ``round(gps - seconds / 2)`` as Gravity Spy's.
    sample_rate : int
        4096 or 16384 Hz.

    Raises
    ------
    InputError
        When gwpy or the network is missing, or there is no public strain of that detector and time.
    StorageError
        When the folder cannot be written, or the disk is full.
    """
    start = round(gps - seconds / 2)
    path = Path(folder) / f"{ifo[0]}-{ifo}_GWOSC_{sample_rate // 1024}KHZ-{start}-{seconds:g}.hdf5"
    if not path.exists():
        timeseries = gwpy_timeseries()
        try:
            series = timeseries.TimeSeries.fetch_open_data(ifo, start, start + seconds, sample_rate=sample_rate)
        except Exception as error:
            raise InputError(
                f"no open strain of {ifo} at GPS {start} to {start + round(seconds)} could be fetched ({str(error)[:200]}); "
                "is there a network, and is the time public? Or download a file from gwosc.org and give its path"
            ) from error
        series.name = f"{ifo}:GWOSC"
        partial = path.with_suffix(".partial")
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            series.write(str(partial), path="strain", format="hdf5", overwrite=True)
            partial.replace(path)
    return open_strain(path, ifo=ifo)
