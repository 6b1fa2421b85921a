"""The check of reports and of ``index.html``: each by the hash that was kept when the command that wrote it ended."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from discovery.integrity.finding import DAMAGED, FINE, MISSING, REPAIR, Finding, compared
from discovery.overview.index import PAGE, keep_hashes, write_index
from embed.study.study import Study
from embed.study.sums import SUMS, read_sums, sums_are_damaged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def check_pages(study: Study, advance: Callable[[int], None]) -> list[Finding]:
    """Check the pages and pictures that people read; tables (.csv) are theirs to fill in, and are not checked.

    Parameters
    ----------
    study : Study
    advance : callable
        Called with the bytes of each file.
    """
    sums = read_sums(study.folder)
    keep = partial(_keep, study.folder)
    if sums is None and sums_are_damaged(study.folder):
        return [
            Finding(
                SUMS,
                DAMAGED,
                "the kept hashes of rows and pages are damaged",
                f"{REPAIR}, from the rows as they are now",
                keep,
            )
        ]
    if sums is None:
        what = "no hashes of rows and pages are kept yet: the next command that writes to the study, or --repair, adds them"
        return [Finding("reports", FINE, what, mend=keep)]
    commands = dict(study.connection.execute("SELECT run, command FROM runs").fetchall())
    found, whole, gone = [], 0, 0
    for name, (run, sha256) in sums["files"].items():
        path = study.folder / name
        is_index = name == PAGE
        if not path.is_file():
            gone += not is_index
            if is_index:
                found.append(Finding(PAGE, MISSING, "is not there", REPAIR, partial(_rewrite, study.folder)))
            continue
        advance(path.stat().st_size)
        what = compared(path, sha256, "it was written" if is_index else f"run {run} wrote it")
        if not what:
            whole += 1
        elif is_index:
            found.append(Finding(PAGE, DAMAGED, what, REPAIR, partial(_rewrite, study.folder)))
        else:
            remedy = f"run `discover {commands.get(run, 'COMMAND')}` again, which writes it again"
            found.append(Finding(f"report {name}", DAMAGED, what, remedy))
    deleted = f"; {gone:,} were deleted or moved" if gone else ""
    return [Finding("reports", FINE, f"{whole:,} pages and pictures by their hashes{deleted}"), *found]


def _rewrite(folder: Path) -> str:
    with Study(folder) as study:
        write_index(study)
        keep_hashes(study)
    return f"wrote {PAGE}"


def _keep(folder: Path) -> str:
    with Study(folder) as study:
        keep_hashes(study)
    return f"wrote {SUMS}"
