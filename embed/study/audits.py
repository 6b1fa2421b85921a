"""The tables of label audits in a study's database: audits, verdicts, subjects, decisions, and what was undone.

The tables are made when a study is first audited. They are append-only as the study's labels are: triggers refuse changes.
`audit.review.ledger` and `audit.answers.undo` give the rows their meaning.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from embed.storage import canonical_json
from embed.study.database import now
from embed.study.records import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from embed.study.records import Label
    from embed.study.study import Study

_TABLES = {
    "audits": """(          -- one row an audit
        audit INTEGER PRIMARY KEY,
        passport TEXT NOT NULL UNIQUE,
        run INTEGER NOT NULL REFERENCES runs,
        facts TEXT NOT NULL        -- JSON: what made it
    )""",
    "verdicts": """(        -- what an audit said of each glitch
        audit INTEGER NOT NULL REFERENCES audits,
        glitch INTEGER NOT NULL REFERENCES glitches,
        rank INTEGER NOT NULL,
        label TEXT NOT NULL,
        suggested TEXT NOT NULL,
        p_wrong REAL,              -- empty: not tested
        PRIMARY KEY (audit, glitch)
    )""",
    "subjects": """(        -- what volunteers are shown
        subject TEXT PRIMARY KEY,
        audit INTEGER NOT NULL REFERENCES audits,
        glitch INTEGER NOT NULL REFERENCES glitches,
        shown TEXT NOT NULL,       -- the label they are asked about
        control TEXT NOT NULL      -- '' asked in earnest; 'right' or 'planted': the answer is known
    )""",
    "decisions": """(       -- what people answered
        decision INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs,
        audit INTEGER NOT NULL REFERENCES audits,
        glitch INTEGER NOT NULL REFERENCES glitches,
        subject TEXT NOT NULL,     -- '' where the audit's table was answered
        by TEXT NOT NULL,          -- person, volunteers
        outcome TEXT NOT NULL,     -- right, wrong, unsure
        label TEXT NOT NULL,       -- the right label where it was named
        event INTEGER REFERENCES labels, -- the label event that it became
        at INTEGER NOT NULL
    )""",
    "restored": "(event INTEGER PRIMARY KEY REFERENCES labels, run INTEGER NOT NULL REFERENCES runs)",
    "undone": "(run INTEGER PRIMARY KEY REFERENCES runs, by_run INTEGER NOT NULL REFERENCES runs)",
}
"""Name -> columns. The text is stored in the database as it is: changing a comment changes new studies' bytes."""


def prepare_audits(study: Study) -> None:
    """Make the tables that do not exist yet; within `Study.run`."""
    with study.transaction():
        for statement in audit_statements():
            study.connection.execute(statement)


def audit_statements() -> Iterator[str]:
    """SQL that makes the tables that do not exist yet, and their triggers."""
    for name, columns in _TABLES.items():
        yield f"CREATE TABLE IF NOT EXISTS {name} {columns}"
        for verb in ("DELETE", "UPDATE"):
            yield f"CREATE TRIGGER IF NOT EXISTS {name}_no_{verb.lower()} BEFORE {verb} ON {name} BEGIN SELECT RAISE(ABORT, '{name} are append-only'); END"


def has_audits(study: Study) -> bool:
    """Whether the study was ever audited."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'audits'"
    return study.connection.execute(query).fetchone() is not None


def count_audits(study: Study) -> int:
    """Count the audits."""
    return int(study.connection.execute("SELECT count(*) FROM audits").fetchone()[0]) if has_audits(study) else 0


def count_decisions(study: Study) -> int:
    """Count the answers to audits that are not undone."""
    query = "SELECT count(*) FROM decisions WHERE run NOT IN (SELECT run FROM undone)"
    return int(study.connection.execute(query).fetchone()[0]) if has_audits(study) else 0


# Audits


def insert_audit(
    study: Study,
    run: int,
    passport: str,
    facts: dict[str, Any],
    *,
    verdicts: Iterable[tuple[int, int, str, str, float | None]],
    subjects: Iterable[tuple[str, int, str, str]],
) -> bool:
    """Store an audit in one transaction, unless the study has one of this passport.

    Parameters
    ----------
    study : Study
    run : int
    passport : str
    facts : dict
        Stored as JSON.
    verdicts : iterable of (glitch, rank, label, suggested, p_wrong)
    subjects : iterable of (key, glitch, label shown, control)

    Returns
    -------
    bool
        Whether it is new.
    """
    with study.transaction():
        execute, many = study.connection.execute, study.connection.executemany
        if execute("SELECT 1 FROM audits WHERE passport = ?", (passport,)).fetchone():
            return False
        cursor = execute(
            "INSERT INTO audits (passport, run, facts) VALUES (?, ?, ?)", (passport, run, canonical_json(facts))
        )
        number = cursor.lastrowid
        many(
            "INSERT INTO verdicts (audit, glitch, rank, label, suggested, p_wrong) VALUES (?, ?, ?, ?, ?, ?)",
            ((number, *verdict) for verdict in verdicts),
        )
        many(
            "INSERT INTO subjects (subject, audit, glitch, shown, control) VALUES (?, ?, ?, ?, ?)",
            ((key, number, *rest) for key, *rest in subjects),
        )
    return True


def select_audit(study: Study, passport: str) -> tuple[int, dict[str, Any]] | None:
    """Number and facts of the audit of this passport; None where the study has none."""
    if not has_audits(study):
        return None
    row = study.connection.execute("SELECT audit, facts FROM audits WHERE passport = ?", (passport,)).fetchone()
    return (row[0], json.loads(row[1])) if row else None


def latest_audit(study: Study) -> tuple[int, str] | None:
    """Number and passport of the latest audit; None where the study has none."""
    if not has_audits(study):
        return None
    row = study.connection.execute("SELECT audit, passport FROM audits ORDER BY audit DESC LIMIT 1").fetchone()
    return None if row is None else (int(row[0]), str(row[1]))


def select_verdicts(study: Study, audit: int) -> list[tuple[str, int, int, str, str, float | None]]:
    """Rows (id, glitch, rank, label, suggested, p_wrong) of an audit."""
    return study.connection.execute(
        "SELECT g.id, v.glitch, v.rank, v.label, v.suggested, v.p_wrong FROM verdicts v JOIN glitches g USING (glitch) WHERE v.audit = ?",
        (audit,),
    ).fetchall()


def select_subjects(study: Study, audit: int) -> list[tuple[str, int, str, str]]:
    """Rows (key, glitch, label shown, control) of an audit."""
    return study.connection.execute(
        "SELECT subject, glitch, shown, control FROM subjects WHERE audit = ?", (audit,)
    ).fetchall()


# Decisions


def select_decisions(study: Study, audit: int) -> list[tuple[int, str, str, str, str]]:
    """Rows (glitch, subject, by, outcome, label) of an audit whose import is not undone, the oldest first."""
    return study.connection.execute(
        "SELECT glitch, subject, by, outcome, label FROM decisions WHERE audit = ? AND run NOT IN (SELECT run FROM undone) ORDER BY decision",
        (audit,),
    ).fetchall()


def insert_decision(
    study: Study, run: int, audit: int, decision: tuple[int, str, str, str, str], event: int | None
) -> None:
    """Store a decision (glitch, subject, by, outcome, label) and the label event that it became."""
    study.connection.execute(
        "INSERT INTO decisions (run, audit, glitch, subject, by, outcome, label, event, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (run, audit, *decision, event, now()),
    )


def insert_label(study: Study, glitch: int, label: Label) -> int:
    """Append a label event even where the label is the glitch's already; returns the event."""
    cursor = study.connection.execute(
        "INSERT INTO labels (glitch, label, by, source, confidence, at, why) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (glitch, label.label, label.by, label.source, label.confidence, now(), label.why),
    )
    return int(cursor.lastrowid or 0)


def current_labels(study: Study) -> dict[int, tuple[int, str]]:
    """The event and the label that each labelled glitch has now; predictions do not count."""
    rows = study.connection.execute(
        "SELECT glitch, max(event), label FROM labels WHERE by != ? GROUP BY glitch", (MODEL,)
    )  # SQLite takes the bare column from the row of the maximum
    return {row[0]: (row[1], row[2]) for row in rows}


# Undoing an import


def last_import(study: Study, run: int | None = None) -> tuple[int, str] | None:
    """Run and file of the last import of answers (or of that of `run`) that is not undone; None where there is none."""
    if not has_audits(study):
        return None
    execute = study.connection.execute
    (run,) = execute(
        "SELECT max(run) FROM decisions WHERE run NOT IN (SELECT run FROM undone) AND (?1 IS NULL OR run = ?1)", (run,)
    ).fetchone()
    if run is None:
        return None
    (file,) = execute("SELECT json_extract(arguments, '$.file') FROM runs WHERE run = ?", (run,)).fetchone()
    return int(run), str(file)


def imported_events(study: Study, run: int) -> list[tuple[int, int]]:
    """Rows (glitch, event) of the label events that an import wrote."""
    return study.connection.execute(
        "SELECT glitch, event FROM decisions WHERE run = ? AND event IS NOT NULL", (run,)
    ).fetchall()


def label_history(study: Study, glitch: int) -> list[tuple[int, str]]:
    """Rows (event, label) of a glitch, the latest first, without undone imports and what undoing restored."""
    return study.connection.execute(
        """
        SELECT event, label FROM labels WHERE glitch = ? AND by != ? AND event NOT IN (SELECT event FROM restored)
        AND event NOT IN (SELECT event FROM decisions WHERE event IS NOT NULL AND run IN (SELECT run FROM undone))
        ORDER BY event DESC
        """,
        (glitch, MODEL),
    ).fetchall()


def insert_restored(study: Study, event: int, run: int) -> None:
    """Note that a label event restores what an undone import had changed."""
    study.connection.execute("INSERT INTO restored (event, run) VALUES (?, ?)", (event, run))


def insert_undone(study: Study, run: int, by_run: int) -> None:
    """Note that an import is undone, and by which run."""
    study.connection.execute("INSERT INTO undone (run, by_run) VALUES (?, ?)", (run, by_run))
