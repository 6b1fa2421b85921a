"""The check of ``discover update``."""

from argparse import Namespace

from discovery.candidates.options import ClusterOptions
from discovery.checks.cluster import check_detector
from discovery.checks.vectors import check_vectors
from embed.study.clusterings import latest_clustering
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a study without such a clustering, and a detector that has nothing to judge."""
    chosen = judging_options(options)
    with Study(options.study) as study:
        latest_clustering(study, options.label)
        check_vectors(study, options)
        if chosen.detector is not None:
            check_detector(study, chosen.detector, chosen.strain)


def judging_options(options: Namespace) -> ClusterOptions:
    """Return what a command line says of new clusters: the seed, and the detector with its strain."""
    return ClusterOptions(seed=options.seed, detector=options.detector, strain=tuple(options.strain))
