"""The parser lines of ``discover train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_train(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover train``."""
    train = commands.add_parser(
        "train",
        parents=[common],
        help="fine-tune a network on the study's labels; or give a trained one a further class",
        description="Fine-tune a network on the study's labels and keep it as a model of the study. Several GPUs or machines: torchrun --nproc-per-node N --no-python discover train ...",
    )
    train.add_argument("--name", default="finetuned", help="of the model (default: finetuned)")
    train.add_argument(
        "--labels", metavar="LABEL", nargs="+", default=(), help="only these classes (default: every given label)"
    )
    start = train.add_argument_group("where it starts")
    start.add_argument("--backbone", metavar="NAME", help="as in `discover embed` (default: efficientnet_lite0)")
    start.add_argument(
        "--weights",
        metavar="FILE|glitch|bundled|imagenet|model:NAME",
        help="what it starts from (default: glitch; bundled for plain images and for the papers' presets)",
    )
    start.add_argument(
        "--views",
        metavar="DURATIONS",
        help="4.0, 1.0,2.0,4.0, 0.5,1.0,2.0,4.0 or plain (default: the preset's, or the richest that every glitch has)",
    )
    _add_split(train)
    _add_recipe(train)
    state = train.add_argument_group("runs")
    state.add_argument("--resume", action="store_true", help="go on with a training that was stopped")
    state.add_argument(
        "--replace", action="store_true", help="begin anew over a model, or a stopped training, of the name"
    )
    state.add_argument("--no-cache", action="store_true", help="do not keep decoded views on disk")
    state.add_argument(
        "--no-vectors",
        action="store_true",
        help="do not embed first: near-duplicates that only the neighbour graph shows are not kept together, the gap is not measured",
    )
    _add_others(train)


def _add_split(train: ArgumentParser) -> None:
    split = train.add_argument_group("what is held out")
    split.add_argument(
        "--split",
        choices=("random", "grouped", "time", "sample-type"),
        help="grouped keeps near-duplicates together, time deals whole blocks of time with a gap (default: Gravity Spy's sample type where every glitch has one, else grouped)",
    )


def _add_recipe(train: ArgumentParser) -> None:
    recipe = train.add_argument_group("how it is trained (default: the preset's)")
    recipe.add_argument("--preset", choices=("default", "o1-paper", "galaxy-paper"), default="default")
    recipe.add_argument("--epochs", type=int, metavar="N", help="at most; up to 100")
    recipe.add_argument("--batch", type=int, metavar="N", help="glitches a step, over all processes and parts")
    recipe.add_argument("--accumulate", type=int, metavar="N", help="parts that a step's gradient is summed from")
    recipe.add_argument("--lr", type=float, metavar="RATE", help="learning rate")
    recipe.add_argument("--optimizer", choices=("adam", "adamw", "adagrad"))
    recipe.add_argument("--schedule", choices=("constant", "cosine", "plateau"), help="of the learning rate")
    recipe.add_argument("--dropout", type=float, metavar="SHARE", help="before the final layer")
    recipe.add_argument("--label-smoothing", type=float, metavar="SHARE")
    recipe.add_argument(
        "--contrastive", type=float, metavar="WEIGHT", help="of a supervised-contrastive term beside the cross-entropy"
    )
    recipe.add_argument("--balanced", action="store_true", default=None, help="draw each class as often as any other")
    recipe.add_argument("--freeze", metavar="PREFIX", nargs="+", help="weights whose names begin so stay as they are")
    recipe.add_argument(
        "--batch-norm", choices=("batch", "frozen"), help="learn the statistics of batch normalisation, or keep them"
    )
    recipe.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        help="of the network's arithmetic; auto: bfloat16 on a GPU, float32 on a CPU. bfloat16 is faster on CPUs that have it (AVX-512 BF16, AMX)",
    )
    recipe.add_argument("--metric", choices=("macro-f1", "loss"), help="of the validation part, chooses the epoch kept")
    recipe.add_argument("--patience", type=int, metavar="N", help="epochs without improvement that end it; 0 is never")


def _add_others(train: ArgumentParser) -> None:
    others = train.add_argument_group("other ways to train")
    others.add_argument(
        "--recursive",
        metavar="N",
        type=int,
        nargs="+",
        help="train again with the N most confident predictions on unlabelled glitches added, for each N",
    )
    others.add_argument(
        "--any-class",
        action="store_true",
        help="of --recursive: the most confident of all (default: the same share of each predicted class)",
    )
    others.add_argument(
        "--truth",
        metavar="CSV",
        type=Path,
        help="of --recursive: true classes of unlabelled glitches, columns id, truth",
    )
    others.add_argument(
        "--add-class",
        metavar="LABEL",
        help="extend the model of --weights model:NAME by a class with 5 to 20 examples, and keep the others",
    )
    others.add_argument("--examples", type=int, metavar="N", default=20, help="of --add-class, at most (default: 20)")
    others.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="of --recursive: where the results go (default: a folder of the study's reports)",
    )
