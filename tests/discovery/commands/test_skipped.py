"""What is printed of files that were left out."""

from pathlib import Path

import pytest

from discovery.commands.console import Terminal
from discovery.commands.ingest import show_skipped
from embed.study.report import IngestReport, Skip


@pytest.mark.parametrize(
    ("skips", "shown"),
    [
        ([(f"a{row}.png", "empty") for row in range(20)], ["a0.png", "a19.png"]),
        (
            [(f"a{row}.png", "empty") for row in range(1234)] + [("b.png", "cut off")],
            ["Skipped 1,235", "reason", "empty", "1,234", "a0.png", "cut off", "b.png", "all are in list.csv"],
        ),
        ([(f"a{row}.png", f"reason {row}") for row in range(21)], ["a19.png", "... and 1 more, all in list.csv"]),
        (
            [(f"a{row}.png", f"reason {row % 21}") for row in range(22)],
            ["reason 0 ", "... and 1 more reason; all are in list.csv"],
        ),
    ],
)
def test_many_skipped_files_are_shown_by_their_reasons(capsys, skips, shown):
    report = IngestReport(skipped=[Skip(path, reason) for path, reason in skips])
    show_skipped(Terminal(as_json=False), report, Path("list.csv"))
    out = capsys.readouterr().out
    assert all(part in out for part in shown)
    assert len(out.splitlines()) <= 30
