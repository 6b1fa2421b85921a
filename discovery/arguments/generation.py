"""The parser lines of ``discover generator`` and ``discover generate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.arguments.base import add_figures, natural, positive
from discovery.arguments.glitches import OUT
from embed.generator.options import CRITICS, FEATURES, RESOLUTIONS, SIMULATOR, GeneratorOptions
from embed.training.recipe import PRECISIONS

if TYPE_CHECKING:
    from argparse import ArgumentParser

MODEL = f"the generator: a name of `discover generator train`, or {SIMULATOR}"
"""Help of ``--model``."""
JUDGED = 200
"""Glitches of each class that are generated to judge a generator."""


def add_generator(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover generator`` with ``train``, ``evaluate`` and ``anomalies``."""
    generator = commands.add_parser(
        "generator",
        help="train a network that generates glitches, judge one, or list labels that it finds improbable",
        description="Train a network that generates glitches of the study's classes, judge one, or list the labels that its critic finds improbable.",
    )
    actions = generator.add_subparsers(
        dest="action", metavar="train|evaluate|anomalies", required=True, parser_class=type(generator)
    )
    _add_train(actions, common)
    _add_evaluate(actions, common)
    _add_anomalies(actions, common)


def _add_train(actions: Any, common: ArgumentParser) -> None:  # noqa: ANN401
    train = actions.add_parser(
        "train",
        parents=[common],
        help="train a GAN on the study's labels",
        description="Train a GAN on the training part of the study's labelled glitches, and keep it in the study for `discover generate` and `discover train --generator`. With --critic own every resolution from 4 on is shown twice as many pictures as the one before, and the last one half of all. Stopped, the same command continues. On several GPUs: torchrun --nproc-per-node N --no-python discover generator train ...",
    )
    train.add_argument(
        "--name", default=GeneratorOptions.name, help=f"name of the generator (default: {GeneratorOptions.name})"
    )
    train.add_argument(
        "--classes", metavar="LABEL", nargs="+", default=(), help="only these, also one alone (default: all)"
    )
    train.add_argument(
        "--resolution",
        type=int,
        choices=RESOLUTIONS,
        default=GeneratorOptions.resolution,
        help=f"side of the pictures, pixels (default: {GeneratorOptions.resolution})",
    )
    train.add_argument(
        "--images",
        type=positive,
        metavar="N",
        default=GeneratorOptions.images,
        help=f"real pictures that are shown, all resolutions together (default: {GeneratorOptions.images})",
    )
    train.add_argument(
        "--batch",
        type=positive,
        metavar="N",
        default=GeneratorOptions.batch,
        help=f"pictures in each step, over all processes together (default: {GeneratorOptions.batch})",
    )
    train.add_argument(
        "--lr",
        type=float,
        metavar="RATE",
        default=GeneratorOptions.learning_rate,
        help=f"learning rate of both networks (default: {GeneratorOptions.learning_rate:g})",
    )
    train.add_argument(
        "--channels",
        type=positive,
        metavar="N",
        default=GeneratorOptions.channels,
        help=f"most feature maps of a layer; fewer are faster (default: {GeneratorOptions.channels})",
    )
    train.add_argument(
        "--critic",
        choices=CRITICS,
        default=GeneratorOptions.critic,
        help=f"what judges the pictures while they are learned: a frozen network with ImageNet's weights under small critics, which needs few pictures and glitches, or a network of its own that grows with the generator (default: {GeneratorOptions.critic})",
    )
    train.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=GeneratorOptions.precision,
        help="number format; auto is bfloat16 on a GPU and float32 on a CPU",
    )
    train.add_argument(
        "--replace", action="store_true", help="replace a generator, or a stopped training of another one, of this name"
    )


def _add_evaluate(actions: Any, common: ArgumentParser) -> None:  # noqa: ANN401
    evaluate = actions.add_parser(
        "evaluate",
        parents=[common],
        help="compare generated glitches with real ones, class by class",
        description="Compare generated glitches with real ones that the generator did not learn from: FID and KID with their floor and ceiling, precision and recall, copies, classifiers. Writes evaluation.csv and generator.html.",
    )
    evaluate.add_argument(
        "--model", metavar="NAME", default=GeneratorOptions.name, help=f"{MODEL} (default: {GeneratorOptions.name})"
    )
    evaluate.add_argument(
        "--features",
        choices=FEATURES,
        default=FEATURES[0],
        help=f"network in whose vectors glitches are compared: our glitch backbone, the same network with ImageNet's weights, or Inception v3 if its weights are on this machine (default: {FEATURES[0]})",
    )
    evaluate.add_argument(
        "-n", type=positive, metavar="N", default=JUDGED, help=f"glitches to generate of each class (default: {JUDGED})"
    )
    evaluate.add_argument(
        "--resolution",
        type=int,
        choices=RESOLUTIONS,
        default=GeneratorOptions.resolution,
        help=f"side at which the simulator's glitches are compared (default: {GeneratorOptions.resolution}); a generator's own otherwise",
    )
    evaluate.add_argument("--out", metavar="DIR", type=Path, help=OUT)
    add_figures(evaluate)


def _add_anomalies(actions: Any, common: ArgumentParser) -> None:  # noqa: ANN401
    anomalies = actions.add_parser(
        "anomalies",
        parents=[common],
        help="list the labels that the critic of a generator finds improbable",
        description="List all labels, the ones first that the critic of a generator finds improbable, beside the ranks of the latest audit: a second opinion, which comes without probabilities. Writes anomalies.csv.",
    )
    anomalies.add_argument(
        "--model",
        metavar="NAME",
        default=GeneratorOptions.name,
        help=f"a generator of `discover generator train` (default: {GeneratorOptions.name})",
    )
    anomalies.add_argument("--out", metavar="DIR", type=Path, help=OUT)


def add_generate(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover generate``."""
    generate = commands.add_parser(
        "generate",
        parents=[common],
        help="generate glitches of a class",
        description="Generate glitches into a folder that `discover ingest` reads. A study knows them as generated: they are in no list, cluster, test part or audit unless --generated is given.",
    )
    generate.add_argument("labels", metavar="CLASS", nargs="+", help="for example Koi_Fish")
    generate.add_argument("-n", type=positive, metavar="N", required=True, help="glitches of each class")
    generate.add_argument(
        "--model", metavar="NAME", default=GeneratorOptions.name, help=f"{MODEL} (default: {GeneratorOptions.name})"
    )
    generate.add_argument("--out", metavar="DIR", type=Path, required=True, help="a new folder")


def add_generator_choice(train: ArgumentParser) -> None:
    """Add the options of ``discover train`` on generated glitches."""
    made = train.add_argument_group("generated glitches, in the training part only")
    made.add_argument("--generator", metavar="NAME", help=f"fill rare classes with generated glitches; {MODEL}")
    made.add_argument(
        "--generated-per-class",
        metavar="N",
        type=natural,
        help="with --generator: generated glitches of each class that it makes (default: as many as a class lacks to the largest one)",
    )
    made.add_argument("--generated", action="store_true", help="train on the generated glitches in the study too")
