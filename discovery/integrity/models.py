"""The check of trained models and generators: files by their hashes, or, where none are kept, by loading them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from discovery.integrity.finding import DAMAGED, Finding
from discovery.integrity.sealed import NO_SUMS, check_folder, fine, finished_folders, rewrite_sums
from embed.errors import DiscoverError
from embed.generator.model import load_generator
from embed.generator.place import CARD as GENERATOR_CARD
from embed.generator.place import FOLDER
from embed.network.model import load_model
from embed.network.sources import CARD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def check_models(study_folder: Path, advance: Callable[[int], None]) -> list[Finding]:
    """Check the models and generators of a study.

    Parameters
    ----------
    study_folder : Path
    advance : callable
        Called with the bytes of each file.

    Returns
    -------
    list of Finding
        For each one that is fine, or one for each fault.
    """
    found = []
    kinds = (
        ("model", "models", CARD, "train it again with `discover train`", load_model),
        (
            "generator",
            FOLDER,
            GENERATOR_CARD,
            "train it again with `discover generator train --replace`",
            load_generator,
        ),
    )
    for kind, where, mark, remedy, load in kinds:
        for folder in finished_folders(study_folder / where):
            part = f"{kind} {folder.name}"
            restore = f"restore it from a copy, or {remedy}"
            by_itself = partial(_unsealed, part, folder, restore, load)
            sums, faults = check_folder(part, folder, mark, restore, advance, by_itself=by_itself)
            mend = partial(rewrite_sums, folder, mark) if sums is None else None
            how = "by their hashes" if sums is not None else f"card and weights fit each other; {NO_SUMS}"
            found += faults or [fine(part, folder, how, mend)]
    return found


def _unsealed(part: str, folder: Path, remedy: str, load: Callable[[Path], object]) -> list[Finding]:
    try:
        load(folder)
    except DiscoverError as error:
        return [Finding(part, DAMAGED, str(error), remedy)]
    return []
