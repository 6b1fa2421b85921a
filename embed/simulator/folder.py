"""Simulated glitches streamed to a folder laid out as Gravity Spy's: images or strain, with the truth beside them."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import h5py
import numpy as np
from PIL import Image

from embed.errors import InputError
from embed.gravityspy import DURATIONS
from embed.simulator.injection import BLOCK_S, Detector, Injection, lay, strain_block
from embed.simulator.noise import SAMPLE_RATE
from embed.simulator.options import CATALOGUE, DESIGN, LABEL_NOISE
from embed.simulator.population import Entry, Population, default_classes, default_span, stream
from embed.simulator.simulation import PICTURE_SHAPE, prepare_detectors, view_batches
from embed.simulator.tables import Tables
from embed.storage import storage_errors
from embed.unfinished import begin, check_fillable, finish
from embed.views.viridis import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import torch
    from numpy.typing import NDArray

    from embed.types import Progress

STRAIN_S = 64.0
"""Length of a block of strain: Gravity Spy's."""

TRUTH_COLUMNS = ("id", "ifo", "gps", "truth", "label", "morphology", "snr", "peak_frequency", "q", "companion",
                 "companion_time", "normalisation", "parameters")  # fmt: skip
METADATA_COLUMNS = ("event_time", "ifo", "peak_time", "peak_time_ns", "peak_frequency", "channel", "snr", "q_value",
                    "gravityspy_id", "label")  # fmt: skip


def simulate(
    out: Path,
    n: int,
    seed: int,
    *,
    classes: Sequence[str] | None = None,
    hidden: Sequence[str] = (),
    noise: Literal["design"] | Sequence[Path] = DESIGN,
    label_noise: float = LABEL_NOISE,
    onset: Mapping[str, float] | None = None,
    span: tuple[float, float] | None = None,
    equal: bool = False,
    schedule: Literal["catalogue", "o1"] = CATALOGUE,
    output: Literal["images", "strain"] = "images",
    shape: tuple[int, int] = PICTURE_SHAPE,
    device: torch.device | str | None = None,
    progress: Progress | None = None,
) -> Population:
    """Simulate glitches into a folder.

    Parameters
    ----------
    out : Path
        The folder; it must not exist, or be empty, or hold the same simulation, unfinished: that one goes on.
    n, seed : int
        Number of glitches; same seed, same bytes.
    classes, hidden, label_noise, onset, span, equal, schedule
        See `Population`; the default is its 27 classes over six weeks of O1, or by O1's rates its 22 classes over all of it.
    noise, output, shape, device, progress
        See `write_study`.

    Returns
    -------
    Population
        What was simulated.
    """
    population = Population(
        n,
        seed,
        classes=default_classes(schedule) if classes is None else tuple(classes),
        hidden=tuple(hidden),
        span=default_span(schedule) if span is None else span,
        onset={} if onset is None else dict(onset),
        label_noise=label_noise,
        equal=equal,
        schedule=schedule,
    )
    return write_study(out, population, noise=noise, output=output, shape=shape, device=device, progress=progress)


def write_study(
    out: Path,
    population: Population,
    *,
    noise: Literal["design"] | Sequence[Path] = DESIGN,
    output: Literal["images", "strain"] = "images",
    shape: tuple[int, int] = PICTURE_SHAPE,
    device: torch.device | str | None = None,
    progress: Progress | None = None,
) -> Population:
    """Write a population to a folder.

    Parameters
    ----------
    out : Path
        The folder; it must not exist, or be empty, or hold the same simulation, unfinished: that one goes on.
    population : Population
        What to simulate.
    noise
        See `simulate_batch`.
    output : {"images", "strain"}
        Images: ``<label>/<IFO>_<id>_spectrogram_<duration>.png``, the picture inside the axes as a viridis palette image
        whose palette index is the level. Strain: ``<IFO>_<id>.hdf5``, 64 s in GWOSC's layout with the glitch in the middle,
        and no picture.
    shape : tuple of int
        Rows and columns of a picture.
    device : device, optional
        Where the Q-transform runs.
    progress : callable, optional
        Called with (glitches done, glitches in all).

    Returns
    -------
    Population
        What was simulated: with files of one detector's strain only that detector. ``truth.csv`` (`TRUTH_COLUMNS`) and
        ``metadata.csv`` (`METADATA_COLUMNS`, Gravity Spy's names) are beside the images; each line is written with its
        batch, so that memory does not grow with the population.

    Raises
    ------
    InputError
        An option is impossible, or the folder is not empty.
    StorageError
        The folder cannot be written, or the disk is full.
    """
    out = Path(out)
    if output not in ("images", "strain"):
        raise InputError(f"output {output!r} is neither 'images' nor 'strain'")
    facts = _facts(population, noise, output, shape, device)
    check_fillable(out, facts)
    population, detectors = prepare_detectors(population, noise, BLOCK_S if output == "images" else STRAIN_S)
    begin(out, facts)
    with storage_errors(out):
        with ExitStack() as stack:
            tables = stack.enter_context(Tables(out, {"truth.csv": TRUTH_COLUMNS, "metadata.csv": METADATA_COLUMNS}))
            numbers = range(tables.rows, population.n)
            report = progress and partial(_report, progress, tables.rows, population.n)
            if output == "strain":
                for entry, injection in _write_strain(out, population, detectors, numbers, report):
                    tile = injection.tile
                    row = _metadata_row(entry, tile.frequency, tile.snr, tile.q)
                    tables.add([_truth_row(entry, injection)], [row])
            elif numbers:
                pool = stack.enter_context(ThreadPoolExecutor(max_workers=2))
                for part in view_batches(
                    population, detectors, numbers=numbers, shape=shape, device=device, progress=report
                ):
                    list(pool.map(_write_views, [out] * len(part.entries), part.entries, part.levels))
                    truth = [_truth_row(*found) for found in zip(part.entries, part.injections, strict=True)]
                    columns = zip(part.entries, part.frequency, part.snr, part.q, strict=True)
                    tables.add(truth, [_metadata_row(*found) for found in columns])
        tables.finish()
        finish(out)
    return population


def _report(progress: Progress, before: int, whole: int, done: int, _: int) -> None:
    progress(before + done, whole)


def _facts(
    population: Population,
    noise: Literal["design"] | Sequence[Path],
    output: str,
    shape: tuple[int, int],
    device: torch.device | str | None,
) -> dict[str, object]:
    """All that decides the bytes of a simulation."""
    files = noise if isinstance(noise, str) else [str(Path(path).absolute()) for path in noise]
    onset = dict(population.onset)
    facts = {field.name: getattr(population, field.name) for field in fields(population)} | {"onset": onset}
    return {"simulation": facts, "noise": files, "output": output, "shape": list(shape), "device": str(device)}


def _write_views(out: Path, entry: Entry, levels: NDArray[np.uint8]) -> None:
    folder = out / entry.label
    folder.mkdir(exist_ok=True)
    for duration, view in zip(DURATIONS, levels, strict=True):
        image = Image.fromarray(view, mode="P")
        image.putpalette(table().tobytes())
        buffer = io.BytesIO()
        image.save(buffer, format="png", compress_level=4)
        (folder / f"{entry.ifo}_{entry.gravityspy_id}_spectrogram_{duration}.png").write_bytes(buffer.getvalue())


def _write_strain(
    out: Path,
    population: Population,
    detectors: Mapping[str, Detector],
    numbers: range,
    progress: Progress | None,
) -> Iterator[tuple[Entry, Injection]]:
    for done, index in enumerate(numbers, 1):
        entry = population.entry(index)
        rng = stream(population.seed, index, 1)
        where = detectors[entry.ifo]
        spectrum, injection = lay(entry.family, where, rng)
        start = entry.gps - STRAIN_S / 2
        whole = float(np.floor(start))  # files begin at whole seconds: move the glitch to its time in the file
        spectrum *= np.exp(-2j * np.pi * where.noise.frequencies * (start - whole))
        strain = strain_block(spectrum, where, rng)
        with h5py.File(out / f"{entry.ifo}_{entry.gravityspy_id}.hdf5", "w") as file:
            data = file.create_dataset("strain/Strain", data=strain)
            data.attrs.update({"Npoints": len(strain), "Xstart": whole, "Xspacing": 1.0 / SAMPLE_RATE})
            data.attrs.update({"Xunits": "second", "Yunits": "", "Xlabel": "GPS time", "Ylabel": "Strain"})
            for name, value in (("Detector", entry.ifo), ("Description", "simulated strain")):
                file[f"meta/{name}"] = value
            file["meta/GPSstart"], file["meta/Duration"] = int(whole), int(STRAIN_S)
            file["quality/simple/DQmask"] = np.full(int(STRAIN_S), 1, dtype=np.uint32)
            file["quality/simple/DQShortnames"] = np.array([b"DATA"])
        yield entry, injection
        if progress is not None:
            progress(done, len(numbers))


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
