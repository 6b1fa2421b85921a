"""Votes become decisions where enough volunteers agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.answers.precision import Score, score_controls
from audit.answers.vocabulary import UNSURE, WRONG, Answer
from audit.review.ledger import ASKED, Decision, find_audit, subjects_of, verdicts_by_id
from embed.digits import counted
from embed.errors import InputError

if TYPE_CHECKING:
    from audit.answers.vocabulary import Vocabulary
    from audit.answers.zooniverse import Vote, Votes
    from audit.review.ledger import Audit, Subject, Verdict
    from embed.study.study import Study

MIN_VOTES = 3
"""Votes that a decision needs; Gravity Spy retires a subject with two and a classifier's prior, its vetting workflow with five."""
MIN_SHARE = 2 / 3
"""Share of the votes that must agree."""
VOLUNTEERS = "volunteers"


@dataclass(frozen=True)
class Consensus:
    """The decisions of an export.

    Attributes
    ----------
    audit : Audit
    decisions : list of Decision
        Including those on controls.
    controls : Score
    notes : list of str
        What was ignored or is undecided, with counts.
    """

    audit: Audit
    decisions: list[Decision]
    controls: Score
    notes: list[str]


def audit_of_votes(study: Study, found: Votes, name: str) -> Audit:
    """Return the one audit of this study that the votes are about.

    Parameters
    ----------
    study : Study
    found : Votes
    name : str
        The file, for messages.

    Raises
    ------
    InputError
        When there is no vote, no vote on an audit of this study, or votes on several of them.
    """
    if not found.votes:
        raise InputError(
            f"{name} holds no answer to an audit: none of its {found.elsewhere + found.unanswered} classifications carries both an answer and #discover_subject; export the workflow that the manifest was uploaded to"
        )
    audits = sorted({vote.audit for vote in found.votes})
    ours = [audit for passport in audits if (audit := find_audit(study, passport)) is not None]
    if not ours:
        first = found.votes[0]
        raise InputError(
            f"{first.where}: answers to audit {first.audit[:60]!r}, which is none of the study {study.folder}; give the study it came from with --study"
        )
    if len(ours) > 1:
        names = ", ".join(audit.passport for audit in ours)
        raise InputError(
            f"{name} holds answers to {len(ours)} audits of this study ({names}); export each workflow separately"
        )
    return ours[0]


def consensus(study: Study, audit: Audit, found: Votes, vocabulary: Vocabulary) -> Consensus:
    """Turn votes into decisions: at least `MIN_VOTES` that are not unsure, and `MIN_SHARE` of them equal.

    Raises
    ------
    InputError
        With the line: a subject that the audit never showed, or an answer that is not understood.
    """
    subjects = subjects_of(study, audit)
    verdicts = {verdict.glitch: verdict for verdict in verdicts_by_id(study, audit).values()}
    answers: dict[str, list[Answer]] = {}
    ours = [vote for vote in found.votes if vote.audit == audit.passport]
    for vote in ours:
        subject = _known(subjects, vote, audit)
        answers.setdefault(vote.subject, []).append(vocabulary.read(vote.text, subject.shown, "", vote.where))
    decisions, undecided = [], 0
    for key, votes in answers.items():
        decision = _decide(audit, subjects[key], votes, verdicts)
        if decision is not None:
            decisions.append(decision)
        else:
            undecided += subjects[key].control == ASKED
    counts = (
        (
            undecided,
            "glitch is",
            "glitches are",
            f"undecided: fewer than {MIN_VOTES} votes, or fewer than two thirds agree",
        ),
        (found.elsewhere, "classification", "classifications", "of other subjects ignored"),
        (len(found.votes) - len(ours), "vote", "votes", "on audits of other studies ignored"),
        (found.repeated, "later vote", "later votes", "of a volunteer on the same subject ignored"),
        (found.unanswered, "classification carries", "classifications carry", "no answer"),
    )
    notes = [f"{counted(count, one, several)} {what}" for count, one, several, what in counts if count]
    return Consensus(audit, decisions, score_controls(answers, subjects, verdicts), notes)


def _known(subjects: dict[str, Subject], vote: Vote, audit: Audit) -> Subject:
    if vote.subject not in subjects:
        raise InputError(
            f"{vote.where}: subject {vote.subject[:40]!r} is none of those that {audit.passport} showed; was the manifest edited?"
        )
    return subjects[vote.subject]


def _decide(audit: Audit, subject: Subject, votes: list[Answer], verdicts: dict[int, Verdict]) -> Decision | None:
    sure = [vote for vote in votes if vote.outcome != UNSURE]
    if len(sure) < MIN_VOTES:
        return None
    answer, count = Counter(sure).most_common(1)[0]
    doubted = sum(vote.outcome == WRONG for vote in sure)
    if count < MIN_SHARE * len(sure) <= doubted:
        answer, count = Answer(WRONG, ""), doubted  # they agree that it is wrong, not which class it is
    if count < MIN_SHARE * len(sure):
        return None
    why = verdicts[subject.glitch].why(audit.passport, f"{count} of {len(sure)} volunteers")
    return Decision(subject.glitch, subject.key, VOLUNTEERS, answer.outcome, answer.label, count / len(sure), why)
