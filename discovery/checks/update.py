"""The check of ``discover update``."""

from argparse import Namespace

from discovery.checks.vectors import check_vectors
from embed.errors import InputError
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a study without such a clustering."""
    with Study(options.study) as study:
        if study.latest_clustering(options.label) is None:
            asked = "" if options.label is None else f" of {options.label!r}"
            raise InputError(
                f"the study has no clustering{asked}; run `discover cluster {options.label or 'LABEL'}` first"
            )
        check_vectors(study, options)
