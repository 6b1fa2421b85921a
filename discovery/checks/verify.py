"""The check of ``discover verify``."""

from argparse import Namespace

from discovery.verification.reports import Kind, StoredReport, choose_reports
from embed.errors import InputError
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a study without such reports, and reports that are not there."""
    with Study(options.study) as study:
        chosen_reports(study, options)


def chosen_reports(study: Study, options: Namespace) -> list[StoredReport]:
    """Return the reports that the options name: by default the latest clusters, audit and map.

    Raises
    ------
    InputError
        When there is no such report, or ``--report`` is given with ``--audit`` or ``--map``.
    """
    if options.report is not None and (options.audit or options.map):
        raise InputError("--report names the one folder that is verified; leave --audit and --map out")
    asked: dict[Kind, bool] = {"clusters": options.label is not None, "audit": options.audit, "map": options.map}
    kinds = [kind for kind, is_asked in asked.items() if is_asked]
    return choose_reports(study, kinds, label=options.label, folder=options.report)
