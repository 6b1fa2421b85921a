"""``discover check``."""

from argparse import Namespace

from discovery.commands.console import Terminal
from discovery.integrity.check import check_study, repair_study
from discovery.integrity.finding import Finding
from embed.digits import counted

SHOWN = 40
"""Lines of what is not fine that are printed; ``--json`` prints all."""


def run(options: Namespace) -> int:
    """Print what is whole and what is not, and repair it where that is asked for; returns 1 where something is damaged or missing."""
    terminal = Terminal(as_json=options.json)
    with terminal.progress("check") as move:
        found = check_study(options.study, move)
    steps = []
    for _ in range(2 if options.repair else 0):  # what was repaired first gets its hashes kept then
        if not any(finding.mend for finding in found):
            break
        _print(terminal, options, found)
        for finding, done, said in repair_study(found, options.study):
            terminal.say(f"{'repaired' if done else 'not repaired'}: {finding.part}: {said}")
            steps.append({"part": finding.part, "done": done, "said": said})
        with terminal.progress("check again") as move:
            found = check_study(options.study, move)
    _print(terminal, options, found)
    faults = [finding for finding in found if not finding.is_fine]
    able = sum(finding.mend is not None for finding in faults)
    if not faults:
        terminal.say("everything is whole")
    else:
        terminal.say(
            f"{counted(len(faults), 'fault', 'faults')}, {able} of them can be repaired"
            + (": `discover check --repair`" if able else "")
        )
    terminal.result(
        {
            "whole": not faults,
            "damaged": sum(finding.state == "damaged" for finding in found),
            "missing": sum(finding.state == "missing" for finding in found),
            "findings": [finding.row() for finding in found],
            "repairs": steps,
        }
    )
    return 1 if faults else 0


def _print(terminal: Terminal, options: Namespace, found: list[Finding]) -> None:
    faults = [finding for finding in found if not finding.is_fine]
    shown = [finding for finding in found if finding.is_fine] + faults[:SHOWN]
    rows = [(own.part, own.state, own.what + (f" -> {own.remedy}" if own.remedy else "")) for own in shown]
    terminal.table(f"Study {options.study}", ("part", "state", "what"), rows)
    if len(faults) > SHOWN:
        terminal.say(f"... and {len(faults) - SHOWN} more; --json lists all")
