"""`sensitivity.html`: what a detector finds, what it raises false alarms on, and a matched filter beside it, on one page that loads nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.evaluation.confusion import confusion_table
from discovery.pages.page import PageShell, rendered
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
from discovery.sensitivity.tables import (
    agreement_rows,
    distance_rows,
    gain_caption,
    gain_rows,
    glitch_caption,
    glitch_rows,
    snr_text,
    summary_heads,
    summary_rows,
)
from embed.digits import significant
from embed.metrics.intervals import LEVEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from discovery.sensitivity.curves import SensitivityCurve
    from discovery.sensitivity.evaluated import Evaluated
    from discovery.sensitivity.pictures import LoudPicture, LoudPictures
    from discovery.sensitivity.results import Results

ALIKE = 0.01
"""Chance below which two backgrounds are said to differ."""


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
        summary_heads=summary_heads(results),
        summary=summary_rows(found, results),
        sensitivity=_sensitivity_plots(results),
        rocs=_roc_plots(found, results),
        confusion=confusion,
        statistic=statistic_plot(_kinds(found), span=[name for name in _kinds(found) if name != "glitches"]),
        saturation=_saturation(results),
        background=[(one, background_plot(own)) for one, own in found.noise.items()],
        agreement=agreement_rows(results),
        distance=distance_plot(results.distances),
        distances=distance_rows(results),
        distance_heads=["false alarms a month", *results.distances],
        glitch_heads=["class", "glitches", *found.noise],
        glitch_caption=glitch_caption(found, results),
        glitches=glitch_rows(results),
        gain_caption=gain_caption(found, results),
        gains=gain_rows(results),
        noise_pictures=[_picture(one) for one in pictures.noise],
        glitch_pictures=[_picture(one) for one in pictures.glitches],
    )


def _cautions(found: Evaluated, results: Results) -> list[str]:
    notes = _unsupported(
        {
            name: (
                f"{len(found.noise[name].segments):,} segments of noise",
                [significant(cut.probability) for cut in cuts if not cut.supported],
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
            f"{found.bank.templates:,} templates; match with other binaries {middle:.3f} in the middle, {low:.3f} or more for 95\N{NO-BREAK SPACE}%"
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
                f"At a false-alarm probability of {significant(cut.threshold.probability)}, half of the signals are found ",
                False,
            ),
            *half_found(cut),
        ]
        other = next((rows for title, rows in results.curves.items() if title not in found.detectors), None)
        beside = next((one for one in other or () if one.threshold.probability == cut.threshold.probability), None)
        if beside is not None and beside.threshold.supported:
            pieces += [("; by the matched filter ", False), *half_found(beside)]
        pieces.append((".", False))
    return pieces


def half_found(curve: SensitivityCurve) -> list[tuple[str, bool]]:
    """Say from which loudness on half of the signals are found, with what is bold; or that none is so, or all that were tried."""
    value = snr_at_share(curve)
    if not math.isnan(value):
        return [("from SNR ", False), (snr_text(value), True), (" on", False)]
    if curve.share[0] >= 0.5:
        return [("from below SNR ", False), (f"{curve.snr[0]:g}", True), (" on", False)]
    return [("at no SNR up to ", False), (f"{curve.snr[-1]:g}", True)]


def _sensitivity_plots(results: Results) -> list[tuple[str, Markup]]:
    plots = []
    for place, cut in enumerate(next(iter(results.thresholds.values()))):
        curves = {name: own[place] for name, own in results.curves.items() if own[place].threshold.supported}
        if curves:
            said = "; ".join(
                f"{name} {significant(one.threshold.low, 2)} to {significant(one.threshold.high, 2)}"
                for name, one in curves.items()
            )
            plots.append(
                (
                    f"At a false-alarm probability of {significant(cut.probability)} a segment (its own interval: {said}).",
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


def _picture(one: LoudPicture) -> Mapping[str, Any]:
    return {
        "title": one.title,
        "statistic": f"{one.statistic:.2f}",
        "views": [(ifo, picture_uri(levels), one.looks_like[ifo]) for ifo, levels in one.views.items()],
    }
