"""`index.html` of a study: what it holds, and every report, the newest first, with its answer.

The page links to the reports by relative paths, so a study that is moved as a whole keeps its links.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from discovery.overview.contents import read_contents
from discovery.pages.page import PageShell, rendered
from embed.errors import StudyError
from embed.storage import write_text
from embed.study.database import write_lock
from embed.study.reports import latest_reports
from embed.study.study import Study
from embed.study.sums import keep_sums

if TYPE_CHECKING:
    from pathlib import Path

    from discovery.overview.contents import Contents
    from embed.study.reports import Report

PAGE = "index.html"
HASHED = (".html", ".png", ".svg", ".pdf", ".md")
"""Endings of the files of reports whose hashes are kept."""
MOST_LABELS = 60
"""Labels that are listed, the most frequent ones; the others are counted."""


def refresh_index(folder: Path) -> None:
    """Write the page of the study in a folder, if there is one.

    While another process writes to the study nothing is done: that one writes the page when it is done.
    """
    if not (folder / "study.db").is_file():
        return
    with Study(folder) as study, suppress(StudyError), write_lock(study.folder, "index"):
        write_index(study)
        keep_hashes(study)


def keep_hashes(study: Study) -> None:
    """Keep the hashes of the study's rows, of its page, and of the pages and pictures of its reports; while its write lock is held.

    Tables (.csv) are left out: people fill them in. So is what lies outside the study's ``reports``.
    """
    inside = study.folder / "reports"
    files = {page: -1 for page in (study.folder / PAGE,) if page.is_file()}
    for report in reversed(latest_reports(study)):  # of folders that two runs wrote to, the later one counts
        if report.path.is_relative_to(inside) and report.path.parent != inside:
            paths = (path for path in report.path.parent.rglob("*") if path.suffix in HASHED and path.is_file())
            files |= dict.fromkeys(paths, report.run)
    keep_sums(study, files)


@dataclass(frozen=True)
class _Line:
    """A report as the page shows it."""

    title: str
    address: str
    answer: str
    date: str


def write_index(study: Study) -> Path:
    """Write the page into the study's folder; returns its path."""
    path = study.folder / PAGE
    write_text(path, index_html(read_contents(study), study.folder))
    return path


def index_html(contents: Contents, folder: Path) -> str:
    """Write the page.

    Parameters
    ----------
    contents : Contents
    folder : Path
        Of the study: where the page lies.

    Returns
    -------
    str
        The page; write it as UTF-8. The same study gives the same text.
    """
    named = sorted(((name, count) for name, count in contents.labels.items() if name), key=lambda item: (-item[1], item[0]))  # fmt: skip
    rest = named[MOST_LABELS:]
    return rendered(
        "overview/index.html",
        shell=PageShell(f"Study in {folder.parent.name}" if folder.name == "study" else f"Study {folder.name}"),
        contents=contents,
        held=_held(contents),
        reports=[_line(report, folder) for report in contents.reports],
        labels=named[:MOST_LABELS],
        other_labels=(len(rest), sum(count for _, count in rest)),
        next_step=contents.next_step(),
    )


def _held(contents: Contents) -> dict[str, str]:
    unlabelled = contents.labels.get("", 0)
    return {
        contents.nouns[1]: f"{contents.glitches:,}"
        + (f", {unlabelled:,} of them without a label" if unlabelled else ""),
        **({"generated glitches, not among them": f"{contents.generated:,}"} if contents.generated else {}),
        **({"pictures": f"{contents.views:,}"} if contents.nouns[1] != "pictures" else {}),
        "classes": f"{contents.classes:,}",
        "vectors": "; ".join(contents.vectors.values()) or "none yet",
        "models": ", ".join(contents.models) or "none yet",
        **({"generators": ", ".join(contents.generators)} if contents.generators else {}),
        "clusterings": f"{contents.clusterings:,}",
        "audits": f"{contents.audits:,}",
    }


def _line(report: Report, folder: Path) -> _Line:
    away = os.path.relpath(report.path, folder).replace(os.sep, "/")
    date = datetime.fromtimestamp(report.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return _Line(report.title, quote(away if away.startswith("../") else f"./{away}"), report.answer, date)
