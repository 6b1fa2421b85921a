"""``discover simulate``."""

from argparse import Namespace
from collections import Counter

from discovery.checks.simulate import noise_files, population
from discovery.commands.console import Terminal
from discovery.commands.fleet import spread_of
from embed.digits import counted
from embed.network.devices import choose_device
from embed.simulator.folder import write_study
from embed.simulator.options import DESIGN


def run(options: Namespace) -> None:
    """Simulate glitches into a folder that ``discover ingest`` reads."""
    terminal = Terminal(as_json=options.json)
    device = None if options.device == "auto" else choose_device(options.device)
    with spread_of(options, terminal) as spread, terminal.progress("simulate") as progress:
        made = write_study(
            options.out,
            population(options),
            noise=noise_files(options) or DESIGN,
            output="strain" if options.strain else "images",
            device=device,
            progress=progress,
            spread=spread,
        )
    counts = Counter(made.entry(index).label for index in range(made.n))
    rows = [(label, str(count)) for label, count in sorted(counts.items())]
    terminal.table(f"{counted(made.n, 'glitch', 'glitches')} in {options.out}", ("label", "glitches"), rows)
    terminal.say(f"truth in {options.out / 'truth.csv'}, metadata in {options.out / 'metadata.csv'}")
    terminal.result({"out": str(options.out), "glitches": made.n, "labels": dict(sorted(counts.items()))})
