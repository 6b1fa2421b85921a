"""``discover train``."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from discovery.checks.train import recipe_changes
from discovery.commands.console import Terminal
from discovery.commands.epochs import watched
from discovery.commands.recursive import train_in_rounds
from embed.dataset.gap import describe_gap
from embed.dataset.made import Made, joined
from embed.errors import InputError
from embed.generator.filling import fill, made_before
from embed.generator.source import open_source
from embed.network.devices import choose_device
from embed.network.model import load_model
from embed.network.names import WEIGHT_SOURCES
from embed.network.sources import model_folder
from embed.study.nouns import nouns
from embed.study.study import Study
from embed.training.newclass import add_class
from embed.training.options import TrainingOptions
from embed.training.start import choose_encoding, starting_weights
from embed.training.trainer import Trained, train
from embed.vectors.embedding import embed
from embed.vectors.options import EmbeddingOptions

if TYPE_CHECKING:
    from argparse import Namespace

    import torch

    from embed.dataset.dataset import TrainingSet
    from embed.training.trainer import Fill
    from embed.vectors.store import VectorStore
    from embed.views.encoding import Encoding


def run(options: Namespace) -> None:
    """Train a model.

    Raises
    ------
    InputError
        When several processes run what one process does.
    """
    lead = int(os.environ.get("RANK", "0")) == 0
    terminal = Terminal(as_json=options.json)
    training = _training_options(options)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and (options.recursive or options.add_class):
        raise InputError("--recursive and --add-class run in one process; leave torchrun out")
    with Study(options.study, generated=options.generated) as study:
        if options.add_class:
            _add_class(study, options, terminal)
            return
        store = _vectors(study, training, terminal) if lead and not options.no_vectors else None
        if options.recursive:
            train_in_rounds(study, options, training, terminal, store=store, fill=_filling(study, options))
            return
        with watched(terminal, shown=lead) as (progress, report):
            done = train(
                study,
                training,
                changes=recipe_changes(options),
                store=store,
                fill=_filling(study, options),
                progress=progress,
                report=report,
            )
        if lead:
            _report(study, done, terminal, store=store, seed=options.seed)


def _filling(study: Study, options: Namespace) -> Fill | None:
    """What generates glitches for the training part, and tells what generators learned from; None where no glitch is generated."""
    before = made_before(study) if options.generated else None
    if not options.generator:
        return None if before is None else lambda *_: before
    open_source(study.folder, options.generator, choose_device("cpu"))  # refused before anything is decoded

    def filling(training_set: TrainingSet, encoding: Encoding, side: int, device: torch.device) -> Made:
        source = open_source(study.folder, options.generator, device)
        made = fill(training_set, source, encoding, side, count=options.generated_per_class, seed=options.seed)
        return made if before is None else joined(before, made)

    return filling


def _training_options(options: Namespace) -> TrainingOptions:
    return TrainingOptions(
        name=options.name,
        backbone=options.backbone,
        weights=options.weights,
        views=options.views,
        preset=options.preset,
        split=options.split,
        labels=tuple(options.labels),
        seed=options.seed,
        device=options.device,
        resume=options.resume,
        replace=options.replace,
        cache=not options.no_cache,
    )


def _vectors(study: Study, training: TrainingOptions, terminal: Terminal) -> VectorStore | None:
    """Vectors of the weights that training starts from; None where those may have seen labels."""
    weights = starting_weights(study, training)
    if weights not in WEIGHT_SOURCES:
        terminal.say(
            f"the weights {weights} may have seen labels: near-duplicates are found by files and times alone, and the gap is not measured"
        )
        return None
    embedding = EmbeddingOptions(
        backbone=training.backbone,
        weights=weights,
        views=str(choose_encoding(study, training)),
        device=training.device,
        seed=training.seed,
        cache=training.cache,
    )
    with terminal.progress("embed") as progress:
        return embed(study, embedding, command="train", progress=progress)


def _report(study: Study, done: Trained, terminal: Terminal, *, store: VectorStore | None, seed: int) -> None:
    card = done.model.card
    best = card["history"][card["epoch"] - 1]
    gap, gap_in_words = describe_gap(done.training_set, done.labelled, store, seed=seed)
    terminal.table(
        f"{done.model.name}: {card['backbone']} from {card['weights']}, views {card['views']}, {len(card['classes'])} classes",
        ("part", nouns(study)[1], "accuracy", "top 5", "macro-F1", "loss"),
        [
            ("train", f"{card['counts']['train']:,}", "", "", "", f"{best['training_loss']:.4f}"),
            _row("validation", card, {name: best[f"validation_{name}"] for name in card["test"]}),
            _row("test", card, card["test"]),
        ],
    )
    terminal.say(
        f"split {card['split']}, {card['groups']:,} groups; epoch {card['epoch']} of {len(card['history'])} kept, the best {card['metric']} of the validation part"
    )
    terminal.say(gap_in_words)
    for note in done.notes:
        terminal.say(note)
    terminal.say(f"{done.model.folder}; use it with --weights model:{done.model.name}")
    terminal.result(
        {
            "name": done.model.name,
            "folder": str(done.model.folder),
            "gap": asdict(gap) if gap else None,
            "gap_in_words": gap_in_words,
            "notes": list(done.notes),
            **{
                key: card[key]
                for key in (
                    "backbone",
                    "weights",
                    "views",
                    "classes",
                    "split",
                    "groups",
                    "counts",
                    "epoch",
                    "metric",
                    "test",
                    "history",
                    "recipe",
                )
            },
            "study": str(study.folder),
        }
    )


def _row(part: str, card: Any, scores: dict[str, float]) -> tuple[str, ...]:  # noqa: ANN401 - a mapping
    numbers = (
        f"{100 * scores['accuracy']:.2f} %",
        f"{100 * scores['top5']:.2f} %",
        f"{scores['macro_f1']:.4f}",
        f"{scores['loss']:.4f}",
    )
    return (part, f"{card['counts'][part]:,}", *numbers)


def _add_class(study: Study, options: Namespace, terminal: Terminal) -> None:
    model = load_model(model_folder(study.folder, options.weights))
    embedding = EmbeddingOptions(device=options.device, seed=options.seed, cache=not options.no_cache)
    with terminal.progress("embed") as progress:
        extended, cost = add_class(
            study,
            model,
            options.add_class,
            name=options.name,
            examples=options.examples,
            options=embedding,
            seed=options.seed,
            progress=progress,
        )
    for line in cost.in_words():
        terminal.say(line)
    terminal.say(f"{extended.folder}; use it with --weights model:{extended.name}")
    terminal.result(
        {"name": extended.name, "folder": str(extended.folder), "classes": list(extended.classes), "cost": asdict(cost)}
    )
