"""``discover scan``."""

from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path

from discovery.commands.console import Terminal
from discovery.commands.ingest import show_skipped
from embed.csvfile import write_csv
from embed.errors import InputError
from embed.gravityspy import DURATIONS
from embed.ingest.folders import Picture, add_picture, probed
from embed.network.devices import choose_device
from embed.strain.detection import find_triggers
from embed.strain.files import open_strain
from embed.strain.opendata import fetch_open_strain
from embed.strain.record import StrainRecord, records
from embed.strain.scan import scan
from embed.strain.triggers import Trigger, read_triggers, trigger_at
from embed.study.report import IngestReport, Skip
from embed.study.study import Study
from embed.views.png import write_views


def run(options: Namespace) -> None:
    """Turn strain around triggers into views, and bring them into the study."""
    chosen = [
        name
        for name, given in (("--triggers", options.triggers), ("--at", options.at), ("--find", options.find))
        if given
    ]
    if len(chosen) != 1:
        raise InputError(
            f"{' and '.join(chosen) or 'no trigger'} given; give one of --triggers CSV, --at GPS and --find"
        )
    terminal = Terminal(as_json=options.json)
    report = IngestReport()
    device = choose_device(options.device)
    with (
        Study(options.study, create=True) as study,
        study.run("scan", {"strain": [str(path) for path in options.strain], "by": chosen[0]}),
    ):
        strain = _records(options, study)
        triggers, skipped = _triggers(options, strain)
        report.skipped += skipped
        folder = study.folder / "views"
        done: list[Trigger] = []
        with terminal.progress("scan") as progress:
            for number, (trigger, levels) in enumerate(
                scan(strain, triggers, whitened=options.whitened, device=device), 1
            ):
                if isinstance(levels, Skip):
                    report.skipped.append(levels)
                else:
                    paths = write_views(folder, trigger.ifo, trigger.gravityspy_id, levels)
                    with study.transaction():
                        report.glitches += study.add_glitch(
                            trigger.gravityspy_id, trigger.ifo, trigger.gps, _metadata(trigger)
                        )[1]
                        for picture, image in probed(_pictures(trigger, paths)):
                            add_picture(study, picture, image, {}, report)
                    done.append(trigger)
                progress(number, len(triggers))
        table = study.folder / "reports" / "scan.csv"
        write_csv(table, ("id", "ifo", "gps", "snr", "peak_frequency", "q_value"), [_row(trigger) for trigger in done])
        write_csv(
            study.folder / "reports" / "scan-skipped.csv",
            ("path", "reason"),
            [(skip.path, skip.reason) for skip in report.skipped],
        )
    show_skipped(terminal, report, study.folder / "reports" / "scan-skipped.csv")
    terminal.table(
        f"{len(done)} triggers scanned, listed in {table}",
        ("id", "SNR", "peak Hz", "Q"),
        [_cells(trigger) for trigger in done[:20]],
    )
    terminal.say(f"added {report.glitches} glitches and {report.views} views to {options.study}")
    terminal.result(
        {
            "scanned": len(done),
            "glitches": report.glitches,
            "views": report.views,
            "skipped": [vars(skip) for skip in report.skipped],
            "table": str(table),
        }
    )
    if not done:
        first = (
            f"the first: {report.skipped[0].path}: {report.skipped[0].reason}"
            if report.skipped
            else "none was found; lower --snr"
        )
        raise InputError(f"no trigger could be scanned ({len(report.skipped)} skipped; {first})")


def _records(options: Namespace, study: Study) -> dict[str, StrainRecord]:
    files = [open_strain(path, ifo=options.ifo, channel=options.channel) for path in options.strain]
    if options.open_data:
        if not options.ifo or options.find:
            raise InputError(
                "--open-data fetches around known times of one detector; give --ifo and --at or --triggers"
            )
        folder = study.folder / "strain"
        fetched = [
            fetch_open_strain(options.ifo, trigger.gps, folder) for trigger in _wanted(options, [options.ifo])[0]
        ]
        files += {file.path: file for file in fetched}.values()
    if not files:
        raise InputError("no strain; give files, or --open-data with --ifo and a time")
    return records(files)


def _triggers(options: Namespace, strain: dict[str, StrainRecord]) -> tuple[list[Trigger], list[Skip]]:
    if options.find:
        return list(_found(options, strain.values())), []
    return _wanted(options, list(strain))


def _wanted(options: Namespace, ifos: list[str]) -> tuple[list[Trigger], list[Skip]]:
    """Return the triggers that are asked for by time."""
    if options.triggers is not None:
        return read_triggers(options.triggers, ifos)
    return [trigger_at(gps, ifo) for gps in options.at for ifo in ifos], []


def _found(options: Namespace, strain: Iterable[StrainRecord]) -> Iterator[Trigger]:
    for record in strain:
        yield from find_triggers(record, snr=options.snr, dead_time=options.dead_time, whitened=options.whitened)


def _metadata(trigger: Trigger) -> dict[str, float]:
    named = {"snr": trigger.snr, "peak_frequency": trigger.peak_frequency, "q_value": trigger.q_value}
    return {name: value for name, value in named.items() if value is not None}


def _pictures(trigger: Trigger, paths: list[Path]) -> Iterator[Picture]:
    for path, duration in zip(paths, DURATIONS, strict=True):
        yield Picture(path.absolute(), trigger.gravityspy_id, trigger.ifo, duration, "spectrogram", None, None)


def _row(trigger: Trigger) -> tuple[object, ...]:
    return (
        f"{trigger.ifo}_{trigger.gravityspy_id}",
        trigger.ifo,
        trigger.gps,
        trigger.snr,
        trigger.peak_frequency,
        trigger.q_value,
    )


def _cells(trigger: Trigger) -> tuple[str, ...]:
    values = (trigger.snr, trigger.peak_frequency, trigger.q_value)
    return f"{trigger.ifo}_{trigger.gravityspy_id}", *("" if value is None else f"{value:.1f}" for value in values)
