"""The parser lines of ``discover scan`` and ``discover simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.arguments.base import add_ray, positive
from embed.gravityspy import CLASS_LISTS
from embed.simulator.options import CATALOGUE, DEMO_LABEL_NOISE, DESIGN, LABEL_NOISE, SCHEDULES
from embed.strain.thresholds import DEAD_TIME, SNR_THRESHOLD

if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_scan(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover scan``."""
    scan = commands.add_parser(
        "scan",
        parents=[common],
        help="turn strain around triggers into glitches of a study",
        description="Turn strain around given or found times into views, by Gravity Spy's Q-transform, and add them to a study. Give one of --triggers, --at and --find.",
    )
    scan.add_argument(
        "strain", metavar="STRAIN", nargs="*", type=Path, help="strain files: GWOSC's HDF5, gwpy's HDF5 or GWF"
    )
    scan.add_argument(
        "--triggers",
        metavar="CSV",
        type=Path,
        help="scan the times of this table: a column of GPS times, and columns of detector and id if there are any",
    )
    scan.add_argument("--at", metavar="GPS", type=float, nargs="+", help="scan these GPS times")
    scan.add_argument("--find", action="store_true", help="find loud times in the strain and scan them")
    scan.add_argument(
        "--snr",
        type=float,
        default=SNR_THRESHOLD,
        help=f"with --find: lowest signal-to-noise ratio (default: {SNR_THRESHOLD})",
    )
    scan.add_argument(
        "--dead-time",
        metavar="S",
        type=float,
        default=DEAD_TIME,
        help=f"with --find: shortest time between two triggers, in seconds (default: {DEAD_TIME})",
    )
    scan.add_argument(
        "--ifo", metavar="IFO", help="the detector, such as H1: for files that do not name it, and for --open-data"
    )
    scan.add_argument(
        "--label",
        metavar="LABEL",
        help="label the scanned glitches that have no label, such as None_of_the_Above for `discover cluster` (default: none; `discover ingest CSV` takes the labels of a table of triggers)",
    )
    scan.add_argument("--channel", metavar="NAME", help="the data set or channel to read from files with several")
    scan.add_argument("--whitened", action="store_true", help="the strain is already whitened")
    scan.add_argument(
        "--open-data", action="store_true", help="download public strain around the times from GWOSC; needs --ifo"
    )
    add_ray(scan, "the times")


def add_simulate(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover simulate``."""
    simulate = commands.add_parser(
        "simulate",
        parents=[common],
        help="make glitches of known classes, to try everything on",
        description="Simulate glitches in detector noise, in a folder laid out like Gravity Spy's that `discover ingest` reads. truth.csv holds the true classes.",
    )
    simulate.add_argument("--out", metavar="DIR", type=Path, required=True, help="a new folder for the glitches")
    simulate.add_argument("--n", metavar="N", type=positive, required=True, help="number of glitches")
    simulate.add_argument(
        "--demo",
        action="store_true",
        help=f"simulate the demonstration: {len(CLASS_LISTS['O4'])} labels, one class that appears half-way, three hidden families, {100 * DEMO_LABEL_NOISE:g} %% wrong labels; --classes, --rates, --hidden, --label-noise and --onset are not used",
    )
    simulate.add_argument(
        "--classes",
        metavar="CLASS",
        nargs="+",
        help=f"classes to simulate, or a run's class list: {', '.join(f'{run} ({len(names)})' for run, names in CLASS_LISTS.items())} (default: O4; with --rates o1: O1)",
    )
    simulate.add_argument(
        "--rates",
        choices=SCHEDULES,
        default=CATALOGUE,
        help=f"how often each class occurs and when: the catalogue's rates over six weeks, or as in each week of the first observing run (default: {CATALOGUE})",
    )
    simulate.add_argument(
        "--hidden",
        metavar="CLASS",
        nargs="+",
        default=(),
        help="further classes that are labelled None_of_the_Above, to be discovered",
    )
    simulate.add_argument(
        "--noise",
        metavar=f"{DESIGN}|FILE",
        nargs="+",
        default=[DESIGN],
        help=f"the noise: {DESIGN} (the detectors' design sensitivity), or GWOSC strain files that its spectrum is measured from (default: {DESIGN})",
    )
    simulate.add_argument(
        "--label-noise",
        metavar="RATE",
        type=float,
        default=LABEL_NOISE,
        help=f"share of wrong labels, 0 to 1, mostly between classes that look alike (default: {LABEL_NOISE:g})",
    )
    simulate.add_argument(
        "--onset",
        metavar="CLASS=GPS",
        nargs="+",
        default=(),
        help="GPS time before which a class does not occur, such as Fast_Scattering=1128000000",
    )
    kind = simulate.add_mutually_exclusive_group()
    kind.add_argument("--images", action="store_true", help="write spectrograms (default)")
    kind.add_argument("--strain", action="store_true", help="write strain in GWOSC's HDF5 layout instead")
    add_ray(simulate, "the glitches")


def add_strain(parser: ArgumentParser, reader: str) -> None:
    """Add strain files, which `reader` reads."""
    parser.add_argument(
        "--strain",
        metavar="FILE",
        type=Path,
        nargs="+",
        default=(),
        help=f"with {reader}: strain files besides those that the study was scanned from",
    )
