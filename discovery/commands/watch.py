"""``discover watch``."""

import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from discovery.commands.console import Terminal
from discovery.watching.arrivals import Arrivals, find_arrivals
from embed.digits import counted
from embed.errors import DiscoverError
from embed.study.report import Skip
from embed.study.study import Study

SHOWN = 20
"""Files left for the next run that are printed; the page lists more."""


def run(options: Namespace) -> None:
    """Take in what is new; with ``--every`` again and again, and a run that fails is tried again at the next time."""
    if options.every is None:
        _once(options)
        return
    while True:
        try:
            _once(options)
        except DiscoverError as error:
            sys.stderr.write(
                f"discover watch: error: {' '.join(str(error).split())}; trying again in {options.every} minutes\n"
            )
        sys.stdout.flush()
        time.sleep(60 * options.every)


def _once(options: Namespace) -> None:
    terminal = Terminal(as_json=options.json)
    asked = {"model": options.model, "label": options.label, "audit": options.audit}
    with Study(options.study, create=True) as study:
        arrivals = find_arrivals(study, options.paths, asked)
        if arrivals.is_empty and arrivals.at_rest:
            _nothing(terminal, arrivals)
            return
        _take_in(study, arrivals, options, asked=asked, terminal=terminal)


def _nothing(terminal: Terminal, arrivals: Arrivals) -> None:
    _say_left(terminal, arrivals.left)
    terminal.say("nothing new")
    terminal.result({"new": False, "left": _left_rows(arrivals.left)})


def _say_left(terminal: Terminal, left: Sequence[Skip]) -> None:
    for skip in left[:SHOWN]:
        terminal.say(f"left for the next run: {skip.path}: {skip.reason}")
    if len(left) > SHOWN:
        terminal.say(f"... and {len(left) - SHOWN} more")


def _left_rows(left: Sequence[Skip]) -> list[dict[str, str]]:
    return [{"path": skip.path, "reason": skip.reason} for skip in left]


def _take_in(
    study: Study, arrivals: Arrivals, options: Namespace, *, asked: dict[str, Any], terminal: Terminal
) -> None:
    from discovery.commands.vectors import embedding_options  # noqa: PLC0415 - seconds that a run with nothing new need not wait for
    from discovery.watching.watch import watch  # noqa: PLC0415

    with terminal.steps() as step:
        done = watch(study, arrivals, embedding_options(options), asked=asked, command=options.typed, step=step)
    report = done.report
    added = f"{counted(report.glitches, 'glitch', 'glitches')}, {counted(report.views, 'picture', 'pictures')}, {counted(report.labels, 'label', 'labels')}"
    terminal.say(
        f"{added} added; {done.predicted} predicted, {done.far} none of the model's classes"
        if options.model
        else f"{added} added"
    )
    if done.finds:
        terminal.say(f"none of the model's classes: {done.finds}")
    for update in done.updates:
        births, changes = len(update.births), len(update.changes)
        terminal.say(
            f"clusters of {update.label}: {counted(len(update.table), 'new glitch', 'new glitches')}, {counted(births, 'new cluster', 'new clusters')}, {counted(changes, 'proposal', 'proposals')}"
        )
    _say_left(terminal, done.left)
    for note in (*report.warnings, *done.notes):
        terminal.say(note)
    terminal.say(str(done.page))
    terminal.result(
        {
            "new": True,
            "glitches": report.glitches,
            "views": report.views,
            "labels": report.labels,
            "predicted": done.predicted,
            "none_of_these": done.far,
            "hidden_classes": done.abstention.hidden_as_json() if done.abstention else None,
            "updates": [
                {"label": own.label, "glitches": len(own.table), "births": len(own.births), "changes": len(own.changes)}
                for own in done.updates
            ],
            "left": _left_rows(done.left),
            "notes": [*report.warnings, *done.notes],
            "page": str(done.page),
        }
    )
