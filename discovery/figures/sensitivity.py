"""Figures of a detector for papers: sensitivity, ROC, background, sensitive distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from discovery.figures.files import SINGLE
from discovery.pages.drawing import chart, plain_axes, plain_text
from discovery.pages.palette import OKABE_ITO
from discovery.sensitivity.background import MONTH
from discovery.sensitivity.results import background_of
from embed.plotstyle import own_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from discovery.sensitivity.evaluated import Evaluated
    from discovery.sensitivity.results import Results

_COLOURS = (OKABE_ITO[0], OKABE_ITO[3], OKABE_ITO[2])
_LINES = ("-", "--", ":")


@own_style()
def sensitivity_figures(found: Evaluated, results: Results) -> dict[str, Figure | bytes]:
    """Draw every figure, one column wide: name -> figure."""
    figures: dict[str, Figure | bytes] = {}
    for place, cut in enumerate(next(iter(results.thresholds.values()))):
        curves = {name: own[place] for name, own in results.curves.items() if own[place].threshold.supported}
        if not curves:
            continue
        figure, panel = _panel("optimal network SNR", "signals found")
        for number, (name, curve) in enumerate(curves.items()):
            low, high = curve.interval.T
            panel.fill_between(curve.snr, low, high, color=_COLOURS[number], alpha=0.2, lw=0)
            _line(panel, number, name, curve.snr, curve.share)
        panel.set_ylim(0, 1.01)
        figures[f"sensitivity-{cut.probability:g}"] = _finished(figure, panel)
    for snr in next(iter(results.rocs.values())):
        figure, panel = _panel("false-alarm probability", "signals found")
        for number, (name, own) in enumerate(results.rocs.items()):
            _line(panel, number, f"{name} ({own[snr].area:.4f})", own[snr].false_positive, own[snr].true_positive)
        panel.set_xscale("log")
        panel.set_xlim(1 / max(len(one.segments) for one in found.noise.values()), 1)
        figures[f"roc-snr-{snr:g}"] = _finished(figure, panel)
    for name, search in found.noise.items():
        figure, panel = _panel("statistic", "louder triggers a month")
        for number, background in enumerate(one for one in (search.slides, search.alone) if one is not None):
            ranks = np.unique(np.geomspace(1, len(background.statistic), 400).astype(np.int64))
            values = background.statistic[ranks - 1]
            low, high = (background.interval(values) * MONTH).T
            panel.fill_between(values, low, high, color=_COLOURS[number], alpha=0.2, lw=0)
            hours = f"{background.how}, {background.livetime / 3600:.1f} h"
            _line(panel, number, hours, values, background.rate(values) * MONTH)
        panel.set_yscale("log")
        panel.set_ylim(bottom=background_of(found, name).least_rate() * MONTH / 2)
        figures[f"background-{name.replace(' ', '-')}"] = _finished(figure, panel)
    figures["distance"] = _distance(results)
    return figures


def _distance(results: Results) -> Figure:
    figure, panel = _panel("false alarms a month", "sensitive distance, Mpc")
    for number, (name, rows) in enumerate(results.distances.items()):
        known = [(rate, one) for rate, _, one in rows if one is not None]
        rates = [rate for rate, _ in known]
        panel.vlines(
            rates, [one.low for _, one in known], [one.high for _, one in known], color=_COLOURS[number], lw=0.8
        )
        _line(panel, number, name, np.array(rates), np.array([one.distance for _, one in known]), marker="o")
    panel.set_xscale("log")
    panel.set_ylim(bottom=0)
    return _finished(figure, panel)


def _panel(across: str, up: str) -> tuple[Figure, Axes]:
    figure = chart(SINGLE, 2.8)
    panel = figure.subplots()
    panel.set_xlabel(across, fontsize=8)
    panel.set_ylabel(up, fontsize=8)
    return figure, panel


def _line(panel: Axes, number: int, name: str, x: np.ndarray, y: np.ndarray, *, marker: str = "") -> None:
    panel.plot(x, y, _LINES[number], color=_COLOURS[number], lw=1.2, marker=marker, ms=3, label=plain_text(name))


def _finished(figure: Figure, panel: Axes) -> Figure:
    plain_axes(panel)
    panel.legend(fontsize=7, frameon=False)
    return figure
