"""`audit.html`: one audit on one page: how many labels are wrong, which, why, and how far to trust that.

The page holds its pictures and loads nothing. Its script takes decisions and saves them as the CSV that ``discover audit import`` reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from audit.evidence.calibration import CONFIDENCE
from audit.heldout.stopping import STABLE, TOP_OVERLAP
from discovery.labelaudit.cards import make_cards
from discovery.labelaudit.charts import calibration_svg, convergence_svg, evidence_svg, share_svg
from discovery.pages.drawing import FREQUENCY_TICKS
from discovery.pages.page import PageShell, asset, rendered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from audit.evidence.calibration import Count
    from audit.result import AuditResult
    from discovery.labelaudit.gallery import Exhibits
    from embed.types import Rows

MAX_CASES = 100
"""Rows pictured at most: ten pictures each, about 9 MB. The others are in ``audit.csv``."""
MIN_CASES = 12
"""Rows pictured at least, where the list is shorter and so many are doubtful: those just below the end of the list."""
LEAST_DOUBT = 0.01
"""Probability of being wrong below which a label that is not in the list is not worth a look."""
MAX_PAIRS = 12
"""Class pairs in the table; the others are counted in its caption."""
_LEAST = 0.05
"""Expected errors below which a pair is not worth a row."""
_SCRIPTS = ("explorer/pieces", "explorer/csvfile", "pages/kept", "labelaudit/decisions")
"""The page's scripts, in their order."""


def shown_rows(result: AuditResult) -> Rows:
    """Return the rows that the page pictures, by rank, int64: the list up to `MAX_CASES`; below it those that are doubtful at all, up to `MIN_CASES`."""
    doubtful = int((result.p_wrong[result.testable] >= LEAST_DOUBT).sum())
    return result.order[: min(MAX_CASES, max(result.listed, min(MIN_CASES, doubtful)))]


def audit_html(
    result: AuditResult,
    glitches: pd.DataFrame,
    exhibits: Exhibits,
    *,
    title: str,
    asked: Mapping[str, object],
    command: str = "",
    passport: Mapping[str, object] | None = None,
    cautions: Sequence[str] = (),
    beside: Sequence[str] = (),
) -> str:
    """Write the page.

    Parameters
    ----------
    result : AuditResult
        Of N glitches.
    glitches : DataFrame, N rows
        In the result's order: ``id``, ``ifo``, ``gps`` (seconds), and metadata: see `discovery.labelaudit.cards.make_cards`.
    exhibits : Exhibits
        The rows to show, with their pictures and the glitches most similar to them.
    title : str
        Heading.
    asked : mapping of str to object
        The settings, in order.
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
        If a name in `beside` is not a plain file name.
    """
    pairs, others = _pairs(result)
    return rendered(
        "labelaudit/audit.html",
        shell=PageShell(title, beside, cautions, asked, command, passport or {}),
        headline=_headline(result),
        pairs=pairs,
        least=_LEAST,
        other_pairs=others,
        calibration=_calibration(result),
        convergence=_convergence(result),
        evidence=_evidence(result),
        cards_caption=_cards_caption(result, exhibits),
        cards=make_cards(result, glitches, exhibits),
        listed=result.listed,
        classes=list(result.classes),
        ticks=FREQUENCY_TICKS,
        scripts=[Markup("\n").join(["", *(asset(f"{name}.js") for name in _SCRIPTS)])],
    )


def headline(result: AuditResult) -> str:
    """Say what the audit found in a sentence or two, for instance "Of the 120 listed labels about 88 (79 to 97) are probably wrong, of all 2,000 labels about 90 (81 to 99), 4.5 %."."""
    return "".join(text for text, _ in _headline(result))


def _headline(result: AuditResult) -> list[tuple[str, bool]]:
    """Return the headline in pieces, each with whether the page shows it bold."""
    whole = f"all {len(result):,} labels about "
    share = f"{100 * result.total.expected / len(result):.1f} %."
    total = (_count(result.total), True)
    if not result.listed:
        most = f"{100 * result.false_discovery_rate:.0f} %"
        none = f"No label is doubtful enough to be listed: at most {most} of a list may be right labels. Of {whole}"
        return [(none, False), total, (f" are probably wrong, {share}", False)]
    listed = "the 1 listed label" if result.listed == 1 else f"the {result.listed:,} listed labels"
    found = [("Of ", False), (listed, True), (" about ", False), (_count(result.in_list), True)]
    wrong = f" {'is' if result.listed == 1 else 'are'} probably wrong, of {whole}"
    return [*found, (wrong, False), total, (f", {share}", False)]


def _count(count: Count) -> str:
    return f"{count.expected:,.0f} ({count.low:,.0f} to {count.high:,.0f})"


@dataclass(frozen=True)
class Pair:
    """A row of the table of class pairs: how many glitches with one label are expected to be of the other class."""

    labelled: str
    probably: str
    expected: float
    bar: Markup
    listed: int
    share: float


@dataclass(frozen=True)
class OtherPairs:
    """How many pairs are not in the table, and how many errors are expected in them."""

    count: int
    expected: float


def _pairs(result: AuditResult) -> tuple[list[Pair], OtherPairs]:
    """Return the rows of the table, the most expected errors first, and what it leaves out."""
    expected = result.expected_pairs()
    listed = np.zeros_like(expected)
    head = result.order[: result.listed]
    np.add.at(listed, (result.labels[head], result.suggested[head]), 1)
    sizes = np.bincount(result.labels, minlength=len(result.classes))
    found = [(int(a), int(b)) for a, b in np.argwhere(expected >= _LEAST)]
    found.sort(key=lambda pair: (-expected[pair], pair))
    shown, rest = found[:MAX_PAIRS], found[MAX_PAIRS:]
    most = max((float(expected[pair]) for pair in shown), default=1.0)
    rows = [
        Pair(
            labelled=result.classes[a],
            probably=result.classes[b],
            expected=float(expected[a, b]),
            bar=share_svg(float(expected[a, b]) / most),
            listed=int(listed[a, b]),
            share=float(expected[a, b] / sizes[a]),
        )
        for a, b in shown
    ]
    return rows, OtherPairs(len(rest), float(sum(expected[pair] for pair in rest)))


@dataclass(frozen=True)
class Figure:
    """A chart and what it shows."""

    chart: Markup
    caption: str


def _calibration(result: AuditResult) -> Figure:
    plantings = result.settings["plantings"]
    caption = (
        f"Known errors were planted {plantings} times, like those that the study seems to have, and the audit was run again each time. "
        f"Points: rows by the probability stated from the other plantings. Bars: {100 * CONFIDENCE:.0f} % intervals. "
        "On the dotted line, 8 of 10 rows with a stated 0.8 are wrong."
    )
    return Figure(calibration_svg(result.reliability), caption)


def _convergence(result: AuditResult) -> Figure | None:
    if not result.curve:
        return None
    last = result.curve[-1]
    ended = (
        f"After {last.splits} splits the ranking was stable."
        if last.enough
        else f"After {last.splits} splits the ranking was not quite stable: more splits (--splits) would still change it."
    )
    gap = result.error - result.random_error
    caption = (
        f"{ended} Dotted: enough ({STABLE:g} and {TOP_OVERLAP:g}). Error of held-out predictions {100 * result.error:.1f} %; "
        f"in plain random splits, where near-duplicates can be on both sides, {100 * result.random_error:.1f} % ({100 * gap:+.1f} points)."
    )
    return Figure(convergence_svg(result.curve, (STABLE, TOP_OVERLAP)), caption)


def _evidence(result: AuditResult) -> Figure:
    caption = (
        "Average precision on the planted errors: 1 means that every error ranks above every right label. "
        "The list is ranked by the combination, which is fitted on the other plantings."
    )
    return Figure(evidence_svg(result.evidence), caption)


def _cards_caption(result: AuditResult, exhibits: Exhibits) -> str:
    shown, listed = len(exhibits.rows), result.listed
    if not shown:
        return f"None: every label that was tested has a probability below {LEAST_DOUBT:g} of being wrong."
    which = (
        f"The list's {listed:,} rows"
        if listed <= shown
        else f"The first {shown:,} of the list's {listed:,} rows; all are in audit.csv"
    )
    if listed < shown:
        which = (
            f"{which}, and the next {shown - listed}"
            if listed
            else "The most doubtful label, which is not in the list"
            if shown == 1
            else f"The {shown} most doubtful labels, none of them in the list"
        )
    parts = [f"{which}. The bar is p_wrong with its {100 * CONFIDENCE:.0f} % interval."]
    if exhibits.class_neighbours is not None:
        parts.append(
            "Beside each: those most similar with the same label, and those most similar with the suggested one."
        )
    if exhibits.thumbnails is not None and not exhibits.thumbnails.plain:
        parts.append("Pictures run from 10 to 2048 Hz (log), normalised energy 0 to 25.5.")
    return " ".join(parts)
