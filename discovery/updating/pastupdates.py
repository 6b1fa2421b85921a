"""The updates of clusters that a study has had, as their runs keep them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from embed.study.clusterings import finished_clusterings
from embed.study.reports import latest_reports

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from discovery.certificates.certificate import Certificate
    from discovery.updating.changes import Proposal
    from embed.study.study import Study


class Birth(NamedTuple):
    """A new cluster: its number in the study, its glitches, and the verdict on it."""

    cluster: int
    size: int
    verdict: str


@dataclass(frozen=True)
class PastUpdate:
    """One update.

    Attributes
    ----------
    label : str
    glitches, changes : int
        New glitches, and proposed changes.
    births : tuple of Birth
    page : Path or None
        None where it was deleted.
    """

    label: str
    glitches: int
    changes: int
    births: tuple[Birth, ...]
    page: Path | None


def report_title(label: str) -> str:
    """Return the title of an update's page."""
    return f"Update of {label}"


def update_facts(
    of: int, glitches: int, births: Sequence[Certificate], changes: Sequence[Proposal], waiting: int
) -> dict[str, Any]:
    """Return what the run of an update keeps beside the arguments of the clustering `of`, as JSON values."""
    born = [Birth(own.cluster, own.size, own.verdict) for own in births]
    return {"update_of": of, "new": glitches, "births": born, "changes": len(changes), "waiting": waiting}


def past_updates(study: Study, since: int) -> list[PastUpdate]:
    """List the finished updates whose run is greater than `since`, the oldest first; those of an earlier version kept no facts and are left out."""
    pages = {report.title: report.path for report in reversed(latest_reports(study))}
    return [
        PastUpdate(
            label=arguments["label"],
            glitches=arguments["new"],
            changes=arguments["changes"],
            births=tuple(Birth(*own) for own in arguments["births"]),
            page=pages.get(report_title(arguments["label"])),
        )
        for run, arguments in reversed(finished_clusterings(study))
        if run > since and "new" in arguments
    ]
