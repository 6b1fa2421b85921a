"""``audit.csv``: one row for each glitch, the most doubtful label first, to be read in a spreadsheet.

Answers go into a further column, ``decision``, which the reader adds: a class name (the right label), ``keep`` (the label is right),
``suggested`` (the suggested label is right), ``wrong`` (wrong, but the right one is unknown) or ``unsure``; an empty cell is no
answer. `audit.answers.importing` reads the file back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.review.reasons import reasons
from embed.csvfile import write_csv
from embed.errors import InputError
from embed.gravityspy import DURATIONS, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from audit.result import AuditResult

IMAGES = tuple(f"image_{duration}" for duration in DURATIONS)
COLUMNS = (
    *("rank", "id", "ifo", "gps", "label", "suggested_label", "p_wrong", "p_wrong_low", "p_wrong_high"),
    *("times_tested", "times_wrong", "margin", "loss", "neighbour_agreement", "duplicate_of", "reason"),
    *IMAGES,
    "passport",
)
"""Columns of ``audit.csv`` and ``ranking.csv`` before those of the metadata: see `audit_columns`."""
DIGITS = 4
"""Decimals of probabilities and scores: more than their precision."""
_BLOCK = 10_000
"""Rows that are explained together."""


def image_column(duration: float) -> str:
    """Name the column of a view; a plain picture, which has no duration, is in the first."""
    return f"image_{float(duration)}" if duration else IMAGES[0]


def audit_columns(glitches: pd.DataFrame) -> tuple[str, ...]:
    """Name the columns of the table: `COLUMNS`, and of `embed.gravityspy.NUMBERS` those that any of the glitches has."""
    return (*COLUMNS, *(name for name in NUMBERS if name in glitches.columns and glitches[name].notna().any()))


def audit_rows(
    result: AuditResult, glitches: pd.DataFrame, passport: str, *, first: int | None = None
) -> Iterator[list[object]]:
    """Yield the rows of the table, by rank, with the columns that `audit_columns` names.

    Parameters
    ----------
    result : AuditResult
        Of N glitches.
    glitches : DataFrame, N rows
        In the result's order: ``id``, ``ifo``, ``gps`` (seconds, NaN where unknown) and paths in the columns `IMAGES`, empty where
        there is no view; metadata where they have any.
    passport : str
        Names the audit; in every row.
    first : int, optional
        Number of rows; all when absent.

    Raises
    ------
    InputError
        When the number of glitches is not that of the result.
    """
    if len(glitches) != len(result):
        raise InputError(
            f"{len(glitches)} glitches for an audit of {len(result)}: give those that were audited, in order"
        )
    ids = glitches["id"].astype(str).tolist()
    carried = audit_columns(glitches)[len(COLUMNS) :]
    facts = {name: glitches[name].to_numpy() for name in ("ifo", "gps", *IMAGES, *carried)}
    classes = np.asarray(result.classes, dtype=object)
    order = result.order[:first]
    for start in range(0, len(order), _BLOCK):
        rows = order[start : start + _BLOCK]
        for rank, row, reason in zip(
            range(start + 1, start + 1 + len(rows)), rows, reasons(result, rows, ids), strict=True
        ):
            twin = int(result.duplicate_of[row])
            probabilities = (result.p_wrong[row], result.p_wrong_low[row], result.p_wrong_high[row])
            scores = (result.margin[row], result.loss[row], result.neighbour_agreement[row])
            yield [
                rank,
                ids[row],
                facts["ifo"][row],
                facts["gps"][row],
                classes[result.labels[row]],
                classes[result.suggested[row]],
                *(round(float(value), DIGITS) for value in probabilities),
                int(result.times_tested[row]),
                int(result.times_wrong[row]),
                *(round(float(value), DIGITS) for value in scores),
                ids[twin] if twin >= 0 else "",
                reason,
                *(facts[name][row] for name in IMAGES),
                passport,
                *(facts[name][row] for name in carried),
            ]


def write_audit(
    path: Path, result: AuditResult, glitches: pd.DataFrame, passport: str, *, first: int | None = None
) -> None:
    """Write the table as CSV, row by row; see `audit_rows`."""
    write_csv(path, audit_columns(glitches), audit_rows(result, glitches, passport, first=first))
