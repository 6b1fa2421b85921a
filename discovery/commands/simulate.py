"""``discover simulate``."""

from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import Literal

from discovery.commands.console import Terminal
from embed.errors import InputError
from embed.simulator import Population, demo_population, simulate, write_study


def run(options: Namespace) -> None:
    """Simulate glitches into a folder that ``discover ingest`` reads."""
    terminal = Terminal(as_json=options.json)
    device = None if options.device == "auto" else options.device
    with terminal.progress("simulate") as progress:
        if options.demo:
            population = write_study(
                options.out, demo_population(options.n, options.seed), device=device, progress=progress
            )
        else:
            population = simulate(
                options.out,
                options.n,
                options.seed,
                classes=options.classes,
                hidden=options.hidden,
                noise=_noise(options.noise),
                label_noise=options.label_noise,
                onset=dict(_onset(text) for text in options.onset),
                output="strain" if options.strain else "images",
                device=device,
                progress=progress,
            )
    counts = _counts(population)
    rows = [(label, str(count)) for label, count in sorted(counts.items())]
    terminal.table(f"{population.n} glitches in {options.out}", ("label", "glitches"), rows)
    terminal.say(f"truth in {options.out / 'truth.csv'}, metadata in {options.out / 'metadata.csv'}")
    terminal.result({"out": str(options.out), "glitches": population.n, "labels": dict(sorted(counts.items()))})


def _counts(population: Population) -> Counter[str]:
    return Counter(population.entry(index).label for index in range(population.n))


def _noise(given: list[str]) -> Literal["design"] | list[Path]:
    return "design" if given == ["design"] else [Path(text) for text in given]


def _onset(text: str) -> tuple[str, float]:
    name, _, gps = text.partition("=")
    try:
        return name, float(gps)
    except ValueError as error:
        raise InputError(f"--onset {text!r} is not CLASS=GPS, such as Fast_Scattering=1128000000") from error
