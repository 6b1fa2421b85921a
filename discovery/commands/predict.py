"""``discover predict``."""

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from discovery.checks.predict import chosen_glitches, chosen_model
from discovery.commands.console import Terminal
from discovery.commands.scratch import scratch_copy
from embed.csvfile import csv_lines, write_csv
from embed.digits import counted
from embed.metrics.accuracy import top_classes
from embed.network.model import Model, load_model
from embed.study.study import Study
from embed.training.abstention import Abstention, find_far, known_glitches
from embed.training.prediction import Prediction, add_predictions, predict
from embed.vectors.options import EmbeddingOptions
from embed.vectors.parts import blocks_of

_ROWS = 10_000
"""Of the listing that are in memory at once."""


def run(options: Namespace) -> None:
    """Label glitches by a trained model."""
    terminal = Terminal(as_json=options.json)
    to_stdout = options.out is None and not options.json
    with Study(options.study) as study:
        model = load_model(chosen_model(study, options.model))
        glitches = study.glitches()
        embedding = EmbeddingOptions(device=options.device, runtime=options.runtime, seed=options.seed)
        with scratch_copy(study) if options.dry_run else nullcontext(study) as written:
            known = known_glitches(model, glitches).glitches if options.none_of_these else None
            with terminal.progress(f"predict with {model.name}") as progress:
                prediction = predict(
                    written,
                    model,
                    chosen_glitches(study, options),
                    beside=known,
                    options=embedding,
                    progress=progress,
                )
            far = find_far(prediction, model, glitches, options.none_of_these)
            listing = _Listing(glitches, prediction, far, options.top)
            for text in listing.texts() if to_stdout else ():
                terminal.check_csv(text)
            with written.run("predict", {"model": prediction.source, "glitches": len(prediction.glitches)}):
                added = add_predictions(written, prediction, far.far)
    if options.out is not None:
        write_csv(options.out, listing.columns, chain.from_iterable(listing.blocks()))
    notes = [
        _headline(prediction, added, dry_run=options.dry_run),
        *far.in_words(),
        *_notes(glitches, model),
    ]
    if prediction.left_out:
        first = prediction.left_out[0]
        notes.append(
            f"left out {len(prediction.left_out)}, the first: {glitches['id'].loc[first.glitch]}, {first.reason}"
        )
    for note in notes:
        if to_stdout:
            sys.stderr.write(f"{note}\n")  # standard output is the table's
        else:
            terminal.say(note)
    if to_stdout:
        for text in listing.texts():
            terminal.csv(text)
    elif options.out is not None:
        terminal.say(str(options.out))
    counted = {"none_of_these": int(far.far.sum()), "hidden_classes": far.hidden_as_json()}
    terminal.result(_result(options, prediction, added, notes) | counted)


def _headline(prediction: Prediction, added: int, *, dry_run: bool) -> str:
    said = f"{counted(len(prediction.glitches), 'glitch', 'glitches')} labelled by {prediction.source}; "
    events = counted(added, "label event", "label events")
    if dry_run:
        return f"{said}dry run: {events} would be added, the study is unchanged"
    return f"{said}{events} added"


def _result(options: Namespace, prediction: Prediction, added: int, notes: list[str]) -> dict[str, Any]:
    best = Counter(prediction.classes[code] for code in top_classes(prediction.probabilities, 1)[:, 0])
    return {
        "model": prediction.source,
        "glitches": len(prediction.glitches),
        "added": 0 if options.dry_run else added,
        **({"dry_run": True, "would_add": added} if options.dry_run else {}),
        "left_out": len(prediction.left_out),
        "predicted": dict(sorted(best.items())),
        "notes": notes,
        "file": None if options.out is None else str(options.out),
    }


def _notes(glitches: pd.DataFrame, model: Model) -> list[str]:
    """Say where the model's classes differ from the study's."""
    counts = glitches.loc[glitches["label"] != "", "label"].value_counts()
    unknown = sorted(set(counts.index) - set(model.classes))
    absent = sorted(set(model.classes) - set(counts.index))
    notes = []
    if unknown:
        listed = ", ".join(f"{name} ({counts[name]})" for name in unknown)
        notes.append(
            f"labels of the study that the model never predicts, because they are none of its classes: {listed}"
        )
    if absent and len(counts):
        notes.append(f"classes of the model that no label of the study has: {', '.join(absent)}")
    return notes


class _Listing:
    """The table of predictions, some thousand rows at a time: the glitch, its given label, whether it is far from every class, and its likeliest classes with their probabilities."""

    def __init__(self, glitches: pd.DataFrame, prediction: Prediction, far: Abstention, top: int) -> None:
        self._known = glitches.loc[prediction.glitches, ["id", "ifo", "gps", "label"]]
        self._prediction, self._far, self._top = prediction, far.far, min(top, len(prediction.classes))
        places = range(1, self._top + 1)
        ranked = (name for place in places for name in (f"predicted_{place}", f"probability_{place}"))
        self.columns = ("id", "ifo", "gps", "label", "none_of_these", *ranked)

    def blocks(self) -> Iterator[list[tuple[object, ...]]]:
        """Yield the rows."""
        for rows in blocks_of(len(self._known), _ROWS):
            probabilities = self._prediction.probabilities[rows]
            order = top_classes(probabilities, self._top)
            values = np.take_along_axis(probabilities, order, axis=1)
            names = np.array(self._prediction.classes, object)[order]
            ranked = np.stack([names, values.astype(object)], axis=2).reshape(len(names), -1)
            known = self._known.iloc[rows].itertuples(index=False)
            yield [
                (*glitch, int(is_far), *cells)
                for glitch, is_far, cells in zip(known, self._far[rows], ranked.tolist(), strict=True)
            ]

    def texts(self) -> Iterator[str]:
        """Yield the lines of the table as CSV."""
        yield csv_lines([self.columns])
        yield from map(csv_lines, self.blocks())
