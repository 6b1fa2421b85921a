"""The check of ``discover verify``."""

from argparse import Namespace
from pathlib import Path

from embed.errors import InputError
from embed.storage import file_name
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a study without such a clustering, and a report that is not there."""
    with Study(options.study) as study:
        folder = report_folder(study, options)
    if not folder.is_dir():
        raise InputError(
            f"there is no report in {folder}; name its folder with --report, or make it with `discover cluster`"
        )


def report_folder(study: Study, options: Namespace) -> Path:
    """Return the folder of the report to verify.

    Raises
    ------
    InputError
        When the study has no such clustering, or it was made by `discover update`, which writes no report.
    """
    found = study.latest_clustering(options.label)
    if found is None:
        asked = "" if options.label is None else f" of {options.label!r}"
        raise InputError(f"the study has no clustering{asked}; run `discover cluster {options.label or 'LABEL'}` first")
    run, arguments, _ = found
    if "update_of" in arguments:
        raise InputError(
            f"run {run} is an update, which has no report; run `discover cluster {arguments['label']}` again"
        )
    if options.report is not None:
        return Path(options.report)
    return study.folder / "reports" / f"cluster-{file_name(str(arguments['label']))}-{arguments['method']}"
