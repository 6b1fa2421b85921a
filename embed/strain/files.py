"""Strain files: GWOSC's HDF5, gwpy's HDF5 and GWF frames, read in parts, with their gaps and data-quality bits.

A file is opened once for its detector, start, rate and quality bits, and read in parts later. The files of a detector make
one record in time; where no file covers it, or its samples are NaN, the record has a gap.

GWOSC's layout (gwosc.org): ``strain/Strain`` with attributes Xstart (GPS s) and Xspacing (s), ``meta/Detector``,
``quality/simple/DQmask`` (1 Hz, one bit per name of ``DQShortnames``). gwpy's: any data set with attributes x0 and dx.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from embed.errors import InputError
from embed.storage import first_bytes

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from embed.types import Flags, Floats

HDF5, GWF = b"\x89HDF\r\n\x1a\n", b"IGWD"
"""How files of the two formats begin."""

LEAST_SAMPLE_RATE = 256.0
"""Hz; below it the picture, 10 to 2048 Hz, would be empty over more than half its height."""

MOST_SAMPLES = 2**30
"""Samples of one file: 18 hours at 16384 Hz. A header that says more is damaged, or the file does not fit into memory."""

DQ_NAMES = ("DATA", "CBC_CAT1", "CBC_CAT2", "CBC_CAT3", "BURST_CAT1", "BURST_CAT2", "BURST_CAT3")
"""Data-quality bits 0 to 6 of GWOSC's files."""

REQUIRED = ("DATA", "CBC_CAT1", "BURST_CAT1")
"""Bits that must be on; in category 1 the detector was not working as it should."""


@dataclass(frozen=True)
class StrainFile:
    """One channel of one file.

    Attributes
    ----------
    path : Path
    channel : str
        Data set of an HDF5 file, channel of a GWF file.
    ifo : str
        Detector: ``H1``, ``L1``, ``V1``, ...
    start : float
        GPS time of the first sample, s.
    size : int
        Samples.
    sample_rate : float
        Hz, a whole number.
    quality : dict of str to ndarray of bool, shape (S,)
        For each data-quality bit, whether it is on, for each second from ``start``. Empty where the file has none.
    is_gwf : bool
        Whether the file is GWF; otherwise HDF5.
    """

    path: Path
    channel: str
    ifo: str
    start: float
    size: int
    sample_rate: float
    quality: Mapping[str, Flags] = field(default_factory=dict, repr=False)
    is_gwf: bool = False

    @property
    def end(self) -> float:
        """GPS time after the last sample, s."""
        return self.start + self.size / self.sample_rate

    def read(self, first: int, last: int) -> Floats:
        """Read samples ``first`` to ``last`` (exclusive): ndarray of float64, shape (last - first,).

        Raises
        ------
        InputError
            When the file is missing or damaged.
        """
        try:
            if self.is_gwf:
                start, rate = self.start, self.sample_rate
                series = gwpy_timeseries().TimeSeries.read(
                    str(self.path), self.channel, start=start + first / rate, end=start + last / rate
                )
                return np.asarray(series.value, dtype=np.float64)
            with h5py.File(self.path, "r") as file:
                return np.asarray(file[self.channel][first:last], dtype=np.float64)
        except (OSError, KeyError, RuntimeError) as error:
            raise InputError(
                f"{self.path} cannot be read ({str(error)[:200]}); it is damaged, or has changed since it was opened"
            ) from error

    def off(self, start: float, end: float, required: Iterable[str] = REQUIRED) -> list[tuple[int, str]]:
        """Seconds from ``start`` to ``end`` (GPS) in which a required quality bit is off, with the bit's name.

        Bits that the file does not have are ignored.
        """
        seconds = slice(max(0, int(np.floor(start - self.start))), max(0, int(np.ceil(end - self.start))))
        return [
            (int(self.start) + seconds.start + int(second), name)
            for name in required
            if name in self.quality
            for second in np.flatnonzero(~self.quality[name][seconds])
        ]


def open_strain(path: str | os.PathLike[str], *, ifo: str | None = None, channel: str | None = None) -> StrainFile:
    """Open a strain file of any of the three kinds.

    Parameters
    ----------
    path : path
        The format is found from the content, not from the name.
    ifo : str, optional
        The detector; needed where the file does not name it.
    channel : str, optional
        Data set or channel to read, where the file has several.

    Raises
    ------
    InputError
        When it is no strain file, of another detector or of none, has several channels, an impossible sample rate, or sizes
        that contradict each other, or when it is GWF and gwpy or a frame library is missing.
    """
    path = Path(path)
    head = first_bytes(path)
    if head.startswith(GWF):
        found = _open_gwf(path, channel)
    elif head == HDF5:
        found = _open_hdf5(path, channel)
    else:
        raise InputError(
            f"{path} is neither HDF5 nor GWF (it begins with {head!r}); give strain files of GWOSC or gwpy"
        )
    return _checked(path, ifo=ifo, **found)


def _open_hdf5(path: Path, channel: str | None) -> dict[str, Any]:
    try:
        with h5py.File(path, "r") as file:
            if channel is None and "strain/Strain" in file:
                return _gwosc(path, file)
            return _gwpy_dataset(path, file, channel)
    except (OSError, KeyError, ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is damaged or no strain file ({str(error)[:200]})") from error


def _series(path: Path, file: h5py.File, name: str) -> h5py.Dataset:
    """Return a data set; it must be one series of numbers and fit into memory."""
    data = file[name]
    if not isinstance(data, h5py.Dataset) or data.ndim != 1:
        raise InputError(
            f"{path}: {name} has shape {getattr(data, 'shape', 'of a group')}; strain is one series of samples"
        )
    if data.dtype.kind not in "fiu":
        raise InputError(f"{path}: {name} holds no numbers ({data.dtype}); strain is one series of samples")
    if data.size > MOST_SAMPLES:
        raise InputError(
            f"{path}: {name} has {data.size} samples, the limit is {MOST_SAMPLES}; split it, or fetch it again if it is damaged"
        )
    return data


def _gwosc(path: Path, file: h5py.File) -> dict[str, Any]:
    data = _series(path, file, "strain/Strain")
    found: dict[str, Any] = {
        "channel": "strain/Strain",
        "found_ifo": _text(file["meta/Detector"][()]) if "meta/Detector" in file else None,
        "start": float(data.attrs["Xstart"]),
        "size": int(data.size),
        "spacing": float(data.attrs["Xspacing"]),
        "said_size": int(data.attrs["Npoints"]) if "Npoints" in data.attrs else None,
        "said_seconds": float(file["meta/Duration"][()]) if "meta/Duration" in file else None,
    }
    if "quality/simple/DQmask" in file:
        names = [_text(name) for name in file["quality/simple/DQShortnames"][()]]
        found["quality"] = _bits(file["quality/simple/DQmask"][()], names)
    return found


def _gwpy_dataset(path: Path, file: h5py.File, channel: str | None) -> dict[str, Any]:
    sets: list[str] = []
    file.visititems(
        lambda name, item: (
            sets.append(name) if isinstance(item, h5py.Dataset) and {"x0", "dx"} <= set(item.attrs) else None
        )
    )
    kind = "series with a start (x0) and a spacing (dx)"
    name = _only(path, channel, sets, kind, kind)
    data = _series(path, file, name)
    text = " ".join(_text(data.attrs.get(key, "")) for key in ("channel", "name"))
    prefix = re.search(r"\b([A-Z][0-9]):", text)
    return {
        "channel": name,
        "found_ifo": prefix[1] if prefix else None,
        "start": float(data.attrs["x0"]),
        "size": int(data.size),
        "spacing": float(data.attrs["dx"]),
    }


def _open_gwf(path: Path, channel: str | None) -> dict[str, Any]:
    timeseries = gwpy_timeseries()
    from gwpy.io.gwf import data_segments, get_channel_names  # noqa: PLC0415 - optional

    try:
        names = get_channel_names(str(path))
        name = _only(path, channel, [n for n in names if "STRAIN" in n.upper()], "strain channel", "strain channels")
        (segment, *others) = data_segments([str(path)], name)
        start, end = float(segment[0]), float(segment[1])
        spacing = float(timeseries.TimeSeries.read(str(path), name, start=start, end=min(end, start + 1)).dt.value)
        masks = [n for n in names if n.endswith("DQMASK")]
        quality = _bits(timeseries.StateVector.read(str(path), masks[0]).value, DQ_NAMES) if len(masks) == 1 else {}
    except ImportError as error:
        raise InputError(
            f"{path}: reading GWF needs a frame library ({error}); pip install lalsuite, or convert the file to HDF5"
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is damaged or holds no strain ({str(error)[:200]})") from error
    if others:
        raise InputError(f"{path} has {len(others)} gaps in {name}; split it into files without gaps")
    return {
        "channel": name,
        "found_ifo": name.partition(":")[0] if ":" in name else None,
        "start": start,
        "size": round((end - start) / spacing),
        "spacing": spacing,
        "quality": quality,
        "is_gwf": True,
    }


def gwpy_timeseries() -> Any:  # noqa: ANN401 - a module without types
    """Import ``gwpy.timeseries``, which is optional and slow to import.

    Raises
    ------
    InputError
        When it is not installed.
    """
    try:
        import gwpy.timeseries  # noqa: PLC0415
    except ImportError as error:
        raise InputError(f"this needs gwpy ({error}); pip install 'glitch-discovery[strain]'") from error
    return gwpy.timeseries


def _checked(
    path: Path,
    *,
    ifo: str | None,
    channel: str,
    found_ifo: str | None,
    start: float,
    size: int,
    spacing: float,
    said_size: int | None = None,
    said_seconds: float | None = None,
    quality: Mapping[str, Flags] | None = None,
    is_gwf: bool = False,
) -> StrainFile:
    """Refuse a file whose values contradict each other or cannot be used."""
    named = re.match(r"[A-Z]+-([A-Z][0-9])_", path.name)  # H-H1_GWOSC_...: the naming of frame files, LIGO-T010150
    found_ifo = found_ifo or (named[1] if named else None)
    if ifo is not None and found_ifo is not None and ifo != found_ifo:
        raise InputError(
            f"{path} is strain of {found_ifo}, not of {ifo}; name the right file, or leave the detector out"
        )
    detector = found_ifo or ifo
    if detector is None or not re.fullmatch(r"[A-Z][0-9]", detector):
        raise InputError(f"{path} does not say which detector it is of (found {detector!r}); name it: --ifo H1")
    if not (np.isfinite(spacing) and spacing > 0 and np.isfinite(start)):
        raise InputError(f"{path} says its samples start at {start} and are {spacing} s apart; the file is damaged")
    rate = 1 / spacing
    if abs(rate - round(rate)) > 1e-6 * rate or rate < LEAST_SAMPLE_RATE:
        raise InputError(
            f"{path} has a sample rate of {rate:.6g} Hz; a whole number of at least {LEAST_SAMPLE_RATE:g} Hz is "
            "needed, resample it first (gwpy: TimeSeries.resample)"
        )
    rate = float(round(rate))
    for said in (said_size, None if said_seconds is None else round(said_seconds * rate)):
        if said is not None and said != size:
            raise InputError(
                f"{path} holds {size} samples at {rate:g} Hz, but its header says {said} samples; it is damaged or cut short"
            )
    if size == 0:
        raise InputError(f"{path} holds no samples")
    return StrainFile(path, channel, detector, start, size, rate, quality or {}, is_gwf)


def _only(path: Path, wanted: str | None, names: list[str], what: str, several: str) -> str:
    """Return the wanted name, or the only one."""
    shown = ", ".join(names[:8]) or "none"
    if wanted is not None:
        if wanted not in names:
            raise InputError(f"{path} has no {what} named {wanted!r}; there are: {shown}")
        return wanted
    if len(names) != 1:
        if not names:
            raise InputError(f"{path} has no {what}; give a file of strain of GWOSC or gwpy")
        raise InputError(f"{path} has {len(names)} {several}: {shown}; name one: --channel")
    return names[0]


def _bits(mask: NDArray[np.integer[Any]], names: Iterable[str]) -> dict[str, Flags]:
    return {name: (np.asarray(mask, dtype=np.int64) >> bit & 1).astype(bool) for bit, name in enumerate(names)}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
