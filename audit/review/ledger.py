"""What the study remembers of its audits: every verdict, what volunteers were shown, every answer, every undoing.

The tables stand beside the study's own and are append-only as its labels are: triggers refuse changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embed.storage import canonical_json
from embed.study.database import now

if TYPE_CHECKING:
    from collections.abc import Iterable

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

SUBJECT = "#discover_subject"
"""The manifest's hidden column that names what volunteers are shown."""
AUDIT = "#discover_audit"
"""The manifest's hidden column that names the audit."""
DECISION = "decision"
"""The column that answers are written to."""
EXPECTED = f"the audit's table with a column {DECISION!r}, or Zooniverse's classification export"
"""What a file of answers should be, for the message about an empty one."""
ASKED = ""
"""The `control` of a subject that is asked in earnest."""


@dataclass(frozen=True)
class Audit:
    """An audit that the study remembers: its number, passport, and what made it."""

    number: int
    passport: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What an audit said of one glitch."""

    glitch: int
    rank: int
    label: str
    suggested: str
    p_wrong: float | None

    def why(self, passport: str, who: str) -> str:
        """Say what a label event rests on."""
        doubt = "untested" if self.p_wrong is None else f"p_wrong {self.p_wrong:.3f}"
        return f"{passport}, rank {self.rank}, {doubt}: answered by {who}"


@dataclass(frozen=True)
class Subject:
    """One row that volunteers are shown.

    Attributes
    ----------
    key : str
        Tells nothing; stands in the manifest.
    glitch : int
    shown : str
        The label they are asked about.
    control : str
        Empty where they are asked in earnest; ``right`` or ``planted`` where the answer is known.
    """

    key: str
    glitch: int
    shown: str
    control: str


@dataclass(frozen=True)
class Decision:
    """What people decided on one glitch.

    Attributes
    ----------
    glitch : int
    subject : str
        Key of the volunteers' row, empty where the table was answered.
    by : str
        ``person`` or ``volunteers``.
    outcome : str
        ``right``, ``wrong`` or ``unsure``: the label that was asked about.
    label : str
        The right label, empty where nobody named it.
    confidence : float or None
        Share of the votes.
    why : str
    """

    glitch: int
    subject: str
    by: str
    outcome: str
    label: str
    confidence: float | None = None
    why: str = ""


def prepare(study: Study) -> None:
    """Make the tables where they are not there yet; within `Study.run`."""
    with study.transaction():
        for name, columns in _TABLES.items():
            study.connection.execute(f"CREATE TABLE IF NOT EXISTS {name} {columns}")
            for verb in ("DELETE", "UPDATE"):
                study.connection.execute(
                    f"CREATE TRIGGER IF NOT EXISTS {name}_no_{verb.lower()} BEFORE {verb} ON {name} BEGIN SELECT RAISE(ABORT, '{name} are append-only'); END"
                )


def is_prepared(study: Study) -> bool:
    """Whether the study has ever been audited."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'audits'"
    return study.connection.execute(query).fetchone() is not None


def remember(
    study: Study,
    run: int,
    passport: str,
    facts: dict[str, Any],
    verdicts: Iterable[Verdict],
    subjects: Iterable[Subject],
) -> None:
    """Store an audit with all of its verdicts and the volunteers' rows; the same audit once more adds nothing."""
    prepare(study)
    with study.transaction():
        execute = study.connection.execute
        if execute("SELECT 1 FROM audits WHERE passport = ?", (passport,)).fetchone():
            return
        cursor = execute(
            "INSERT INTO audits (passport, run, facts) VALUES (?, ?, ?)", (passport, run, canonical_json(facts))
        )
        number = cursor.lastrowid
        study.connection.executemany(
            "INSERT INTO verdicts (audit, glitch, rank, label, suggested, p_wrong) VALUES (?, ?, ?, ?, ?, ?)",
            ((number, v.glitch, v.rank, v.label, v.suggested, v.p_wrong) for v in verdicts),
        )
        study.connection.executemany(
            "INSERT INTO subjects (subject, audit, glitch, shown, control) VALUES (?, ?, ?, ?, ?)",
            ((s.key, number, s.glitch, s.shown, s.control) for s in subjects),
        )


def find_audit(study: Study, passport: str) -> Audit | None:
    """Return the audit of this passport; None where the study remembers none."""
    if not is_prepared(study):
        return None
    row = study.connection.execute("SELECT audit, facts FROM audits WHERE passport = ?", (passport,)).fetchone()
    return Audit(row[0], passport, json.loads(row[1])) if row else None


def verdicts_by_id(study: Study, audit: Audit) -> dict[str, Verdict]:
    """Every verdict of an audit, by the glitch's id."""
    rows = study.connection.execute(
        "SELECT g.id, v.glitch, v.rank, v.label, v.suggested, v.p_wrong FROM verdicts v JOIN glitches g USING (glitch) WHERE v.audit = ?",
        (audit.number,),
    )
    return {row[0]: Verdict(*row[1:]) for row in rows}


def subjects_of(study: Study, audit: Audit) -> dict[str, Subject]:
    """What volunteers were shown of an audit, by key."""
    rows = study.connection.execute(
        "SELECT subject, glitch, shown, control FROM subjects WHERE audit = ?", (audit.number,)
    )
    return {row[0]: Subject(*row) for row in rows}


def live_decisions(study: Study, audit: Audit) -> dict[tuple[int, str, str], Decision]:
    """The latest decision that is not undone, by glitch, subject and author."""
    rows = study.connection.execute(
        "SELECT glitch, subject, by, outcome, label FROM decisions WHERE audit = ? AND run NOT IN (SELECT run FROM undone) ORDER BY decision",
        (audit.number,),
    )
    return {(row[0], row[1], row[2]): Decision(*row) for row in rows}


def current_labels(study: Study) -> dict[int, tuple[int, str]]:
    """The event and the label that each labelled glitch has now."""
    rows = study.connection.execute(
        "SELECT glitch, max(event), label FROM labels WHERE by != 'model' GROUP BY glitch"
    )  # SQLite takes the bare column from the row of the maximum
    return {row[0]: (row[1], row[2]) for row in rows}


def add_decisions(study: Study, run: int, audit: Audit, decisions: Iterable[Decision], source: str) -> int:
    """Store decisions, and as label events those that name a label and were asked in earnest; within one transaction.

    Returns
    -------
    int
        Label events added.
    """
    control = {key for key, subject in subjects_of(study, audit).items() if subject.control != ASKED}
    execute = study.connection.execute
    events = 0
    for decision in decisions:
        event = None
        if decision.label and decision.outcome != "unsure" and decision.subject not in control:
            event = execute(
                "INSERT INTO labels (glitch, label, by, source, confidence, at, why) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (decision.glitch, decision.label, decision.by, source, decision.confidence, now(), decision.why),
            ).lastrowid
            events += 1
        execute(
            "INSERT INTO decisions (run, audit, glitch, subject, by, outcome, label, event, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run,
                audit.number,
                decision.glitch,
                decision.subject,
                decision.by,
                decision.outcome,
                decision.label,
                event,
                now(),
            ),
        )
    return events
