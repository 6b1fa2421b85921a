"""The evaluation of a detector: from its folder to what it finds of signals, noise and glitches, beside a matched filter on the same segments."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from discovery.sensitivity.bank import build_bank
from discovery.sensitivity.evaluated import Evaluated
from discovery.sensitivity.measurement import (
    measure_glitches,
    measure_injections,
    measure_mixture,
    measure_signals,
)
from discovery.sensitivity.noise import plan_noise, search_noise
from discovery.sensitivity.options import MOST_SLIDES, SensitivityOptions, check_comparable
from discovery.sensitivity.outputs import write_evaluation
from discovery.sensitivity.results import Results, evaluated_results
from discovery.sensitivity.statistic import FilterStatistic, NetworkStatistic, Statistic
from embed.detector.examples import Examples
from embed.detector.model import Detector, load_detector

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from embed.types import Step

FIRST_SEED = 2**40
"""Seeds of examples of an evaluation begin here: no training has them."""
MIXED = 3_000
"""Examples of all classes for the confusion matrix."""


def evaluate_detector(
    folder: Path,
    options: SensitivityOptions,
    *,
    against: Path | None = None,
    device: torch.device | None = None,
    out: Path | None = None,
    command: str = "",
    step: Step = lambda _: None,
) -> tuple[Evaluated, Results]:
    """Judge a detector, and write tables and page.

    Parameters
    ----------
    folder : Path
        Of the detector.
    options : SensitivityOptions
    against : Path, optional
        Another detector that reads the same segments, judged beside it.
    device : torch.device, optional
        Where networks and matched filter run.
    out : Path, optional
        By default ``evaluation`` in the detector's folder.
    command : str
        The command line, for the page.
    step : callable
        Receives the name of each step as it begins.

    Returns
    -------
    Evaluated
        With the files that were written.
    Results

    Raises
    ------
    InputError, StudyError
        When a detector cannot be read, or the two read different segments.
    """
    where = device or torch.device("cpu")
    detectors = load_detectors([folder] if against is None else [folder, against], where)
    source = next(iter(detectors.values())).source
    seed = FIRST_SEED + 16 * options.seed
    networks: list[Statistic] = [NetworkStatistic(name, detector) for name, detector in detectors.items()]
    statistics, bank = list(networks), None
    if options.templates:
        step("build the bank of templates")
        bank = build_bank(source, options.minimal_match, seed=seed, device=where)
        statistics.append(FilterStatistic(bank.search, source))
    step(f"search {options.noise:,} segments of noise and {options.livetime:g} h of time slides")
    plan = plan_noise(source, options.noise, options.livetime * 3600)
    noise = search_noise(networks, source, plan, seed=seed + 1)
    if bank is not None:
        step("search noise by the matched filter")
        plan = plan_noise(  # slides cost it little
            source, options.noise, options.livetime * 3600, slides=MOST_SLIDES
        )
        noise |= search_noise(statistics[-1:], source, plan, seed=seed + 1)
    step(f"judge {options.signals} signals at each loudness")
    signals = measure_signals(statistics, Examples(source, seed + 2), options.signals)
    step(f"judge {options.injections:,} injections")
    injections = measure_injections(statistics, Examples(source, seed + 3), options.injections, seed=seed + 3)
    glitches = None
    if options.glitches:
        step(f"judge {options.glitches:,} glitches")
        glitches = measure_glitches(statistics, Examples(replace(source, without=()), seed + 4), options.glitches)
    step("confusion matrix")
    mixtures = {
        name: measure_mixture(detector, Examples(detector.source, seed + 5), min(MIXED, options.noise))
        for name, detector in detectors.items()
    }
    found = Evaluated(source, options, detectors, noise, signals, injections, glitches, mixtures, bank)
    step("write")
    results = evaluated_results(found)
    files = write_evaluation(found, results, out or folder / "evaluation", command=command, seed=seed)
    return replace(found, files=files), results


def load_detectors(folders: Sequence[Path], device: torch.device) -> dict[str, Detector]:
    """Read detectors that are to judge the same segments: by name, the folder's.

    Raises
    ------
    InputError
        When two have one name, or read different segments.
    """
    found = [load_detector(folder, device) for folder in folders]
    check_comparable([(one.folder, one.source) for one in found])
    return {one.folder.resolve().name: one for one in found}
