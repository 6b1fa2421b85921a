"""The parser lines of ``discover scan`` and ``discover simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.arguments.base import positive

if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_scan(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover scan``."""
    scan = commands.add_parser(
        "scan", parents=[common], help="turn strain into views: Gravity Spy's Q-transform around triggers"
    )
    scan.add_argument("strain", metavar="STRAIN", nargs="*", type=Path, help="files: GWOSC HDF5, gwpy HDF5 or GWF")
    scan.add_argument(
        "--triggers",
        metavar="CSV",
        type=Path,
        help="table of times to scan: a column of GPS times, and columns of detectors and ids if known",
    )
    scan.add_argument("--at", metavar="GPS", type=float, nargs="+", help="GPS times to scan, s")
    scan.add_argument("--find", action="store_true", help="scan the loud times that are found in the strain")
    scan.add_argument("--snr", type=float, default=7.5, help="with --find: least signal-to-noise ratio (default: 7.5)")
    scan.add_argument(
        "--dead-time",
        metavar="S",
        type=float,
        default=0.5,
        help="with --find: least seconds between two triggers (default: 0.5)",
    )
    scan.add_argument(
        "--ifo", metavar="IFO", help="the detector, where the files do not name it; required with --open-data"
    )
    scan.add_argument("--channel", metavar="NAME", help="data set or channel, where a file has several")
    scan.add_argument("--whitened", action="store_true", help="the strain is whitened already")
    scan.add_argument("--open-data", action="store_true", help="fetch public strain from GWOSC")


def add_simulate(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover simulate``."""
    simulate = commands.add_parser(
        "simulate", parents=[common], help="make glitches with known truth, in a folder laid out as Gravity Spy's"
    )
    simulate.add_argument("--out", metavar="DIR", type=Path, required=True, help="a new folder")
    simulate.add_argument("--n", metavar="N", type=positive, required=True, help="how many glitches")
    simulate.add_argument(
        "--demo",
        action="store_true",
        help="the demonstration's population: 24 labels, one new half-way, three families hidden",
    )
    simulate.add_argument(
        "--classes", metavar="CLASS", nargs="+", help="families to draw (default: Gravity Spy's 24 classes)"
    )
    simulate.add_argument(
        "--hidden", metavar="CLASS", nargs="+", default=(), help="families to label None_of_the_Above"
    )
    simulate.add_argument(
        "--noise",
        metavar="design|FILE",
        nargs="+",
        default=["design"],
        help="design noise, or measured from strain files (default: design)",
    )
    simulate.add_argument(
        "--label-noise",
        metavar="RATE",
        type=float,
        default=0.0,
        help="share of wrong labels, mostly between confusable classes",
    )
    simulate.add_argument(
        "--onset", metavar="CLASS=GPS", nargs="+", default=(), help="GPS time before which a class does not occur"
    )
    kind = simulate.add_mutually_exclusive_group()
    kind.add_argument("--images", action="store_true", help="write spectrograms (default)")
    kind.add_argument("--strain", action="store_true", help="write strain in GWOSC's HDF5 layout instead")
