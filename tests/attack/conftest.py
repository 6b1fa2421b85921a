"""What the attacks count, printed as one table when they end: tried, survived, clear errors."""

from collections import defaultdict

import pytest

_COUNTS = defaultdict(lambda: [0, 0, 0])
_FAILURES = []


class Tally:
    """Counts the tries of one attack."""

    def add(self, attack, *, survived, clear, why=""):
        """Count a try: whether everything was whole after it, whether it ended in one clear error, and what was wrong."""
        if why:
            _FAILURES.append(f"{attack}: {why}")
        counts = _COUNTS[attack]
        counts[0] += 1
        counts[1] += bool(survived)
        counts[2] += bool(clear)


@pytest.fixture(scope="session")
def tally():
    return Tally()


def pytest_terminal_summary(terminalreporter):
    if not _COUNTS:
        return
    terminalreporter.section("attacks")
    rows = [
        ("attack", "tried", "survived", "clear errors"),
        *((name, *counts) for name, counts in sorted(_COUNTS.items())),
    ]
    rows.append(("all", *(sum(counts[place] for counts in _COUNTS.values()) for place in range(3))))
    for name, *counts in rows:
        terminalreporter.write_line(f"{name:<44}" + "".join(f"{value!s:>14}" for value in counts))
    for failure in _FAILURES:
        terminalreporter.write_line(failure)
