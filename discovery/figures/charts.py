"""Charts for papers: confusion matrix, reliability, an audit's list and expected errors, a scorecard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from discovery.figures.files import DOUBLE, SINGLE
from discovery.pages.drawing import INK, QUIET, chart, plain_axes, plain_text
from discovery.pages.palette import OKABE_ITO
from embed.metrics.intervals import wilson
from embed.plotstyle import own_style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from audit.result import AuditResult
    from embed.generator.judgement import ClassFidelity
    from embed.metrics.calibration import Reliability
    from embed.training.rounds import Round
    from embed.types import Codes

MAX_PAIRS = 12
"""Pairs of classes that are drawn."""
_LEAST = 0.05
"""Expected errors below which a pair is not worth a bar."""
_MAX_COUNTS = 40
"""Classes up to which a matrix has its counts written in."""
_STYLES = (("-", "o"), ("--", "s"), (":", "D"), ("-.", "^"))
"""Lines and markers of the series, so that nobody needs to see their colours."""


@own_style()
def confusion_figure(matrix: Codes, classes: Sequence[str]) -> Figure:
    """Draw a confusion matrix: cells are as dark as their share of the true class (square root), with their counts.

    Parameters
    ----------
    matrix : ndarray of int64, shape (K, K)
        True classes in rows.
    classes : sequence of str, length K
    """
    shown = [code for code in range(len(matrix)) if matrix[code].any() or matrix[:, code].any()]
    own = matrix[np.ix_(shown, shown)]
    share = own / np.maximum(own.sum(axis=1, keepdims=True), 1)
    count = len(shown)
    width = SINGLE if count <= 6 else DOUBLE
    figure = chart(width, width)
    panel = figure.subplots()
    panel.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1.15)
    names = [plain_text(classes[code], 24) for code in shown]
    size = min(7.0, 150 / max(count, 1)) if width == DOUBLE else 7.0
    panel.set_xticks(range(count), names, rotation=90, fontsize=size)
    panel.set_yticks(range(count), names, fontsize=size)
    panel.tick_params(length=0)
    panel.set_xlabel("predicted class", fontsize=8)
    panel.set_ylabel("true class", fontsize=8)
    if count <= _MAX_COUNTS:
        for row, column in np.argwhere(own).tolist():
            ink = "white" if share[row, column] > 0.4 else INK
            panel.text(column, row, f"{own[row, column]:,}", ha="center", va="center", fontsize=0.85 * size, color=ink)
    return figure


@own_style()
def reliability_figure(series: Mapping[str, Reliability]) -> Figure:
    """Draw accuracy against confidence, of up to four classifiers; the first with its intervals."""
    figure = chart(SINGLE, SINGLE)
    panel = figure.subplots()
    _diagonal(panel)
    for place, (name, found) in enumerate(list(series.items())[: len(_STYLES)]):
        line, marker = _STYLES[place]
        used = found.count > 0
        x, y = found.confidence[used], found.accuracy[used]
        panel.plot(x, y, line, marker=marker, ms=3.5, lw=1, color=OKABE_ITO[_COLOURS[place]], label=plain_text(name))
        if not place:
            panel.vlines(x, *found.interval[used].T, color=OKABE_ITO[_COLOURS[0]], lw=0.8)
    panel.set_xlabel("confidence (largest probability)", fontsize=8)
    panel.set_ylabel("accuracy", fontsize=8)
    panel.legend(fontsize=7, frameon=False)
    plain_axes(panel)
    return figure


_COLOURS = (0, 3, 2, 5)
"""Places in `OKABE_ITO`: blue, vermilion, green, purple."""


def _diagonal(panel: Axes) -> None:
    panel.plot((0, 1), (0, 1), color=QUIET, lw=0.7, ls=(0, (1, 2)))


@own_style()
def calibration_figure(result: AuditResult) -> Figure:
    """Draw the share of planted errors against the probability stated, with 95 % intervals."""
    figure = chart(SINGLE, SINGLE)
    panel = figure.subplots()
    _diagonal(panel)
    stated, share, count = result.reliability.T
    low, high = wilson(np.round(share * count), count).T
    panel.vlines(stated, low, high, color=OKABE_ITO[0], lw=0.8)
    panel.plot(stated, share, "-o", ms=3.5, lw=1, color=OKABE_ITO[0])
    panel.set_xlabel("probability stated that a label is wrong", fontsize=8)
    panel.set_ylabel("share of planted errors", fontsize=8)
    plain_axes(panel)
    return figure


@own_style()
def ranking_figure(result: AuditResult) -> Figure:
    """Draw the probability that a label is wrong by rank, with its interval, and where the list ends."""
    tested = int(result.testable.sum())
    shown = result.order[: min(tested, max(100, 3 * result.listed))]
    ranks = np.arange(1, len(shown) + 1)
    figure = chart(SINGLE, 2.6)
    panel = figure.subplots()
    panel.fill_between(
        ranks, result.p_wrong_low[shown], result.p_wrong_high[shown], color="#c9dcea", lw=0, label="95 % interval"
    )
    panel.plot(ranks, result.p_wrong[shown], lw=1.2, color=OKABE_ITO[0], label="probability")
    panel.axvline(result.listed + 0.5, color=INK, lw=0.8, ls="--", label=f"end of the list ({result.listed:,})")
    panel.set_xlabel("rank", fontsize=8)
    panel.set_ylabel("probability that the label is wrong", fontsize=8)
    panel.set_ylim(0, 1)
    panel.legend(fontsize=7, frameon=False)
    plain_axes(panel)
    return figure


def pairs_figure(result: AuditResult) -> Figure | None:
    """Draw the expected wrong labels by given and suggested class, most first; None where none is expected."""
    expected = result.expected_pairs()
    places = np.argwhere(expected >= _LEAST)
    most = sorted(((-float(expected[a, b]), int(a), int(b)) for a, b in places))[:MAX_PAIRS]
    if not most:
        return None
    names = [plain_text(f"{result.classes[a]} → {result.classes[b]}", 48) for _, a, b in most]
    return _bars(names, {"expected wrong labels": np.array([-value for value, _, _ in most])}, "expected wrong labels")


def scorecard_figure(table: pd.DataFrame) -> Figure:
    """Draw the F1 of each class that was hidden as a bar, the best first, with its recall and purity.

    Parameters
    ----------
    table : DataFrame
        See `discovery.scorecard.scorecard.Scorecard`.
    """
    own = table.iloc[::-1]
    series = {"F1": own["f1"].to_numpy(), "recall": own["recall"].to_numpy(), "purity": own["purity"].to_numpy()}
    names = [plain_text(f"{name} ({count:,})", 34) for name, count in zip(own["class"], own["glitches"], strict=True)]
    figure = _bars(names, series, "share, of 1")
    figure.axes[0].set_xlim(0, 1.02)
    return figure


@own_style()
def recursion_figure(rounds: Sequence[Round]) -> Figure:
    """Draw the accuracy of each round with its 95 % interval, and the share of its pseudo-labels that is right where it is known."""
    figure = chart(SINGLE, 2.6)
    panel = figure.subplots()
    added = [item.added for item in rounds]
    panel.vlines(added, *np.array([item.interval for item in rounds]).T, color=OKABE_ITO[_COLOURS[0]], lw=0.8)
    panel.plot(
        added,
        [item.accuracy for item in rounds],
        "-o",
        ms=3.5,
        lw=1,
        color=OKABE_ITO[_COLOURS[0]],
        label="held-out glitches",
    )
    known = [item for item in rounds if item.known]
    if known:
        x, y = [item.added for item in known], [item.purity for item in known]
        panel.vlines(
            x,
            *wilson([item.pure for item in known], [item.known for item in known]).T,
            color=OKABE_ITO[_COLOURS[1]],
            lw=0.8,
        )
        panel.plot(x, y, "--s", ms=3.5, lw=1, color=OKABE_ITO[_COLOURS[1]], label="pseudo-labels")
    panel.set_xlabel("pseudo-labels", fontsize=8)
    panel.set_ylabel("share right", fontsize=8)
    panel.legend(fontsize=7, frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    plain_axes(panel)
    return figure


def distances_figure(classes: Sequence[ClassFidelity]) -> Figure | None:
    """Draw the kernel distance of each class as a bar, with its floor and ceiling; None where none could be measured."""
    measured = [row for row in classes if not np.isnan(row.kid)]
    if not measured:
        return None
    series = {
        "generated glitches": np.array([row.kid for row in measured]),
        "floor: real ones": np.array([row.kid_floor for row in measured]),
        "ceiling: the nearest other class": np.array([row.kid_ceiling for row in measured]),
    }
    names = [plain_text(f"{row.label} ({row.held_out:,})", 34) for row in measured]
    return _bars(names, series, "KID from held-out real glitches")


def shares_figure(classes: Sequence[ClassFidelity]) -> Figure:
    """Draw the share of generated glitches of each class that is given it, with precision and recall."""
    series = {
        "given its class": np.array([row.given_class for row in classes]),
        "precision": np.array([row.precision for row in classes]),
        "recall": np.array([row.recall for row in classes]),
    }
    figure = _bars([plain_text(f"{row.label} ({row.held_out:,})", 34) for row in classes], series, "share, of 1")
    figure.axes[0].set_xlim(0, 1.02)
    return figure


@own_style()
def _bars(names: Sequence[str], series: Mapping[str, np.ndarray], across: str) -> Figure:
    """Draw horizontal bars of the first series, the others as markers."""
    figure = chart(DOUBLE, 0.9 + 0.17 * len(names))
    panel = figure.subplots()
    places = np.arange(len(names))
    for place, (name, values) in enumerate(series.items()):
        if place:
            marker = ("|", "o", "D")[place]
            panel.plot(
                values, places, marker, ms=4, color=OKABE_ITO[(0, 3, 7)[place]], markerfacecolor="none", label=name
            )
        else:
            panel.barh(places, values, 0.7, color="#8fb8d6", label=name)
    panel.set_yticks(places, names, fontsize=7)
    panel.invert_yaxis()
    panel.set_xlabel(across, fontsize=8)
    plain_axes(panel)
    panel.tick_params(axis="y", length=0)
    if len(series) > 1:
        panel.legend(fontsize=7, frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
    return figure
