"""The arguments of ``discover audit``, ``discover audit import`` and ``discover audit undo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.heldout.kinds import FOLDS, SPLIT_KINDS
from audit.heldout.refitting import EPOCHS
from audit.options import DEFAULTS
from discovery.arguments.base import add_figures, add_ray, positive, repeated_options
from discovery.arguments.glitches import OUT

if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_audit(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover audit`` with ``import`` and ``undo``."""
    audit = commands.add_parser(
        "audit",
        parents=[common, vectors],
        help="find wrong labels; import people's answers, or undo an import",
        description="Find the labels that are probably wrong. Writes audit.csv, audit.html and a folder for volunteers; the study's labels stay as they are until answers are imported.",
    )
    audit.add_argument(
        "--splits",
        metavar="N",
        type=int,
        help=f"number of train/test splits, at most (default: {DEFAULTS.splits}; with --refit {FOLDS}, which test each glitch once)",
    )
    audit.add_argument(
        "--split",
        choices=SPLIT_KINDS,
        default=DEFAULTS.split,
        help=f"grouped keeps near-duplicates together; time also keeps a gap in time around the tested glitches (default: {DEFAULTS.split})",
    )
    audit.add_argument(
        "--rate",
        metavar="SHARE",
        type=float,
        default=DEFAULTS.rate,
        help=f"highest share of right labels in the list of wrong ones (default: {DEFAULTS.rate:g})",
    )
    audit.add_argument(
        "--all-splits", action="store_true", help="run every split, even when the ranking no longer changes"
    )
    audit.add_argument(
        "--probabilities",
        metavar="CSV",
        type=Path,
        help="use the class probabilities of this table instead of vectors: an id, and one column for each class",
    )
    audit.add_argument(
        "--trust-vectors",
        action="store_true",
        help="use vectors of a network that may have been trained on these labels",
    )
    _add_refit(audit)
    audit.add_argument("--out", metavar="DIR", type=Path, help=OUT)
    add_figures(audit)
    _add_actions(audit)


def _add_refit(audit: ArgumentParser) -> None:
    refit = audit.add_argument_group("training the network for every split, instead of using its vectors")
    refit.add_argument(
        "--refit",
        choices=("backbone",),
        help="fine-tune the network on each split's training part, as the O1 paper did, and test it on the rest; for a model of the study this starts from the weights that the model started from",
    )
    refit.add_argument(
        "--epochs", metavar="N", type=positive, default=EPOCHS, help=f"epochs of each training (default: {EPOCHS})"
    )
    refit.add_argument(
        "--processes",
        metavar="N",
        type=positive,
        help="splits that are trained at the same time (default: one for each GPU; 1 on a CPU)",
    )
    add_ray(refit, "the splits")


def _add_actions(audit: ArgumentParser) -> None:
    actions = audit.add_subparsers(dest="action", metavar="import|undo", parser_class=type(audit))
    repeated = repeated_options()
    answers = actions.add_parser(
        "import",
        parents=[repeated],
        help="import answers: audit.csv with a column 'decision', or Zooniverse's classification export",
        description="Import people's answers to an audit. The column 'decision' of audit.csv holds a class name (the right label), keep, suggested, wrong or unsure.",
    )
    answers.add_argument("file", metavar="FILE", type=Path, help="the table or the export")
    answers.add_argument(
        "--new-class",
        metavar="NAME",
        action="append",
        default=[],
        help="a class that answers may name although the study does not have it; may be repeated",
    )
    answers.add_argument(
        "--choice",
        metavar="ANSWER",
        action="append",
        default=[],
        help="one answer of the question, for exports that hold numbers instead of answers; repeat it for each answer, in order",
    )
    actions.add_parser(
        "undo",
        parents=[repeated],
        help="restore the labels from before the last import",
        description="Restore the labels from before the last import of answers. Nothing is deleted: the answers stay on record.",
    )
