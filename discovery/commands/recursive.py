"""``discover train --recursive``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from discovery.checks.train import read_truth, recipe_changes
from discovery.commands.epochs import watched
from discovery.evaluation.additions import load_additions
from discovery.evaluation.selftraining import NOT_LEARNT, write_recursion
from discovery.figures.figures import recursion_figures
from discovery.figures.files import save_figures
from embed.dataset.gap import describe_gap
from embed.digits import counted
from embed.storage import file_name
from embed.training.selftraining import Recursion, recursive_training

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

    from discovery.commands.console import Terminal
    from embed.study.study import Study
    from embed.training.options import TrainingOptions
    from embed.training.trainer import Fill
    from embed.vectors.store import VectorStore


def train_in_rounds(
    study: Study,
    options: Namespace,
    training: TrainingOptions,
    terminal: Terminal,
    *,
    store: VectorStore | None,
    fill: Fill | None,
) -> None:
    """Train in rounds, each on more of the model's own predictions, and report how well each did."""
    with watched(terminal, shown=True) as (progress, report):
        result = recursive_training(
            study,
            training,
            options.recursive,
            changes=recipe_changes(options),
            store=store,
            truth=read_truth(study, options.truth) if options.truth else None,
            by_class=not options.any_class,
            fill=fill,
            report_round=lambda item: terminal.say(
                f"{counted(item.added, 'pseudo-label', 'pseudo-labels')}: right on {100 * item.accuracy:.2f} % of {counted(item.judged, 'held-out glitch', 'held-out glitches')}"
            ),
            progress=progress,
            report=report,
        )
    files = _write(study, options, training, result)
    if options.figures:
        files |= save_figures(recursion_figures(result.rounds), files["recursion.html"].parent, options.figures)
    terminal.table("Rounds", ("model", "pseudo-labels", "accuracy", "95 %", "of them right"), _rows(result))
    terminal.say(
        f"{counted(result.pool, 'unlabelled glitch', 'unlabelled glitches')} to choose from, {result.left_out:,} left out"
    )
    for sentence in result.abstention.in_words(NOT_LEARNT):
        terminal.say(sentence)
    gap, gap_in_words = describe_gap(result.first.training_set, result.first.labelled, store, seed=options.seed)
    terminal.say(gap_in_words)
    for note in result.first.notes:
        terminal.say(note)
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
            "gap_in_words": gap_in_words,
            "pool": result.pool,
            "left_out": result.left_out,
            "none_of_these": int(result.abstention.far.sum()),
            "hidden_classes": result.abstention.hidden_as_json(),
            "files": {name: str(path) for name, path in files.items()},
        }
    )


def _write(study: Study, options: Namespace, training: TrainingOptions, result: Recursion) -> dict[str, Path]:
    card = result.models[0].card
    facts = {
        "preset": training.preset,
        "network": f"{card['backbone']} from {card['weights']}",
        "views": card["views"],
        "classes": len(card["classes"]),
        "split": card["split"],
        "epochs": card["recipe"]["epochs"],
        "seed": training.seed,
        "chosen": "the most confident of all"
        if options.any_class
        else "the most confident, the same share of each predicted class",
    }
    return write_recursion(
        result,
        study.ids(),
        options.out or study.folder / "reports" / f"recursive-{file_name(training.name)}",
        title=f"Recursive training of {training.name}",
        asked=facts,
        command=options.typed,
        additions=load_additions(study, result),
    )


def _rows(result: Recursion) -> list[tuple[str, ...]]:
    return [
        (
            model.name,
            f"{item.added:,}",
            f"{100 * item.accuracy:.2f} %",
            "{:.2f} to {:.2f} %".format(*(100 * end for end in item.interval)),
            f"{100 * item.purity:.2f} % of {item.known:,}" if item.known else "",
        )
        for model, item in zip(result.models, result.rounds, strict=True)
    ]
