"""Public strain from GWOSC, fetched by detector and GPS time through gwpy and kept as files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embed.errors import InputError
from embed.record import BLOCK_SECONDS
from embed.storage import storage_errors

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE_RATES = (16384, 4096)
"""Hz; Gravity Spy reads the first, and every release has the second."""


def fetch_open_strain(ifo: str, gps: float, folder: Path, *, seconds: float = BLOCK_SECONDS) -> Path:
    """Fetch the strain around a time, in gwpy's HDF5 layout; what was fetched before is not fetched again.

    Parameters
    ----------
    ifo : str
        Detector.
    gps : float
        The middle, s.
    folder : Path
        Where the file goes.
    seconds : float
        Length.

    Raises
    ------
    InputError
        gwpy is not installed, there is no network, or nothing is public at that time; the message quotes the cause.
    StorageError
        The folder cannot be written.
    """
    start = round(gps - seconds / 2)
    path = folder / f"{ifo}-open-{start}-{seconds:.0f}.hdf5"
    if path.exists():
        return path
    series = _fetch(ifo, start, start + round(seconds))
    series.name = f"{ifo}:open strain"
    with storage_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        series.write(str(temporary), format="hdf5", path="strain", overwrite=True)
        temporary.replace(path)
    return path


def _fetch(ifo: str, start: int, end: int) -> Any:  # noqa: ANN401 - gwpy.timeseries.TimeSeries
    try:
        from gwpy.timeseries import TimeSeries  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        raise InputError(f"open data needs gwpy ({error}); pip install 'glitch-discovery[strain]'") from error
    causes = []
    for rate in SAMPLE_RATES:
        try:
            return TimeSeries.fetch_open_data(ifo, start, end, sample_rate=rate)
        except Exception as error:  # noqa: BLE001 - the fetching libraries' errors have no common base class
            causes.append(f"{rate} Hz: {(str(error).strip().splitlines() or [type(error).__name__])[0][:120]}")
    raise InputError(
        f"no open data of {ifo} at GPS {start} to {end} ({'; '.join(causes)}); check time and network, or give strain files"
    )
