"""The check of ``discover batch``."""

from argparse import Namespace

from discovery.candidates.naming import members_of
from discovery.checks.vectors import check_vectors
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a cluster that the latest clustering lacks."""
    with Study(options.study) as study:
        members_of(study, options.cluster, options.label)
        check_vectors(study, options)
