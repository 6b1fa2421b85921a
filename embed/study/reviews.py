"""What a person sees and says while reviewing: the queue of an audit, a glitch's labels, and decisions that are known by their key.

A decision's key is made by whoever decides and kept in its run's arguments, so that a decision that is sent twice is stored once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from embed.study.reading import read_object, row_list
from embed.study.records import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from embed.study.study import Study


DOUBTED = 0.5
"""Probability of a wrong label from which an audit doubts it: it is more likely wrong than not."""
_VERDICTS = """
    SELECT v.glitch, g.id, coalesce(g.ifo, ''), g.gps, v.rank, v.label, v.suggested, v.p_wrong
    FROM verdicts v JOIN glitches g USING (glitch) WHERE v.audit = ?
"""
"""SQL: the cells of a `QueueRow`, of one audit."""


class QueueRow(NamedTuple):
    """One verdict of an audit with the glitch it is about; `p_wrong` is None where it was not tested, `gps` in seconds."""

    glitch: int
    id: str
    ifo: str
    gps: float | None
    rank: int
    label: str
    suggested: str
    p_wrong: float | None


class LabelEvent(NamedTuple):
    """A stored label event; `at` in seconds since 1970."""

    event: int
    label: str
    by: str
    source: str
    confidence: float | None
    at: int
    why: str


def select_queue(study: Study, audit: int, count: int) -> list[QueueRow]:
    """The first `count` verdicts of an audit (its number), by rank."""
    rows = study.connection.execute(_VERDICTS + "ORDER BY v.rank LIMIT ?", (audit, count))
    return [QueueRow(*row) for row in rows]


def select_verdict(study: Study, audit: int, glitch: int) -> QueueRow | None:
    """The verdict of an audit (its number) on one glitch; None where it was not audited."""
    row = study.connection.execute(_VERDICTS + "AND v.glitch = ?", (audit, glitch)).fetchone()
    return QueueRow(*row) if row else None


def label_events(study: Study, glitch: int) -> list[LabelEvent]:
    """Every label event of a glitch, predictions included, the latest first."""
    rows = study.connection.execute(
        "SELECT event, label, by, source, confidence, at, why FROM labels WHERE glitch = ? ORDER BY event DESC",
        (glitch,),
    )
    return [LabelEvent(*row) for row in rows]


def given_labels(study: Study, glitches: Iterable[int]) -> dict[int, LabelEvent]:
    """The label event that applies to each of these glitches; predictions do not count, unlabelled glitches are absent."""
    rows = study.connection.execute(
        """
        SELECT l.glitch, max(l.event), l.label, l.by, l.source, l.confidence, l.at, l.why
        FROM json_each(?) g JOIN labels l ON l.glitch = g.value WHERE l.by != ? GROUP BY l.glitch
        """,  # SQLite takes the bare columns from the row of the maximum
        (row_list(glitches), MODEL),
    )
    return {row[0]: LabelEvent(*row[1:]) for row in rows}


def labelled_since(study: Study, event: int) -> set[int]:
    """Row numbers of the glitches that were given a label after an event; predictions do not count."""
    rows = study.connection.execute("SELECT DISTINCT glitch FROM labels WHERE event > ? AND by != ?", (event, MODEL))
    return {glitch for (glitch,) in rows}


def labelled_twice(study: Study, event: int) -> dict[str, str]:
    """Id and labels, with commas, of the glitches that were given different labels after an event; predictions do not count."""
    rows = study.connection.execute(
        """
        SELECT g.id, group_concat(DISTINCT l.label) FROM labels l JOIN glitches g USING (glitch)
        WHERE l.event > ? AND l.by != ? GROUP BY l.glitch HAVING count(DISTINCT l.label) > 1 ORDER BY g.id
        """,
        (event, MODEL),
    )
    return dict(rows.fetchall())


def authors_until(study: Study, glitches: Iterable[int], event: int) -> dict[int, str]:
    """Who gave each of these glitches the label that applied after an event; predictions do not count, unlabelled glitches are absent."""
    rows = study.connection.execute(
        """
        SELECT l.glitch, max(l.event), l.by FROM json_each(?) g JOIN labels l ON l.glitch = g.value
        WHERE l.by != ? AND l.event <= ? GROUP BY l.glitch
        """,  # SQLite takes the bare column from the row of the maximum
        (row_list(glitches), MODEL, event),
    )
    return {glitch: by for glitch, _, by in rows}


def label_sizes(study: Study) -> dict[str, int]:
    """Number of glitches of each label that applies to some; predictions do not count."""
    rows = study.connection.execute(
        """
        SELECT label, count(*) FROM (SELECT label, max(event) FROM labels WHERE by != ? GROUP BY glitch)
        GROUP BY label
        """,
        (MODEL,),
    )
    return dict(rows.fetchall())


def last_event(study: Study) -> int:
    """Number of the study's latest label event; 0 where there is none."""
    (event,) = study.connection.execute("SELECT coalesce(max(event), 0) FROM labels").fetchone()
    return int(event)


def decided_runs(study: Study, audit: int, glitch: int | None = None) -> dict[int, tuple[int, str, str]]:
    """Run, outcome and label of the latest decision by a person that is not undone, of each glitch or of one alone."""
    rows = study.connection.execute(
        """
        SELECT glitch, max(decision), run, outcome, label FROM decisions
        WHERE audit = ?1 AND (?2 IS NULL OR glitch = ?2) AND subject = '' AND run NOT IN (SELECT run FROM undone)
        GROUP BY glitch
        """,
        (audit, glitch),
    )
    return {row[0]: (row[2], row[3], row[4]) for row in rows}


def run_of_decision(study: Study, key: str) -> int | None:
    """Run that stored the decision of this key, finished or not; None where there is none."""
    row = study.connection.execute(
        """
        SELECT run FROM runs WHERE command = 'audit import' AND json_extract(arguments, '$.key') = ?
        AND run IN (SELECT run FROM decisions) LIMIT 1
        """,
        (key,),
    ).fetchone()
    return int(row[0]) if row else None


def is_undone(study: Study, run: int) -> bool:
    """Whether an import was undone."""
    return study.connection.execute("SELECT 1 FROM undone WHERE run = ?", (run,)).fetchone() is not None


def find_facts(study: Study, glitch: int) -> tuple[str, str, float | None, dict[str, Any]] | None:
    """Id, detector, GPS time (seconds) and metadata of a glitch (row number); None where there is none."""
    row = study.connection.execute(
        "SELECT id, coalesce(ifo, ''), gps, metadata FROM glitches WHERE glitch = ?", (glitch,)
    ).fetchone()
    if row is None:
        return None
    return (*row[:3], read_object(study.database, row[3], f"the metadata of glitch {glitch}"))


def facts_of(study: Study, glitches: Iterable[int]) -> list[tuple[int, str, str, float | None, float | None]]:
    """Rows (glitch, id, detector, GPS seconds, SNR) of these glitches in their order; the SNR is None where the metadata have none."""
    return study.connection.execute(
        """
        SELECT g.glitch, g.id, coalesce(g.ifo, ''), g.gps, CAST(json_extract(g.metadata, '$.snr') AS REAL)
        FROM json_each(?) wanted JOIN glitches g ON g.glitch = wanted.value ORDER BY wanted.key
        """,
        (row_list(glitches),),
    ).fetchall()


def doubts(study: Study, audit: int, glitches: Iterable[int]) -> dict[int, float | None]:
    """The probability that each of these glitches' label is wrong, by an audit (its number); None where it was not tested."""
    rows = study.connection.execute(
        "SELECT v.glitch, v.p_wrong FROM json_each(?) g JOIN verdicts v ON v.audit = ? AND v.glitch = g.value",
        (row_list(glitches), audit),
    )
    return dict(rows.fetchall())


def ids_of(study: Study, glitches: Iterable[int]) -> dict[int, str]:
    """The ids of these glitches, by row number."""
    rows = study.connection.execute(
        "SELECT glitch, id FROM glitches WHERE glitch IN (SELECT value FROM json_each(?))",
        (row_list(glitches),),
    )
    return dict(rows.fetchall())
