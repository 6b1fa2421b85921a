"""``discover train``."""

import os
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from discovery.commands.console import Terminal
from discovery.commands.epochs import watched
from discovery.commands.recursive import recurse
from embed.dataset.gap import describe_gap
from embed.errors import InputError
from embed.network.model import is_model, load_model, model_folder
from embed.network.names import WEIGHT_SOURCES
from embed.study.study import Study
from embed.training.newclass import add_class
from embed.training.options import TrainingOptions
from embed.training.start import choose_encoding, starting_weights
from embed.training.trainer import Trained, check_place, train
from embed.vectors.embedding import embed
from embed.vectors.options import EmbeddingOptions
from embed.vectors.store import VectorStore

FIELDS = {
    "epochs": "epochs",
    "batch": "batch",
    "accumulate": "accumulate",
    "lr": "learning_rate",
    "optimizer": "optimizer",
    "schedule": "schedule",
    "dropout": "dropout",
    "label_smoothing": "label_smoothing",
    "contrastive": "contrastive",
    "balanced": "balanced",
    "freeze": "freeze",
    "batch_norm": "batch_norm",
    "precision": "precision",
    "metric": "metric",
    "patience": "patience",
}
"""Options -> fields of `embed.training.recipe.Recipe`."""
_NO_USE_TO_ADD_CLASS = (
    *FIELDS,
    "labels",
    "backbone",
    "views",
    "resume",
    "no_vectors",
    "split",
    "recursive",
    "any_class",
    "truth",
    "out",
)


def run(options: Namespace) -> None:
    """Train a model."""
    lead = int(os.environ.get("RANK", "0")) == 0
    terminal = Terminal(as_json=options.json)
    _check_together(options)
    request, changes = _request(options), _changes(options)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and (options.recursive or options.add_class):
        raise InputError("--recursive and --add-class run in one process; leave torchrun out")
    with Study(options.study) as study:
        if options.add_class:
            _add_class(study, options, terminal)
            return
        check_place(study, request)  # before the work begins
        store = _vectors(study, options, request, terminal) if lead and not options.no_vectors else None
        if options.recursive:
            recurse(study, options, request, changes, store, terminal)
            return
        with watched(terminal, shown=lead) as (progress, report):
            done = train(study, request, changes=changes, store=store, progress=progress, report=report)
        if lead:
            _tell(study, done, store, options.seed, terminal)


def _check_together(options: Namespace) -> None:
    """Refuse options that would be passed over."""

    def given(names: Sequence[str]) -> str:
        asked = {name: getattr(options, name) for name in names}
        there = [name for name, value in asked.items() if value is not None and value is not False and value != ()]
        return ", ".join(f"--{name.replace('_', '-')}" for name in there)

    if options.add_class and not is_model(options.weights or ""):
        raise InputError("--add-class extends a trained model; name it with --weights model:NAME")
    if options.add_class and (surplus := given(_NO_USE_TO_ADD_CLASS)):
        raise InputError(f"--add-class keeps the model's network as it is and has no use for {surplus}; leave that out")
    if not options.recursive and (surplus := given(("any_class", "truth", "out"))):
        raise InputError(f"{surplus} without --recursive says nothing; add --recursive N, or leave that out")


def _request(options: Namespace) -> TrainingOptions:
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


def _changes(options: Namespace) -> dict[str, Any]:
    changes = {field: getattr(options, option) for option, field in FIELDS.items()}
    if changes["freeze"] is not None:
        changes["freeze"] = tuple(changes["freeze"])
    return {field: value for field, value in changes.items() if value is not None}


def _vectors(study: Study, options: Namespace, request: TrainingOptions, terminal: Terminal) -> VectorStore | None:
    """Vectors of the weights that training starts from; None where those may have seen labels."""
    weights = starting_weights(study, request)
    if weights not in WEIGHT_SOURCES:
        terminal.say(
            f"the weights {weights} may have seen labels: near-duplicates are told by files and times alone, and the gap is not measured"
        )
        return None
    views = str(choose_encoding(study, request))
    settings = EmbeddingOptions(
        request.backbone, weights, views, options.device, seed=options.seed, cache=request.cache
    )
    with terminal.progress("embed") as progress:
        return embed(study, settings, command="train", progress=progress)


def _tell(study: Study, done: Trained, store: VectorStore | None, seed: int, terminal: Terminal) -> None:
    card = done.model.card
    best = card["history"][card["epoch"] - 1]
    gap, told = describe_gap(done.training_set, done.labelled, store, seed=seed)
    terminal.table(
        f"{done.model.name}: {card['backbone']} from {card['weights']}, views {card['views']}, {len(card['classes'])} classes",
        ("part", "glitches", "accuracy", "top 5", "macro-F1", "loss"),
        [
            ("train", f"{card['counts']['train']:,}", "", "", "", f"{best['training_loss']:.4f}"),
            _row("validation", card, {name: best[f"validation_{name}"] for name in card["test"]}),
            _row("test", card, card["test"]),
        ],
    )
    terminal.say(
        f"split {card['split']}, {card['groups']:,} groups; epoch {card['epoch']} of {len(card['history'])} kept, the best {card['metric']} of the validation part"
    )
    terminal.say(told)
    for note in done.notes:
        terminal.say(note)
    terminal.say(f"{done.model.folder}; use it with --weights model:{done.model.name}")
    terminal.result(
        {
            "name": done.model.name,
            "folder": str(done.model.folder),
            "gap": asdict(gap) if gap else None,
            "gap_in_words": told,
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
        f"{scores['accuracy']:.2%}",
        f"{scores['top5']:.2%}",
        f"{scores['macro_f1']:.4f}",
        f"{scores['loss']:.4f}",
    )
    return (part, f"{card['counts'][part]:,}", *numbers)


def _add_class(study: Study, options: Namespace, terminal: Terminal) -> None:
    model = load_model(model_folder(study.folder, options.weights))
    folder = model_folder(study.folder, options.name)
    if folder.exists() and not options.replace:
        raise InputError(f"there is a model {options.name!r} already; give another --name, or --replace")
    settings = EmbeddingOptions(device=options.device, seed=options.seed, cache=not options.no_cache)
    with terminal.progress("embed") as progress:
        extended, cost = add_class(
            study,
            model,
            options.add_class,
            name=options.name,
            examples=options.examples,
            options=settings,
            seed=options.seed,
            progress=progress,
        )
    for line in cost.in_words():
        terminal.say(line)
    terminal.say(f"{extended.folder}; use it with --weights model:{extended.name}")
    terminal.result(
        {"name": extended.name, "folder": str(extended.folder), "classes": list(extended.classes), "cost": asdict(cost)}
    )
