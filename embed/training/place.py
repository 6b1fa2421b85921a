"""The folder of a training in its study, and whether the name of a model is free; nothing here loads a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embed.errors import InputError
from embed.network.sources import model_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from embed.study.study import Study


def training_folder(folder: Path) -> Path:
    """Return the folder of the checkpoints of a model, of a generator, or of a detector."""
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


def check_same_card(
    card: Mapping[str, Any], facts: Mapping[str, Any], what: str, *, option: str = "--name", replace: bool
) -> bool:
    """Whether what a training made before is what is asked for.

    Parameters
    ----------
    card, facts : mapping
        Of the finished one, and of the training.
    what : str
        ``generator 'g'``, for the message.
    option : str
        That names it.
    replace : bool
        Another one is to be replaced.

    Raises
    ------
    InputError
        When it is another, which is not to be replaced.
    """
    changed = [name for name, value in facts.items() if card.get(name) != value]
    if changed and not replace:
        raise InputError(
            f"there is a {what} already, with other {', '.join(changed)}; give another {option}, or --replace to replace it"
        )
    return not changed
