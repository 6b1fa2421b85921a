"""The arguments of ``discover audit``, ``discover audit import`` and ``discover audit undo``."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser
from pathlib import Path
from typing import Any

from audit.heldout.kinds import FOLDS, SPLIT_KINDS
from audit.heldout.refitting import EPOCHS
from audit.options import DEFAULTS
from discovery.arguments.base import positive


def add_audit(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover audit`` with its actions ``import`` and ``undo``."""
    audit = commands.add_parser(
        "audit",
        parents=[common, vectors],
        help="find the labels that are probably wrong; import people's answers",
        description="Find the labels that are probably wrong: audit.csv, audit.html and a folder for volunteers. Missing vectors are computed first.",
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
    audit.add_argument(
        "--all-splits", action="store_true", help="run all splits, even when the ranking is stable earlier"
    )
    audit.add_argument(
        "--probabilities",
        metavar="CSV",
        type=Path,
        help="audit against these class probabilities (an id and one column for each class) instead of vectors",
    )
    audit.add_argument(
        "--trust-vectors",
        action="store_true",
        help="accept vectors of a network that may have been trained on these labels",
    )
    refit = audit.add_argument_group("refit the network instead of using its vectors")
    refit.add_argument(
        "--refit",
        choices=("backbone",),
        help="fine-tune the network for every split, as the O1 paper did, and judge labels by its predictions for glitches it was not trained on; a model of the study is refitted from its own starting weights",
    )
    refit.add_argument(
        "--epochs", metavar="N", type=positive, default=EPOCHS, help=f"of each fine-tuning (default: {EPOCHS})"
    )
    refit.add_argument(
        "--processes",
        metavar="N",
        type=positive,
        help="splits trained at the same time (default: one for each GPU; 1 on a CPU)",
    )
    audit.add_argument(
        "--out", metavar="DIR", type=Path, help="folder of the results (default: reports/audit in the study)"
    )
    _add_actions(audit)


def _add_actions(audit: ArgumentParser) -> None:
    actions = audit.add_subparsers(dest="action", metavar="import|undo", parser_class=type(audit))
    back = _common_again()
    answers = actions.add_parser(
        "import",
        parents=[back],
        help="import answers: the audit's table with a column 'decision', or Zooniverse's classification export",
    )
    answers.add_argument("file", metavar="FILE", type=Path)
    answers.add_argument(
        "--new-class",
        metavar="NAME",
        action="append",
        default=[],
        help="a class name that is new to the study and may occur in answers",
    )
    answers.add_argument(
        "--choice",
        metavar="ANSWER",
        action="append",
        default=[],
        help="an answer of the question, one --choice for each in order, for exports that give answers as numbers",
    )
    actions.add_parser("undo", parents=[back], help="restore the labels before the last import, by label events")


def _common_again() -> ArgumentParser:
    """The common options again, to be given after ``import`` or ``undo``; absent ones keep the value given before."""
    again = ArgumentParser(add_help=False, argument_default=SUPPRESS)
    group = again.add_argument_group("everywhere")
    group.add_argument(
        "--study", metavar="DIR", type=Path, help="the study's folder (default: $DISCOVER_STUDY, or study)"
    )
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.add_argument("-v", "--verbose", action="count", help="say more; -vv shows where an error came from")
    return again
