"""What has changed in a study since a report was written, as far as it is known: why one that is made again may differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.digits import counted
from embed.study.moments import HELD, VERSIONS, relabelled_since, what_computes
from embed.study.reports import latest_reports, writers

if TYPE_CHECKING:
    from discovery.verification.reports import StoredReport
    from embed.study.study import Study

_READ_BY_MAPS = ("report.html", "novel.png")
"""Pages beside which lie tables that a map reads: of `discover cluster` and of `discover novel`."""


def labels_since(study: Study, report: StoredReport) -> str:
    """Say how many labels have changed since a report that was made again of the labels as they were; empty where none has."""
    count = relabelled_since(study, report.run)
    if not count:
        return ""
    made = "were" if report.kind == "clusters" else "was"
    return f"{counted(count, 'glitch has', 'glitches have')} another label since; the {report.kind} {made} made again of the labels as they were"


def known_reasons(study: Study, report: StoredReport) -> list[str]:
    """Say why a report that was made again may differ from the one that is there; empty where nothing is known."""
    kept, said = report.arguments, []
    if HELD not in kept:
        lost = {"clusters": "", "audit": "its command line, ", "map": "--color, --landmarks, "}[report.kind]
        said.append(
            f"run {report.run} is of an earlier version, which did not keep {lost}versions and what the study held"
        )
    then, now = kept.get(VERSIONS, {}), what_computes()
    said += [f"{name} was {then[name]} and is {now.get(name, 'none')}" for name in then if then[name] != now.get(name)]
    if report.kind == "map":
        earlier = [str(run) for run in writers(study, report.run) if run < report.run]
        if earlier:
            said.append(
                f"the map may have kept places of earlier ones (run {', '.join(earlier)}), of which not all is known"
            )
        read = [one.run for one in latest_reports(study) if one.run > report.run and one.path.name in _READ_BY_MAPS]
        if read:
            runs = ", ".join(map(str, sorted(read)))
            said.append(f"tables that the map reads were written since: clusters or oddness (run {runs})")
    return said
