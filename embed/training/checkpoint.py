"""Checkpoints of a training: one an epoch, written atomically, checked when read; the two latest and the best weights are kept.

They are in ``models/<name>.training/`` until the model is finished::

    epoch-0012.safetensors  after 12 epochs: weights, the optimizer's state, the history
    best.safetensors        the weights of the best epoch so far
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from embed.tensorfile import read_tensors, write_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEPT = 2
"""Latest checkpoints kept: where the last one is damaged, the one before it is not."""
_NAME = re.compile(r"epoch-(\d{4})\.safetensors")
_BEST = "best.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """A training after some epochs.

    Attributes
    ----------
    weights : dict of str to tensor
        Of the classifier.
    optimizer : dict of str to tensor
        Its state, ``<weight's number>.<name>``.
    facts : dict
        JSON values: ``history``, and `embed.training.context.TrainingContext.facts`, which must be unchanged when the training is resumed.
    """

    weights: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor]
    facts: dict[str, Any]

    @property
    def epochs(self) -> int:
        """How many epochs are done."""
        return len(self.facts["history"])


def write_checkpoint(folder: Path, checkpoint: Checkpoint, *, best: bool) -> None:
    """Write a checkpoint and, where it is the best so far, its weights; older ones are removed after it."""
    tensors = {f"weights/{name}": value for name, value in checkpoint.weights.items()}
    tensors |= {f"optimizer/{name}": value for name, value in checkpoint.optimizer.items()}
    write_tensors(folder / f"epoch-{checkpoint.epochs:04d}.safetensors", tensors, checkpoint.facts)
    if best:
        write_best(folder, checkpoint)
    drop_earlier(folder, _NAME)


def write_best(folder: Path, checkpoint: Checkpoint) -> None:
    """Keep a checkpoint's weights as the best."""
    write_tensors(folder / _BEST, checkpoint.weights, {"epoch": checkpoint.epochs})


def read_best(folder: Path) -> tuple[dict[str, torch.Tensor], int]:
    """Read the best weights, and after which epoch (from 1) they were.

    Raises
    ------
    TrainingError
        When they are damaged.
    """
    tensors, facts = read_tensors(folder / _BEST, "train again with --replace")
    return tensors, int(facts["epoch"])


def latest_checkpoint(folder: Path) -> Checkpoint | None:
    """Read the latest checkpoint; None where there is none.

    Raises
    ------
    TrainingError
        When it is damaged; the message names the file to delete, and the checkpoint before it from which training then resumes.
    """
    found = read_latest(folder, _NAME, "--resume")
    if found is None:
        return None
    _, tensors, facts = found
    parts: dict[str, dict[str, torch.Tensor]] = {"weights": {}, "optimizer": {}}
    for key, value in tensors.items():
        part, name = key.split("/", 1)
        parts[part][name] = value
    return Checkpoint(parts["weights"], parts["optimizer"], facts)


def drop_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a finished, or given up, training."""
    shutil.rmtree(folder, ignore_errors=True)


def read_latest(
    folder: Path, name: re.Pattern[str], again: str
) -> tuple[int, dict[str, torch.Tensor], dict[str, Any]] | None:
    """Read the file of the highest number in a folder.

    Parameters
    ----------
    folder : Path
    name : re.Pattern
        Of the files; its first group is the number.
    again : str
        What continues the training, for the message.

    Returns
    -------
    tuple of int, dict of str to tensor, and dict, or None
        Its number, tensors and facts; None where there is none.

    Raises
    ------
    TrainingError
        When it is damaged; see `latest_checkpoint`.
    """
    found = _numbered(folder, name)
    if not found:
        return None
    before = f"continue from {found[-2][1].name}" if len(found) > 1 else "start again"
    return found[-1][0], *read_tensors(found[-1][1], f"delete it and {again} to {before}")


def drop_earlier(folder: Path, name: re.Pattern[str]) -> None:
    """Remove all but the latest files of a name, see `read_latest`."""
    for _, path in _numbered(folder, name)[:-KEPT]:
        path.unlink()


def _numbered(folder: Path, name: re.Pattern[str]) -> list[tuple[int, Path]]:
    matches = ((name.fullmatch(path.name), path) for path in folder.glob("*.safetensors"))
    return sorted((int(match[1]), path) for match, path in matches if match)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Flatten an optimizer's state to named tensors."""
    state = optimizer.state_dict()["state"]
    return {f"{number}.{name}": torch.as_tensor(value) for number, own in state.items() for name, value in own.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Give an optimizer the state that `optimizer_tensors` took; its groups stay as they are."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
