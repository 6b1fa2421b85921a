"""From options to a trained detector in its folder."""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from embed.detector.loop import Training, fit
from embed.detector.model import Detector, load_detector, save_detector
from embed.detector.noise import NoiseSource
from embed.detector.place import CARD, HISTORY, check_place
from embed.detector.thirdclass import shown_families
from embed.network.devices import choose_device
from embed.storage import beside, move_into_place, settle, storage_errors
from embed.training.distributed import Ranks, join_ranks, leave_ranks
from embed.training.place import training_folder
from embed.training.recipe import in_bfloat16
from embed.training.schedule import best_epoch
from embed.training.steps import drop_finished, stopped_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from embed.detector.options import DetectorOptions
    from embed.types import Progress


def train_detector(
    options: DetectorOptions,
    *,
    progress: Progress | None = None,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> Detector:
    """Train a detector, or continue a training that was stopped.

    Under torchrun every process calls this, and shares the batches; the first one writes.

    Parameters
    ----------
    options : DetectorOptions
    progress : callable, optional
        Called with (examples shown, examples at most).
    report : callable, optional
        Called with each row of the history, see `embed.detector.loop.COLUMNS`.

    Returns
    -------
    Detector
        With the weights of the best check.

    Raises
    ------
    InputError
        When there is another detector in the folder, noise cannot be read, or lalsuite is asked for and absent.
    TrainingError, DeviceError, StorageError
        See `embed.detector.loop.fit` and the modules of these names.
    """
    ranks, device = join_ranks(choose_device(options.device))
    try:
        with ranks.lead_first():
            if ranks.lead:
                settle(options.out, CARD)
        return _train(options, ranks, device, progress=progress, report=report)
    finally:
        leave_ranks(ranks)


def _train(
    options: DetectorOptions,
    ranks: Ranks,
    device: torch.device,
    *,
    progress: Progress | None,
    report: Callable[[dict[str, Any]], None] | None,
) -> Detector:
    folder = options.out
    half = in_bfloat16(options.precision, device.type)
    facts = options.facts() | {"precision": "bfloat16" if half else "float32"}
    stopped = training_folder(folder)
    if check_place(options, facts):
        if ranks.lead:
            drop_finished(stopped, facts)
        return load_detector(folder, device)
    if ranks.lead and options.replace and stopped_facts(stopped) != facts:
        shutil.rmtree(stopped, ignore_errors=True)
    ranks.wait()
    training = Training(options, device, ranks, half=half)
    rows = fit(training, facts, stopped, progress=progress, report=report)
    if ranks.lead:
        best = rows[best_epoch(rows, "loss")]
        card = facts | {
            "whitening": "by the spectrum of 66 s around, a filter of 2 s, the top fifth of the band faded out",
            "curves": NoiseSource(options.source, options.seed).curves,
            "glitch_families": list(shown_families(options.source.without)) if options.source.glitches else [],
            "shown": rows[-1]["examples"],
            "best": best,
            "device": device.type,
            "processes": ranks.world,
            "versions": {"torch": torch.__version__, "numpy": np.__version__, "lalsuite": _lalsuite()},
        }
        new, _ = beside(folder)
        shutil.rmtree(new, ignore_errors=True)
        with storage_errors(new):
            new.mkdir(parents=True)
            shutil.copyfile(stopped / HISTORY, new / HISTORY)
        save_detector(new, training.best, card)
        move_into_place(folder)
        shutil.rmtree(stopped, ignore_errors=True)
    ranks.wait()
    return load_detector(folder, device)


def _lalsuite() -> str:
    try:
        return version("lalsuite")
    except PackageNotFoundError:
        return "absent"
