"""The parser lines of the commands that keep a study whole and up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_check(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover check``."""
    check = commands.add_parser(
        "check",
        parents=[common],
        help="say whether everything that a study keeps is whole, and repair what can be",
        description="Check the database, the pictures, vectors, models, the cache and the reports against the hashes that were kept when they were written. Nothing is changed without --repair. The exit code is 0 where all is whole, 1 where something is damaged or missing.",
    )
    check.add_argument(
        "--repair",
        action="store_true",
        help="make again what can be made from what is whole (index, graph, rows, passports, cache, index.html), and keep hashes where an earlier version kept none; the rest is left as it is",
    )
