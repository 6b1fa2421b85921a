"""The check of ``discover train``, and what its options change in the recipe."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from discovery.checks.labels import check_labels
from discovery.checks.vectors import check_network
from embed.csvfile import CsvFile, restored
from embed.errors import InputError
from embed.generator.options import SIMULATOR
from embed.generator.place import generator_folder
from embed.generator.place import read_card as read_generator
from embed.network.sources import is_model, model_folder, read_card
from embed.study.study import Study
from embed.training.place import check_free, check_place
from embed.training.recipe import PRESET_VIEWS, make_recipe
from embed.views.encoding import parse_encoding
from embed.views.selection import richest_encoding

FIELDS = {
    "epochs": "epochs",
    "batch": "batch",
    "accumulate": "accumulate",
    "lr": "learning_rate",
    "optimizer": "optimizer",
    "schedule": "schedule",
    "dropout": "dropout",
    "label_smoothing": "label_smoothing",
    "contrastive": "contrastive",
    "balanced": "balanced",
    "freeze": "freeze",
    "batch_norm": "batch_norm",
    "precision": "precision",
    "metric": "metric",
    "patience": "patience",
}
"""Option -> field of `embed.training.recipe.Recipe`."""

_NOT_WITH_ADD_CLASS = (
    *FIELDS,
    "labels",
    "backbone",
    "views",
    "resume",
    "no_vectors",
    "split",
    "recursive",
    "any_class",
    "truth",
    "out",
)


def check(options: Namespace) -> None:
    """Refuse options that contradict each other or the study, and labels, models and files that do not exist.

    Raises
    ------
    InputError, WeightsError
        As the training itself would.
    """
    _check_together(options)
    with Study(options.study, generated=options.generated) as study:
        if options.generator and options.generator != SIMULATOR:
            read_generator(generator_folder(study.folder, options.generator))
        if options.add_class:
            read_card(model_folder(study.folder, options.weights))
            if not options.replace:
                check_free(model_folder(study.folder, options.name))
            study.members(options.add_class)
            return
        check_place(study, options.name, resume=options.resume, replace=options.replace)
        for count in options.recursive or ():
            check_place(study, f"{options.name}-{count}", resume=options.resume, replace=options.replace)
        check_labels(study, options.labels)
        _check_start(study, options)
        if options.truth is not None:
            read_truth(study, options.truth)


def recipe_changes(options: Namespace) -> dict[str, Any]:
    """Return the fields of the recipe that the options set."""
    changes = {field: getattr(options, option) for option, field in FIELDS.items()}
    if changes["freeze"] is not None:
        changes["freeze"] = tuple(changes["freeze"])
    return {field: value for field, value in changes.items() if value is not None}


def read_truth(study: Study, path: Path) -> dict[int, str]:
    """Read a table of true classes: row number -> class, for the glitches of the study.

    Parameters
    ----------
    study : Study
    path : Path
        CSV with columns ``id`` and ``truth``, and ``ifo`` where one id belongs to several detectors.

    Raises
    ------
    InputError
        When the file cannot be read or lacks a column.
    """
    try:
        file = CsvFile(path, "a table with columns id and truth")
        rows = [{name: restored(cell) for name, cell in row.cells.items()} for row in file.rows()]
    except InputError as error:
        raise InputError(f"--truth {error}") from error
    if not {"id", "truth"} <= set(file.columns):
        raise InputError(
            f"--truth {path} has no columns id and truth; give a table such as truth.csv of `discover simulate`"
        )
    found = ((study.find_glitch(row["id"], row.get("ifo") or None), row["truth"]) for row in rows)
    return {glitch: name for glitch, name in found if glitch is not None}


def _check_together(options: Namespace) -> None:
    """Refuse options that would have no effect."""

    def given(names: Sequence[str]) -> str:
        values = {name: getattr(options, name) for name in names}
        used = [name for name, value in values.items() if value is not None and value is not False and value != ()]
        return ", ".join(f"--{name.replace('_', '-')}" for name in used)

    if options.add_class and not is_model(options.weights or ""):
        raise InputError("--add-class extends a trained model; name it with --weights model:NAME")
    if options.add_class and (surplus := given(_NOT_WITH_ADD_CLASS)):
        raise InputError(f"--add-class keeps the model's network as it is and has no use for {surplus}; leave that out")
    if options.generator and (options.recursive or options.add_class):
        raise InputError("--generator goes with neither --recursive nor --add-class; leave one of them out")
    if not options.generator and options.generated_per_class is not None:
        raise InputError(
            "--generated-per-class has no effect without --generator; add --generator NAME, or leave it out"
        )
    if not options.recursive and (surplus := given(("any_class", "truth", "out", "figures"))):
        raise InputError(f"{surplus} has no effect without --recursive; add --recursive N, or leave it out")


def _check_start(study: Study, options: Namespace) -> None:
    views = options.views or PRESET_VIEWS.get(options.preset)
    if options.weights and is_model(options.weights):
        views = views or read_card(model_folder(study.folder, options.weights))["views"]
        encoding = parse_encoding(str(views))
    else:
        encoding = parse_encoding(views) if views else richest_encoding(study)
        weights = options.weights or ("bundled" if options.preset != "default" else None)
        check_network(study, backbone=options.backbone, weights=weights, views=str(encoding))
    make_recipe(options.preset, encoding=encoding.name, **recipe_changes(options))
