"""``discover fetch``."""

from argparse import Namespace
from dataclasses import asdict

from discovery.checks.fetch import glitches_to_fetch
from discovery.commands.console import Terminal
from discovery.commands.ingest import show_skipped, write_skipped
from embed.digits import counted
from embed.ingest.download import Politeness
from embed.ingest.fetch import MANIFEST, fetch
from embed.study.study import Study


def run(options: Namespace) -> int:
    """Download pictures and add them to the study; returns 1 where some could not be fetched."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study, study.run("fetch", {"command": options.typed}):
        with terminal.progress("fetch") as progress:
            report = fetch(
                study,
                glitches_to_fetch(study, options),
                options.out,
                durations=options.durations,
                politeness=Politeness(rate=options.rate, connections=options.connections),
                progress=progress,
            )
        skipped = write_skipped(study, "fetch", report)
    show_skipped(terminal, report, skipped)
    names = ("asked", "downloaded", "found", "refused", "views")
    terminal.table(f"Pictures in {options.out}", ("", "number"), [(name, str(getattr(report, name))) for name in names])
    terminal.say(f"their hashes are in {options.out / MANIFEST}")
    if report.refused:
        terminal.say(
            f"{counted(report.refused, 'picture', 'pictures')} could not be fetched; run again to ask for {'it' if report.refused == 1 else 'these'} only"
        )
    terminal.result(asdict(report))
    return 1 if report.refused else 0
