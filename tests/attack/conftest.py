"""What the attacks count, printed as one table when they end."""

from collections import defaultdict

import pytest

COLUMNS = ("tried", "survived", "clear errors", "lost", "seconds")
_COUNTS = defaultdict(lambda: dict.fromkeys(COLUMNS, 0))
_FAILURES = []


class Tally:
    """Counts the tries of one attack."""

    def add(self, attack, *, survived, clear, lost=False, why=""):
        """Count a try: whether it ended well, whether it ended in one clear error, whether something was lost by it, and what was wrong."""
        if why:
            _FAILURES.append(f"{attack}: {why}")
        counts = _COUNTS[attack]
        for name, more in zip(COLUMNS, (1, survived, clear, lost), strict=False):
            counts[name] += bool(more)

    def spend(self, attack, seconds):
        """Count how long it took."""
        _COUNTS[attack]["seconds"] += seconds


@pytest.fixture(scope="session")
def tally():
    return Tally()


def pytest_terminal_summary(terminalreporter):
    if not _COUNTS:
        return
    terminalreporter.section("attacks")
    rows = [(name, *counts.values()) for name, counts in sorted(_COUNTS.items())]
    rows.append(("all", *(sum(counts[name] for counts in _COUNTS.values()) for name in COLUMNS)))
    for name, *counts in (("attack", *COLUMNS), *rows):
        cells = (value if isinstance(value, str) else f"{value:.0f}" for value in counts)
        terminalreporter.write_line(f"{name:<44}" + "".join(f"{cell:>14}" for cell in cells))
    for failure in _FAILURES:
        terminalreporter.write_line(failure)
