"""`audit.html`: one audit on one page: how many labels are wrong, which, why, and how far to trust that.

The page holds its pictures, loads nothing and runs no script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.evidence.calibration import CONFIDENCE
from audit.heldout.stopping import STABLE, TOP_OVERLAP
from discovery.labelaudit.cards import case_html
from discovery.labelaudit.charts import calibration_svg, convergence_legend, convergence_svg, evidence_svg, share_svg
from discovery.pages.page import PageShell, asset, escaped, render_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from audit.evidence.calibration import Count
    from audit.result import AuditResult
    from discovery.labelaudit.gallery import Exhibits

MAX_CASES = 100
"""Rows pictured at most: ten pictures each, about 9 MB. The others are in ``audit.csv``."""
MIN_CASES = 12
"""Rows pictured at least, where the list is shorter: what lies just below the cut."""
MAX_PAIRS = 12
_LEAST = 0.05  # expected errors below which a pair is not worth a row


def shown_rows(result: AuditResult) -> np.ndarray:
    """Rows that the page pictures, by rank: the list up to `MAX_CASES`, at least `MIN_CASES`; int64."""
    tested = int(result.testable.sum())
    return result.order[: min(tested, MAX_CASES, max(MIN_CASES, result.listed))]


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
        In the result's order: ``id``, ``ifo``, ``gps`` (seconds).
    exhibits : Exhibits
        The rows to show, with their pictures and witnesses.
    title : str
        Heading.
    asked : mapping of str to object
        What was asked for, in order.
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
        If a name in `beside` is not a plain file name.
    """
    ids = glitches["id"].astype(str).tolist()
    cases = [case_html(result, glitches, ids, exhibits, place) for place in range(len(exhibits.rows))]
    if 0 < result.listed < len(cases):
        cases.insert(
            result.listed, '<p class="cut">Here the list ends. What follows is less doubtful and not in it.</p>'
        )
    pairs, rest = _pairs(result)
    return render_page(
        "labelaudit/audit.html",
        {
            "pairs_caption": escaped(
                "How many glitches labelled as the one are expected to be the other: the sum of p_wrong over all rows. "
                + (f"{rest[0]} more pairs hold {rest[1]:.1f} together." if rest[0] else "")
            ),
            "pairs": pairs,
            "calibration": _calibration(result),
            "convergence": _convergence(result),
            "evidence": _evidence(result),
            "cases_caption": escaped(_cases_caption(result, exhibits)),
            "cases": "\n".join(cases),
        },
        PageShell(title, beside, cautions, asked, command, passport or {}),
        lede=headline(result, markup=True),
        css=[asset("labelaudit/audit.css")],
    )


def headline(result: AuditResult, *, markup: bool = False) -> str:
    """Say what the audit found in a sentence or two, such as "These 120 rows should hold 88 (79 to 97) wrong labels"."""

    def bold(text: str) -> str:
        return f"<b>{escaped(text)}</b>" if markup else text

    total = (
        f"about {bold(_count(result.total))} wrong labels, {result.total.expected / len(result):.1%} of {len(result):,}"
    )
    if not result.listed:
        return f"No row is doubtful enough for a list of which at most {result.false_discovery_rate:.0%} would be right. The whole study should hold {total}."
    rows = "This 1 row" if result.listed == 1 else f"These {result.listed:,} rows"
    return f"{bold(rows)} should hold {bold(_count(result.in_list))} wrong labels; the whole study should hold {total}."


def _count(count: Count) -> str:
    return f"{count.expected:,.0f} ({count.low:,.0f} to {count.high:,.0f})"


def _pairs(result: AuditResult) -> tuple[str, tuple[int, float]]:
    """Rows of the table of class pairs, and how many pairs with how many errors are left out of it."""
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
        f'<tr><th scope="row">{escaped(result.classes[a])}</th><td>{escaped(result.classes[b])}</td><td class="number">{expected[a, b]:.1f}</td>'
        f'<td class="share">{share_svg(float(expected[a, b]) / most)}</td><td class="number">{int(listed[a, b]):,}</td><td class="number">{expected[a, b] / sizes[a]:.1%}</td></tr>'
        for a, b in shown
    ]
    return "\n".join(rows), (len(rest), float(sum(expected[pair] for pair in rest)))


def _calibration(result: AuditResult) -> str:
    plantings = result.settings["plantings"]
    caption = (
        f"Known errors were planted {plantings} times, like those that the study seems to have, and the audit run again on each. "
        f"Points: rows by the probability stated from the other plantings. Bars: {CONFIDENCE:.0%} intervals. On the dotted line a stated 0.8 is wrong in 8 cases of 10."
    )
    return _figure("Calibration", calibration_svg(result.reliability), caption)


def _convergence(result: AuditResult) -> str:
    if not result.curve:
        return ""
    last = result.curve[-1]
    ended = (
        f"After {last.splits} splits the ranking had settled."
        if last.enough
        else f"After {last.splits} splits the ranking had not quite settled: more splits (--splits) would still move it."
    )
    gap = result.error - result.random_error
    caption = (
        f"{ended} Dotted: enough ({STABLE:g} and {TOP_OVERLAP:g}). Error of held-out predictions {result.error:.1%}; "
        f"in plain random splits, which let near-duplicates across, {result.random_error:.1%} ({100 * gap:+.1f} points)."
    )
    chart = convergence_svg(result.curve, (STABLE, TOP_OVERLAP)) + convergence_legend()
    return _figure("Convergence", chart, caption)


def _evidence(result: AuditResult) -> str:
    caption = "Average precision on the planted errors: 1 means that every error ranks above every right label. The combination, fitted on the other plantings, makes the list."
    return _figure("Evidence", evidence_svg(result.evidence), caption)


def _figure(heading: str, chart: str, caption: str) -> str:
    return f"<figure><h3>{heading}</h3>{chart}<figcaption>{escaped(caption)}</figcaption></figure>"


def _cases_caption(result: AuditResult, exhibits: Exhibits) -> str:
    shown, listed = len(exhibits.rows), result.listed
    which = (
        f"The list's {listed:,} rows"
        if listed <= shown
        else f"The first {shown:,} of the list's {listed:,} rows; all are in audit.csv"
    )
    if listed < shown:
        which += f", and the {shown - listed} next to it" if listed else f", so the {shown} most doubtful ones instead"
    parts = [f"{which}. The bar is p_wrong with its {CONFIDENCE:.0%} interval."]
    if exhibits.witnesses is not None:
        parts.append(
            "Beside each: the glitches most like it that carry the same label, and those most like it that carry the suggested one."
        )
    if exhibits.thumbnails is not None and not exhibits.thumbnails.plain:
        parts.append("Pictures run from 10 to 2048 Hz (log), normalised energy 0 to 25.5.")
    return " ".join(parts)
