"""What the command line's parsers share: one-line errors, the options of every command, those on vectors, and numbers."""

import argparse
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from discovery.candidates.options import read_place
from discovery.figures.options import FORMATS, read_formats
from embed.errors import InputError
from embed.fleet.address import FORMS
from embed.network.backbones import DEFAULT_BACKBONE
from embed.network.names import (
    BACKBONES,
    DEVICES,
    GIVEN_PREFIX,
    MODEL_PREFIX,
    RUNTIMES,
    STRAIN_PREFIX,
    WEIGHT_SOURCES,
)
from embed.spelling import closest
from embed.vectors.options import EmbeddingOptions

RUNTIME = (
    f"library that runs the network on a CPU; auto uses onnx if it is installed (default: {EmbeddingOptions.runtime})"
)
"""Help of ``--runtime``."""

WEIGHTS = "|".join(("FILE", *reversed(WEIGHT_SOURCES), f"{MODEL_PREFIX}NAME", f"{GIVEN_PREFIX}NAME"))
"""What ``--weights`` takes."""

VIEWS = "1.0,2.0,4.0 if every glitch has them, else the longest that every glitch has"
"""Views where none are given; see `embed.views.encoding.RICHEST_FIRST`."""


class Parser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line, with exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and where help is, and exit."""
        self.exit(2, f"{self.prog}: error: {message} (see `{self.prog} --help`)\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:  # noqa: ANN401 - as argparse has it
        """Refuse a command that there is not, with the one of nearest spelling."""
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:  # noqa: SLF001
            near = closest(value, action.choices)
            known = f"did you mean `{self.prog} {near}`?" if near else f"there are: {', '.join(action.choices)}"
            raise argparse.ArgumentError(None, f"no command {value!r}; {known}")
        super()._check_value(action, value)


def misplaced(typed: Sequence[str]) -> str:
    """Say that an option of every command stands before the command; empty where none does.

    Examples
    --------
    >>> misplaced(["--study", "demo", "cluster", "Blip"])
    '--study stands before the command; write it at the end: `discover cluster Blip --study demo`'
    >>> misplaced(["cluster", "Blip", "--study", "demo"]), misplaced(["--study", "demo"]), misplaced(["-v", "--help"])
    ('', '', '')
    """
    actions = common_options()._option_string_actions  # noqa: SLF001
    rest = list(typed)
    while rest and rest[0].partition("=")[0] in actions:
        option, given, _ = rest.pop(0).partition("=")
        del rest[: actions[option].nargs is None and not given]
    if len(rest) == len(typed) or not rest or rest[0].startswith("-"):
        return ""
    line = shlex.join(["discover", *rest, *typed[: len(typed) - len(rest)]])
    return f"{typed[0].partition('=')[0]} stands before the command; write it at the end: `{line}`"


def common_options() -> Parser:
    """Build the options of every command."""
    common = Parser(add_help=False)
    group = _add_study(common)
    group.add_argument(
        "--seed",
        type=natural,
        metavar="N",
        default=EmbeddingOptions.seed,
        help=f"random seed; the same seed gives the same results (default: {EmbeddingOptions.seed})",
    )
    group.add_argument(
        "--device",
        choices=DEVICES,
        default=EmbeddingOptions.device,
        help=f"where networks run; auto uses a CUDA GPU if there is one (default: {EmbeddingOptions.device})",
    )
    common.set_defaults(study=Path(os.environ.get("DISCOVER_STUDY") or "study"), json=False, verbose=0)
    return common


def repeated_options() -> Parser:
    """Build the options that a sub-command repeats: one that is not given there keeps its value from before."""
    repeated = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    _add_study(repeated)
    return repeated


def _add_study(parser: Parser) -> argparse._ArgumentGroup:
    group = parser.add_argument_group("common options")
    group.add_argument(
        "--study", metavar="DIR", type=Path, help="the study's folder (default: $DISCOVER_STUDY, or else study)"
    )
    group.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    group.add_argument(
        "-v", "--verbose", action="count", help="print more; -vv also prints where in the program an error was raised"
    )
    return group


def vector_options() -> Parser:
    """Build the options of the commands that read vectors; missing vectors are made."""
    vectors = Parser(add_help=False)
    group = vectors.add_argument_group("vectors (default: those that `discover embed` made last)")
    group.add_argument(
        "--backbone",
        metavar="NAME",
        help=f"the network: {', '.join(BACKBONES)}, timm:NAME for any network of timm, or {STRAIN_PREFIX}DIR for a detector of `discover detector train`, which reads the glitches' strain (default: {DEFAULT_BACKBONE})",
    )
    group.add_argument(
        "--weights",
        metavar=WEIGHTS,
        help="the network's weights: glitch (trained on simulated glitches), bundled (trained on ImageNet, part of the installation), imagenet (the same for any network, downloaded), a file, model:NAME for a trained model of the study, or vectors:NAME for vectors that were ingested (default: glitch; bundled for plain images)",
    )
    group.add_argument(
        "--views",
        metavar="DURATIONS",
        help=f"the views of a glitch that the network reads, by their durations in seconds: 4.0, 1.0,2.0,4.0 or 0.5,1.0,2.0,4.0; or plain for plain images (default: {VIEWS})",
    )
    group.add_argument(
        "--runtime",
        choices=RUNTIMES,
        default=EmbeddingOptions.runtime,
        help=RUNTIME,
    )
    group.add_argument("--no-cache", action="store_true", help="do not keep decoded views on disk for other networks")
    return vectors


def add_figures(parser: argparse._ActionsContainer, when: str = "") -> None:
    """Add ``--figures``."""
    parser.add_argument(
        "--figures",
        metavar="FORMATS",
        type=figure_formats,
        default=(),
        help=f"{when}also draw figures for papers, into figures/ beside the results: {', '.join(FORMATS)}, or several with commas between",
    )


def add_ray(parser: argparse._ActionsContainer, what: str) -> None:
    """Add ``--ray`` to a command whose work can be spread over machines."""
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help=f"spread {what} over the workers of a Ray cluster, with the same results: {FORMS}",
    )


def figure_formats(text: str) -> tuple[str, ...]:
    """Read the formats of figures."""
    try:
        return read_formats(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def positive(text: str) -> int:
    """Read a whole number from 1."""
    number = natural(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return number


def natural(text: str) -> int:
    """Read a whole number from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def cluster_or_branch(text: str) -> int | str:
    """Read the number of a cluster, or a branch of one."""
    place = read_place(text)
    if place is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither the number of a cluster nor a branch such as 1.0; see clusters.csv"
        )
    return place
