"""The training loop: checkpoints, samples and history at stated steps, until all pictures were shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embed.csvfile import write_csv
from embed.errors import TrainingError
from embed.generator.history import COLUMNS, History, sample_grid
from embed.generator.sheet import write_sheet
from embed.tensorfile import write_tensors
from embed.training.checkpoint import drop_earlier, read_latest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from embed.generator.pictures import Pictures
    from embed.generator.steps import Training
    from embed.types import Progress

REPORTS = 50
"""Rows of the history of a whole training; a checkpoint is written with each."""
SHEETS = 10
"""Sample sheets of a whole training."""
SHOWN = 4
"""Glitches of each class on a sheet."""
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
            facts = plan.facts | {"history": history.rows}
            write_tensors(folder / f"step-{step:08d}.safetensors", training.state(), facts)
            drop_earlier(folder, _NAME)
        if report is not None:
            report(row)
        training.ranks.wait()
    return history.rows


def stopped_facts(folder: Path) -> dict[str, Any] | None:
    """What the stopped training in a folder is; None where there is none, or it is damaged."""
    try:
        found = read_latest(folder, _NAME, "")
    except TrainingError:
        return None
    if found is None:
        return None
    _, _, facts = found
    del facts["history"]
    return facts


def _restore(training: Training, plan: Plan, folder: Path) -> tuple[int, list[dict[str, Any]]]:
    """Steps done and rows written, by the latest checkpoint; 0 and none where there is none."""
    found = read_latest(folder, _NAME, "run the command again")
    if found is None:
        return 0, []
    step, state, facts = found
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
    return step, rows
