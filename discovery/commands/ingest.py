"""``discover ingest``."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from discovery.commands.console import Terminal
from embed.csvfile import write_csv
from embed.errors import InputError
from embed.ingest.folders import ingest_folder
from embed.ingest.tables import ingest_labels, ingest_table
from embed.ingest.trainingset import SUFFIXES as HDF5_SUFFIXES
from embed.ingest.trainingset import ingest_training_set
from embed.storage import check_regular
from embed.study.report import IngestReport
from embed.study.study import Study

SHOWN = 20
"""Skipped files that are printed; all of them are in the study's reports."""


def run(options: Namespace) -> None:
    """Add a folder, a table, a training set or labels to the study."""
    if options.path is None and options.labels is None:
        raise InputError("nothing to ingest; give a PATH, --labels CSV, or both")
    for path in (options.path, options.labels):
        if path is not None and not path.exists():
            raise InputError(f"{path} does not exist; give a folder of images, a CSV or an HDF5 training set")
        if path is not None:
            check_regular(path)
    terminal = Terminal(as_json=options.json)
    report = IngestReport()
    with (
        Study(options.study, create=True) as study,
        study.run("ingest", {"path": _text(options.path), "labels": _text(options.labels)}),
    ):
        if options.path is not None:
            with terminal.progress("ingest") as progress:
                report = _ingest_path(study, options, progress)
        if options.labels is not None:
            with terminal.progress("labels") as progress:
                added = ingest_labels(study, options.labels, column=options.label_column, progress=progress)
            report.labels += added.labels
            report.unchanged += added.unchanged
            report.skipped += added.skipped
            report.warnings += added.warnings
        skipped = study.folder / "reports" / "ingest-skipped.csv"
        write_csv(skipped, ("path", "reason"), [(skip.path, skip.reason) for skip in report.skipped])
    show_skipped(terminal, report, skipped)
    rows = [(name, str(getattr(report, name))) for name in ("glitches", "views", "labels")]
    rows += [("unchanged", str(report.unchanged)), ("skipped", str(len(report.skipped)))]
    terminal.table(f"Added to {options.study}", ("", "number"), rows)
    for warning in report.warnings:
        terminal.say(f"Warning: {warning}")
    terminal.result(asdict(report))
    if not (report.glitches or report.views or report.labels or report.unchanged):
        first = f"the first: {report.skipped[0].path}: {report.skipped[0].reason}" if report.skipped else "it is empty"
        raise InputError(
            f"nothing in {options.path or options.labels} could be used ({len(report.skipped)} skipped; {first})"
        )


def _ingest_path(study: Study, options: Namespace, progress: Callable[[int, int], None]) -> IngestReport:
    path: Path = options.path
    if path.is_dir():
        return ingest_folder(study, path, plain=options.plain, progress=progress)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return ingest_table(study, path, progress=progress)
    if suffix in HDF5_SUFFIXES:
        return ingest_training_set(study, path, progress=progress)
    raise InputError(
        f"{path} is neither a folder, a .csv nor an HDF5 file ({', '.join(HDF5_SUFFIXES)}); give one of these"
    )


def show_skipped(terminal: Terminal, report: IngestReport, path: Path) -> None:
    """Print the first skipped files, and where all are listed."""
    if not report.skipped:
        return
    terminal.table(
        f"Skipped {len(report.skipped)}",
        ("file", "reason"),
        [(skip.path, skip.reason) for skip in report.skipped[:SHOWN]],
    )
    if len(report.skipped) > SHOWN:
        terminal.say(f"... and {len(report.skipped) - SHOWN} more, all in {path}")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
