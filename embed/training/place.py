"""The folder of a training in its study, and whether the name of a model is free; nothing here loads a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.errors import InputError
from embed.network.sources import model_folder

if TYPE_CHECKING:
    from pathlib import Path

    from embed.study.study import Study


def training_folder(folder: Path) -> Path:
    """Return the folder of the checkpoints of a model, or of a generator."""
    return folder.with_name(f"{folder.name}.training")


def check_place(study: Study, name: str, *, resume: bool = False, replace: bool = False) -> None:
    """Refuse the name of an existing model or stopped training, unless the training resumes or replaces it.

    Raises
    ------
    InputError
        When the name is taken, cannot be a model's name, or both `resume` and `replace` are given.
    """
    folder = model_folder(study.folder, name)
    if resume and replace:
        raise InputError("--resume continues a training, --replace starts it again; give one of them")
    if resume or replace:
        return
    check_free(folder)
    if training_folder(folder).exists():
        raise InputError(
            f"the training of {name!r} was stopped; give --resume to continue it, or --replace to start again"
        )


def check_free(folder: Path) -> None:
    """Refuse the folder of an existing model.

    Raises
    ------
    InputError
        When it exists.
    """
    if folder.exists():
        raise InputError(f"there is a model {folder.name!r} already; give another --name, or --replace to replace it")
