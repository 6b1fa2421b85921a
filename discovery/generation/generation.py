"""The evaluation of a generator: from a study to ``evaluation.csv`` and ``generator.html``."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from discovery.generation.page import Shown, generator_html
from discovery.generation.real import real_glitches, report_folder
from embed.csvfile import write_csv
from embed.generator.features import make_features
from embed.generator.judgement import ClassFidelity, Judgement, judge
from embed.generator.learned import read_learned
from embed.generator.model import GeneratorModel, draw_latents
from embed.generator.source import Source, open_source
from embed.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from embed.generator.examples import Examples
    from embed.generator.learned import Learned
    from embed.study.study import Study
    from embed.types import Pixels, Progress

COLUMNS = tuple(ClassFidelity.__dataclass_fields__)
SHOWN = 4
"""Glitches of each class on the page."""
BETWEEN = 6
"""Pictures of a walk from one generated glitch to another."""


@dataclass(frozen=True)
class Question:
    """What is asked of a generator.

    Attributes
    ----------
    name : str
        A generator of the study, or the simulator.
    features : str
        See `embed.generator.features.make_features`.
    count : int
        Glitches to generate of each class.
    resolution : int
        Side at which the simulator's glitches are compared.
    seed : int
    """

    name: str
    features: str
    count: int
    resolution: int
    seed: int = 0


def evaluate_generator(
    study: Study,
    question: Question,
    *,
    device: torch.device,
    out: Path | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> tuple[Judgement, dict[str, Path], list[Shown]]:
    """Judge a generator, and write the table, the page and what was measured over all classes.

    Parameters
    ----------
    study : Study
    question : Question
    device : torch.device
    out : Path, optional
        By default ``reports/generator-<name>`` of the study.
    command : str
        The command line, for the page.
    progress : callable, optional
        Called with (glitches embedded, glitches in all), generated and real.

    Returns
    -------
    judgement : Judgement
    files : dict of str to Path
    shown : list of Shown
        The pictures on the page.

    Raises
    ------
    InputError, WeightsError, StorageError
        See `embed.generator.judgement.judge` and `embed.generator.features.make_features`.
    """
    source = open_source(study.folder, question.name, device)
    features = make_features(question.features, device)
    side = int(source.card.get("resolution", question.resolution))
    learned = read_learned(source)
    seed = int(source.card.get("seed", question.seed))
    examples, counts = real_glitches(study, source, side, seed=seed, learned=learned)
    found = judge(source, examples, features, count=question.count, seed=question.seed, progress=progress)
    found = replace(found, cautions=_cautions(found, source, learned, counts))
    folder = report_folder(study, question.name, out)
    files = {name: folder / name for name in ("evaluation.csv", "summary.json", "generator.html")}
    write_csv(
        files["evaluation.csv"], COLUMNS, [[_cell(value) for value in row.row().values()] for row in found.classes]
    )
    write_text(files["summary.json"], json.dumps(dict(found.summary), indent=2) + "\n")
    shown = [_shown(row.label, found, examples, source) for row in found.classes]
    asked = {
        "generator": f"{question.name}, learned from {source.card['trained_on']}",
        "resolution": f"{side} x {side} pixels, at 1, 2 and 4 s",
        "vectors": question.features,
        "generated": f"{question.count} of each class",
    }
    passport = {
        "seed": question.seed,
        "generator": source.passport[:16],
        "device": device.type,
        "torch": torch.__version__,
    }
    page = generator_html(
        found, shown, title=f"Generator {question.name}", asked=asked, command=command, passport=passport
    )
    write_text(files["generator.html"], page)
    return found, files, shown


def _cautions(found: Judgement, source: Source, learned: Learned, counts: Mapping[str, int]) -> tuple[str, ...]:
    """What is not known of the generator, what has changed since its training, and what is not judged."""
    said = [learned.caution(source.name)]
    then = source.card.get("counts", {}) if learned.ids else {}
    changed = [
        f"{row.label} ({then[row.label]:,} then, {row.learned:,} now)"
        for row in found.classes
        if row.label in then and row.learned != then[row.label]
    ]
    if changed:
        said.append(
            f"labels or pictures have changed since the training; of those learned from, other numbers are labelled now: {', '.join(changed)}"
        )
    judged = {row.label for row in found.classes}
    left_out = [name for name in source.classes if counts[name] and name not in judged]
    if left_out:
        said.append(
            f"too few glitches have these labels, and views of 1, 2 and 4 s, to judge the classes: {', '.join(left_out)}"
        )
    return tuple(caution for caution in said if caution)


def _cell(value: Any) -> Any:  # noqa: ANN401 - a number or a text
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return value


def _shown(label: str, found: Judgement, examples: Examples, source: Source) -> Shown:
    rows = np.flatnonzero(examples.labels == label)[:SHOWN]
    made = found.made[label]
    return Shown(label, examples.levels[rows], made[:SHOWN], made[found.copied[label]][:SHOWN], _walk(label, source))


def _walk(label: str, source: Source) -> Pixels | None:
    """Pictures between two generated glitches, on the sphere on which latents lie; None of a simulator, which has no latents."""
    if not isinstance(source, GeneratorModel):
        return None
    code = source.classes.index(label)
    first, last = draw_latents(source.generator.architecture.latent, 2, int(source.card["seed"]), code)
    shares = torch.linspace(0, 1, BETWEEN)[:, None] * (torch.pi / 2)
    return source.decode(first * torch.cos(shares) + last * torch.sin(shares), torch.full((BETWEEN,), code))
