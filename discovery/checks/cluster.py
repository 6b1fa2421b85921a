"""The check of ``discover cluster``."""

from argparse import Namespace

from discovery.candidates.checks import check_k
from discovery.checks.vectors import check_vectors
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a label that no glitch has, and a number of clusters for HDBSCAN."""
    check_k(options.method, options.k)
    with Study(options.study) as study:
        study.members(options.label, predicted=options.predicted)
        check_vectors(study, options)
