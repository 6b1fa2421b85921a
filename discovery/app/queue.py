"""The queue of the review: the labels that the latest audit doubts, as they are now, and glitches to compare each with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.answers.precision import measured_precision
from audit.review.comparisons import find_class_neighbours
from audit.review.ledger import find_audit, verdicts_by_id
from discovery.pages.gpstime import utc
from embed.csvfile import CsvFile, restored
from embed.errors import InputError
from embed.gravityspy import CLASS_LISTS
from embed.study.audits import latest_audit
from embed.study.reviews import decided_runs, given_labels, ids_of, label_sizes, select_queue
from embed.study.study import Study
from embed.vectors.store import chosen_store

if TYPE_CHECKING:
    from pathlib import Path

    from audit.review.ledger import Audit, Verdict
    from embed.types import Rows
    from embed.vectors.store import VectorStore

BEYOND = 100
"""Rows that are added when the reader asks for more than the list."""
KEPT = 2_000
"""Comparisons kept in memory."""
NO_AUDIT = "The study has no audit yet: start it here, or run `discover audit`."


@dataclass(frozen=True)
class _Compared:
    """What glitches are compared by: a store's vectors, and the class of each row as audited, -1 where it was not."""

    store: VectorStore
    classes: dict[str, int]
    codes: Rows
    verdicts: dict[int, Verdict]


class ReviewQueue:
    """Reads the queue; what does not change in an audit is kept.

    Parameters
    ----------
    folder : Path
        The study's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._compared = lru_cache(1)(self._read_compared)
        self._reasons = lru_cache(1)(self._read_reasons)
        self._neighbours = lru_cache(KEPT)(self._find_neighbours)

    def read(self, beyond: int = 0) -> dict[str, Any]:
        """Return the queue as JSON values.

        Parameters
        ----------
        beyond : int
            Rows beyond the audit's list.

        Returns
        -------
        dict
            ``audit`` (passport; None without one, with ``message``), ``listed``, ``audited``, ``classes``,
            ``items`` by rank and ``precision``.
        """
        with Study(self._folder) as study:
            latest = latest_audit(study)
            audit = find_audit(study, latest[1]) if latest else None
            if audit is None:
                return {"audit": None, "message": NO_AUDIT, "items": [], "classes": []}
            listed = int(audit.facts.get("listed", 0))
            rows = select_queue(study, audit.number, listed + max(0, beyond))
            reasons = self._reasons(audit.passport)
            state = standing(study, audit, [row.glitch for row in rows])
            items = [
                {
                    "glitch": row.glitch,
                    "id": row.id,
                    "ifo": row.ifo,
                    "when": when(row.gps),
                    "rank": row.rank,
                    "label": row.label,
                    "suggested": row.suggested,
                    "p_wrong": row.p_wrong,
                    "reason": reasons.get(row.id, ""),
                    **state[row.glitch],
                }
                for row in rows
            ]
            return {
                "audit": audit.passport,
                "listed": listed,
                "audited": int(audit.facts.get("glitches", len(rows))),
                "classes": classes(study),
                "items": items,
                "precision": precision(study, audit),
            }

    def state(self, passport: str, glitches: list[int]) -> dict[str, Any]:
        """Return what may have changed: label and decision of these glitches."""
        with Study(self._folder) as study:
            state = standing(study, known_audit(study, passport), glitches)
            return {"state": {str(glitch): own for glitch, own in state.items()}}

    def neighbours(self, passport: str, glitch: int) -> dict[str, Any]:
        """Return the glitches most like an audited one: three with its label, three with the suggested one; none without vectors."""
        with self._lock:  # the arrays are large: two requests do not read them twice
            return self._neighbours(passport, glitch)

    def _find_neighbours(self, passport: str, glitch: int) -> dict[str, Any]:
        compared = self._compared(passport)
        verdict = compared.verdicts.get(glitch) if compared else None
        row = compared.store.rows(np.array([glitch])) if compared else np.array([-1])
        if compared is None or verdict is None or row[0] < 0:
            return {"agreeing": [], "opposing": []}
        suggested = np.array([compared.classes.get(verdict.suggested, -2)])
        found = find_class_neighbours(compared.store.vectors, compared.codes, row, suggested)

        def named(rows: Rows) -> list[dict[str, Any]]:
            numbers = compared.store.glitches[rows[rows >= 0]].tolist()
            with Study(self._folder) as study:
                ids = ids_of(study, numbers)
            return [{"glitch": number, "id": ids[number]} for number in numbers]

        return {"agreeing": named(found.agreeing[0]), "opposing": named(found.opposing[0])}

    def _read_compared(self, passport: str) -> _Compared | None:
        with Study(self._folder) as study:
            audit = known_audit(study, passport)
            verdicts = {verdict.glitch: verdict for verdict in verdicts_by_id(study, audit).values()}
        store = chosen_store(self._folder, str(audit.facts.get("vectors", "")))
        if store is None:
            return None
        names = sorted({verdict.label for verdict in verdicts.values()})
        classes = {name: code for code, name in enumerate(names)}
        codes = [classes[verdicts[g].label] if g in verdicts else -1 for g in store.glitches.tolist()]
        return _Compared(store, classes, np.array(codes, np.int64), verdicts)

    def _read_reasons(self, passport: str) -> dict[str, str]:
        """Read why each listed label is doubted from the audit's own table, where it is still there."""
        path = self._folder / "reports" / "audit" / "audit.csv"
        if not path.is_file():
            return {}
        rows = [row.cells for row in CsvFile(path).rows()]
        return {restored(cells["id"]): restored(cells["reason"]) for cells in rows if cells.get("passport") == passport}


def known_audit(study: Study, passport: str) -> Audit:
    """Return the audit of a passport.

    Raises
    ------
    InputError
        When the study has none.
    """
    audit = find_audit(study, passport)
    if audit is None:
        raise InputError(f"the study has no audit {passport[:60]!r}; load the page again")
    return audit


def when(gps: float | None) -> str:
    """Write a time for people; empty where it is not known."""
    return utc(gps) if gps is not None and math.isfinite(gps) and gps >= 0 else ""


def precision(study: Study, audit: Audit) -> dict[str, Any]:
    """Return the precision measured so far beside the expected one; shares are None before the first answer."""
    measured = measured_precision(study, audit)
    shares = {name: getattr(measured, name) for name in ("share", "low", "high")}
    return {
        "answered": measured.answered,
        "wrong": measured.wrong,
        "expected": measured.expected,
        **{name: None if math.isnan(value) else float(value) for name, value in shares.items()},
    }


def standing(study: Study, audit: Audit, glitches: list[int]) -> dict[int, dict[str, Any]]:
    """Return the label that applies now and the decision of each glitch, as the page sends them back."""
    labels, decided = given_labels(study, glitches), decided_runs(study, audit.number)
    state = {}
    for glitch in glitches:
        label, decision = labels.get(glitch), decided.get(glitch)
        state[glitch] = {
            "now": {"label": label.label, "by": label.by, "source": label.source} if label else None,
            "decided": {"outcome": decision[1], "label": decision[2]} if decision else None,
            "seen": {"event": label.event if label else 0, "run": decision[0] if decision else 0},
        }
    return state


def classes(study: Study) -> list[dict[str, Any]]:
    """Return every class that an answer may name: the study's by size, then Gravity Spy's that it lacks."""
    own = sorted(((n, name) for name, n in label_sizes(study).items() if name), key=lambda one: (-one[0], one[1]))
    known = {name for _, name in own}
    rest = sorted(set(CLASS_LISTS["O4"]) - known)
    return [{"name": name, "size": n} for n, name in own] + [{"name": name, "size": 0} for name in rest]
