"""The parser lines of the commands that bring data in from elsewhere and hand results on."""

from __future__ import annotations

from argparse import ArgumentTypeError
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.arguments.base import positive
from discovery.clustering.methods import MAP_METHODS
from discovery.exchange.formats import FORMATS
from embed.gravityspy import DURATIONS

if TYPE_CHECKING:
    from argparse import ArgumentParser

SHELLS = ("bash", "zsh", "fish")
"""Shells that a completion script can be printed for."""

RATE = 10.0
"""Requests a second, at most."""


def add_fetch(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover fetch``."""
    fetch = commands.add_parser(
        "fetch",
        parents=[common],
        help="download the pictures of glitches that came from a table",
        description="Download the pictures whose addresses a metadata table gave, into Gravity Spy's folders, and add them to the study. Pictures that are there already are not asked for again. The exit code is 1 where some could not be fetched.",
    )
    fetch.add_argument("ids", metavar="ID", nargs="*", help="these glitches, with or without the detector")
    fetch.add_argument("--label", metavar="LABEL", help="the glitches of this label")
    fetch.add_argument("--predicted", action="store_true", help="with --label: the label that a model predicted")
    fetch.add_argument("--all", action="store_true", help="all glitches of the study")
    fetch.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder of the pictures; they stay there")
    fetch.add_argument(
        "-n", metavar="N", type=positive, help="only N of these glitches, drawn at random by --seed (default: all)"
    )
    fetch.add_argument(
        "--durations",
        metavar="SECONDS",
        type=durations,
        default=DURATIONS,
        help=f"the views to fetch, such as 1.0,2.0,4.0 (default: {','.join(str(item) for item in DURATIONS)})",
    )
    fetch.add_argument(
        "--rate",
        metavar="N",
        type=rate,
        default=RATE,
        help=f"requests a second, at most (default: {RATE:g})",
    )
    fetch.add_argument(
        "--connections", metavar="N", type=positive, default=4, help="pictures at the same time, at most (default: 4)"
    )


def add_export(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover export``."""
    export = commands.add_parser(
        "export",
        parents=[common, vectors],
        help="write the study's glitches and results for another tool",
        description="Write every glitch with its labels, results, metadata and pictures' paths. "
        + " ".join(f"{name}: {what}." for name, what in FORMATS.items()),
    )
    export.add_argument("--to", choices=tuple(FORMATS), required=True, help="the format")
    export.add_argument(
        "--out", metavar="PATH", type=Path, required=True, help="the file, or for a folder's format a new folder"
    )
    export.add_argument("--vectors", action="store_true", help="parquet: add the column vector")
    export.add_argument(
        "--method", choices=MAP_METHODS, help="embedding-atlas: projection method of its map (default: umap)"
    )
    export.add_argument(
        "--audit",
        metavar="DIR",
        type=Path,
        help="cleanlab: folder of the audit's results (default: that of the study's reports)",
    )


def add_doctor(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover doctor``."""
    commands.add_parser(
        "doctor",
        parents=[common],
        help="say what is installed and what to do about what is not",
        description="Say which packages, graphics card, processors and disk space there are and what the study holds, with what to do where something is missing. The exit code is 0.",
    )


def add_completion(commands: Any, common: ArgumentParser, root: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover completion``, whose script completes all that `root` knows."""
    completion = commands.add_parser(
        "completion",
        parents=[common],
        help="print a script that completes commands and options in a shell",
        description="Print the completion script of a shell. bash: discover completion bash > ~/.local/share/bash-completion/completions/discover. zsh: discover completion zsh > a folder of $fpath, as _discover. fish: discover completion fish > ~/.config/fish/completions/discover.fish.",
    )
    completion.add_argument("shell", choices=SHELLS, help="the shell")
    completion.set_defaults(root=root)


def durations(text: str) -> tuple[float, ...]:
    """Read durations of Gravity Spy's views, separated by commas; they are returned in Gravity Spy's order."""
    try:
        asked = {float(part) for part in text.split(",")}
    except ValueError:
        asked = set()
    if not asked or not asked <= set(DURATIONS):
        raise ArgumentTypeError(f"{text!r}: give some of {', '.join(str(item) for item in DURATIONS)}")
    return tuple(item for item in DURATIONS if item in asked)


def rate(text: str) -> float:
    """Read a number of requests a second, above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not isfinite(value) or value <= 0:
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return value
