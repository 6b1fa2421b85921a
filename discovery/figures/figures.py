"""The figures of each result: name -> what is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from discovery.candidates.maps import NAMES
from discovery.candidates.measures import measures_chart
from discovery.candidates.outputs import MAP_METHOD
from discovery.clustering.result import NOISE
from discovery.figures.charts import (
    calibration_figure,
    confusion_figure,
    distances_figure,
    pairs_figure,
    ranking_figure,
    recursion_figure,
    reliability_figure,
    scorecard_figure,
    shares_figure,
)
from discovery.figures.files import DOUBLE, SINGLE
from discovery.figures.maps import map_figure
from discovery.guide.page import CHARTS
from discovery.onset.history import timeline
from embed.generator.sheet import sheet_png
from embed.storage import file_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from discovery.candidates.candidates import Candidates
    from discovery.candidates.maps import GlitchMap
    from discovery.evaluation.outputs import Assessment
    from discovery.generation.page import Shown
    from discovery.guide.guide import Guide
    from discovery.labelaudit.labelaudit import LabelAudit
    from discovery.novelty.novelty import Novel
    from discovery.onset.onset import Onsets
    from discovery.scorecard.scorecard import Scorecard
    from embed.generator.judgement import Judgement
    from embed.training.rounds import Round

    Figures = dict[str, Figure | bytes]

MOST_CLUSTERS = 20
"""Clusters with a figure of their own: those that are likeliest new."""


def map_figures(found: GlitchMap, *, method: str, color: str) -> Figures:
    """Draw a map by label, by cluster where there are clusters, and by the column that the page is coloured by."""
    columns = dict.fromkeys(name for name in ("label", "cluster", color) if name in found.table.columns)
    return {
        f"map-{file_name(name)}": map_figure(found.coordinates, found.table[name], method=NAMES[method])
        for name in columns
    }


def cluster_figures(found: Candidates) -> Figures:
    """Draw the map by cluster, the contact sheet, and each cluster's histograms and rate."""
    figures: Figures = {
        "map-cluster": map_figure(found.coordinates, found.table["cluster"], method=NAMES[MAP_METHOD]),
        "contact-sheet": found.files["contact-sheet.png"].read_bytes(),
    }
    whole = found.table.join(found.measures)
    ordered = sorted(found.certificates, key=lambda own: (-(own.probability or 0.0), own.cluster))
    for own in ordered[:MOST_CLUSTERS]:
        inside = whole["cluster"] == own.cluster
        others = whole[~inside & (whole["cluster"] != NOISE)]
        beside = {"other clusters": others} if len(others) else {}
        chart = measures_chart(whole[inside], beside, title=f"cluster {own.cluster}")
        if chart is not None:
            figures[f"cluster-{own.cluster}"] = _sized(chart)
    return figures


def _sized(chart: Figure) -> Figure:
    """Make histograms as wide as a column, or two."""
    chart.set_size_inches(SINGLE if len(chart.axes) == 1 else DOUBLE, 2.2)
    return chart


def audit_figures(found: LabelAudit) -> Figures:
    """Draw the ranking, the errors that are expected, and the calibration."""
    figures: Figures = {"ranking": ranking_figure(found.result)}
    pairs = pairs_figure(found.result)
    if pairs is not None:
        figures["expected-errors"] = pairs
    if len(found.result.reliability) and np.isfinite(found.result.reliability).all():
        figures["calibration"] = calibration_figure(found.result)
    return figures


def evaluation_figures(found: Assessment) -> Figures:
    """Draw the confusion matrix of each classifier, and their reliability."""
    figures: Figures = {
        f"confusion-{file_name(name)}": confusion_figure(item.matrix, item.classes)
        for name, item in found.judged.items()
    }
    return figures | {
        "reliability": reliability_figure({name: item.reliability for name, item in found.judged.items()})
    }


def recursion_figures(rounds: Sequence[Round]) -> Figures:
    """Draw the accuracy on held-out glitches, and the share of the pseudo-labels that is right, against their number."""
    return {"accuracy": recursion_figure(rounds)}


def guide_figures(found: Guide) -> Figures:
    """Draw the histograms and the rate; take the pictures of typical glitches and of the nearest classes."""
    figures: Figures = {
        name.removesuffix(".png"): picture for name, picture in found.draft.pictures.items() if name != CHARTS
    }
    chart = found.draft.chart
    if chart is not None:
        figures["measures"] = _sized(chart)
    return figures


def generator_figures(found: Judgement, shown: Sequence[Shown]) -> Figures:
    """Draw the distances and the shares of each class, and a sheet of real beside generated glitches."""
    count = min(len(part) for item in shown for part in (item.real, item.made))
    levels = np.stack([part[:count] for item in shown for part in (item.real, item.made)])
    names = [f"{item.label}, {what}" for item in shown for what in ("real", "generated")]
    figures: Figures = {"shares": shares_figure(found.classes), "glitches": sheet_png(levels, names)}
    distances = distances_figure(found.classes)
    return figures if distances is None else figures | {"distances": distances}


def onset_figures(found: Onsets) -> Figures:
    """Draw the timeline."""
    row = max(0.34, min(0.75, 8.1 / len(found.histories)))
    return {"timeline": timeline(found.times, found.histories, found.livetime, width=DOUBLE, row=row)}


def novel_figures(found: Novel) -> Figures:
    """Take the sheet of pictures."""
    return {"odd-glitches": found.files["novel.png"].read_bytes()}


def scorecard_figures(found: Scorecard) -> Figures:
    """Draw the figures of each class."""
    return {"scorecard": scorecard_figure(found.table)}
