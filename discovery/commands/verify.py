"""``discover verify``."""

from argparse import Namespace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from discovery.checks.verify import chosen_reports
from discovery.commands.console import Terminal
from discovery.commands.progress import duration
from discovery.commands.scratch import scratch_copy
from discovery.verification.again import make_again
from discovery.verification.changes import known_reasons, labels_since
from discovery.verification.clusters import compare_clusters
from discovery.verification.comparison import Comparison
from discovery.verification.drift import compare_maps
from discovery.verification.flags import compare_audits
from discovery.verification.reports import StoredReport
from embed.digits import counted
from embed.errors import DiscoverError, InputError
from embed.study.moments import run_seconds
from embed.study.study import Study

COMPARE = {"clusters": compare_clusters, "audit": compare_audits, "map": compare_maps}


def run(options: Namespace) -> int:
    """Make reports again and compare them; returns 1 where a file differs.

    Raises
    ------
    DiscoverError
        When a report cannot be made again: of several, after the others.
    """
    terminal = Terminal(as_json=options.json)
    said: dict[str, dict[str, Any]] = {}
    with Study(options.study) as study:
        reports = chosen_reports(study, options)
        for report in reports:
            try:
                said[report.kind] = _verify(study, report, terminal)
            except DiscoverError as error:
                if len(reports) == 1:
                    raise
                why = " ".join(str(error).split())
                terminal.say(f"run {report.run}, {_what(report)}: cannot be made again: {why}")
                said[report.kind] = {"run": report.run, "same": False, "error": why}
    failed = [f"{kind} (run {one['run']})" for kind, one in said.items() if "error" in one]
    is_same = all(one["same"] for one in said.values())
    terminal.result(said.pop("clusters", {}) | said | {"same": is_same})
    if failed:
        raise InputError(
            f"{counted(len(failed), 'report', 'reports')} of {len(reports)} cannot be made again: {', '.join(failed)}"
        )
    return 0 if is_same else 1


def _verify(study: Study, report: StoredReport, terminal: Terminal) -> dict[str, Any]:
    """Make one report again, say what differs, and return it for JSON."""
    if report.arguments.get("refit"):
        terminal.say(
            f"run {report.run} trained a network for each of {report.arguments['splits']} splits, in {duration(run_seconds(study, report.run))}; they are trained again"
        )
    with scratch_copy(study, before=report.run) as copy, TemporaryDirectory(prefix="discover-") as folder:
        with terminal.steps() as step:
            make_again(copy, report, Path(folder), step)
        compared = COMPARE[report.kind](report.folder, Path(folder))
    note = labels_since(study, report)
    differences = [*compared.differences, *([] if compared.is_same else known_reasons(study, report))]
    _say(terminal, report, compared, [*differences, *([note] if note else [])])
    found = {"run": report.run, "same": compared.is_same, "files": compared.files, "differences": differences}
    found |= {"since": note, **compared.numbers}
    return found | {"label": report.arguments["label"]} if report.kind == "clusters" else found


def _say(terminal: Terminal, report: StoredReport, compared: Comparison, lines: list[str]) -> None:
    same, count = sum(compared.files.values()), len(compared.files)
    terminal.say(f"run {report.run}, {_what(report)}: {compared.answer}; {same} of {count} files have the same bytes")
    for name, is_same in compared.files.items():
        if not is_same:
            terminal.say(f"differs: {name}")
    for line in lines:
        terminal.say(line)


def _what(report: StoredReport) -> str:
    kept = report.arguments
    if report.kind == "clusters":
        return f"clusters of {kept['label']} by {kept['method']}"
    if report.kind == "map":
        return f"map of {', '.join(kept['labels']) or 'all glitches'} by {kept['method']}"
    return "audit"
