"""``discover predict``."""

import sys
from argparse import Namespace

import numpy as np
import pandas as pd

from discovery.commands.console import Terminal
from embed.csvfile import csv_text
from embed.errors import InputError
from embed.metrics.accuracy import top_classes
from embed.network.model import Model, load_model, model_folder, models
from embed.storage import write_text
from embed.study.study import Study
from embed.training.prediction import Prediction, add_predictions, predict
from embed.vectors.options import EmbeddingOptions


def run(options: Namespace) -> None:
    """Label glitches by a trained model."""
    terminal = Terminal(as_json=options.json)
    if options.top < 1:
        raise InputError(f"--top {options.top}: give a number from 1")
    with Study(options.study) as study:
        model = _model(study, options.model)
        frame = study.glitches()
        wanted = _wanted(study, frame, options)
        settings = EmbeddingOptions(device=options.device, runtime=options.runtime, seed=options.seed)
        with terminal.progress(f"predict with {model.name}") as progress:
            prediction = predict(study, model, wanted, options=settings, progress=progress)
        with study.run("predict", {"model": prediction.source, "glitches": len(prediction.glitches)}):
            added = add_predictions(study, prediction)
    table = csv_text(*_table(frame, prediction, options.top))
    notes = [
        f"{len(prediction.glitches)} glitches labelled by {prediction.source}; {added} label events added",
        *_notes(frame, model),
    ]
    if prediction.left_out:
        names = frame["id"].to_dict()
        notes.append(
            f"left out {len(prediction.left_out)}, the first: {names[prediction.left_out[0].glitch]}, {prediction.left_out[0].reason}"
        )
    if options.out is not None:
        write_text(options.out, table)
    for note in notes:
        if options.out is None and not options.json:
            sys.stderr.write(f"{note}\n")  # standard output is the table's
        else:
            terminal.say(note)
    if options.out is None and not options.json:
        sys.stdout.write(table)
    elif options.out is not None:
        terminal.say(str(options.out))
    best = pd.Series([prediction.classes[code] for code in top_classes(prediction.probabilities, 1)[:, 0]], dtype=str)
    terminal.result(
        {
            "model": prediction.source,
            "glitches": len(prediction.glitches),
            "added": added,
            "left_out": len(prediction.left_out),
            "predicted": {str(name): int(count) for name, count in best.value_counts().sort_index().items()},
            "notes": notes,
            "file": None if options.out is None else str(options.out),
        }
    )


def _model(study: Study, name: str | None) -> Model:
    there = models(study.folder)
    if name is None and len(there) != 1:
        raise InputError(
            f"the study has {len(there)} models ({', '.join(there)}); name one"
            if there
            else f"the study {study.folder} has no trained model; make one with `discover train`"
        )
    return load_model(model_folder(study.folder, name or there[0]))


def _wanted(study: Study, frame: pd.DataFrame, options: Namespace) -> np.ndarray:
    if options.label is not None:
        return study.members(options.label)
    chosen = frame if options.all else frame[frame["label"] == ""]
    if chosen.empty:
        raise InputError(
            "every glitch of the study has a given label already; choose with --label LABEL or --all"
            if len(frame)
            else f"the study {study.folder} holds no glitches; bring some in with `discover ingest PATH`"
        )
    return chosen.index.to_numpy(np.int64)


def _notes(frame: pd.DataFrame, model: Model) -> list[str]:
    """Say where the model's classes differ from the study's."""
    counts = frame.loc[frame["label"] != "", "label"].value_counts()
    unknown = sorted(set(counts.index) - set(model.classes))
    absent = sorted(set(model.classes) - set(counts.index))
    notes = []
    if unknown:
        listed = ", ".join(f"{name} ({counts[name]})" for name in unknown)
        notes.append(f"labels of the study that are no class of the model, so that it never predicts them: {listed}")
    if absent and len(counts):
        notes.append(f"classes of the model that no label of the study has: {', '.join(absent)}")
    return notes


def _table(frame: pd.DataFrame, prediction: Prediction, top: int) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Columns and rows: who the glitch is, its given label, and its likeliest classes with their probabilities."""
    order = top_classes(prediction.probabilities, top)
    sure = np.take_along_axis(prediction.probabilities, order, axis=1)
    columns = ["id", "ifo", "gps", "label"]
    for place in range(1, order.shape[1] + 1):
        columns += [f"predicted_{place}", f"probability_{place}"]
    rows: list[tuple[object, ...]] = []
    known = frame.loc[prediction.glitches, ["id", "ifo", "gps", "label"]]
    for who, codes, values in zip(known.itertuples(index=False), order.tolist(), sure.tolist(), strict=True):
        said = [cell for code, value in zip(codes, values, strict=True) for cell in (prediction.classes[code], value)]
        rows.append((*who, *said))
    return tuple(columns), rows
