"""Vectors that were made elsewhere: their names, and which of them a command reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from embed.errors import InputError
from embed.network.names import GIVEN_PREFIX

if TYPE_CHECKING:
    from pathlib import Path

    from embed.study.study import Study

VECTOR_SUFFIXES = (".npy", ".parquet")
"""Endings of files that are taken for vectors."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def is_given(weights: str | None) -> bool:
    """Whether ``--weights`` names vectors that were made elsewhere, as ``vectors:NAME``."""
    return weights is not None and weights.startswith(GIVEN_PREFIX)


def given_folder(study_folder: Path, name: str) -> Path:
    """Return the place of the vectors of this name (with or without ``vectors:``).

    Raises
    ------
    InputError
        When it cannot be a name.
    """
    name = name.removeprefix(GIVEN_PREFIX)
    if not _NAME.fullmatch(name):
        raise InputError(f"{name[:80]!r} cannot be a name of vectors: give letters, digits and . _ - only, at most 64")
    return study_folder / "vectors" / f"given-{name}"


def chosen_given(study: Study, *, backbone: str | None, weights: str | None, views: str | None) -> Path | None:
    """Find the vectors that options choose, if they were made elsewhere: those named, or the latest if nothing is named.

    Returns
    -------
    Path or None
        Folder of the store; None where the options or the latest run choose a network.

    Raises
    ------
    InputError
        When the study has no vectors of that name, or a network or views are named beside it.
    """
    if weights is None and backbone is None and views is None:
        weights = (study.latest_arguments("embed") or {}).get("weights")
    if weights is None or not is_given(weights):
        return None
    surplus = [f"--{name} {value}" for name, value in (("backbone", backbone), ("views", views)) if value]
    if surplus:
        raise InputError(
            f"{surplus[0]} does not go with {weights}, which no network of this toolkit made; leave it out"
        )
    folder = given_folder(study.folder, weights)
    if not (folder / "passport.json").is_file():
        names = sorted(path.parent.name.removeprefix("given-") for path in folder.parent.glob("given-*/passport.json"))
        raise InputError(
            f"no vectors {weights.removeprefix(GIVEN_PREFIX)!r} in {study.folder}; there are: {', '.join(names) or 'none'}; `discover ingest FILE.npy --ids CSV` adds some"
        )
    return folder
