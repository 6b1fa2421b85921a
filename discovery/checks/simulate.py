"""The check of ``discover simulate``, and the population that its options describe."""

from argparse import Namespace
from pathlib import Path

from discovery.checks.fleet import check_ray
from embed.errors import InputError
from embed.simulator.options import DESIGN
from embed.simulator.population import Population, default_classes, default_span, demo_population
from embed.storage import first_bytes
from embed.unfinished import check_fillable


def check(options: Namespace) -> None:
    """Refuse a folder that is neither empty nor an unfinished simulation, classes that cannot be simulated, strain files that cannot be read, and a cluster that cannot be joined."""
    check_fillable(options.out)
    population(options)
    for path in noise_files(options):
        first_bytes(path)
    check_ray(options)


def population(options: Namespace) -> Population:
    """Return the glitches to simulate.

    Raises
    ------
    InputError
        When a class cannot be simulated, or numbers are out of range.
    """
    if options.demo:
        return demo_population(options.n, options.seed)
    return Population(
        options.n,
        options.seed,
        classes=default_classes(options.rates) if options.classes is None else tuple(options.classes),
        hidden=tuple(options.hidden),
        span=default_span(options.rates),
        onset=dict(_onset(text) for text in options.onset),
        label_noise=options.label_noise,
        schedule=options.rates,
    )


def noise_files(options: Namespace) -> list[Path]:
    """Return the strain files that noise is measured from; empty for design noise."""
    return [] if options.noise == [DESIGN] else [Path(text) for text in options.noise]


def _onset(text: str) -> tuple[str, float]:
    name, _, gps = text.partition("=")
    try:
        return name, float(gps)
    except ValueError as error:
        raise InputError(f"--onset {text!r} is not CLASS=GPS, such as Fast_Scattering=1128000000") from error
