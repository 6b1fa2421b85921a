"""The check of ``discover cluster``."""

from argparse import Namespace

from discovery.candidates.options import ClusterOptions
from discovery.checks.vectors import check_vectors
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a label that no glitch has, and a number of clusters for HDBSCAN."""
    ClusterOptions(options.predicted, options.method, options.k, options.seed)
    with Study(options.study, generated=options.generated) as study:
        study.members(options.label, predicted=options.predicted)
        check_vectors(study, options)
