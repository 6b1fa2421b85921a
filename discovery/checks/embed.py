"""The check of ``discover embed``."""

from argparse import Namespace

from discovery.checks.fleet import check_ray
from discovery.checks.vectors import check_vectors
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse vectors that cannot be made, and a cluster that cannot be joined."""
    with Study(options.study) as study:
        check_vectors(study, options)
    check_ray(options)
