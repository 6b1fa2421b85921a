"""What an evaluation of a detector writes: tables, a summary, and the page; and the background that a scan reads back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from discovery.sensitivity.background import MONTH, Background
from discovery.sensitivity.backgroundfile import BACKGROUND, background_rows, weights_mark
from discovery.sensitivity.noise import SLIDES
from discovery.sensitivity.page import sensitivity_html
from discovery.sensitivity.pictures import loud_pictures
from embed.csvfile import write_csv
from embed.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from discovery.sensitivity.evaluated import Evaluated
    from discovery.sensitivity.results import Results

MOST_ROWS = 100_000
"""Loudest background triggers that are written, of each search: a scan reads them back."""
SENSITIVITY = ("search", "false_alarm_probability", "threshold", "false_alarms", "noise", "snr", "found", "signals", "share", "low", "high")  # fmt: skip
AREAS = ("search", "snr", "auc", "low", "high")
AGREEMENT = ("search", "threshold", "slides", "slides_s", "alone", "alone_s", "chance")
DISTANCE = ("search", "far_per_month", "threshold", "distance_mpc", "low", "high", "found", "injections")
GLITCHES = ("search", "false_alarm_probability", "class", "shown", "glitches", "false_alarms", "low", "high")
GAINS = ("false_alarm_probability", "class", "glitches", "with_other", "with_this", "factor", "low", "high")
TABLES = (
    "sensitivity.csv",
    "auc.csv",
    "background.csv",
    "agreement.csv",
    "distance.csv",
    "glitches.csv",
    "summary.json",
)


def write_evaluation(found: Evaluated, results: Results, folder: Path, *, command: str, seed: int) -> dict[str, Path]:
    """Write everything.

    Parameters
    ----------
    found : Evaluated
    results : Results
    folder : Path
    command : str
        The command line that makes this again.
    seed : int
        Of the noise.

    Returns
    -------
    dict of str to Path
    """
    names = [*TABLES, *(["gains.csv"] if results.gains else []), "sensitivity.html"]
    files = {name: folder / name for name in names}
    write_csv(files["sensitivity.csv"], SENSITIVITY, _sensitivity(results))
    write_csv(
        files["auc.csv"], AREAS, [(name, snr, *row) for name, rows in results.areas.items() for snr, *row in rows]
    )
    write_csv(files["background.csv"], BACKGROUND, _background(found))
    write_csv(
        files["agreement.csv"],
        AGREEMENT,
        [
            (name, one.threshold, *one.first, *one.second, one.chance)
            for name, rows in results.agreement.items()
            for one in rows
        ],
    )
    write_csv(
        files["distance.csv"],
        DISTANCE,
        [
            (
                name,
                rate,
                threshold,
                *((one.distance, one.low, one.high, one.found, one.injections) if one else (None,) * 5),
            )
            for name, rows in results.distances.items()
            for rate, threshold, one in rows
        ],
    )
    write_csv(files["glitches.csv"], GLITCHES, results.glitches)
    if results.gains:
        write_csv(
            files["gains.csv"],
            GAINS,
            [
                (probability, one.label, one.glitches, one.first, one.second, one.factor, one.low, one.high)
                for probability, one in results.gains
            ],
        )
    write_text(files["summary.json"], json.dumps(_summary(found, results), indent=2, allow_nan=False) + "\n")
    pictures = loud_pictures(found, results, seed=seed)
    page = sensitivity_html(
        found, results, pictures, command=command, beside=[name for name in names if name != "sensitivity.html"]
    )
    write_text(files["sensitivity.html"], page)
    return files


def _sensitivity(results: Results) -> Iterator[tuple[Any, ...]]:
    for name, curves in results.curves.items():
        for curve in curves:
            cut = curve.threshold
            for place, snr in enumerate(curve.snr.tolist()):
                found = int(curve.found[place]) if cut.supported else None
                yield (
                    name, cut.probability, cut.value, cut.alarms, cut.noise, snr, found, int(curve.signals[place]),
                    curve.share[place], *curve.interval[place],
                )  # fmt: skip


def _background(found: Evaluated) -> Iterator[tuple[Any, ...]]:
    for name, own in found.noise.items():
        detector = found.detectors.get(name)
        mark = weights_mark(detector.card["weights_sha256"]) if detector else ""
        for background in (own.slides, own.alone):
            if background is not None:
                for value in background.statistic[:MOST_ROWS].tolist():
                    yield name, mark, background.how, round(background.livetime, 6), value


def read_background(path: Path, weights: str) -> Background:
    """Read the background of a detector from its evaluation: time slides, or noise alone where there are none.

    Parameters
    ----------
    path : Path
        ``background.csv``.
    weights : str
        SHA-256 of the detector's; empty for the matched filter.

    Raises
    ------
    InputError
        When the file cannot be read, or has no background of the detector.
    """
    found: dict[str, tuple[float, list[float]]] = {}
    for how, livetime, value in background_rows(path, weights):
        found.setdefault(how, (livetime, []))[1].append(value)
    how = min(found, key=lambda one: one != SLIDES)
    livetime, values = found[how]
    return Background(
        np.sort(np.array(values))[::-1], livetime, how, min(values) if len(values) >= MOST_ROWS else -np.inf
    )


def _summary(found: Evaluated, results: Results) -> dict[str, Any]:
    options = found.options
    return {
        "detectors": {name: {"network": one.card["network"], "classes": list(one.source.classes), "weights": one.card["weights_sha256"]} for name, one in found.detectors.items()},
        "source": found.source.facts(),
        "noise_segments": {name: len(own.segments) for name, own in found.noise.items()},
        "livetime_s": {
            name: {background.how: background.livetime for background in (own.alone, own.slides) if background is not None}
            for name, own in found.noise.items()
        },
        "least_far_per_month": {
            name: (own.slides or own.alone).least_rate() * MONTH for name, own in found.noise.items()
        },
        "signals_each": options.signals,
        "injections": len(found.injections.snr),
        "templates": None if found.bank is None else found.bank.templates,
        "bank_match": None if found.bank is None else [round(value, 4) for value in np.percentile(found.bank.matches, (0, 5, 50)).tolist()],
        "saturation": {name: {"loud_signals": one.loud, "probability_is_1": one.saturated, "log_odds": list(one.span)} for name, one in results.saturation.items()},
        "confusion": {name: {"classes": list(one.classes), "counts": results.confusion[name].tolist()} for name, one in found.mixtures.items()},
        "seed": options.seed,
        "torch": torch.__version__,
    }  # fmt: skip
