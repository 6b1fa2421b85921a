"""The check of ``discover novel``."""

from argparse import Namespace

from discovery.checks.labels import check_labels
from discovery.checks.vectors import check_vectors
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse labels that the study lacks."""
    with Study(options.study, generated=options.generated) as study:
        check_labels(study, options.labels)
        check_vectors(study, options)
