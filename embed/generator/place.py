"""The folder of a generator in its study, and its card; nothing here loads a network."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from embed.errors import InputError, StudyError
from embed.generator.options import SIMULATOR
from embed.spelling import closest

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "generators"
CARD, WEIGHTS, CRITIC = "generator.json", "weights.safetensors", "critic.safetensors"
_KEYS = ("method", "classes", "architecture", "resolution", "counts", "seed", "trained_on")
_UNFINISHED = (".training", ".new", ".old")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def generator_folder(study_folder: Path, name: str) -> Path:
    """Return the folder of the generator of this name.

    Raises
    ------
    InputError
        When it cannot be a generator's name.
    """
    if not _NAME.fullmatch(name) or name.endswith(_UNFINISHED):
        raise InputError(f"{name!r} cannot be a generator's name; give letters, digits, and . _ - after the first")
    return study_folder / FOLDER / name


def check_critic(name: str) -> None:
    """Refuse the simulator where a critic is needed.

    Raises
    ------
    InputError
    """
    if name == SIMULATOR:
        raise InputError(
            f"--model {SIMULATOR}: the simulator has no critic; give a generator of `discover generator train`"
        )


def generator_names(study_folder: Path) -> list[str]:
    """Return the names of the study's finished generators, sorted."""
    names = (path.parent.name for path in (study_folder / FOLDER).glob(f"*/{CARD}"))
    return sorted(name for name in names if not name.endswith(_UNFINISHED))


def read_card(folder: Path) -> dict[str, Any]:
    """Read what a generator is.

    Raises
    ------
    InputError
        When there is none of its name; the message lists those there are.
    StudyError
        When its card is damaged.
    """
    path = folder / CARD
    if not path.exists():
        known = generator_names(folder.parent.parent)
        near = closest(folder.name, known)
        there = f"did you mean {near!r}? There are: " if near else "there are: "
        raise InputError(
            f"no generator {folder.name!r}; {there}{', '.join([*known, SIMULATOR])}; train one with `discover generator train --name {folder.name}`"
        )
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        whole = isinstance(card, dict) and all(key in card for key in _KEYS) and isinstance(card["classes"], list)
    except (OSError, ValueError) as error:
        raise StudyError(f"{path} cannot be read ({error}); train the generator again with --replace") from error
    if not whole:
        raise StudyError(f"{path} is damaged: it needs {', '.join(_KEYS)}; train the generator again with --replace")
    return card


def class_code(classes: tuple[str, ...], label: str, name: str) -> int:
    """Return the number of a class.

    Raises
    ------
    InputError
        When it is none of them.
    """
    if label not in classes:
        near = closest(label, classes)
        hint = f"did you mean {near!r}? It makes" if near else "it makes"
        raise InputError(f"the generator {name!r} makes no {label!r}; {hint} {', '.join(classes)}")
    return classes.index(label)
