"""``discover train --recursive``."""

import csv
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from discovery.commands.console import Terminal
from discovery.commands.epochs import watched
from discovery.evaluation.selftraining import write_recursion
from embed.dataset.gap import describe_gap
from embed.errors import InputError
from embed.storage import file_name
from embed.study.study import Study
from embed.training.options import TrainingOptions
from embed.training.selftraining import recursive_training
from embed.vectors.store import VectorStore


def recurse(
    study: Study,
    options: Namespace,
    request: TrainingOptions,
    changes: dict[str, Any],
    store: VectorStore | None,
    terminal: Terminal,
) -> None:
    """Train in rounds, and tell what came of it."""
    truth = _truth(study, options.truth) if options.truth else None
    with watched(terminal, shown=True) as (progress, report):
        result = recursive_training(
            study,
            request,
            options.recursive,
            changes=changes,
            store=store,
            truth=truth,
            by_class=not options.any_class,
            report_round=lambda item: terminal.say(
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
    gap, told = describe_gap(result.first.training_set, result.first.labelled, store, seed=options.seed)
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
