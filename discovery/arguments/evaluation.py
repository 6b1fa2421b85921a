"""The parser lines of ``discover evaluate`` and ``discover predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.arguments.base import RUNTIME, add_figures
from discovery.arguments.glitches import OUT
from discovery.evaluation.options import LISTED_CLASSES, PARTS, EvaluationOptions
from embed.network.names import RUNTIMES
from embed.training.options import WITHHELD
from embed.vectors.options import EmbeddingOptions

if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_evaluate(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover evaluate``."""
    evaluate = commands.add_parser(
        "evaluate",
        parents=[common, vectors],
        help="measure how good trained models are, and show their mistakes",
        description="Measure trained models on the glitches that were held out from their training: accuracy, confusion matrix, calibration and ROC curves, and a page of the mistakes. The options on vectors are for --baseline.",
    )
    evaluate.add_argument(
        "models",
        metavar="MODEL",
        nargs="*",
        help="models to compare; the first is shown in full (default: every model of the study)",
    )
    evaluate.add_argument(
        "--part",
        choices=PARTS,
        default=EvaluationOptions.part,
        help=f"the part of the models' split to measure on; all means every labelled glitch, with those of the training (default: {EvaluationOptions.part})",
    )
    evaluate.add_argument(
        "--baseline",
        action="store_true",
        help="also measure logistic regression on the vectors of a network that saw no labels, as the O1 paper does",
    )
    evaluate.add_argument("--ensemble", action="store_true", help="also measure the mean of the models' probabilities")
    evaluate.add_argument(
        "--temperature",
        action="store_true",
        help="first calibrate each model by a temperature, fitted to its validation part",
    )
    evaluate.add_argument("--out", metavar="DIR", type=Path, help=OUT)
    add_figures(evaluate)


def add_predict(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover predict``."""
    predict = commands.add_parser(
        "predict",
        parents=[common],
        help="label glitches by a trained model",
        description="Label glitches by a trained model: lists them as CSV, and adds the predictions to the study beside the given labels, which stay as they are. --dry-run only lists them.",
    )
    predict.add_argument("model", metavar="MODEL", nargs="?", help="name of the model (default: the study's only one)")
    which = predict.add_mutually_exclusive_group()
    which.add_argument("--label", metavar="LABEL", help="glitches with this given label, such as None_of_the_Above")
    which.add_argument("--unlabelled", action="store_true", help="glitches without a given label (default)")
    which.add_argument("--all", action="store_true", help="every glitch")
    which.add_argument("--id", metavar="ID", nargs="+", help="these glitches, with or without the detector")
    predict.add_argument(
        "--top",
        type=int,
        metavar="K",
        default=LISTED_CLASSES,
        help=f"classes listed for each glitch, likeliest first (default: {LISTED_CLASSES})",
    )
    predict.add_argument(
        "--runtime",
        choices=RUNTIMES,
        default=EmbeddingOptions.runtime,
        help=RUNTIME,
    )
    predict.add_argument(
        "--none-of-these",
        metavar="SHARE",
        type=float,
        default=WITHHELD,
        help=f"give no label to glitches that are farther from every class than all but this share of held-out ones; 0 labels all, and embeds no held-out ones (default: {WITHHELD})",
    )
    predict.add_argument("--dry-run", action="store_true", help="list the predictions without adding them to the study")
    predict.add_argument("--out", metavar="CSV", type=Path, help="file of the list (default: standard output)")
