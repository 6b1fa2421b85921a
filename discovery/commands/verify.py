"""``discover verify``."""

from argparse import Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

from discovery.candidates.candidates import find_candidates
from discovery.candidates.verification import compare_reports
from discovery.checks.verify import chosen_report
from discovery.commands.console import Terminal
from discovery.commands.scratch import scratch_copy
from embed.errors import InputError
from embed.study.study import Study
from embed.vectors.store import stores


def run(options: Namespace) -> int:
    """Make the report of a clustering again and compare it; returns 1 where a file differs."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study, scratch_copy(study) as copy, TemporaryDirectory(prefix="discover-") as folder:
        found, chosen, report = chosen_report(study, options)
        arguments = found.arguments
        store = next((own for own in stores(study.folder) if own.name == arguments["store"]), None)
        if store is None:
            raise InputError(
                f"the vectors {arguments['store']} of run {found.run} are gone; make them again with `discover embed`"
            )
        with terminal.steps() as step:
            find_candidates(
                copy,
                store,
                found.label,
                chosen,
                out=Path(folder),
                command=arguments.get("command", ""),
                step=step,
            )
        compared = compare_reports(report, Path(folder))
    same = sum(compared.files.values())
    terminal.say(
        f"run {found.run}, clusters of {found.label} by {arguments['method']}: {same} of {len(compared.files)} files have the same bytes"
    )
    for name, is_same in compared.files.items():
        if not is_same:
            terminal.say(f"differs: {name}")
    for difference in compared.differences:
        terminal.say(difference)
    terminal.result(
        {
            "run": found.run,
            "label": found.label,
            "same": compared.is_same,
            "files": compared.files,
            "differences": compared.differences,
        }
    )
    return 0 if compared.is_same else 1
