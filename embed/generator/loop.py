"""The training loop: checkpoints, samples and history at stated steps, until all pictures were shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embed.csvfile import write_csv
from embed.generator.history import COLUMNS, History, check_weights, sample_grid
from embed.generator.sheet import write_sheet
from embed.training.steps import read_step, write_step

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
        When a loss or a weight is not finite, or a checkpoint is damaged or another training's; finished checkpoints are kept.
    StorageError
        When the disk is full.
    """
    found = read_step(folder, plan.facts)
    step, rows = (0, []) if found is None else (found[0], found[2])
    if found is not None:
        training.restore(found[1])
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
        state = training.state()
        check_weights(state, step)
        if lead:
            if plan.shows(step):
                grid = sample_grid(training, SHOWN, step / plan.steps)
                write_sheet(folder / SAMPLES / f"step-{step:08d}.png", grid, pictures.classes)
            write_csv(folder / HISTORY, COLUMNS, [list(own.values()) for own in history.rows])
            write_step(folder, step, state, plan.facts, history.rows)
        if report is not None:
            report(row)
        training.ranks.wait()
    return history.rows
