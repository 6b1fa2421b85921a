"""Whether an audit comes out the same when it is made again, and where it does not, which flags differ and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from discovery.verification.comparison import Comparison, same_files
from discovery.verification.reports import TABLES
from embed.csvfile import CsvFile, restored
from embed.digits import counted
from embed.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

FLAGS = TABLES["audit"]
PASSPORT = "passport.json"
DECISION = "decision"
_TOLD = {
    "labels sha256": "the labels are others than those that were audited",
    "vectors asked": "the vectors were made anew since, of other glitches or pictures",
}
"""Fact of an audit -> what it means that it differs."""
_RESULTS = {"passport", "outcome sha256", "listed"}
"""What follows from the other facts."""


def compare_audits(report: Path, again: Path) -> Comparison:
    """Compare two folders of `discover audit`; figures are not made again.

    Parameters
    ----------
    report, again : Path
        The audit as it is, and the one that was made again.

    Raises
    ------
    InputError
        When its table or passport cannot be read.
    """
    files = same_files(report, again, (".", "volunteers"))
    before, decisions = _flags(report)
    after, _ = _flags(again)
    old, new = set(before), set(after)
    same, gone, come = len(old & new), len(old - new), len(new - old)
    answer = (
        "same flags" if old == new else f"{counted(same, 'flag is', 'flags are')} the same, {gone:,} gone, {come:,} new"
    )
    said = []
    if decisions:
        said.append(f"{counted(decisions, 'decision was', 'decisions were')} written into {FLAGS}")
    if not all(files.values()):
        said += _reasons(_passport(report), _passport(again))
    if old == new and not files[FLAGS] and not said:
        order = "in the same order" if before == after else "in another order"
        said.append(f"the flags are the same, {order}; columns of the table differ, such as probabilities or paths")
    return Comparison(files, answer, said, {"flags_same": same, "flags_gone": gone, "flags_new": come})


def _flags(folder: Path) -> tuple[list[str], int]:
    """Return the ids of an audit's list, by rank, and how many decisions were written into it."""
    rows = [row.cells for row in CsvFile(folder / FLAGS, "the table of an audit").rows()]
    if rows and "id" not in rows[0]:
        raise InputError(f"{folder / FLAGS} has no column id; make the audit again with `discover audit`")
    return [restored(cells["id"]) for cells in rows], sum(bool(cells.get(DECISION, "").strip()) for cells in rows)


def _passport(folder: Path) -> dict[str, Any]:
    try:
        facts = json.loads((folder / PASSPORT).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{folder / PASSPORT} cannot be read ({error}); make the audit again with `discover audit`"
        ) from error
    return dict(facts)


def _reasons(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Say which facts of the passports differ."""
    differ = [name for name in sorted({*before, *after} - _RESULTS) if before.get(name) != after.get(name)]
    return [
        _TOLD.get(name, f"{name}: {_short(before.get(name))} then, {_short(after.get(name))} now") for name in differ
    ]


def _short(value: object) -> str:
    return f"{value:.9g}" if isinstance(value, float) else str(value)
