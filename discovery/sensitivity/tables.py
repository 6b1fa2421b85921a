"""The tables of a detector's page, as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from discovery.evaluation.page import Cell
from discovery.pages.page import NOTHING
from discovery.sensitivity.curves import snr_at_share
from discovery.sensitivity.results import ROC_SNRS
from embed.digits import significant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from discovery.sensitivity.evaluated import Evaluated
    from discovery.sensitivity.results import Results


def snr_text(value: float) -> str:
    """Write a ratio, or a dash."""
    return NOTHING if math.isnan(value) else f"{value:.1f}"


def summary_heads(results: Results) -> list[str]:
    """Heads of the first table."""
    probabilities = [significant(cut.probability) for cut in next(iter(results.thresholds.values()))]
    return [
        "search",
        *(f"AUC, SNR\u00a0{snr:g}" for snr in ROC_SNRS),
        *(f"half at {one}" for one in probabilities),
        *(f"SNR 8 at {one}" for one in probabilities),
    ]


def summary_rows(found: Evaluated, results: Results) -> list[tuple[str, str, list[Cell]]]:
    """A row for each search: name, what it is, figures."""
    rows = []
    for name in found.noise:
        areas = {snr: (area, low, high) for snr, area, low, high in results.areas[name]}
        cells = [
            Cell(f"{areas[snr][0]:.4f}", f"{areas[snr][1]:.4f}–{areas[snr][2]:.4f}")  # noqa: RUF001 - a range
            for snr in ROC_SNRS
        ]
        cells += [
            Cell(snr_text(snr_at_share(curve)) if curve.threshold.supported else NOTHING)
            for curve in results.curves[name]
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


def agreement_rows(results: Results) -> list[list[str]]:
    """Time slides against noise alone."""
    rows = []
    for name, found in results.agreement.items():
        for one in found:
            (slid, slid_s), (alone, alone_s) = one.first, one.second
            rows.append(
                [name, f"{one.threshold:.2f}", f"{slid:,} in {slid_s / 3600:.1f} h", f"{alone:,} in {alone_s / 3600:.1f} h",
                 f"{(slid / slid_s) / (alone / alone_s):.2f}" if alone else NOTHING, f"{one.chance:.2f}"]
            )  # fmt: skip
    return rows


def distance_rows(results: Results) -> list[tuple[str, list[Cell]]]:
    """A row for each rate."""
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


def glitch_caption(found: Evaluated, results: Results) -> str:
    """What the table of glitches shows."""
    probability = _lowest(results)
    if not probability:
        return ""
    return " ".join(
        [
            f"Segments with a simulated glitch in one detector that exceed the threshold of a false-alarm probability of {significant(probability)} in noise, by class.",
            *(
                f"{name} was trained without {', '.join(sorted(detector.source.without))}."
                for name, detector in found.detectors.items()
                if detector.source.without
            ),
        ]
    )


def glitch_rows(results: Results) -> list[tuple[str, int, list[Cell]]]:
    """A row for each class, those with most false alarms first."""
    probability = _lowest(results)
    rows: dict[str, tuple[int, list[Cell]]] = {}
    for _, cut, label, _, whole, above, low, high in results.glitches:
        if cut == probability:
            cell = Cell(f"{above:,}", f"{100 * low:.0f}–{100 * high:.0f} %" if whole else "")  # noqa: RUF001
            rows.setdefault(label, (whole, []))[1].append(cell)
    order = sorted(rows, key=lambda label: (-int(rows[label][1][0].value.replace(",", "")), label))
    return [(label, *rows[label]) for label in order]


def gain_caption(found: Evaluated, results: Results) -> str:
    """What the comparison shows; empty where there is none."""
    if not results.gains:
        return ""
    this, other = found.detectors
    return f"False alarms of {other} over those of {this} on the same glitches, each at its own threshold of the same false-alarm probability in noise. Intervals take the two for independent, which is too wide for the same glitches."


def gain_rows(results: Results) -> list[tuple[str, list[str]]]:
    """A row for each class, and one of all."""
    if not results.gains:
        return []
    least = min(probability for probability, _ in results.gains)
    return [
        (gain.label, [f"{gain.glitches:,}", f"{gain.first:,}", f"{gain.second:,}", _factor(gain.factor), f"{_factor(gain.low)} to {_factor(gain.high)}"])
        for probability, gain in results.gains
        if probability == least
    ]  # fmt: skip


def _factor(value: float) -> str:
    return f"{value:,.0f}" if 10 <= value < math.inf else significant(value, 2)
