"""The parser lines of ``discover train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.arguments.base import VIEWS, WEIGHTS, add_figures
from discovery.arguments.generation import add_generator_choice
from discovery.arguments.glitches import OUT
from embed.dataset.kinds import KINDS
from embed.network.backbones import DEFAULT_BACKBONE
from embed.network.names import GIVEN_PREFIX
from embed.training.options import FEWEST_EXAMPLES, MOST_EXAMPLES, TrainingOptions
from embed.training.recipe import BATCH_NORMS, METRICS, MOST_EPOCHS, OPTIMIZERS, PRECISIONS, PRESETS, RANGES, SCHEDULES

if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_train(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover train``."""
    train = commands.add_parser(
        "train",
        parents=[common],
        help="train a network on the study's labels",
        description="Fine-tune a network on the study's labels and keep it as a model of the study, for `discover predict`, `discover evaluate` and --weights model:NAME. On several GPUs or machines: torchrun --nproc-per-node N --no-python discover train ...; a training does not run on Ray.",
    )
    train.add_argument(
        "--name", default=TrainingOptions.name, help=f"name of the model (default: {TrainingOptions.name})"
    )
    train.add_argument(
        "--labels", metavar="LABEL", nargs="+", default=(), help="only these classes (default: every given label)"
    )
    _add_start(train)
    _add_split(train)
    _add_recipe(train)
    _add_state(train)
    _add_recursive(train)
    _add_new_class(train)
    add_generator_choice(train)


def _add_start(train: ArgumentParser) -> None:
    start = train.add_argument_group("the network it starts from")
    start.add_argument(
        "--backbone", metavar="NAME", help=f"the network, as for `discover embed` (default: {DEFAULT_BACKBONE})"
    )
    start.add_argument(
        "--weights",
        metavar=WEIGHTS.removesuffix(f"|{GIVEN_PREFIX}NAME"),
        help="its weights, as for `discover embed` (default: glitch; bundled for plain images and for the papers' presets)",
    )
    start.add_argument(
        "--views",
        metavar="DURATIONS",
        help=f"the views that it reads, as for `discover embed` (default: the preset's; else {VIEWS})",
    )


def _add_split(train: ArgumentParser) -> None:
    split = train.add_argument_group("the glitches that are held out")
    split.add_argument(
        "--split",
        choices=KINDS,
        help="how glitches are split into training, validation and test: random; grouped keeps near-duplicates together; time also uses whole blocks of time with a gap between them; sample-type is Gravity Spy's own split (default: sample-type if every glitch has one, else grouped)",
    )


def _add_recipe(train: ArgumentParser) -> None:
    recipe = train.add_argument_group("how it is trained (default: as the preset)")
    recipe.add_argument(
        "--preset",
        choices=tuple(PRESETS),
        default=TrainingOptions.preset,
        help="a set of the options below; the papers' presets train as those papers did",
    )
    recipe.add_argument("--epochs", type=int, metavar="N", help=f"number of epochs, at most {MOST_EPOCHS}")
    recipe.add_argument(
        "--batch", type=int, metavar="N", help="glitches in each step, over all processes and parts together"
    )
    recipe.add_argument(
        "--accumulate",
        type=int,
        metavar="N",
        help="parts of a step that are computed one after the other, to save memory",
    )
    recipe.add_argument("--lr", type=float, metavar="RATE", help="learning rate")
    recipe.add_argument("--optimizer", choices=OPTIMIZERS, help="optimiser")
    recipe.add_argument("--schedule", choices=SCHEDULES, help="how the learning rate changes over the epochs")
    recipe.add_argument(
        "--dropout", type=float, metavar="SHARE", help=f"dropout before the final layer, {_span('dropout')}"
    )
    recipe.add_argument(
        "--label-smoothing", type=float, metavar="SHARE", help=f"smoothing of the labels, {_span('label_smoothing')}"
    )
    recipe.add_argument(
        "--contrastive",
        type=float,
        metavar="WEIGHT",
        help="weight of a supervised contrastive loss, added to the cross-entropy; 0 is none",
    )
    recipe.add_argument(
        "--balanced", action="store_true", default=None, help="draw every class equally often, however rare it is"
    )
    recipe.add_argument(
        "--freeze", metavar="PREFIX", nargs="+", help="do not train weights whose names begin with one of these"
    )
    recipe.add_argument(
        "--batch-norm",
        choices=BATCH_NORMS,
        help="batch: update the statistics of batch normalisation; frozen: keep those of the start",
    )
    recipe.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="number format; auto is bfloat16 on a GPU and float32 on a CPU. bfloat16 is also faster on CPUs with AVX-512 BF16 or AMX",
    )
    recipe.add_argument(
        "--metric",
        choices=METRICS,
        help="which value of the validation part decides the epoch that is kept",
    )
    recipe.add_argument(
        "--patience", type=int, metavar="N", help="stop after this many epochs without improvement; 0 never stops"
    )


def _span(field: str) -> str:
    least, most = RANGES[field]
    return f"{least:g} to {most:g}"


def _add_state(train: ArgumentParser) -> None:
    state = train.add_argument_group("existing models and files")
    state.add_argument("--resume", action="store_true", help="continue a training that was stopped")
    state.add_argument(
        "--replace", action="store_true", help="start again, replacing a model or a stopped training of this name"
    )
    state.add_argument("--no-cache", action="store_true", help="do not keep decoded views on disk")
    state.add_argument(
        "--no-vectors",
        action="store_true",
        help="do not embed first: near-duplicates are then found by files and times alone, and the gap between random and honest splits is not measured",
    )


def _add_recursive(train: ArgumentParser) -> None:
    recursive = train.add_argument_group("training on its own predictions")
    recursive.add_argument(
        "--recursive",
        metavar="N",
        type=int,
        nargs="+",
        help="for each N, train again with the N most confident predictions on unlabelled glitches added",
    )
    recursive.add_argument(
        "--any-class",
        action="store_true",
        help="with --recursive: take the most confident predictions of all classes together (default: the same share of each predicted class)",
    )
    recursive.add_argument(
        "--truth",
        metavar="CSV",
        type=Path,
        help="with --recursive: true classes of unlabelled glitches, to measure how many predictions are right; columns id and truth",
    )
    recursive.add_argument("--out", metavar="DIR", type=Path, help=f"with --recursive: {OUT}")
    add_figures(recursive, "with --recursive: ")


def _add_new_class(train: ArgumentParser) -> None:
    new = train.add_argument_group("adding a class to a trained model")
    new.add_argument(
        "--add-class",
        metavar="LABEL",
        help=f"extend the model of --weights model:NAME by this class, from {FEWEST_EXAMPLES} to {MOST_EXAMPLES} labelled examples; the other classes are kept",
    )
    new.add_argument(
        "--examples",
        type=int,
        metavar="N",
        default=MOST_EXAMPLES,
        help=f"with --add-class: number of examples, at most (default: {MOST_EXAMPLES})",
    )
