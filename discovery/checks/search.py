"""The check of ``discover search``."""

from argparse import Namespace

from discovery.checks.vectors import check_vectors
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse an id that the study lacks."""
    with Study(options.study) as study:
        study.known_glitch(options.id)
        check_vectors(study, options)
