"""`sensitivity.html`: what a detector finds, what it raises false alarms on, and a matched filter beside it, on one page that loads nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.evaluation.confusion import confusion_table
from discovery.pages.page import NOTHING, PageShell, rendered
from discovery.pages.plots import series_css
from discovery.pages.thumbnails import picture_uri
from discovery.sensitivity.charts import (
    background_plot,
    distance_plot,
    roc_plot,
    sensitivity_plot,
    statistic_plot,
)
from discovery.sensitivity.curves import snr_at_share
from discovery.sensitivity.results import LOUD_SNR, ROC_SNRS, background_of
from embed.metrics.intervals import LEVEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from discovery.sensitivity.evaluated import Evaluated
    from discovery.sensitivity.pictures import LoudPicture, LoudPictures
    from discovery.sensitivity.results import Results

ALIKE = 0.01
"""Chance below which two backgrounds are said to differ."""


@dataclass(frozen=True)
class Cell:
    """A figure and its interval."""

    value: str
    interval: str = ""
    best: bool = False


def sensitivity_html(
    found: Evaluated, results: Results, pictures: LoudPictures, *, command: str, beside: Sequence[str]
) -> Markup:
    """Write the page.

    Parameters
    ----------
    found : Evaluated
    results : Results
    pictures : LoudPictures
    command : str
        The command line that makes this again.
    beside : sequence of str
        Names of files in the page's own folder to link to.

    Returns
    -------
    Markup
        The page; the same input gives the same text.
    """
    name = found.name
    shell = PageShell(f"Detector {name}", beside, _cautions(found, results), _asked(found), command, _passport(found))
    confusion = [
        (title, confusion_table(results.confusion[title], mixture.classes, total="segments"))
        for title, mixture in found.mixtures.items()
    ]
    return rendered(
        "sensitivity/sensitivity.html",
        shell=shell,
        series_css=series_css(),
        lede=_lede(found, results),
        level=f"{100 * LEVEL:.0f} %",
        summary_heads=_summary_heads(results),
        summary=_summary_rows(found, results),
        sensitivity=_sensitivity_plots(results),
        rocs=_roc_plots(found, results),
        confusion=confusion,
        statistic=statistic_plot(_kinds(found), span=[name for name in _kinds(found) if name != "glitches"]),
        saturation=_saturation(results),
        background=[(one, background_plot(own)) for one, own in found.noise.items()],
        agreement=_agreement_rows(results),
        distance=distance_plot(results.distances),
        distances=_distance_rows(results),
        distance_heads=["false alarms a month", *results.distances],
        glitch_heads=["class", "glitches", *found.noise],
        glitch_caption=_glitch_caption(results),
        glitches=_glitch_rows(results),
        gain_caption=_gain_caption(found, results),
        gains=_gain_rows(results),
        noise_pictures=[_picture(one) for one in pictures.noise],
        glitch_pictures=[_picture(one) for one in pictures.glitches],
    )


def _cautions(found: Evaluated, results: Results) -> list[str]:
    notes = _unsupported(
        {
            name: (
                f"{len(found.noise[name].segments):,} segments of noise",
                [f"{cut.probability:g}" for cut in cuts if not cut.supported],
            )
            for name, cuts in results.thresholds.items()
        },
        "do not support a false-alarm probability of {}; nothing is said of it (--noise).",
    )
    notes += _unsupported(
        {
            name: (
                f"{background_of(found, name).livetime / 3600:.1f} h",
                [f"{rate:,g}" for rate, _, one in rows if one is None],
            )
            for name, rows in results.distances.items()
        },
        "do not support {} false alarms a month; nothing is extrapolated (--livetime).",
    )
    differ = [name for name, rows in results.agreement.items() if any(one.chance < ALIKE for one in rows)]
    notes += [
        f"{name}: the rates from time slides and from noise alone differ by more than chance allows." for name in differ
    ]
    if found.bank is not None:
        notes.append(
            "The matched filter ranks by its signal-to-noise ratio alone, without the tests of a waveform's shape that searches use against glitches."
        )
    return notes


def _unsupported(lacking: Mapping[str, tuple[str, list[str]]], words: str) -> list[str]:
    """One sentence for all searches that lack the same."""
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name, (much, what) in lacking.items():
        if what:
            alike.setdefault((much, tuple(what)), []).append(name)
    return [f"{', '.join(names)}: {much} {words.format(' or '.join(what))}" for (much, what), names in alike.items()]


def _asked(found: Evaluated) -> dict[str, object]:
    source, options = found.source, found.options
    own = found.noise[found.name]
    slides = f"{own.slides.livetime / 3600:.1f} h of time slides, " if own.slides else ""
    asked: dict[str, object] = {
        "detectors": " and ".join(source.ifos),
        "segments": f"{source.seconds:g} s at {source.sample_rate:,} Hz",
        "noise": ", ".join(source.noise),
        "signals": f"{options.signals:,} at each SNR, {source.masses[0]:g} to {source.masses[1]:g} solar masses, {source.chosen_waveform}",
        "background": f"{slides}{own.alone.livetime / 3600:.1f} h of noise alone",
        "injections": f"{len(found.injections.snr):,}, uniform in volume",
        "glitches": f"{len(found.glitches.families):,} of the simulator" if found.glitches else "none",
    }
    if found.bank is not None:
        low, middle = np.percentile(found.bank.matches, (5, 50))
        asked["matched filter"] = (
            f"{found.bank.templates:,} templates; match with other binaries {middle:.3f} in the middle, {low:.3f} or more for 95 %"
        )
    return asked


def _passport(found: Evaluated) -> dict[str, object]:
    facts: dict[str, object] = {"seed": found.options.seed}
    for name, one in found.detectors.items():
        facts[f"{name}: network"] = f"{one.card['network']}, classes {', '.join(one.source.classes)}"
        facts[f"{name}: weights"] = str(one.card["weights_sha256"])[:16]
        facts[f"{name}: waveform"] = str(one.card.get("waveform", ""))
    return facts


def _lede(found: Evaluated, results: Results) -> list[tuple[str, bool]]:
    name = found.name
    pieces: list[tuple[str, bool]] = []
    area = next((row for row in results.areas[name] if row[0] == LOUD_SNR), None)
    if area is not None:
        pieces += [
            ("At network SNR 12 the area below the ROC curve is ", False),
            (f"{area[1]:.4f}", True),
            (f" ({area[2]:.4f} to {area[3]:.4f}). ", False),
        ]
    cut = next((curve for curve in reversed(results.curves[name]) if curve.threshold.supported), None)
    if cut is not None:
        pieces += [
            (
                f"At a false-alarm probability of {cut.threshold.probability:g}, half of the signals are found from SNR ",
                False,
            ),
            (_snr(snr_at_share(cut)), True),
        ]
        other = next((rows for title, rows in results.curves.items() if title not in found.detectors), None)
        beside = next((one for one in other or () if one.threshold.probability == cut.threshold.probability), None)
        if beside is not None and beside.threshold.supported:
            pieces += [(" on; by the matched filter from ", False), (_snr(snr_at_share(beside)), True)]
        pieces.append((".", False))
    return pieces


def _snr(value: float) -> str:
    return NOTHING if math.isnan(value) else f"{value:.1f}"


def _summary_heads(results: Results) -> list[str]:
    probabilities = [f"{cut.probability:g}" for cut in next(iter(results.thresholds.values()))]
    return [
        "search",
        *(f"AUC, SNR {snr:g}" for snr in ROC_SNRS),
        *(f"half at {one}" for one in probabilities),
        *(f"SNR 8 at {one}" for one in probabilities),
    ]


def _summary_rows(found: Evaluated, results: Results) -> list[tuple[str, str, list[Cell]]]:
    rows = []
    for name in found.noise:
        areas = {snr: (area, low, high) for snr, area, low, high in results.areas[name]}
        cells = [
            Cell(f"{areas[snr][0]:.4f}", f"{areas[snr][1]:.4f}–{areas[snr][2]:.4f}")  # noqa: RUF001 - a range
            for snr in ROC_SNRS
        ]
        cells += [
            Cell(_snr(snr_at_share(curve)) if curve.threshold.supported else NOTHING) for curve in results.curves[name]
        ]
        for curve in results.curves[name]:
            place = int(np.flatnonzero(curve.snr == 8.0)[0])
            cells.append(_share(float(curve.share[place]), curve.interval[place].tolist()))
        one = found.detectors.get(name)
        about = (
            f"{one.card['network']}, {len(one.source.classes)} classes"
            if one
            else f"{found.bank.templates if found.bank else 0} templates"
        )
        rows.append((name, about, cells))
    return rows


def _share(share: float, ends: Sequence[float]) -> Cell:
    if math.isnan(share):
        return Cell(NOTHING)
    low, high = ends
    return Cell(f"{100 * share:.1f} %", f"{100 * low:.1f}–{100 * high:.1f}")  # noqa: RUF001 - a range


def _sensitivity_plots(results: Results) -> list[tuple[str, Markup]]:
    plots = []
    for place, cut in enumerate(next(iter(results.thresholds.values()))):
        curves = {name: own[place] for name, own in results.curves.items() if own[place].threshold.supported}
        if curves:
            said = "; ".join(
                f"{name} {one.threshold.low:.2g} to {one.threshold.high:.2g}" for name, one in curves.items()
            )
            plots.append(
                (
                    f"At a false-alarm probability of {cut.probability:g} a segment (its own interval: {said}).",
                    sensitivity_plot(curves),
                )
            )
    return plots


def _roc_plots(found: Evaluated, results: Results) -> list[tuple[str, Markup]]:
    signals = found.options.signals
    return [
        (
            f"Signals of network SNR {snr:g}.",
            roc_plot(
                {name: (own[snr], signals, len(found.noise[name].segments)) for name, own in results.rocs.items()}
            ),
        )
        for snr in ROC_SNRS
    ]


def _kinds(found: Evaluated) -> dict[str, Any]:
    name = found.name
    signals = found.signals
    kinds = {"noise": found.noise[name].segments}
    for snr in ROC_SNRS:
        kinds[f"signals of SNR {snr:g}"] = signals.statistic[name][signals.snr == snr]
    if found.glitches is not None:
        kinds["glitches"] = found.glitches.statistic[name]
    return kinds


def _saturation(results: Results) -> list[str]:
    said = []
    for name, one in results.saturation.items():
        share = f"{one.saturated:,} of {one.loud:,} signals of SNR {LOUD_SNR:g} or more"
        span = f"{one.span[0]:.1f} to {one.span[1]:.1f}"
        said.append(
            f"{name}: {share} have a softmax probability of exactly 1 in single precision, all alike; their log-odds, {span}, still rank them."
            if one.saturated
            else f"{name}: none of the {one.loud:,} signals of SNR {LOUD_SNR:g} or more has a softmax probability of exactly 1; log-odds, {span}."
        )
    return said


def _agreement_rows(results: Results) -> list[list[str]]:
    rows = []
    for name, found in results.agreement.items():
        for one in found:
            (slid, slid_s), (alone, alone_s) = one.first, one.second
            rows.append(
                [name, f"{one.threshold:.2f}", f"{slid:,} in {slid_s / 3600:.1f} h", f"{alone:,} in {alone_s / 3600:.1f} h",
                 f"{(slid / slid_s) / (alone / alone_s):.2f}" if alone else NOTHING, f"{one.chance:.2f}"]
            )  # fmt: skip
    return rows


def _distance_rows(results: Results) -> list[tuple[str, list[Cell]]]:
    rows: dict[float, list[Cell]] = {}
    for own in results.distances.values():
        for rate, _, one in own:
            cell = Cell(NOTHING) if one is None else Cell(f"{one.distance:,.0f} Mpc", f"{one.low:,.0f}–{one.high:,.0f}")  # noqa: RUF001
            rows.setdefault(rate, []).append(cell)
    return [(f"{rate:,g}", cells) for rate, cells in rows.items()]


def _lowest(results: Results) -> float | None:
    """Lowest probability that every search supports."""
    supported = [{cut.probability for cut in cuts if cut.supported} for cuts in results.thresholds.values()]
    common = set.intersection(*supported)
    return min(common) if common else None


def _glitch_caption(results: Results) -> str:
    probability = _lowest(results)
    return (
        f"Segments with a simulated glitch in one detector that exceed the threshold of a false-alarm probability of {probability:g} in noise, by class."
        if probability
        else ""
    )


def _glitch_rows(results: Results) -> list[tuple[str, int, list[Cell]]]:
    probability = _lowest(results)
    rows: dict[str, tuple[int, list[Cell]]] = {}
    for _, cut, label, whole, above, low, high in results.glitches:
        if cut == probability:
            cell = Cell(f"{above:,}", f"{100 * low:.0f}–{100 * high:.0f} %" if whole else "")  # noqa: RUF001
            rows.setdefault(label, (whole, []))[1].append(cell)
    order = sorted(rows, key=lambda label: (-int(rows[label][1][0].value.replace(",", "")), label))
    return [(label, *rows[label]) for label in order]


def _gain_caption(found: Evaluated, results: Results) -> str:
    if not results.gains:
        return ""
    this, other = found.detectors
    return f"False alarms of {other} over those of {this} on the same glitches, each at its own threshold of the same false-alarm probability in noise. Intervals take the two for independent, which is too wide for the same glitches."


def _gain_rows(results: Results) -> list[tuple[str, list[str]]]:
    if not results.gains:
        return []
    least = min(probability for probability, _ in results.gains)
    return [
        (gain.label, [f"{gain.glitches:,}", f"{gain.first:,}", f"{gain.second:,}", _factor(gain.factor), f"{_factor(gain.low)} to {_factor(gain.high)}"])
        for probability, gain in results.gains
        if probability == least
    ]  # fmt: skip


def _factor(value: float) -> str:
    return NOTHING if math.isnan(value) else "∞" if math.isinf(value) else f"{value:.2g}"


def _picture(one: LoudPicture) -> Mapping[str, Any]:
    return {
        "title": one.title,
        "statistic": f"{one.statistic:.2f}",
        "views": [(ifo, picture_uri(levels), one.looks_like[ifo]) for ifo, levels in one.views.items()],
    }
