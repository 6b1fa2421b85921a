"""The parser lines of ``discover evaluate`` and ``discover predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_evaluate(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover evaluate``."""
    evaluate = commands.add_parser(
        "evaluate",
        parents=[common, vectors],
        help="judge trained models: accuracies, confusion, calibration, ROC, and what they get wrong",
        description="Judge trained models on the glitches that their own split held out. The options on vectors are the baseline's.",
    )
    evaluate.add_argument(
        "models", metavar="MODEL", nargs="*", help="the first is shown in full (default: every model of the study)"
    )
    evaluate.add_argument(
        "--part",
        choices=("test", "validation", "all"),
        default="test",
        help="which part of the models' split; all is every labelled glitch, training ones too (default: test)",
    )
    evaluate.add_argument(
        "--baseline", action="store_true", help="judge logistic regression on frozen vectors too, as the O1 paper does"
    )
    evaluate.add_argument("--ensemble", action="store_true", help="judge the mean of the models' probabilities too")
    evaluate.add_argument(
        "--temperature", action="store_true", help="fit each model's temperature on its validation part first"
    )
    evaluate.add_argument(
        "--out", metavar="DIR", type=Path, help="where the results go (default: a folder of the study's reports)"
    )


def add_predict(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover predict``."""
    predict = commands.add_parser(
        "predict",
        parents=[common],
        help="label glitches by a trained model, as label events, and list them as CSV",
        description="Label glitches by a trained model: label events by 'model' in the study, and a CSV.",
    )
    predict.add_argument("model", metavar="MODEL", nargs="?", help="default: the study's only one")
    which = predict.add_mutually_exclusive_group()
    which.add_argument("--label", metavar="LABEL", help="glitches of one given label, such as None_of_the_Above")
    which.add_argument("--unlabelled", action="store_true", help="glitches without a given label (default)")
    which.add_argument("--all", action="store_true", help="every glitch")
    predict.add_argument(
        "--top", type=int, metavar="K", default=5, help="classes listed a glitch, likeliest first (default: 5)"
    )
    predict.add_argument(
        "--runtime",
        choices=("auto", "torch", "onnx"),
        default="auto",
        help="what runs the network on a CPU (default: auto)",
    )
    predict.add_argument("--dry-run", action="store_true", help="list the predictions without adding them to the study")
    predict.add_argument("--out", metavar="CSV", type=Path, help="where the list goes (default: standard output)")
