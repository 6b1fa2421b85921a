"""``discover generator`` ``train``, ``evaluate`` and ``anomalies``."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

from discovery.checks.generator import generator_options
from discovery.commands.console import Terminal
from discovery.figures.figures import generator_figures
from discovery.figures.files import save_figures
from discovery.generation.anomalies import list_anomalies
from discovery.generation.generation import Question, evaluate_generator
from embed.generator.trainer import train_generator
from embed.network.devices import choose_device
from embed.study.study import Study

if TYPE_CHECKING:
    from argparse import Namespace


SHOWN = 20
"""Labels in the terminal's table of anomalies."""


def run(options: Namespace) -> None:
    """Train a generator, judge one, or list the labels that it finds improbable."""
    {"train": _train, "evaluate": _evaluate, "anomalies": _anomalies}[options.action](options)


def _train(options: Namespace) -> None:
    lead = int(os.environ.get("RANK", "0")) == 0
    terminal = Terminal(as_json=options.json)

    def report(row: dict[str, Any]) -> None:
        terminal.say(
            f"{row['images']:9,} pictures  {row['resolution']:3d} px, alpha {row['alpha']:.2f}  critic {row['critic']:.3f}  generator {row['generator']:.3f}  "
            f"distance {row['distance']:.3f}  diversity {row['diversity']:.2f}"
        )
        if row["collapsed"]:
            terminal.say(f"warning: generated glitches are too much alike in {row['collapsed']}")

    with Study(options.study) as study, terminal.progress("generator") as move:
        model = train_generator(
            study,
            generator_options(options),
            decoded=lambda done, whole: move(done, whole, "decode"),
            progress=lambda done, whole: move(done, whole, "train"),
            report=report if lead else None,
        )
    if not lead:
        return
    rows = [(name, f"{count:,}") for name, count in model.card["counts"].items()]
    terminal.table(f"{model.name}: {model.card['resolution']} px, {len(rows)} classes", ("class", "learned from"), rows)
    terminal.say(
        f"{model.folder}; samples in {model.folder / 'samples'}; use it with `discover generate CLASS --model {model.name}`"
    )
    terminal.result({"name": model.name, "folder": str(model.folder), "card": model.card})


def _evaluate(options: Namespace) -> None:
    terminal = Terminal(as_json=options.json)
    question = Question(options.model, options.features, options.n, options.resolution, options.seed)
    with Study(options.study) as study, terminal.progress("judge") as progress:
        found, files, shown = evaluate_generator(
            study,
            question,
            device=choose_device(options.device),
            out=options.out,
            command=options.typed,
            progress=progress,
        )
        if options.figures:
            files |= save_figures(generator_figures(found, shown), files["generator.html"].parent, options.figures)
    rows = [
        (row.label, *(_figure(value, ".3f") for value in (row.kid, row.kid_floor, row.kid_ceiling)),
         *(_figure(value, ".2f")
           for value in (row.precision, row.recall, row.copied, row.told_apart, row.given_class)))
        for row in found.classes
    ]  # fmt: skip
    terminal.table(
        f"Generator {options.model}, held-out glitches",
        ("class", "KID", "floor", "ceiling", "precision", "recall", "copies", "told apart", "given its class"),
        rows,
    )
    for caution in found.cautions:
        terminal.say(f"caution: {caution}")
    for name, value in found.summary.items():
        terminal.say(f"{name.replace('_', ' ')}: {100 * value:.2f} %")
    for path in files.values():
        terminal.say(str(path))
    terminal.result(
        {
            "classes": [row.row() for row in found.classes],
            "summary": dict(found.summary),
            "cautions": list(found.cautions),
            "files": {name: str(path) for name, path in files.items()},
        }
    )


def _anomalies(options: Namespace) -> None:
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study, terminal.progress("score") as progress:
        opinion, path = list_anomalies(
            study, options.model, device=choose_device(options.device), out=options.out, progress=progress
        )
    terminal.table(
        f"Labels that the critic of {options.model} finds improbable: the first {len(opinion.rows[:SHOWN])} of {len(opinion.rows):,}",
        ("id", "label", "fits better", "margin", "learned from", "audit's rank"),
        [
            (row["id"], row["label"], row["suggested"], f"{row['margin']:.2f}", row["learned"], str(row["audit_rank"]))
            for row in opinion.rows[:SHOWN]
        ],
    )
    if opinion.agreement:
        terminal.say(opinion.agreement)
    terminal.say(str(path))
    terminal.result({"labels": opinion.rows, "agreement": opinion.agreement, "file": str(path)})


def _figure(value: float, form: str) -> str:
    return "" if math.isnan(value) else format(value, form)
