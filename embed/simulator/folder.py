"""Simulated glitches streamed to a folder laid out as Gravity Spy's: images or strain, with the truth beside them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from embed.errors import InputError
from embed.fleet.spread import check_processor, here
from embed.simulator.injection import BLOCK_S
from embed.simulator.options import CATALOGUE, DESIGN, LABEL_NOISE
from embed.simulator.parts import PICTURES, STRAIN_S, STRAINS, Pictures, Strains
from embed.simulator.population import Population, default_classes, default_span
from embed.simulator.simulation import PICTURE_SHAPE, prepare_detectors
from embed.simulator.tables import Tables
from embed.storage import storage_errors
from embed.unfinished import begin, check_fillable, finish

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embed.fleet.spread import Spread
    from embed.types import Progress

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
    spread: Spread = here,
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
    noise, output, shape, device, progress, spread
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
    return write_study(
        out, population, noise=noise, output=output, shape=shape, device=device, progress=progress, spread=spread
    )


def write_study(
    out: Path,
    population: Population,
    *,
    noise: Literal["design"] | Sequence[Path] = DESIGN,
    output: Literal["images", "strain"] = "images",
    shape: tuple[int, int] = PICTURE_SHAPE,
    device: torch.device | str | None = None,
    progress: Progress | None = None,
    spread: Spread = here,
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
    spread : Spread
        Where the glitches are made: in this process, or on an `embed.fleet.cluster.Fleet`, with the same bytes.

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
    FleetError
        The machines cannot be used.
    """
    out = Path(out)
    if output not in ("images", "strain"):
        raise InputError(f"output {output!r} is neither 'images' nor 'strain'")
    check_processor(spread, torch.device(device or "cpu").type)
    facts = _facts(population, noise, output, shape, device)
    check_fillable(out, facts)
    population, detectors = prepare_detectors(population, noise, BLOCK_S if output == "images" else STRAIN_S)
    begin(out, facts)
    work, size = (
        (Pictures(population, detectors, shape, device), PICTURES)
        if output == "images"
        else (Strains(population, detectors), STRAINS)
    )
    with storage_errors(out):
        with Tables(out, {"truth.csv": TRUTH_COLUMNS, "metadata.csv": METADATA_COLUMNS}) as tables:
            starts = range(tables.rows, population.n, size)
            parts = [range(start, min(start + size, population.n)) for start in starts]
            for number, made in spread(work, parts, in_order=True):
                for one in made:
                    _write(out, one.files)
                tables.add([one.truth for one in made], [one.metadata for one in made])
                if progress is not None:
                    progress(parts[number].stop, population.n)
        tables.finish()
        finish(out)
    return population


def _write(out: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = out / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


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
