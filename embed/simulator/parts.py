"""Parts of a simulation: some of its glitches as the bytes of their files and the rows of their tables, in this process or in another."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h5py
import numpy as np
import torch
from PIL import Image

from embed.gravityspy import DURATIONS
from embed.simulator.injection import lay, strain_block
from embed.simulator.noise import SAMPLE_RATE
from embed.simulator.population import stream
from embed.simulator.simulation import view_batches
from embed.views.viridis import table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from embed.simulator.injection import Detector, Injection
    from embed.simulator.population import Entry, Population

STRAIN_S = 64.0
"""Length of a block of strain: Gravity Spy's."""

PICTURES, STRAINS = 64, 16
"""Glitches of a part: a killed run loses at most these, and their files are in memory at once."""


@dataclass(frozen=True)
class Made:
    """A simulated glitch.

    Attributes
    ----------
    files : dict of str to bytes
        Path in the simulation's folder -> contents.
    truth, metadata : list
        Its rows of the tables, as `embed.simulator.folder.TRUTH_COLUMNS` and `METADATA_COLUMNS`.
    """

    files: dict[str, bytes]
    truth: list[object]
    metadata: list[object]


class Pictures:
    """The work of simulating pictures.

    Parameters
    ----------
    population : Population
    detectors : mapping of str to Detector
    shape : tuple of int
        Rows and columns of a picture.
    device : device, optional
        Where the Q-transform runs.
    """

    def __init__(
        self,
        population: Population,
        detectors: Mapping[str, Detector],
        shape: tuple[int, int],
        device: torch.device | str | None,
    ) -> None:
        self._population, self._detectors = population, dict(detectors)
        self._shape, self._device = shape, device

    def __call__(self, numbers: range) -> list[Made]:
        """Simulate these glitches of the population."""
        made: list[Made] = []
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            for part in view_batches(
                self._population, self._detectors, numbers=numbers, shape=self._shape, device=self._device
            ):
                files = pool.map(_view_files, part.entries, part.levels)
                columns = zip(part.entries, part.injections, part.frequency, part.snr, part.q, files, strict=True)
                made += [
                    Made(own, _truth_row(entry, injection), _metadata_row(entry, frequency, snr, q))
                    for entry, injection, frequency, snr, q, own in columns
                ]
        return made


class Strains:
    """The work of simulating strain: ``<IFO>_<id>.hdf5``, 64 s in GWOSC's layout with the glitch in the middle.

    Parameters
    ----------
    population : Population
    detectors : mapping of str to Detector
    """

    def __init__(self, population: Population, detectors: Mapping[str, Detector]) -> None:
        self._population, self._detectors = population, dict(detectors)

    def __call__(self, numbers: range) -> list[Made]:
        """Simulate these glitches of the population."""
        return [self._one(index) for index in numbers]

    def _one(self, index: int) -> Made:
        entry = self._population.entry(index)
        rng = stream(self._population.seed, index, 1)
        where = self._detectors[entry.ifo]
        spectrum, injection = lay(entry.family, where, rng)
        start = entry.gps - STRAIN_S / 2
        whole = float(np.floor(start))  # files begin at whole seconds: move the glitch to its time in the file
        spectrum *= np.exp(-2j * np.pi * where.noise.frequencies * (start - whole))
        data = _strain_file(strain_block(spectrum, where, rng), entry.ifo, whole)
        tile = injection.tile
        return Made(
            {f"{entry.ifo}_{entry.gravityspy_id}.hdf5": data},
            _truth_row(entry, injection),
            _metadata_row(entry, tile.frequency, tile.snr, tile.q),
        )


def _view_files(entry: Entry, levels: NDArray[np.uint8]) -> dict[str, bytes]:
    files = {}
    for duration, view in zip(DURATIONS, levels, strict=True):
        image = Image.fromarray(view, mode="P")
        image.putpalette(table().tobytes())
        buffer = io.BytesIO()
        image.save(buffer, format="png", compress_level=4)
        name = f"{entry.ifo}_{entry.gravityspy_id}_spectrogram_{duration}.png"
        files[f"{entry.label}/{name}"] = buffer.getvalue()
    return files


def _strain_file(strain: NDArray[np.float64], ifo: str, start: float) -> bytes:
    with h5py.File(f"{ifo}.hdf5", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset("strain/Strain", data=strain)
        data.attrs.update({"Npoints": len(strain), "Xstart": start, "Xspacing": 1.0 / SAMPLE_RATE})
        data.attrs.update({"Xunits": "second", "Yunits": "", "Xlabel": "GPS time", "Ylabel": "Strain"})
        for name, value in (("Detector", ifo), ("Description", "simulated strain")):
            file[f"meta/{name}"] = value
        file["meta/GPSstart"], file["meta/Duration"] = int(start), int(STRAIN_S)
        file["quality/simple/DQmask"] = np.full(int(STRAIN_S), 1, dtype=np.uint32)
        file["quality/simple/DQShortnames"] = np.array([b"DATA"])
        file.flush()
        return file.id.get_file_image()


def _truth_row(entry: Entry, injection: Injection) -> list[object]:
    parameters = {name: float(f"{value:.6g}") for name, value in injection.parameters.items()}
    return [
        entry.gravityspy_id, entry.ifo, f"{entry.gps:.6f}", entry.truth, entry.label, entry.family.name,
        f"{injection.tile.snr:.3f}", f"{injection.tile.frequency:.3f}", f"{injection.tile.q:g}", injection.companion,
        f"{injection.companion_time:.3f}", entry.normalisation, json.dumps(parameters, separators=(",", ":")),
    ]  # fmt: skip


def _metadata_row(entry: Entry, frequency: float, snr: float, q: float) -> list[object]:
    seconds, fraction = divmod(entry.gps, 1.0)
    return [
        f"{entry.gps:.6f}", entry.ifo, int(seconds), round(fraction * 1e9), f"{frequency:.3f}", "SIMULATED-STRAIN",
        f"{snr:.3f}", f"{q:.3f}", entry.gravityspy_id, entry.label,
    ]  # fmt: skip
