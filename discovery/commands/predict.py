"""``discover predict``."""

import sys
from argparse import Namespace
from collections import Counter
from contextlib import nullcontext
from typing import Any

import numpy as np
import pandas as pd

from discovery.checks.predict import chosen_glitches, chosen_model
from discovery.commands.console import Terminal
from discovery.commands.scratch import scratch_copy
from embed.csvfile import csv_text
from embed.metrics.accuracy import top_classes
from embed.network.model import Model, load_model
from embed.storage import write_text
from embed.study.study import Study
from embed.training.abstention import LEAST_HELD_OUT, Abstention, find_far
from embed.training.prediction import Prediction, add_predictions, predict
from embed.vectors.options import EmbeddingOptions


def run(options: Namespace) -> None:
    """Label glitches by a trained model."""
    terminal = Terminal(as_json=options.json)
    to_stdout = options.out is None and not options.json
    with Study(options.study) as study:
        model = load_model(chosen_model(study, options.model))
        glitches = study.glitches()
        embedding = EmbeddingOptions(device=options.device, runtime=options.runtime, seed=options.seed)
        with scratch_copy(study) if options.dry_run else nullcontext(study) as written:
            with terminal.progress(f"predict with {model.name}") as progress:
                prediction = predict(
                    written, model, chosen_glitches(study, options), options=embedding, progress=progress
                )
            far = find_far(prediction, model, glitches, options.none_of_these)
            listing = csv_text(*_listing(glitches, prediction, far, options.top))
            if to_stdout:
                terminal.check_csv(listing)
            with written.run("predict", {"model": prediction.source, "glitches": len(prediction.glitches)}):
                added = add_predictions(written, prediction, far.far)
    if options.out is not None:
        write_text(options.out, listing)
    notes = [
        _headline(prediction, added, dry_run=options.dry_run),
        *_far_note(far, options.none_of_these),
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
        terminal.csv(listing)
    elif options.out is not None:
        terminal.say(str(options.out))
    terminal.result(_result(options, prediction, added, notes) | {"none_of_these": int(far.far.sum())})


def _headline(prediction: Prediction, added: int, *, dry_run: bool) -> str:
    said = f"{len(prediction.glitches)} glitches labelled by {prediction.source}; "
    if dry_run:
        return f"{said}dry run: {added} label events would be added, the study is unchanged"
    return f"{said}{added} label events added"


def _far_note(far: Abstention, rate: float) -> list[str]:
    """Say how many are none of the classes, or why that was not asked."""
    if not rate:
        return []
    if far.held_out < LEAST_HELD_OUT:
        return [
            f"none of these: not asked, {far.held_out} held-out glitches are too few to compare with (at least {LEAST_HELD_OUT})"
        ]
    share = max(rate, 1 / (far.held_out + 1))
    return [
        f"none of these: {int(far.far.sum())} glitches are farther from every class than all but {100 * share:.1f} % of {far.held_out} held-out ones, and get no label"
    ]


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


def _listing(
    glitches: pd.DataFrame, prediction: Prediction, far: Abstention, top: int
) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Columns and rows: the glitch, its given label, whether it is far from every class, and its likeliest classes with their probabilities."""
    order = top_classes(prediction.probabilities, top)
    probabilities = np.take_along_axis(prediction.probabilities, order, axis=1)
    columns = ["id", "ifo", "gps", "label", "none_of_these"]
    for place in range(1, order.shape[1] + 1):
        columns += [f"predicted_{place}", f"probability_{place}"]
    rows: list[tuple[object, ...]] = []
    known = glitches.loc[prediction.glitches, ["id", "ifo", "gps", "label"]]
    for glitch, is_far, codes, values in zip(
        known.itertuples(index=False), far.far.tolist(), order.tolist(), probabilities.tolist(), strict=True
    ):
        cells = [cell for code, value in zip(codes, values, strict=True) for cell in (prediction.classes[code], value)]
        rows.append((*glitch, int(is_far), *cells))
    return tuple(columns), rows
