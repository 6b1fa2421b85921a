"""What an evaluation writes: figures, predictions and mistakes as tables, confusion matrices as pictures, and the page."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.evaluation.confusion import confusion_png
from discovery.evaluation.mistakes import MAX_GALLERY, Mistakes
from discovery.evaluation.page import evaluation_html
from discovery.pages.pictures import load_thumbnails
from discovery.pages.views import longest_views
from embed.csvfile import write_csv
from embed.notebook import html_summary
from embed.storage import file_name, write_bytes, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from discovery.evaluation.testset import TestSet
    from discovery.pages.pictures import HasPassport
    from discovery.pages.thumbnails import Thumbnails
    from embed.metrics.evaluation import Evaluation
    from embed.study.study import Study
    from embed.types import Rows

CLASS_COLUMNS = ("classifier", "class", "glitches", "predicted", "correct", "precision", "precision_low", "precision_high",
                 "recall", "recall_low", "recall_high", "f1", "f1_low", "f1_high", "auc")  # fmt: skip
PREDICTION_COLUMNS = ("classifier", "id", "label", "predicted", "probability", "probability_of_label")
MISTAKE_COLUMNS = ("id", "ifo", "gps", "label", "predicted", "probability", "probability_of_label", "image")


@dataclass(frozen=True)
class Assessment:
    """The outcome of an evaluation.

    Attributes
    ----------
    judged : dict of str to Evaluation
        Classifier -> its evaluation, the first model first.
    about : dict of str to str
        Classifier -> what it is.
    part : str
        Of the split.
    test_set : TestSet
        The glitches.
    cautions : tuple of str
        What makes the figures look better than they are, or limits them.
    files : dict of str to Path
        What was written.
    """

    judged: dict[str, Evaluation]
    about: dict[str, str]
    part: str
    test_set: TestSet
    cautions: tuple[str, ...]
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where everything was written."""
        return self.files["metrics.csv"].parent

    def _repr_html_(self) -> str:
        facts = {name: str(path) for name, path in self.files.items()} | {
            f"caution {number}": text for number, text in enumerate(self.cautions, 1)
        }
        rows = [
            (name, self.about[name], len(judged), f"{100 * judged.accuracies[0]:.2f} %")
            for name, judged in self.judged.items()
        ]
        columns = ("classifier", "what it is", "glitches", "accuracy")
        return html_summary(f"Evaluation on the {self.part} part", facts, columns, rows)


@dataclass(frozen=True)
class Mistaken:
    """What the study holds of the M misclassified glitches.

    Attributes
    ----------
    table : DataFrame, M rows
        ``id``, ``ifo``, ``gps`` and ``image``, the path of the longest view.
    thumbnails : Thumbnails or None
        Of the first `MAX_GALLERY`.
    """

    table: pd.DataFrame
    thumbnails: Thumbnails | None

    @classmethod
    def read(cls, study: Study, store: HasPassport, glitches: pd.DataFrame, mistaken: Rows) -> Mistaken:
        """Read the views of the misclassified glitches once, and the pictures of those that are shown.

        Parameters
        ----------
        study : Study
        store : HasPassport
            Whose views are shown.
        glitches : DataFrame
            `Study.glitches`.
        mistaken : ndarray of int64, shape (M,)
            Row numbers in the study.
        """
        views = study.views(mistaken)
        table = glitches.loc[mistaken, ["id", "ifo", "gps"]].assign(image=longest_views(mistaken, views))
        pictured = mistaken[:MAX_GALLERY]
        thumbnails = load_thumbnails(study, store, pictured, views) if len(pictured) else None
        return cls(table, None if thumbnails is None or thumbnails.empty else thumbnails)


def mistaken_rows(item: Evaluation) -> Rows:
    """Return the rows of an evaluation that are misclassified, the most confident mistakes first."""
    rows = np.flatnonzero(~item.right)
    return rows[np.argsort(-item.confidence[rows], kind="stable")]


def write_assessment(
    result: Assessment,
    ids: Sequence[str],
    mistaken: Mistaken,
    folder: Path,
    *,
    command: str,
    passport: Mapping[str, object],
) -> dict[str, Path]:
    """Write tables, pictures and page.

    Parameters
    ----------
    result : Assessment
        Of N glitches.
    ids : sequence of str, length N
    mistaken : Mistaken
        The glitches that the first classifier takes for another class, in the order of `mistaken_rows`.
    folder : Path
    command : str
        The command line that makes this again.
    passport : mapping of str to object
        What the page states of the first classifier.

    Returns
    -------
    dict of str to Path
        Name -> what was written.
    """
    first = next(iter(result.judged.values()))
    pngs = {name: f"confusion-{file_name(name)}.png" for name in result.judged}
    tables = ("metrics.csv", "metrics.json", "classes.csv", "predictions.csv", "misclassified.csv")
    names = ("evaluation.html", *tables, *pngs.values())
    files = {item: folder / item for item in names}
    rows = mistaken_rows(first)
    summaries = {name: item.summary() for name, item in result.judged.items()}
    figures = [(name, *values.values()) for name, values in summaries.items()]
    write_csv(files["metrics.csv"], ("classifier", *next(iter(summaries.values()))), figures)
    by_class = [row for name, item in result.judged.items() for row in _class_rows(name, item)]
    write_csv(files["classes.csv"], CLASS_COLUMNS, by_class)
    said = [
        row for name, item in result.judged.items() for row in zip([name] * len(ids), ids, *_said(item), strict=True)
    ]
    write_csv(files["predictions.csv"], PREDICTION_COLUMNS, said)
    wrong = [np.asarray(values)[rows].tolist() for values in _said(first)]
    table = mistaken.table
    mistakes = zip(table["id"], table["ifo"], table["gps"], *wrong, table["image"], strict=True)
    write_csv(files["misclassified.csv"], MISTAKE_COLUMNS, mistakes)
    write_text(files["metrics.json"], json.dumps(_facts(result, summaries), indent=1, ensure_ascii=False) + "\n")
    for name, item in result.judged.items():
        write_bytes(files[pngs[name]], confusion_png(item.matrix, item.classes, title=f"{name}, {result.part} part"))
    page = evaluation_html(
        result.judged,
        Mistakes(rows, table["id"].tolist(), mistaken.thumbnails),
        title=f"Evaluation of {', '.join(result.judged) if len(result.judged) <= 3 else f'{len(result.judged)} classifiers'}",
        part="labelled glitches" if result.part == "all" else f"{result.part} glitches",
        asked=_asked(result),
        about=result.about,
        command=command,
        passport=passport,
        cautions=result.cautions,
        beside=[item for item in names if item != "evaluation.html"],
    )
    write_text(files["evaluation.html"], page)
    return files


def _asked(result: Assessment) -> dict[str, object]:
    """Return the settings as the page lists them."""
    several = len(result.judged) > 1 and result.part != "all"
    return {
        "classifiers": ", ".join(result.judged),
        "part": f"{result.part}, in the split of every model" if several else result.part,
        "glitches": f"{len(result.test_set.glitches):,}",
        "left out": f"{len(result.test_set.left_out):,}",
        "truth": "labels given by people",
    }


def _said(item: Evaluation) -> tuple[list[str], list[str], list[float], list[float]]:
    """Return the true classes, the predicted classes, their probabilities and those of the true classes, a list each."""
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
    """Return everything as JSON values."""
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
        "left_out": [{"id": identifier, "reason": reason} for identifier, reason in result.test_set.left_out],
        "classifiers": classifiers,
    }


def _json(values: Sequence[Any] | np.ndarray) -> list[Any]:
    """Return plain numbers, None for unknown ones."""
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    return [None if isinstance(value, float) and np.isnan(value) else value for value in plain]
