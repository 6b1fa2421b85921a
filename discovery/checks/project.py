"""The check of ``discover project``."""

from argparse import Namespace

from discovery.candidates.checks import check_color
from discovery.checks.labels import check_labels
from discovery.checks.vectors import check_vectors
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a label that no glitch has, and a column that the study lacks."""
    with Study(options.study) as study:
        check_labels(study, options.labels)
        columns = ("ifo", "gps", "label", "predicted", *(["cluster"] if study.count("clusters") else []))
        if options.color != "id":
            check_color(study, options.color, columns)
        check_vectors(study, options)
