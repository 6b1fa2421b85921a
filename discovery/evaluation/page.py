"""`evaluation.html`: how good one or several classifiers are, on one page that holds its pictures, loads nothing and runs no script.

Tables after George, Shen and Huerta (2018): accuracy by model (their Table I), by class and model (A1), and the gallery of
what was misclassified (Figure A4), to which the page adds intervals, reliability and ROC.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.evaluation.confusion import confusion_table
from discovery.evaluation.mistakes import MAX_GALLERY, Mistakes, gallery_caption, shown_mistake
from discovery.pages.page import NOTHING, PageShell, rendered
from discovery.pages.plots import MAX_SERIES, legend, reliability_svg, roc_svg, series_css
from embed.errors import InputError
from embed.metrics.accuracy import TOP
from embed.metrics.intervals import LEVEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from embed.metrics.evaluation import Evaluation
    from embed.metrics.roc import RocCurve

_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}
_MODELS_CAPTION = (
    f"Intervals are of {100 * LEVEL:.0f} %: Wilson's of the accuracies, from glitches drawn with replacement for the others. "
    "Top-k: the true class is among the k likeliest. F1 and recall are means over the classes, ECE is the expected calibration error, "
    "which is overestimated when there are few glitches."
)


def evaluation_html(
    judged: Mapping[str, Evaluation],
    mistakes: Mistakes,
    *,
    title: str,
    part: str,
    asked: Mapping[str, object],
    about: Mapping[str, str] | None = None,
    command: str = "",
    passport: Mapping[str, object] | None = None,
    cautions: Sequence[str] = (),
    beside: Sequence[str] = (),
) -> str:
    """Write the page.

    Parameters
    ----------
    judged : mapping of str to Evaluation
        Name -> evaluation, all of the same glitches and classes; the first is shown in full.
    mistakes : Mistakes
        Of the first.
    title : str
        Heading.
    part : str
        What the glitches are, for instance ``test glitches``.
    asked : mapping of str to object
        The settings, in order.
    about : mapping of str to str, optional
        Name -> what that classifier is, in a few words.
    command : str
        The command line that makes this again.
    passport : mapping of str to object, optional
        Seeds, versions, hashes.
    cautions : sequence of str
        What the reader must know first.
    beside : sequence of str
        Names of files in the page's own folder to link to.

    Returns
    -------
    str
        The page; write it as UTF-8. The same input gives the same text.

    Raises
    ------
    InputError
        If there is nothing to show, sizes disagree, or a name in `beside` is not a plain file name.
    """
    if not judged:
        raise InputError("there is no evaluation to show; give one or more")
    name, first = next(iter(judged.items()))
    for other_name, other in judged.items():
        if other.classes != first.classes or not np.array_equal(other.truth, first.truth):
            raise InputError(
                f"{other_name!r} was judged on other glitches or classes than {name!r}; judge all on the same"
            )
    pictured = min(len(mistakes.rows), MAX_GALLERY)
    if mistakes.thumbnails is not None and len(mistakes.thumbnails) != pictured:
        raise InputError(f"{len(mistakes.thumbnails)} glitches have pictures but {pictured} are shown: give one each")
    several = len(judged) > 1
    shown = f"Shown is {name}. " if several else ""
    return rendered(
        "evaluation/evaluation.html",
        shell=PageShell(title, beside, cautions, asked, command, passport or {}),
        series_css=series_css(),
        lede=_lede(name, first, part, several=several),
        glitches=len(first),
        models_caption=_MODELS_CAPTION,
        models_head=_models_head(first),
        models=[_model_row(key, item, (about or {}).get(key, "")) for key, item in judged.items()],
        classes_caption=shown + _classes_caption(first),
        classes=_class_rows(first),
        comparison=_comparison(judged) if several else None,
        confusion_caption=f"{shown}True classes down, predicted across. The colour is the share of the true class, on a square-root scale: blue right, orange wrong.",
        confusion=confusion_table(first.matrix, first.classes),
        reliability=_reliability(judged),
        roc=_roc(first, shown),
        gallery_caption=gallery_caption(name, mistakes, first, several=several),
        gallery=[shown_mistake(place, mistakes, judged) for place in range(pictured)],
    )


def telling_ranks(item: Evaluation) -> range:
    """Return the k of top-k accuracies that are informative: with K classes the true one is always among the K likeliest."""
    return range(1, max(1, min(TOP, len(item.classes) - 1)) + 1)


def _lede(name: str, first: Evaluation, part: str, *, several: bool) -> list[tuple[str, bool]]:
    """Return the page's first sentence in pieces, each with whether it is bold."""
    low, high = first.accuracy_intervals[0]
    present = int((first.scores.support > 0).sum())
    last = telling_ranks(first)[-1]
    pieces = [
        (f"{name} is right on " if several else "Right on ", False),
        (_percent(first.accuracies[0], len(first)), True),
        (f" ({_percent(low, len(first))} to {_percent(high, len(first))}) of ", False),
        (f"{len(first):,}", True),
        (f" {part} of {present} classes", False),
    ]
    if last > 1:
        pieces += [
            (f"; the true class is among its {_NUMBERS[last]} likeliest for ", False),
            (_percent(first.accuracies[last - 1], len(first)), True),
        ]
    return [*pieces, (".", False)]


def _percent(share: float, of: int) -> str:
    """Write as many decimals as so many glitches can tell, 0 to 2, and never 100 % unless it is."""
    if math.isnan(share):
        return NOTHING
    if share == 1:
        return "100 %"
    digits = 0 if of < 100 else 1 if of < 10_000 else 2
    most = 100 - 10.0**-digits
    return f"{min(100 * share, most):.{digits}f} %"


def _area(area: float) -> str:
    return NOTHING if math.isnan(area) else "1" if area == 1 else f"{min(area, 0.99999):.5f}"


def _span(ends: Sequence[float]) -> str:
    low, high = ends
    return "" if math.isnan(low) else f"{100 * low:.1f}–{100 * high:.1f}"  # noqa: RUF001 - a range has an en dash


@dataclass(frozen=True)
class Cell:
    """A figure, its interval, and whether it is the best of its row."""

    value: str
    interval: str = ""
    best: bool = False


@dataclass(frozen=True)
class ModelRow:
    """A classifier's figures."""

    name: str
    about: str
    cells: list[Cell]


@dataclass(frozen=True)
class ClassRow:
    """A class's figures, and which classes it was most often taken for."""

    name: str
    glitches: int
    cells: list[Cell]
    taken_for: str = ""


@dataclass(frozen=True)
class Comparison:
    """The recall of each class by each classifier, and the accuracy over all classes."""

    names: list[str]
    rows: list[ClassRow]
    all: list[Cell]


@dataclass(frozen=True)
class Plot:
    """A chart with its caption and legend."""

    chart: Markup
    caption: str
    legend: Markup


def _models_head(first: Evaluation) -> list[str]:
    ranks = [f"top-{k}" for k in telling_ranks(first)]
    return ["classifier", *ranks, "macro F1", "mean recall", "macro AUC", "ECE", "log loss"]


def _model_row(name: str, item: Evaluation, about: str) -> ModelRow:
    cells = [
        Cell(_percent(item.accuracies[place], len(item)), _span(item.accuracy_intervals[place].tolist()))
        for place in range(len(telling_ranks(item)))
    ]
    cells.append(Cell(_percent(item.macro_f1, len(item)), _span(item.bootstrap["macro_f1"])))
    cells.append(Cell(_percent(item.balanced_accuracy, len(item)), _span(item.bootstrap["balanced_accuracy"])))
    cells.append(Cell(_area(item.macro_area)))
    low, high = item.bootstrap["calibration_error"]
    cells.append(Cell(f"{item.reliability.error:.4f}", f"{low:.4f}–{high:.4f}"))  # noqa: RUF001
    cells.append(Cell(f"{item.summary()['log_loss']:.4f}"))
    return ModelRow(name, about, cells)


def _classes_caption(first: Evaluation) -> str:
    unseen = [kind for kind, support in zip(first.classes, first.scores.support, strict=True) if support == 0]
    caption = "Recall is the paper's accuracy of a class. A class that was never predicted has no precision."
    return f"{caption} No glitch of {', '.join(unseen)} was judged." if unseen else caption


def _class_rows(first: Evaluation) -> list[ClassRow]:
    rows, scores = [], first.scores
    for code, kind in enumerate(first.classes):
        if not scores.support[code] and not scores.predicted[code]:
            continue
        curve = first.curves[code]
        cells = [
            Cell(_percent(values[code], int(scores.support[code])), _span(ends[code].tolist()))
            for values, ends in (
                (scores.precision, scores.precision_interval),
                (scores.recall, scores.recall_interval),
                (scores.f1, scores.f1_interval),
            )
        ]
        cells.append(Cell(NOTHING if curve is None else _area(curve.area)))
        rows.append(ClassRow(kind, int(scores.support[code]), cells, _taken_for(first, code)))
    return rows


def _taken_for(first: Evaluation, code: int) -> str:
    wrong = first.matrix[code].copy()
    wrong[code] = 0
    order = [other for other in np.argsort(-wrong, kind="stable").tolist() if wrong[other]][:2]
    return ", ".join(f"{first.classes[other]} ({wrong[other]:,})" for other in order) or NOTHING


def _comparison(judged: Mapping[str, Evaluation]) -> Comparison:
    first = next(iter(judged.values()))
    rows = []
    for code, kind in enumerate(first.classes):
        support = int(first.scores.support[code])
        if not support:
            continue
        recalls = [float(item.scores.recall[code]) for item in judged.values()]
        differ = min(recalls) < max(recalls)
        cells = [
            Cell(
                _percent(recall, support),
                _span(item.scores.recall_interval[code].tolist()),
                best=differ and recall == max(recalls),
            )
            for recall, item in zip(recalls, judged.values(), strict=True)
        ]
        rows.append(ClassRow(kind, support, cells))
    return Comparison(list(judged), rows, [Cell(_percent(item.accuracies[0], len(item))) for item in judged.values()])


def _reliability(judged: Mapping[str, Evaluation]) -> Plot:
    return Plot(
        reliability_svg({key: item.reliability for key, item in judged.items()}),
        "Accuracy against confidence; points grow with the number of glitches. On the dotted line the accuracy is the stated probability; "
        f"below it the stated probability is too high. Whiskers: {100 * LEVEL:.0f} %, of the first.",
        legend({key: f"ECE {item.reliability.error:.4f}" for key, item in judged.items()}),
    )


def _roc(first: Evaluation, shown: str) -> Plot:
    curves = _worst_curves(first)
    return Plot(
        roc_svg(curves),
        f"{shown}Each class against the others, the {len(curves)} of smallest area. Dotted: chance.",
        legend({key: _area(curve.area) for key, curve in curves.items()}),
    )


def _worst_curves(first: Evaluation) -> dict[str, RocCurve]:
    """Return the curves of smallest area, in the classes' order: the others differ too little to see."""
    known = {code: curve for code, curve in enumerate(first.curves) if curve is not None}
    chosen = sorted(sorted(known, key=lambda code: (known[code].area, code))[:MAX_SERIES])
    return {first.classes[code]: known[code] for code in chosen}
