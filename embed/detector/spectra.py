"""Measured spectra of the detectors, from files of spectra or of strain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import scipy.fft

from embed.errors import InputError
from embed.simulator.noise import HIGH_PASS_HZ, Noise, file_detector, file_psd, mean_psd

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from embed.types import Floats

ENDINGS = (".hdf", ".hdf5", ".h5")
DATA, STEP = "data", "delta_f"
"""Data set of a spectrum, 1/Hz from 0 Hz on, and its attribute of the distance between frequencies, Hz: PyCBC's layout."""


def curve_files(paths: Sequence[Path], ifos: Sequence[str]) -> dict[str, list[Path]]:
    """Sort files, and those of folders, by detector.

    Parameters
    ----------
    paths : sequence of Path
        Files named for their detector, as ``H1_psd-0.hdf`` and ``H-H1_LOSC_4_V2-1126259446-32.hdf5``, or folders of them.
    ifos : sequence of str
        Detectors that are needed; files of others are left out.

    Raises
    ------
    InputError
        When a path does not exist, a folder holds no such file, or a detector has none.
    """
    found: dict[str, list[Path]] = {}
    for path in paths:
        if not path.exists():
            raise InputError(f"no file or folder {path} of measured noise")
        files = sorted(file for file in path.iterdir() if file.suffix in ENDINGS) if path.is_dir() else [path]
        if not files:
            raise InputError(f"the folder {path} holds no file ending in {', '.join(ENDINGS)}; give one of spectra")
        for file in files:
            found.setdefault(file_detector(file), []).append(file)
    lacking = [ifo for ifo in ifos if ifo not in found]
    if lacking:
        raise InputError(
            f"--noise {' '.join(map(str, paths))} has nothing of {', '.join(lacking)}; give files of each detector, or other --ifos"
        )
    return {ifo: found[ifo] for ifo in ifos}


def curve_noise(path: Path, size: int, sample_rate: float) -> Noise:
    """Read a spectrum, or measure it in a file of strain, on the grid of `size` samples; its lines are left in `smooth`.

    See `embed.simulator.noise.mean_psd` for what continues it where it ends.

    Raises
    ------
    InputError
        When the file is neither, or is damaged.
    """
    grid = scipy.fft.rfftfreq(size, 1.0 / sample_rate)
    psd = mean_psd([_read_spectrum(path) or file_psd(path)], grid)
    return Noise(grid, psd, psd)


def _read_spectrum(path: Path) -> tuple[Floats, Floats] | None:
    """Frequencies and PSD of a file of a spectrum; None where it holds none."""
    try:
        with h5py.File(path) as file:
            if DATA not in file or STEP not in file[DATA].attrs:
                return None
            psd, step = np.asarray(file[DATA][()], np.float64), float(file[DATA].attrs[STEP])
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as HDF5 ({str(error)[:200]}); it is damaged, or of another format"
        ) from error
    frequencies = np.arange(len(psd), dtype=np.float64) * step
    heard = frequencies >= HIGH_PASS_HZ
    if psd.ndim != 1 or not step > 0 or not heard.any() or not np.isfinite(psd).all() or not (psd[heard] > 0).all():
        raise InputError(
            f"{path} is no spectrum: {DATA} must be a row of positive numbers from {HIGH_PASS_HZ:g} Hz on, with {STEP} above 0"
        )
    return frequencies[heard], psd[heard]
