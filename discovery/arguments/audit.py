"""The parser lines of ``discover audit``, ``discover audit import`` and ``discover audit undo``."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser
from pathlib import Path
from typing import Any

from audit.heldout.kinds import FOLDS, SPLIT_KINDS
from audit.heldout.refitting import EPOCHS
from audit.options import DEFAULTS
from discovery.arguments.base import positive


def add_audit(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover audit`` with its two ways back."""
    audit = commands.add_parser(
        "audit",
        parents=[common, vectors],
        help="find the labels that are probably wrong; import what people answer",
        description="Find the labels that are probably wrong: audit.csv, audit.html and a folder for volunteers. The vectors are made when they are not there.",
    )
    audit.add_argument(
        "--splits",
        metavar="N",
        type=int,
        help=f"at most this many (default: {DEFAULTS.splits}; with --refit {FOLDS}, each row tested once)",
    )
    audit.add_argument(
        "--split",
        choices=SPLIT_KINDS,
        default=DEFAULTS.split,
        help=f"grouped keeps near-duplicates together, time keeps a gap around each tested glitch (default: {DEFAULTS.split})",
    )
    audit.add_argument(
        "--rate",
        metavar="SHARE",
        type=float,
        default=DEFAULTS.rate,
        help=f"of right labels that the list may hold (default: {DEFAULTS.rate:g})",
    )
    audit.add_argument("--all-splits", action="store_true", help="go on when the ranking has settled")
    audit.add_argument(
        "--probabilities",
        metavar="CSV",
        type=Path,
        help="audit against these class probabilities (an id and a column a class) instead of vectors",
    )
    audit.add_argument(
        "--trust-vectors", action="store_true", help="audit vectors of a network that may have learnt these labels"
    )
    refit = audit.add_argument_group("the network itself instead of its vectors")
    refit.add_argument(
        "--refit",
        choices=("backbone",),
        help="fine-tune the network for every split, as the O1 paper did, and ask it about what it has not seen; vectors of a model of the study start from what that model started from",
    )
    refit.add_argument(
        "--epochs", metavar="N", type=positive, default=EPOCHS, help=f"of each fine-tuning (default: {EPOCHS})"
    )
    refit.add_argument(
        "--processes", metavar="N", type=positive, help="splits trained at a time (default: a GPU each; 1 on a CPU)"
    )
    audit.add_argument(
        "--out", metavar="DIR", type=Path, help="where the results go (default: a folder of the study's reports)"
    )
    actions = audit.add_subparsers(dest="action", metavar="import|undo", parser_class=type(audit))
    back = _common_again()
    bring = actions.add_parser(
        "import",
        parents=[back],
        help="read answers back: the audit's table with a column 'decision', or Zooniverse's classification export",
    )
    bring.add_argument("file", metavar="FILE", type=Path)
    bring.add_argument(
        "--new-class",
        metavar="NAME",
        action="append",
        default=[],
        help="a class that answers may name besides those known",
    )
    bring.add_argument(
        "--choice",
        metavar="ANSWER",
        action="append",
        default=[],
        help="the question's answers, each with its own --choice in order, for exports that give their numbers",
    )
    actions.add_parser("undo", parents=[back], help="restore the labels before the last import, by label events")


def _common_again() -> ArgumentParser:
    """Build the common options once more, for behind ``import`` and ``undo``: absent ones keep what stood before."""
    again = ArgumentParser(add_help=False, argument_default=SUPPRESS)
    group = again.add_argument_group("everywhere")
    group.add_argument(
        "--study", metavar="DIR", type=Path, help="the study's folder (default: $DISCOVER_STUDY, or study)"
    )
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.add_argument("-v", "--verbose", action="count", help="say more; -vv shows where an error came from")
    return again
