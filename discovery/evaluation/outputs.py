"""What an evaluation leaves behind: figures, predictions and mistakes as tables, confusion matrices as pictures, and the page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.evaluation.confusion import confusion_png
from discovery.evaluation.mistakes import MAX_GALLERY, Mistakes
from discovery.evaluation.page import evaluation_html
from discovery.pages.pictures import load_thumbnails, longest_views
from embed.csvfile import write_csv
from embed.storage import file_name, write_bytes, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from discovery.evaluation.testset import TestSet
    from embed.metrics.evaluation import Evaluation
    from embed.study.study import Study
    from embed.vectors.store import VectorStore

CLASS_COLUMNS = ("classifier", "class", "glitches", "predicted", "correct", "precision", "precision_low", "precision_high",
                 "recall", "recall_low", "recall_high", "f1", "f1_low", "f1_high", "auc")  # fmt: skip
PREDICTION_COLUMNS = ("classifier", "id", "label", "predicted", "probability", "probability_of_label")
MISTAKE_COLUMNS = ("id", "ifo", "gps", "label", "predicted", "probability", "probability_of_label", "image")


@dataclass(frozen=True)
class Assessment:
    """What came out.

    Attributes
    ----------
    judged : dict of str to Evaluation
        Classifier -> its evaluation, the first model first.
    about : dict of str to str
        Classifier -> what it is.
    part : str
        Of the split.
    jury : TestSet
        The glitches.
    cautions : tuple of str
        What flatters the figures, or limits them.
    files : dict of str to Path
        What was written.
    """

    judged: dict[str, Evaluation]
    about: dict[str, str]
    part: str
    jury: TestSet
    cautions: tuple[str, ...]
    files: dict[str, Path]


def write_assessment(
    study: Study, frame: pd.DataFrame, result: Assessment, store: VectorStore, folder: Path, command: str, seed: int
) -> dict[str, Path]:
    """Write tables, pictures and page.

    Parameters
    ----------
    study : Study
    frame : DataFrame
        `Study.glitches`.
    result : Assessment
    store : VectorStore
        Whose views are shown.
    folder : Path
    command : str
        The command line that gives this again.
    seed : int

    Returns
    -------
    dict of str to Path
        Name -> what was written.
    """
    name, first = next(iter(result.judged.items()))
    pngs = {other: f"confusion-{file_name(other)}.png" for other in result.judged}
    names = (
        "evaluation.html",
        "metrics.csv",
        "metrics.json",
        "classes.csv",
        "predictions.csv",
        "misclassified.csv",
        *pngs.values(),
    )
    files = {item: folder / item for item in names}
    rows = np.flatnonzero(~first.right)
    rows = rows[np.argsort(-first.confidence[rows], kind="stable")]
    summaries = {key: item.summary() for key, item in result.judged.items()}
    write_csv(
        files["metrics.csv"],
        ("classifier", *next(iter(summaries.values()))),
        [(key, *figures.values()) for key, figures in summaries.items()],
    )
    write_csv(
        files["classes.csv"],
        CLASS_COLUMNS,
        [row for key, item in result.judged.items() for row in _class_rows(key, item)],
    )
    ids = frame.loc[result.jury.glitches, "id"].tolist()
    write_csv(
        files["predictions.csv"],
        PREDICTION_COLUMNS,
        [row for key, item in result.judged.items() for row in zip([key] * len(ids), ids, *_said(item), strict=True)],
    )
    mistaken = result.jury.glitches[rows]
    said = [np.asarray(values)[rows].tolist() for values in _said(first)]
    place = frame.loc[mistaken]
    write_csv(
        files["misclassified.csv"],
        MISTAKE_COLUMNS,
        zip(place["id"], place["ifo"], place["gps"], *said, longest_views(study, mistaken), strict=True),
    )
    write_text(files["metrics.json"], json.dumps(_facts(result, summaries), indent=1, ensure_ascii=False) + "\n")
    for key, item in result.judged.items():
        write_bytes(files[pngs[key]], confusion_png(item.matrix, item.classes, title=f"{key}, {result.part} part"))
    pictured = mistaken[:MAX_GALLERY]
    thumbnails = load_thumbnails(study, pictured, store) if len(pictured) else None
    page = evaluation_html(
        result.judged,
        Mistakes(rows, place["id"].tolist(), thumbnails),
        title=f"Evaluation of {', '.join(result.judged)}"
        if len(result.judged) <= 3
        else f"Evaluation of {len(result.judged)} classifiers",
        part="labelled glitches" if result.part == "all" else f"{result.part} glitches",
        asked={
            "classifiers": ", ".join(result.judged),
            "part": result.part
            + (", in the split of every model" if len(result.judged) > 1 and result.part != "all" else ""),
            "glitches": f"{len(first):,}",
            "left out": f"{len(result.jury.left_out):,}",
            "truth": "labels given by people",
        },
        about=result.about,
        command=command,
        passport={"seed": seed, **{f"{name}: {key}": value for key, value in store.passport.items()}},
        cautions=result.cautions,
        beside=[item for item in names if item != "evaluation.html"],
    )
    write_text(files["evaluation.html"], page)
    return files


def _said(item: Evaluation) -> tuple[list[str], list[str], list[float], list[float]]:
    """True class, predicted class, its probability and that of the true class, a list each."""
    own = item.probabilities[np.arange(len(item)), item.truth]
    return (
        [item.classes[code] for code in item.truth.tolist()],
        [item.classes[code] for code in item.predicted.tolist()],
        item.confidence.tolist(),
        own.tolist(),
    )


def _class_rows(name: str, item: Evaluation) -> list[tuple[object, ...]]:
    scores = item.scores
    return [
        (
            name,
            kind,
            scores.support[code],
            scores.predicted[code],
            scores.correct[code],
            scores.precision[code],
            *scores.precision_interval[code],
            scores.recall[code],
            *scores.recall_interval[code],
            scores.f1[code],
            *scores.f1_interval[code],
            None if (curve := item.curves[code]) is None else curve.area,
        )
        for code, kind in enumerate(item.classes)
    ]


def _facts(result: Assessment, summaries: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Everything as JSON."""
    first = next(iter(result.judged.values()))
    classifiers = {}
    for name, item in result.judged.items():
        rows = [dict(zip(CLASS_COLUMNS[1:], _json(row[1:]), strict=True)) for row in _class_rows(name, item)]
        bins = item.reliability
        classifiers[name] = summaries[name] | {
            "about": result.about.get(name, ""),
            "by_class": rows,
            "confusion": item.matrix.tolist(),
            "reliability": {
                "count": bins.count.tolist(),
                "confidence": _json(bins.confidence),
                "accuracy": _json(bins.accuracy),
            },
        }
    return {
        "part": result.part,
        "glitches": len(first),
        "classes": list(first.classes),
        "cautions": list(result.cautions),
        "left_out": [{"id": identifier, "reason": reason} for identifier, reason in result.jury.left_out],
        "classifiers": classifiers,
    }


def _json(values: Sequence[Any] | np.ndarray) -> list[Any]:
    """Plain numbers, None for what is not known."""
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    return [None if isinstance(value, float) and np.isnan(value) else value for value in plain]
