"""The check of ``discover name``."""

from argparse import Namespace

from discovery.candidates.naming import name_cluster
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a cluster that the latest clustering lacks, and a name that cannot be one."""
    with Study(options.study) as study:
        name_cluster(study, options.cluster, options.name, label=options.label, dry_run=True)
