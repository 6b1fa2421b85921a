"""``discover ingest``."""

from argparse import Namespace
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from discovery.commands.console import Terminal
from embed.csvfile import write_csv
from embed.digits import counted
from embed.errors import InputError
from embed.ingest.folders import ingest_folder
from embed.ingest.tables import ingest_labels, ingest_table
from embed.ingest.trainingset import ingest_training_set
from embed.study.nouns import nouns
from embed.study.report import IngestReport
from embed.study.study import Study
from embed.vectors.given import VECTOR_SUFFIXES

SHOWN = 20
"""Skipped files that are printed; all of them are in the study's reports."""


def run(options: Namespace) -> None:
    """Add a folder, a table, a training set, vectors or labels to the study."""
    terminal = Terminal(as_json=options.json)
    report = IngestReport()
    with Study(options.study, create=True) as study:
        vectors = options.path is not None and options.path.suffix.lower() in VECTOR_SUFFIXES
        if vectors:
            report = _ingest_vectors(study, options, terminal)
        if options.labels is not None or not vectors:
            with study.run("ingest", {"path": _text(options.path), "labels": _text(options.labels)}):
                if options.path is not None and not vectors:
                    with terminal.progress("ingest") as progress:
                        report = _ingest_path(study, options, progress)
                if options.labels is not None:
                    _add_labels(study, options, report, terminal)
                _check_used(study, options, report, terminal)
        skipped, many = write_skipped(study, "ingest", report), nouns(study)[1]
    show_skipped(terminal, report, skipped)
    rows = [(many, f"{report.glitches:,}"), *((name, f"{getattr(report, name):,}") for name in ("views", "labels"))]
    rows += [("known ones with more metadata", f"{report.completed:,}")] if report.completed else []
    rows += [("unchanged", f"{report.unchanged:,}"), ("skipped", f"{len(report.skipped):,}")]
    terminal.table(f"Added to {options.study}", ("", "number"), rows)
    if report.repeated:
        same = counted(report.repeated, "glitch keeps its label", "glitches keep their labels")
        terminal.say(f"{same}: the record now names this source too")
    for warning in report.warnings:
        terminal.say(f"Warning: {warning}")
    terminal.result(asdict(report))


def _check_used(study: Study, options: Namespace, report: IngestReport, terminal: Terminal) -> None:
    """Refuse what nothing of could be used, after a list of what was skipped."""
    if report.glitches or report.views or report.labels or report.completed or report.unchanged:
        return
    show_skipped(terminal, report, write_skipped(study, "ingest", report))
    path: Path = options.path or options.labels
    nothing = "it has no rows" if path.is_file() else "it is empty"
    first = f"the first: {report.skipped[0].path}: {report.skipped[0].reason}" if report.skipped else nothing
    raise InputError(f"nothing in {path} could be used ({len(report.skipped)} skipped; {first})")


def _ingest_vectors(study: Study, options: Namespace, terminal: Terminal) -> IngestReport:
    from embed.network.devices import choose_device  # noqa: PLC0415 - seconds that other files need not wait for
    from embed.vectors.importing import ingest_vectors  # noqa: PLC0415

    with terminal.progress("check") as progress:
        given = ingest_vectors(
            study,
            options.path,
            options.ids,
            name=options.name,
            seed=options.seed,
            device=choose_device(options.device).type,
            step=lambda name: progress(0, 0, name),
            progress=progress,
        )
    passport = given.store.passport
    terminal.say(
        f"{counted(passport['rows'], 'vector', 'vectors')} of {passport['dimension']} numbers, {passport['weights']}, in {given.store.folder}"
    )
    return given.report


def _add_labels(study: Study, options: Namespace, report: IngestReport, terminal: Terminal) -> None:
    with terminal.progress("labels") as progress:
        added = ingest_labels(study, options.labels, column=options.label_column, progress=progress)
    report.labels += added.labels
    report.unchanged += added.unchanged
    report.repeated += added.repeated
    report.relabelled += added.relabelled
    report.skipped += added.skipped
    report.warnings += added.warnings


def _ingest_path(study: Study, options: Namespace, progress: Callable[[int, int], None]) -> IngestReport:
    path: Path = options.path
    if path.is_dir():
        return ingest_folder(study, path, plain=options.plain, progress=progress)
    if path.suffix.lower() == ".csv":
        return ingest_table(study, path, progress=progress)
    return ingest_training_set(study, path, progress=progress)


def write_skipped(study: Study, command: str, report: IngestReport) -> Path:
    """List every skipped file in the study's reports, in ``<command>-skipped.csv``."""
    path = study.folder / "reports" / f"{command}-skipped.csv"
    write_csv(path, ("path", "reason"), [(skip.path, skip.reason) for skip in report.skipped])
    return path


def show_skipped(terminal: Terminal, report: IngestReport, path: Path, what: str = "file") -> None:
    """Print the skipped files, or other things, and where all are listed; where there are many, the commonest reasons with the first of each."""
    skipped = report.skipped
    if not skipped:
        return
    reasons = Counter(skip.reason for skip in skipped)
    title = f"Skipped {len(skipped):,}"
    if len(skipped) <= SHOWN or len(reasons) == len(skipped):
        terminal.table(title, (what, "reason"), [(skip.path, skip.reason) for skip in skipped[:SHOWN]])
        if len(skipped) > SHOWN:
            terminal.say(f"... and {len(skipped) - SHOWN:,} more, all in {path}")
        return
    first = {skip.reason: skip.path for skip in reversed(skipped)}
    rows = [(reason, f"{count:,}", first[reason]) for reason, count in reasons.most_common(SHOWN)]
    terminal.table(title, ("reason", f"{what}s", "the first"), rows)
    more = len(reasons) - len(rows)
    others = f"... and {counted(more, 'more reason', 'more reasons')}; " if more else ""
    terminal.say(f"{others}all are in {path}")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
