"""``discover scan``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discovery.checks.scan import trigger_option
from discovery.commands.console import Terminal
from discovery.commands.fleet import spread_of
from discovery.commands.ingest import show_skipped, write_skipped
from embed.digits import counted
from embed.errors import InputError
from embed.gravityspy import class_name
from embed.ingest.strain import ingest_strain, write_scan_table
from embed.network.devices import choose_device
from embed.strain.detection import find_triggers
from embed.strain.files import open_strain
from embed.strain.opendata import fetch_open_strain
from embed.strain.record import LEAST_BLOCK_SECONDS, records
from embed.strain.triggers import Trigger, read_triggers, trigger_at
from embed.study.study import Study

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping
    from pathlib import Path

    from embed.ingest.strain import StrainReport
    from embed.strain.record import StrainRecord
    from embed.study.report import Skip

SHOWN = 20
"""Scanned triggers that are printed; all of them are in the study's reports."""


def run(options: Namespace) -> None:
    """Turn strain around triggers into views, and add them to the study."""
    terminal = Terminal(as_json=options.json)
    device = choose_device(options.device)
    with (
        Study(options.study, create=True) as study,
        study.run("scan", _arguments(options)),
        spread_of(options, terminal) as spread,
    ):
        strain = _records(options, study)
        if options.find:
            triggers = [
                trigger
                for record in strain.values()
                for trigger in find_triggers(
                    record,
                    snr=options.snr,
                    dead_time=options.dead_time,
                    whitened=options.whitened,
                    device=device,
                    spread=spread,
                )
            ]
            unread: list[Skip] = []
        else:
            triggers, unread = _given(options, list(strain))
        with terminal.progress("scan") as progress:
            report = ingest_strain(
                study,
                strain,
                triggers,
                whitened=options.whitened,
                device=device,
                label=options.label and class_name(options.label),
                progress=progress,
                spread=spread,
            )
        report.skipped[:0] = unread
        reports = study.folder / "reports"
        write_scan_table(reports / "scan.csv", report.scanned)
        skipped = write_skipped(study, "scan", report)
        show_skipped(terminal, report, skipped, what="trigger")
        if report.scanned:
            _show(terminal, report, reports / "scan.csv", options.study)
        terminal.result(
            {
                "scanned": len(report.scanned),
                "glitches": report.glitches,
                "views": report.views,
                "labels": report.labels,
                "skipped": [vars(skip) for skip in report.skipped],
                "table": str(reports / "scan.csv"),
            }
        )
        if not report.scanned:
            raise InputError(f"no trigger could be scanned: {_why(options, report, strain)}")


def _show(terminal: Terminal, report: StrainReport, table: Path, study: Path) -> None:
    """Print the first scanned triggers, and what was added."""
    terminal.table(
        f"{counted(len(report.scanned), 'trigger', 'triggers')} scanned, listed in {table}",
        ("id", "SNR", "peak Hz", "Q"),
        [_cells(trigger) for trigger in report.scanned[:SHOWN]],
    )
    if len(report.scanned) > SHOWN:
        terminal.say(f"... and {len(report.scanned) - SHOWN:,} more")
    added = [
        counted(report.glitches, "glitch", "glitches"),
        counted(report.views, "view", "views"),
        *([counted(report.labels, "label", "labels")] if report.labels else []),
    ]
    terminal.say(f"added {', '.join(added[:-1])} and {added[-1]} to {study}")


def _why(options: Namespace, report: StrainReport, strain: Mapping[str, StrainRecord]) -> str:
    """Say why nothing was scanned."""
    if report.skipped:
        first = report.skipped[0]
        return f"{len(report.skipped):,} skipped, the first: {first.path}: {first.reason}"
    if not options.find:
        return f"{options.triggers} has no rows"
    good = sum(end - start for record in strain.values() for start, end in record.good())
    if good < LEAST_BLOCK_SECONDS:
        return f"{good:,.0f} s of good strain are too short to search; the rest is gaps or bad data"
    return f"nothing in {good:,.0f} s of good strain is as loud as SNR {options.snr:g}; lower --snr"


def _arguments(options: Namespace) -> dict[str, object]:
    """What is remembered of the scan: with it `discover embed --backbone strain:DIR` finds the strain again."""
    return {
        "strain": [str(path.absolute()) for path in options.strain],
        "by": trigger_option(options),
        "ifo": options.ifo,
        "channel": options.channel,
        "whitened": options.whitened,
    }


def _records(options: Namespace, study: Study) -> dict[str, StrainRecord]:
    files = [open_strain(path, ifo=options.ifo, channel=options.channel) for path in options.strain]
    if options.open_data:
        folder = study.folder / "strain"
        fetched = [fetch_open_strain(options.ifo, trigger.gps, folder) for trigger in _given(options, [options.ifo])[0]]
        files += {file.path: file for file in fetched}.values()
    return records(files)


def _given(options: Namespace, ifos: list[str]) -> tuple[list[Trigger], list[Skip]]:
    """Return the triggers of the table or of the times on the command line, and the rows that are no triggers."""
    if options.triggers is not None:
        return read_triggers(options.triggers, ifos)
    return [trigger_at(gps, ifo) for gps in options.at for ifo in ifos], []


def _cells(trigger: Trigger) -> tuple[str, ...]:
    values = (trigger.snr, trigger.peak_frequency, trigger.q_value)
    return f"{trigger.ifo}_{trigger.gravityspy_id}", *("" if value is None else f"{value:.1f}" for value in values)
