"""The check of ``discover update``."""

from argparse import Namespace

from discovery.checks.vectors import check_vectors
from embed.study.clusterings import latest_clustering
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a study without such a clustering."""
    with Study(options.study) as study:
        latest_clustering(study, options.label)
        check_vectors(study, options)
