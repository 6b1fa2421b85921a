"""``discover generate``."""

from argparse import Namespace

from discovery.commands.console import Terminal
from embed.generator.folder import write_generated
from embed.generator.learned import read_learned
from embed.generator.options import SIMULATOR
from embed.generator.source import open_source
from embed.network.devices import choose_device


def run(options: Namespace) -> None:
    """Generate glitches into a folder that ``discover ingest`` reads."""
    terminal = Terminal(as_json=options.json)
    source = open_source(options.study, options.model, choose_device(options.device))
    study = "none" if options.model == SIMULATOR else options.study.absolute().name
    with terminal.progress("generate") as progress:
        count = write_generated(
            options.out, source, options.labels, options.n, seed=options.seed, study=study, progress=progress
        )
    caution = read_learned(source).caution(source.name)
    if caution:
        terminal.say(f"caution: {caution}")
    terminal.say(
        f"{count} generated glitches in {options.out}; add them with `discover ingest {options.out}` and `discover ingest {options.out / 'metadata.csv'}`"
    )
    terminal.result(
        {
            "out": str(options.out),
            "glitches": count,
            "model": source.name,
            "passport": source.passport,
            "caution": caution,
        }
    )
