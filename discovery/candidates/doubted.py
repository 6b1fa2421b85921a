"""Members of a cluster that the latest audit doubts, and members that are left out of a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discovery.candidates.naming import Chosen, members_of, noun
from embed.errors import InputError
from embed.study.audits import has_audits, latest_audit
from embed.study.reviews import DOUBTED, decided_runs, doubts, given_labels, select_verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embed.study.reviews import QueueRow
    from embed.study.study import Study
    from embed.types import Rows

_NAMED = 8
"""Members that the message names."""


def doubted(study: Study, glitches: Rows, name: str) -> list[QueueRow]:
    """Return the verdicts on glitches whose present label is more likely wrong than not by the study's latest audit, the most doubtful first.

    Parameters
    ----------
    study : Study
    glitches : ndarray of int64
        Row numbers.
    name : str
        The label that they are to get: who is doubted in favour of it is not meant. Nor is who was decided on, or has got another
        label since the audit.
    """
    audit = latest_audit(study) if has_audits(study) else None
    if audit is None:
        return []
    number, members = audit[0], glitches.tolist()
    decided, labels = decided_runs(study, number), given_labels(study, members)
    likely = [
        glitch
        for glitch, p_wrong in doubts(study, number, members).items()
        if p_wrong is not None and p_wrong >= DOUBTED and glitch not in decided
    ]
    found = (select_verdict(study, number, glitch) for glitch in likely)
    kept = [
        row
        for row in found
        if row is not None
        and row.suggested != name
        and (labels[row.glitch].label if row.glitch in labels else "") == row.label
    ]
    return sorted(kept, key=lambda row: row.rank)


def doubted_sentence(rows: Sequence[QueueRow], members: int) -> str:
    """Say which of the members are doubted, and how to leave them out."""
    named = ", ".join(f"{row.id} ({row.suggested}, {row.p_wrong:.3f})" for row in rows[:_NAMED])
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return (
        f"{len(rows)} of the {members} members {'is' if len(rows) == 1 else 'are'} doubted by the audit: {named}{more}; "
        f"--without {rows[0].id} leaves one out, and in `discover explore` members are unticked"
    )


def all_but(study: Study, cluster: int | str, ids: Sequence[str], label: str | None = None) -> Chosen:
    """Choose the members of a cluster that are not named.

    Raises
    ------
    InputError
        An id is no member's, or none is left; as `members_of`.
    """
    run, _, members = members_of(study, cluster, label)
    names = study.ids()
    rows = {names[glitch]: glitch for glitch in members.tolist()}
    for identifier in ids:
        if identifier not in rows:
            raise InputError(f"{identifier!r} is no member of {noun(cluster)}; give ids as clusters.csv has them")
    left = [glitch for identifier, glitch in rows.items() if identifier not in ids]
    if not left:
        raise InputError(f"--without names all {len(rows)} members of {noun(cluster)}; leave out fewer")
    return Chosen(run, left)
