"""The check of ``discover batch``."""

from argparse import Namespace

from discovery.candidates.naming import members_of
from discovery.checks.vectors import check_vectors
from discovery.exchange.idlist import read_glitches
from embed.errors import InputError
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a cluster that the latest clustering lacks, and a list that is none.

    Raises
    ------
    InputError
        When neither a cluster nor a list is given, or both are, or the list is at fault.
    """
    if (options.cluster is None) == (options.ids is None):
        raise InputError(
            "give either the number of a cluster in clusters.csv or --ids with a CSV of glitches, for example: discover batch 0"
        )
    with Study(options.study) as study:
        if options.ids is not None:
            read_glitches(study, options.ids)
            return
        members_of(study, options.cluster, options.label)
        check_vectors(study, options)
