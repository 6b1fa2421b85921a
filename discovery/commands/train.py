"""``discover train``."""

import csv
import os
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from discovery.candidates import file_name
from discovery.console import Terminal
from discovery.recursion import write_recursion
from embed.embedding import embed
from embed.errors import InputError
from embed.gap import Gap, split_gap
from embed.model import is_model, load_model, model_folder
from embed.newclass import add_class
from embed.partition import Partition
from embed.plan import Settings
from embed.pretrained import WEIGHT_SOURCES
from embed.recursion import recursive_training
from embed.study import Study
from embed.task import find_groups, make_task
from embed.training import Request, Trained, check_place, choose_encoding, starting_weights, train
from embed.vectors import VectorStore

_UNMEASURED = "the gap between random and honest splits was not measured"
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
"""Options -> fields of `embed.recipe.Recipe`."""
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
            _recurse(study, options, request, changes, store, terminal)
            return
        with _watched(terminal, shown=lead) as (progress, report):
            done = train(study, request, changes=changes, store=store, progress=progress, report=report)
        if lead:
            _tell(study, done, store, options.seed, terminal)


def _check_together(options: Namespace) -> None:
    """Refuse options that would be passed over."""

    def given(names: Sequence[str]) -> str:
        nothing = (None, False, ())
        return ", ".join(
            f"--{name.replace('_', '-')}"
            for name in names
            if not any(getattr(options, name) is value for value in nothing)
        )

    if options.add_class and not is_model(options.weights or ""):
        raise InputError("--add-class extends a trained model; name it with --weights model:NAME")
    if options.add_class and (surplus := given(_NO_USE_TO_ADD_CLASS)):
        raise InputError(f"--add-class keeps the model's network as it is and has no use for {surplus}; leave that out")
    if not options.recursive and (surplus := given(("any_class", "truth", "out"))):
        raise InputError(f"{surplus} without --recursive says nothing; add --recursive N, or leave that out")


def _request(options: Namespace) -> Request:
    return Request(
        options.name,
        options.backbone,
        options.weights,
        options.views,
        options.preset,
        options.split,
        tuple(options.labels),
        options.seed,
        options.device,
        options.resume,
        options.replace,
        not options.no_cache,
    )


def _changes(options: Namespace) -> dict[str, Any]:
    changes = {field: getattr(options, option) for option, field in FIELDS.items()}
    if changes["freeze"] is not None:
        changes["freeze"] = tuple(changes["freeze"])
    return {field: value for field, value in changes.items() if value is not None}


def _vectors(study: Study, options: Namespace, request: Request, terminal: Terminal) -> VectorStore | None:
    """Vectors of the weights that training starts from; None where those may have seen labels."""
    weights = starting_weights(study, request)
    if weights not in WEIGHT_SOURCES:
        terminal.say(
            f"the weights {weights} may have seen labels: near-duplicates are told by files and times alone, and the gap is not measured"
        )
        return None
    views = str(choose_encoding(study, request))
    settings = Settings(request.backbone, weights, views, options.device, seed=options.seed, cache=request.cache)
    with terminal.progress("embed") as progress:
        return embed(study, settings, command="train", progress=progress)


@contextmanager
def _watched(
    terminal: Terminal, *, shown: bool
) -> Iterator[tuple[Callable[[str, int, int], None] | None, Callable[[dict[str, Any]], None] | None]]:
    """Show the progress, and a line an epoch; nothing for a process that does not lead."""
    if not shown:
        yield None, None
        return

    def report(row: dict[str, Any]) -> None:
        terminal.say(
            f"epoch {row['epoch']:3d}  training loss {row['training_loss']:.4f}  validation loss {row['validation_loss']:.4f}  "
            f"accuracy {row['validation_accuracy']:.2%}  macro-F1 {row['validation_macro_f1']:.4f}"
        )

    with terminal.progress("train") as move:
        yield lambda _, done, whole: move(done, whole), report


def _tell(study: Study, done: Trained, store: VectorStore | None, seed: int, terminal: Terminal) -> None:
    card = done.model.card
    best = card["history"][card["epoch"] - 1]
    gap, told = _gap(done, store, seed)
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


def _gap(done: Trained, store: VectorStore | None, seed: int) -> tuple[Gap | None, str]:
    """The gap between random and honest splits, told; where the model's own is random, the honest one is grouped."""
    if store is None:
        return None, f"{_UNMEASURED}: there are no vectors to do it with"
    try:
        gap = _measured(done, store, seed)
    except InputError as error:  # the model is trained all the same
        return None, f"{_UNMEASURED}: {error}"
    return gap, gap.in_words()


def _measured(done: Trained, store: VectorStore, seed: int) -> Gap:
    task = done.task
    if task.partition.kind == "random":
        task = make_task(done.labelled, "grouped", find_groups(done.labelled, store), seed=seed)
    if task.partition.kind == "grouped" and task.partition.groups == len(task.glitches):
        raise InputError("no two glitches are one, so that the grouped split is a random one")
    rows = store.rows(task.glitches)
    there = np.flatnonzero(rows >= 0)
    partition = Partition(task.partition.part[there], task.partition.kind, task.partition.groups)
    return split_gap(np.asarray(store.vectors[rows[there]]), task.targets[there], partition, seed=seed)


def _recurse(
    study: Study,
    options: Namespace,
    request: Request,
    changes: dict[str, Any],
    store: VectorStore | None,
    terminal: Terminal,
) -> None:
    truth = _truth(study, options.truth) if options.truth else None
    with _watched(terminal, shown=True) as (progress, report):
        result = recursive_training(
            study,
            request,
            options.recursive,
            changes=changes,
            store=store,
            truth=truth,
            by_class=not options.any_class,
            tell=lambda item: terminal.say(
                f"{item.added:,} pseudo-labels: right on {item.accuracy:.2%} of {item.judged:,} held-out glitches"
            ),
            progress=progress,
            report=report,
        )
    folder = options.out or study.folder / "reports" / f"recursive-{file_name(request.name)}"
    ids = dict(study.connection.execute("SELECT glitch, id FROM glitches"))
    card = result.models[0].card
    asked = {
        "preset": request.preset,
        "network": f"{card['backbone']} from {card['weights']}",
        "views": card["views"],
        "classes": len(card["classes"]),
        "split": card["split"],
        "epochs": card["recipe"]["epochs"],
        "seed": request.seed,
        "chosen": "the most confident of all"
        if options.any_class
        else "the most confident, the same share of each predicted class",
    }
    files = write_recursion(
        result, ids, folder, title=f"Recursive training of {request.name}", asked=asked, command=options.typed
    )
    rows = [
        (
            model.name,
            f"{item.added:,}",
            f"{item.accuracy:.2%}",
            "{:.2%} to {:.2%}".format(*item.interval),
            f"{item.purity:.2%} of {item.known:,}" if item.known else "",
        )
        for model, item in zip(result.models, result.rounds, strict=True)
    ]
    terminal.table("Rounds", ("model", "pseudo-labels", "accuracy", "95 %", "of them right"), rows)
    terminal.say(f"{result.pool:,} unlabelled glitches to choose from, {result.left_out:,} left out")
    gap, told = _gap(result.first, store, options.seed)
    terminal.say(told)
    for path in files.values():
        terminal.say(str(path))
    rounds = [
        asdict(item) | {"accuracy": item.accuracy, "model": model.name}
        for model, item in zip(result.models, result.rounds, strict=True)
    ]
    terminal.result(
        {
            "rounds": rounds,
            "gap": asdict(gap) if gap else None,
            "gap_in_words": told,
            "pool": result.pool,
            "left_out": result.left_out,
            "files": {name: str(path) for name, path in files.items()},
        }
    )


def _truth(study: Study, path: Path) -> dict[int, str]:
    """Row number -> true class, of a table with columns ``id`` (``ifo`` where ids need it) and ``truth``."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--truth {path} cannot be read ({error})") from error
    if not rows or not {"id", "truth"} <= rows[0].keys():
        raise InputError(
            f"--truth {path} has no columns id and truth; give a table such as truth.csv of `discover simulate`"
        )
    found = ((study.find_glitch(row["id"], row.get("ifo") or None), row["truth"]) for row in rows)
    return {glitch: name for glitch, name in found if glitch is not None}


def _add_class(study: Study, options: Namespace, terminal: Terminal) -> None:
    model = load_model(model_folder(study.folder, options.weights))
    folder = model_folder(study.folder, options.name)
    if folder.exists() and not options.replace:
        raise InputError(f"there is a model {options.name!r} already; give another --name, or --replace")
    settings = Settings(device=options.device, seed=options.seed, cache=not options.no_cache)
    with terminal.progress("embed") as progress:
        extended, cost = add_class(
            study,
            model,
            options.add_class,
            name=options.name,
            examples=options.examples,
            settings=settings,
            seed=options.seed,
            progress=progress,
        )
    for line in cost.in_words():
        terminal.say(line)
    terminal.say(f"{extended.folder}; use it with --weights model:{extended.name}")
    terminal.result(
        {"name": extended.name, "folder": str(extended.folder), "classes": list(extended.classes), "cost": asdict(cost)}
    )
