"""Checkpoints of a training that is counted in steps: ``step-00000123.safetensors``, and what makes it the same training."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from embed.errors import TrainingError
from embed.tensorfile import write_tensors
from embed.training.checkpoint import drop_checkpoints, drop_earlier, read_latest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import torch

_NAME = re.compile(r"step-(\d{8})\.safetensors")
_HISTORY = "history"


def write_step(
    folder: Path, step: int, state: Mapping[str, torch.Tensor], facts: Mapping[str, Any], rows: list[dict[str, Any]]
) -> None:
    """Write a checkpoint; older ones are removed after it.

    Parameters
    ----------
    folder : Path
    step : int
        Steps done.
    state : mapping of str to tensor
    facts : mapping
        JSON values in which a checkpoint and its training must agree.
    rows : list of dict
        The history.
    """
    write_tensors(folder / f"step-{step:08d}.safetensors", state, dict(facts) | {_HISTORY: rows})
    drop_earlier(folder, _NAME)


def _changed(old: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield each fact that differs, and of facts that have parts the parts alone."""
    for name, value in facts.items():
        before = old.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            yield from _changed(before, value)
        elif before != value:
            yield f"{name} {before!r} and now {value!r}"


def read_step(
    folder: Path, facts: Mapping[str, Any]
) -> tuple[int, dict[str, torch.Tensor], list[dict[str, Any]]] | None:
    """Read the latest checkpoint.

    Returns
    -------
    tuple of int, dict of str to tensor, and list of dict, or None
        Steps done, the state, the history; None where there is no checkpoint.

    Raises
    ------
    TrainingError
        When it is damaged, or another training's.
    """
    found = read_latest(folder, _NAME, "run the command again")
    if found is None:
        return None
    step, state, old = found
    rows = old.pop(_HISTORY)
    changed = list(_changed(old, facts))
    if changed:
        raise TrainingError(
            f"the training that was stopped was another: {'; '.join(changed)}; ask for the same, or train again with --replace"
        )
    return step, state, rows


def stopped_facts(folder: Path) -> dict[str, Any] | None:
    """What the stopped training in a folder is; None where there is none, or it is damaged."""
    try:
        found = read_latest(folder, _NAME, "")
    except TrainingError:
        return None
    if found is None:
        return None
    _, _, facts = found
    del facts[_HISTORY]
    return facts


def drop_finished(folder: Path, facts: dict[str, Any]) -> None:
    """Remove what a kill at the end of a finished training has left in a folder; the stopped training of other facts is kept."""
    if stopped_facts(folder) in (None, facts):
        drop_checkpoints(folder)
