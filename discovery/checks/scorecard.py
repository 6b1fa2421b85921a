"""The check of ``discover scorecard``."""

from argparse import Namespace

from discovery.checks.fleet import check_ray
from discovery.checks.vectors import check_vectors
from embed.errors import InputError
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse vectors without labels and labels without vectors, and a cluster that cannot be joined."""
    if (options.vectors_file is None) != (options.labels_file is None):
        raise InputError(
            "--vectors-file and --labels-file go together: give both, or none to judge the study's vectors"
        )
    if options.vectors_file is None:
        with Study(options.study, generated=options.generated) as study:
            check_vectors(study, options)
    check_ray(options)
