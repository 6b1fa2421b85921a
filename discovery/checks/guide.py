"""The check of ``discover guide``."""

from argparse import Namespace

from discovery.checks.vectors import check_vectors
from discovery.guide.subject import find_subject
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a class or a cluster that the study lacks."""
    with Study(options.study) as study:
        find_subject(study, options.name, options.label)
        check_vectors(study, options)
