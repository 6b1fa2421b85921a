"""The training loop: checkpoints, samples and history at stated steps, until all pictures were shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embed.csvfile import write_csv
from embed.errors import TrainingError
from embed.generator.history import COLUMNS, History, sample_grid
from embed.generator.sheet import write_sheet
from embed.tensorfile import read_tensors, write_tensors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

    from embed.generator.pictures import Pictures
    from embed.generator.steps import Training
    from embed.types import Progress

REPORTS = 50
"""Rows of the history of a whole training; a checkpoint is written with each."""
SHEETS = 10
"""Sample sheets of a whole training."""
SHOWN = 4
"""Glitches of each class on a sheet."""
KEPT = 2
"""Latest checkpoints kept: where the last one is damaged, the one before it is not."""
SAMPLES, HISTORY = "samples", "history.csv"
_NAME = re.compile(r"step-(\d{8})\.safetensors")


@dataclass(frozen=True)
class Plan:
    """How long a training is, and what makes it the same training when it is resumed.

    Attributes
    ----------
    steps : int
    facts : dict
        JSON values that a checkpoint and its training must agree in.
    """

    steps: int
    facts: dict[str, Any] = field(default_factory=dict)

    def reports(self, step: int) -> bool:
        """Whether a row and a checkpoint follow after `step` steps."""
        return step == self.steps or step % max(1, self.steps // REPORTS) == 0

    def shows(self, step: int) -> bool:
        """Whether a sample sheet follows as well."""
        return step == self.steps or step % (max(1, self.steps // REPORTS) * (REPORTS // SHEETS)) == 0


def fit(
    training: Training,
    pictures: Pictures,
    plan: Plan,
    folder: Path,
    *,
    progress: Progress | None = None,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> list[dict[str, Any]]:
    """Train, or continue from the latest checkpoint in the folder.

    Parameters
    ----------
    training : Training
    pictures : Pictures
        That it learns from.
    plan : Plan
    folder : Path
        Of checkpoints, samples and history.
    progress : callable, optional
        Called with (steps done, steps in all).
    report : callable, optional
        Called with each row of the history.

    Returns
    -------
    list of dict
        The history; see `embed.generator.history.COLUMNS`.

    Raises
    ------
    TrainingError
        When a loss is not finite, or a checkpoint is damaged or another training's; finished checkpoints are kept.
    StorageError
        When the disk is full.
    """
    step, rows = _restore(training, plan, folder)
    history = History(training, pictures, rows)
    lead = training.ranks.lead
    while step < plan.steps:
        history.add(training.step(step, step / plan.steps))
        step += 1
        if progress is not None and lead:
            progress(step, plan.steps)
        if not plan.reports(step):
            continue
        row = history.row(step, step / plan.steps)
        if lead:
            if plan.shows(step):
                grid = sample_grid(training, SHOWN, step / plan.steps)
                write_sheet(folder / SAMPLES / f"step-{step:08d}.png", grid, pictures.classes)
            write_csv(folder / HISTORY, COLUMNS, [list(own.values()) for own in history.rows])
            _keep(folder, step, training.state(), plan.facts | {"history": history.rows})
        if report is not None:
            report(row)
        training.ranks.wait()
    return history.rows


def _keep(folder: Path, step: int, state: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
    write_tensors(folder / f"step-{step:08d}.safetensors", state, facts)
    for _, path in _numbered(folder)[:-KEPT]:
        path.unlink()


def _numbered(folder: Path) -> list[tuple[int, Path]]:
    matches = ((_NAME.fullmatch(path.name), path) for path in folder.glob("step-*.safetensors"))
    return sorted((int(match[1]), path) for match, path in matches if match)


def stopped_facts(folder: Path) -> dict[str, Any] | None:
    """What the stopped training in a folder is; None where there is none, or it is damaged."""
    found = _numbered(folder)
    if not found:
        return None
    try:
        _, facts = read_tensors(found[-1][1], "")
    except TrainingError:
        return None
    del facts["history"]
    return facts


def _restore(training: Training, plan: Plan, folder: Path) -> tuple[int, list[dict[str, Any]]]:
    """Steps done and rows written, by the latest checkpoint; 0 and none where there is none."""
    found = _numbered(folder)
    if not found:
        return 0, []
    before = f"continue from {found[-2][1].name}" if len(found) > 1 else "start again"
    state, facts = read_tensors(found[-1][1], f"delete it and run the command again to {before}")
    rows = facts.pop("history")
    changed = [
        f"{name} {facts.get(name)!r} and now {value!r}"
        for name, value in plan.facts.items()
        if facts.get(name) != value
    ]
    if changed:
        raise TrainingError(
            f"the training that was stopped was another: {'; '.join(changed)}; ask for the same, or train again with --replace"
        )
    training.restore(state)
    return found[-1][0], rows
