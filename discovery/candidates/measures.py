"""Histograms of the measures of a cluster beside known classes, and when its glitches occurred, as one row of panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import LogLocator, NullLocator

from discovery.onset.livetime import DAY
from discovery.onset.patternplot import draw_patterns
from discovery.pages.drawing import chart, chart_png, plain_axes, plain_text
from discovery.pages.gpstime import YEAR_9999, utc
from discovery.pages.palette import NOISE_LIGHT, OKABE_ITO
from embed.plotstyle import own_style

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from discovery.onset.history import History
    from embed.types import Floats

MEASURES: Mapping[str, str] = {"SNR": "snr", "peak frequency (Hz)": "peak_frequency", "duration (s)": "duration"}
"""What is compared, and the metadata's name of it."""
_PANEL = 3.1
"""Width of one of the charts, inches."""


def charts_png(
    own: pd.DataFrame, beside: Mapping[str, pd.DataFrame], *, title: str, history: History | None = None
) -> bytes | None:
    """Draw `measures_chart` as a PNG; None where there is nothing to draw."""
    figure = measures_chart(own, beside, title=title, history=history)
    return None if figure is None else chart_png(figure)


@own_style()
def measures_chart(
    own: pd.DataFrame, beside: Mapping[str, pd.DataFrame], *, title: str, history: History | None = None
) -> Figure | None:
    """Draw histograms of the measures of a cluster beside the nearest known classes, and its rate by day and detector, by hour and by weekday.

    Parameters
    ----------
    own : DataFrame
        The members: ``ifo``, ``gps`` and metadata.
    beside : mapping of str to DataFrame
        The same of the nearest classes.
    title : str
        Name of the cluster.
    history : History, optional
        Of its glitches; without one there are no hours and weekdays.

    Returns
    -------
    Figure or None
        None where neither a measure nor a time is known.
    """
    measures = {name: column for name, column in MEASURES.items() if len(known_numbers(own, column))}
    times = own["gps"].to_numpy(dtype=float) if "gps" in own.columns else np.empty(0)
    times = times[np.isfinite(times)]
    if not measures and not len(times):
        return None
    patterns = history is not None and len(times) > 0
    panels = len(measures) + bool(len(times)) + patterns
    # Margins of one size, in inches, wide enough for ticks such as 0.175: to find them by the labels takes as long as all the rest of the drawing.
    width, height = _PANEL * panels, 2.5
    figure = chart(width, height, layout=None)
    margins = {
        "left": 0.65 / width,
        "right": 1 - 0.1 / width,
        "bottom": 0.45 / height,
        "top": 1 - (0.26 if patterns else 0.12) / height,
    }
    axes = figure.subplots(1, panels, squeeze=False, gridspec_kw=margins | {"wspace": 0.7 / (_PANEL - 0.7)})[0]
    for panel, (name, column) in zip(axes, measures.items(), strict=False):
        series = {title: known_numbers(own, column)} | {
            key: known_numbers(table, column) for key, table in beside.items()
        }
        _histogram(panel, name, series)
    if len(times):
        _rate(axes[len(measures)], own)
    if history is not None and patterns:
        place = axes[-1].get_subplotspec()
        axes[-1].remove()
        pair = place.subgridspec(1, 2, width_ratios=(5, 3), wspace=0.5).subplots()
        draw_patterns(pair, history.hours, history.weekdays)
        for panel, name, up in zip(pair, ("hour (UTC)", "weekday"), ("bursts; dashed: steady rate", ""), strict=True):
            _labels(panel, name, up)
    if measures:  # the rate has its own
        axes[0].legend(fontsize=7, frameon=False)
    return figure


def known_numbers(table: pd.DataFrame, column: str) -> Floats:
    """Return the known values of a column of metadata, which may be absent."""
    import pandas as pd  # noqa: PLC0415 - only where a chart is drawn

    if column not in table.columns:
        return np.empty(0)
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=float)
    return values[np.isfinite(values)]


def _histogram(panel: Axes, name: str, series: Mapping[str, np.ndarray]) -> None:
    """Draw shares in bins of equal ratio: the first series filled, the others as lines."""
    series = {key: values[values > 0] for key, values in series.items()}
    every = np.concatenate(list(series.values()))
    if not len(every):
        panel.set_axis_off()
        return
    low, high = every.min(), every.max()
    edges = np.geomspace(low * 0.98, high * 1.02 if high > low else low * 1.1, 22)
    styles = ("-", "--", ":", "-.")
    for place, (key, values) in enumerate(series.items()):
        if len(values):
            heights = np.histogram(values, edges)[0] / len(values)
            fill = place == 0
            panel.stairs(
                heights,
                edges,
                fill=fill,
                color=OKABE_ITO[place],
                alpha=0.35 if fill else 1.0,
                label=plain_text(key),
                linestyle=styles[place % 4],
            )
    panel.set_xscale("log")
    panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * low else (1.0,)))
    panel.xaxis.set_major_formatter("{x:g}")
    panel.xaxis.set_minor_locator(NullLocator())
    _labels(panel, name, "share")
    plain_axes(panel)


def _labels(panel: Axes, across: str, up: str) -> None:
    """Name the axes, at places that are fixed: to find free ones measures every tick twice more."""
    panel.set_xlabel(across, fontsize=8)
    panel.set_ylabel(up, fontsize=8)
    box = panel.get_window_extent()
    panel.xaxis.set_label_coords(0.5, -0.24 * panel.figure.dpi / box.height)
    panel.yaxis.set_label_coords(-0.45 * panel.figure.dpi / box.width, 0.5)


def _rate(panel: Axes, own: pd.DataFrame) -> None:
    gps = own["gps"].to_numpy(dtype=float)
    ifo = own["ifo"].astype(str).to_numpy() if "ifo" in own.columns else np.full(len(own), "")
    first = np.nanmin(gps)
    days = (gps - first) / DAY
    span = max(1.0, np.nanmax(days))
    edges = np.linspace(0, span, int(min(60, max(10, span))) + 1)
    width = edges[1] - edges[0]
    bottom = np.zeros(len(edges) - 1)
    for place, name in enumerate(sorted(set(ifo.tolist()))):
        counts = np.histogram(days[(ifo == name) & np.isfinite(days)], edges)[0] / width
        colour = OKABE_ITO[place % len(OKABE_ITO)] if name else NOISE_LIGHT
        panel.stairs(
            bottom + counts,
            edges,
            baseline=bottom,
            fill=True,
            facecolor=colour,
            label=plain_text(name or "unknown"),
            hatch=("", "//", "..")[place % 3],
            edgecolor="white",
            linewidth=0.3,
        )
        bottom = bottom + counts
    since = utc(first)[:10] if 0 <= first < YEAR_9999 else f"GPS {first:.0f}"
    _labels(panel, f"days since {since}", "glitches a day")
    plain_axes(panel)
    panel.set_ylim(0, 1.25 * bottom.max())
    panel.legend(fontsize=7, frameon=False, ncols=3, loc="upper right")
