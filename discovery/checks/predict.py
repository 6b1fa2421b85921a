"""The check of ``discover predict``: its model and its glitches."""

from argparse import Namespace
from pathlib import Path

import numpy as np

from embed.errors import InputError
from embed.network.sources import model_folder, models, read_card
from embed.study.study import Study
from embed.types import Rows


def check(options: Namespace) -> None:
    """Refuse a model that the study lacks, and a choice without a glitch.

    Raises
    ------
    InputError
        When ``--top`` is less than 1, or as above.
    """
    if not 0 <= options.none_of_these < 1:
        raise InputError(f"--none-of-these {options.none_of_these}: give a share of at least 0 and below 1")
    if options.top < 1:
        raise InputError(f"--top {options.top}: give a number from 1")
    with Study(options.study) as study:
        read_card(chosen_model(study, options.model))
        chosen_glitches(study, options)


def chosen_model(study: Study, name: str | None) -> Path:
    """Return the folder of the named model; without a name, that of the study's only model.

    Raises
    ------
    InputError
        When no name is given and the study has no model, or several.
    """
    existing = models(study.folder)
    if name is None and len(existing) != 1:
        raise InputError(
            f"the study has {len(existing)} models ({', '.join(existing)}); name one"
            if existing
            else f"the study {study.folder} has no trained model; make one with `discover train`"
        )
    return model_folder(study.folder, name or existing[0])


def chosen_glitches(study: Study, options: Namespace) -> Rows:
    """Return the row numbers of the glitches to label, ascending.

    Raises
    ------
    InputError
        When there is none, or not one of those that are named.
    """
    if options.id is not None:
        return np.unique([study.known_glitch(name) for name in options.id])
    if options.label is not None:
        return study.members(options.label)
    given = study.latest_labels(predicted=False)
    rows = [glitch for glitch, label in given if options.all or not label]
    if not rows:
        raise InputError(
            "every glitch of the study has a given label already; choose with --label LABEL, --id ID or --all"
            if given
            else f"the study {study.folder} holds no glitches; add some with `discover ingest PATH`"
        )
    return np.array(rows, np.int64)
