"""The check of ``discover verify``."""

from argparse import Namespace
from pathlib import Path

from discovery.candidates.folders import report_folder
from discovery.candidates.options import ClusterOptions
from embed.errors import InputError
from embed.study.clusterings import StoredClustering, latest_clustering
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a study without such a clustering, and a report that is not there."""
    with Study(options.study) as study:
        chosen_report(study, options)


def chosen_report(study: Study, options: Namespace) -> tuple[StoredClustering, ClusterOptions, Path]:
    """Return the clustering to verify, how it was made, and the folder of its report.

    Raises
    ------
    InputError
        When the study has no such clustering, it was made by `discover update`, which writes no report, or the folder is not there.
    """
    found = latest_clustering(study, options.label)
    if "update_of" in found.arguments:
        raise InputError(
            f"run {found.run} is an update, which has no report; run `discover cluster {found.label}` again"
        )
    kept = found.arguments
    chosen = ClusterOptions(
        predicted=kept["predicted"],
        method=kept["method"],
        k=kept["k"],
        seed=kept["seed"],
        detector=Path(kept["detector"]) if "detector" in kept else None,
        strain=tuple(map(Path, kept.get("strain", ()))),
    )
    folder = options.report if options.report is not None else report_folder(study.folder, found.label, chosen.method)
    if not folder.is_dir():
        raise InputError(
            f"there is no report in {folder}; name its folder with --report, or make it with `discover cluster`"
        )
    return found, chosen, folder
