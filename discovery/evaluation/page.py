"""`evaluation.html`: how good one or several classifiers are, on one page that holds its pictures, loads nothing and runs no script.

Tables after George, Shen and Huerta (2018): accuracy by model (their Table I), by class and model (A1), and the gallery of
what was misclassified (Figure A4), to which the page adds intervals, reliability and ROC.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from discovery.evaluation.confusion import confusion_table
from discovery.evaluation.mistakes import MAX_GALLERY, Mistakes, gallery_caption, mistake_card
from discovery.pages.page import PageShell, asset, escaped, render_page
from discovery.pages.plots import MAX_SERIES, legend, reliability_svg, roc_svg, series_css
from embed.errors import InputError
from embed.metrics.accuracy import TOP
from embed.metrics.intervals import LEVEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embed.metrics.evaluation import Evaluation
    from embed.metrics.roc import RocCurve

_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}
_NOTHING = "\N{EN DASH}"
_WORDS = "most often taken for"


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
        What the glitches are, such as ``test glitches``.
    asked : mapping of str to object
        What was asked for, in order.
    about : mapping of str to str, optional
        Name -> what that classifier is, in a few words.
    command : str
        The command line that gives this again.
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
    curves = dict(_worst_curves(first))
    several = len(judged) > 1
    return render_page(
        "evaluation/evaluation.html",
        {
            "models_caption": f"Intervals are of {LEVEL:.0%}: Wilson's of the accuracies, from glitches drawn with replacement for the others. "
            "Top-k: the true class is among the k likeliest. F1 and recall are means over the classes, ECE is the expected calibration error, "
            "which few glitches make too large.",
            "models_head": _heads(
                [
                    "classifier",
                    *(f"top-{k}" for k in telling_ranks(first)),
                    "macro F1",
                    "mean recall",
                    "macro AUC",
                    "ECE",
                    "log loss",
                ]
            ),
            "models": "\n".join(_model_row(key, item, (about or {}).get(key, "")) for key, item in judged.items()),
            "classes_caption": escaped(_classes_caption(name, first, several=several)),
            "classes_head": _heads(["class", "glitches", "precision", "recall", "F1", "AUC", _WORDS]),
            "classes": _class_rows(first),
            "comparison": _comparison(judged) if several else "",
            "confusion_caption": escaped(
                f"{'Shown is ' + name + '. ' if several else ''}True classes down, predicted across. The colour is the share of the true class, on a square-root scale: blue right, orange wrong."
            ),
            "confusion": confusion_table(first.matrix, first.classes),
            "reliability": reliability_svg({key: item.reliability for key, item in judged.items()}),
            "reliability_caption": "Accuracy against confidence; points grow with the number of glitches. On the dotted line probabilities mean what they say; "
            f"below it they promise too much. Whiskers: {LEVEL:.0%}, of the first."
            + legend({key: f"ECE {item.reliability.error:.4f}" for key, item in judged.items()}),
            "roc": roc_svg(curves),
            "roc_caption": escaped(
                f"{'Shown is ' + name + ': e' if several else 'E'}ach class against the others, the {len(curves)} of smallest area. Dotted: chance."
            )
            + legend({key: _area(curve.area) for key, curve in curves.items()}),
            "gallery_caption": escaped(gallery_caption(name, mistakes, first, several=several)),
            "gallery": "\n".join(mistake_card(place, mistakes, judged) for place in range(pictured)),
        },
        PageShell(title, beside, cautions, asked, command, passport or {}),
        lede=_lede(name, first, part, several=several),
        css=[asset("evaluation/evaluation.css"), series_css()],
    )


def telling_ranks(item: Evaluation) -> range:
    """The k of top-k accuracies that say something: with K classes the true one is always among the K likeliest."""
    return range(1, max(1, min(TOP, len(item.classes) - 1)) + 1)


def _lede(name: str, first: Evaluation, part: str, *, several: bool) -> str:
    low, high = first.accuracy_intervals[0]
    present = int((first.scores.support > 0).sum())
    who = f"{escaped(name)} is right on" if several else "Right on"
    last = telling_ranks(first)[-1]
    among = ""
    if last > 1:
        among = f"; the true class is among its {_NUMBERS[last]} likeliest for <b>{_percent(first.accuracies[last - 1])}</b>"
    return (
        f"{who} <b>{_percent(first.accuracies[0])}</b> ({_percent(low)} to {_percent(high)}) of <b>{len(first):,}</b> {escaped(part)} of {present} classes"
        f"{among}."
    )


def _percent(share: float) -> str:
    """Two decimals, and never 100 % unless it is."""
    if math.isnan(share):
        return _NOTHING
    text = f"{100 * share:.2f} %"
    return "99.99 %" if text == "100.00 %" and share < 1 else "100 %" if share == 1 else text


def _area(area: float) -> str:
    return _NOTHING if math.isnan(area) else "1" if area == 1 else f"{min(area, 0.99999):.5f}"


def _heads(names: Sequence[str]) -> str:
    """Head cells: the first and the last column of words, numbers between."""
    side = ["" if place == 0 or name == _WORDS else ' class="number"' for place, name in enumerate(names)]
    return "".join(f"<th{kind}>{escaped(name)}</th>" for kind, name in zip(side, names, strict=True))


def _cell(value: str, interval: str = "", *, best: bool = False) -> str:
    small = f"<small>{interval}</small>" if interval else ""
    return f'<td class="number{" best" if best else ""}">{value}{small}</td>'


def _span(ends: Sequence[float]) -> str:
    low, high = ends
    return "" if math.isnan(low) else f"{100 * low:.1f}–{100 * high:.1f}"  # noqa: RUF001 - a range has an en dash


def _model_row(name: str, item: Evaluation, about: str) -> str:
    cells = [
        _cell(_percent(item.accuracies[place]), _span(item.accuracy_intervals[place].tolist()))
        for place in range(len(telling_ranks(item)))
    ]
    cells.append(_cell(_percent(item.macro_f1), _span(item.bootstrap["macro_f1"])))
    cells.append(_cell(_percent(item.balanced_accuracy), _span(item.bootstrap["balanced_accuracy"])))
    cells.append(_cell(_area(item.macro_area)))
    low, high = item.bootstrap["calibration_error"]
    cells.append(_cell(f"{item.reliability.error:.4f}", f"{low:.4f}–{high:.4f}"))  # noqa: RUF001
    cells.append(_cell(f"{item.summary()['log_loss']:.4f}"))
    note = f"<small>{escaped(about)}</small>" if about else ""
    return f'<tr><th scope="row">{escaped(name)}{note}</th>{"".join(cells)}</tr>'


def _classes_caption(name: str, first: Evaluation, *, several: bool) -> str:
    unseen = [kind for kind, support in zip(first.classes, first.scores.support, strict=True) if support == 0]
    parts = [
        f"Shown is {name}. " if several else "",
        "Recall is the paper's accuracy of a class. A class that was never predicted has no precision.",
    ]
    if unseen:
        parts.append(f" No glitch of {', '.join(unseen)} was judged.")
    return "".join(parts)


def _class_rows(first: Evaluation) -> str:
    rows, scores = [], first.scores
    for code, kind in enumerate(first.classes):
        if not scores.support[code] and not scores.predicted[code]:
            continue
        curve = first.curves[code]
        cells = [f'<td class="number">{scores.support[code]:,}</td>']
        cells += [
            _cell(_percent(values[code]), _span(ends[code].tolist()))
            for values, ends in (
                (scores.precision, scores.precision_interval),
                (scores.recall, scores.recall_interval),
                (scores.f1, scores.f1_interval),
            )
        ]
        cells.append(_cell(_NOTHING if curve is None else _area(curve.area)))
        cells.append(f"<td>{_taken_for(first, code)}</td>")
        rows.append(f'<tr><th scope="row">{escaped(kind)}</th>{"".join(cells)}</tr>')
    return "\n".join(rows)


def _taken_for(first: Evaluation, code: int) -> str:
    wrong = first.matrix[code].copy()
    wrong[code] = 0
    order = [other for other in np.argsort(-wrong, kind="stable").tolist() if wrong[other]][:2]
    return ", ".join(f"{escaped(first.classes[other])} ({wrong[other]:,})" for other in order) or _NOTHING


def _comparison(judged: Mapping[str, Evaluation]) -> str:
    first = next(iter(judged.values()))
    head = _heads(["class", "glitches", *judged])
    rows = []
    for code, kind in enumerate(first.classes):
        support = int(first.scores.support[code])
        if not support:
            continue
        recalls = [float(item.scores.recall[code]) for item in judged.values()]
        spread = min(recalls) < max(recalls)
        cells = "".join(
            _cell(
                _percent(recall),
                _span(item.scores.recall_interval[code].tolist()),
                best=spread and recall == max(recalls),
            )
            for recall, item in zip(recalls, judged.values(), strict=True)
        )
        rows.append(f'<tr><th scope="row">{escaped(kind)}</th><td class="number">{support:,}</td>{cells}</tr>')
    overall = "".join(_cell(_percent(item.accuracies[0])) for item in judged.values())
    rows.append(f'<tr class="chosen"><th scope="row">all</th><td class="number">{len(first):,}</td>{overall}</tr>')
    note = "Share of each class that is recognised, by classifier; the best of a row is bold. Where intervals overlap the order may be chance."
    return (
        f'<section><h2>Class by class, all classifiers</h2><p class="note">{note}</p><div class="scroll"><table class="figures">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _worst_curves(first: Evaluation) -> list[tuple[str, RocCurve]]:
    """The curves that say most: those of smallest area, in the classes' order."""
    there = [(curve.area, code) for code, curve in enumerate(first.curves) if curve is not None]
    chosen = sorted(code for _, code in sorted(there)[:MAX_SERIES])
    return [(first.classes[code], curve) for code in chosen if (curve := first.curves[code]) is not None]
