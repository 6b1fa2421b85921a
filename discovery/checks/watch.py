"""The check of ``discover watch``."""

from argparse import Namespace

from embed.errors import InputError
from embed.network.sources import is_model, model_folder, read_card
from embed.storage import check_regular
from embed.study.clusterings import latest_clustering
from embed.study.study import Study

TABLES = (".csv", ".parquet")
"""Endings of tables."""


def check(options: Namespace) -> None:
    """Refuse paths that are neither folders nor tables, a model that does not exist, and a label that was never clustered; an empty study is no mistake here.

    Raises
    ------
    InputError, WeightsError
        As above.
    """
    for path in options.paths:
        if not path.exists():
            raise InputError(f"{path} does not exist; give a folder of images, or a CSV")
        check_regular(path)
        if not path.is_dir() and path.suffix.lower() not in TABLES:
            raise InputError(f"{path} is neither a folder nor a table ({', '.join(TABLES)}); give one of these")
    if options.label is not None:
        with Study(options.study) as study:
            latest_clustering(study, options.label)
    if options.model is not None:
        read_card(model_folder(options.study.absolute(), options.model))
    if options.weights and is_model(options.weights):
        read_card(model_folder(options.study.absolute(), options.weights))
