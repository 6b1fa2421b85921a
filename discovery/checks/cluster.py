"""The check of ``discover cluster``."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from discovery.candidates.options import ClusterOptions
from discovery.checks.vectors import check_vectors
from embed.errors import InputError
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a label that no glitch has, a number of clusters for HDBSCAN, and a detector that has nothing to judge."""
    chosen = cluster_options(options)
    with Study(options.study, generated=options.generated) as study:
        study.members(options.label, predicted=options.predicted)
        check_vectors(study, options)
        if chosen.detector is not None:
            check_detector(study, chosen.detector, chosen.strain)


def cluster_options(options: Namespace) -> ClusterOptions:
    """Return the options of a command line."""
    return ClusterOptions(
        options.predicted, options.method, options.k, options.seed, options.detector, tuple(options.strain)
    )


def check_detector(study: Study, detector: Path, strain: Sequence[Path]) -> None:
    """Refuse a folder without a detector, and a study without strain.

    Raises
    ------
    InputError
    """
    from embed.detector.place import read_card  # noqa: PLC0415 - where one is named
    from embed.detector.strainfiles import reached_files  # noqa: PLC0415

    read_card(detector)
    if not reached_files(study, strain):
        raise InputError(
            f"--detector {detector} judges strain, and none of this study is known; give its files with --strain, or scan them with `discover scan`"
        )
