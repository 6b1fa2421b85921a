"""The check of ``discover evaluate``."""

from argparse import Namespace

from discovery.checks.vectors import check_vectors
from embed.errors import InputError
from embed.network.sources import model_folder, models, read_card
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse models that the study lacks, and vectors of the baseline that cannot be made.

    Raises
    ------
    InputError
        When there is nothing to judge, or as above.
    """
    with Study(options.study) as study:
        names = options.models or models(study.folder)
        cards = [read_card(model_folder(study.folder, name)) for name in names]
        if not cards and not options.baseline:
            raise InputError(
                f"the study {study.folder} has no trained model; make one with `discover train`, or judge the baseline alone with --baseline"
            )
        if options.baseline:
            check_vectors(study, options, views=cards[0]["views"] if cards else None)
