"""Where the parts of a command's work run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from embed.fleet.spread import here

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from discovery.commands.console import Terminal
    from embed.fleet.spread import Spread


@contextmanager
def spread_of(options: Namespace, terminal: Terminal) -> Iterator[Spread]:
    """Yield what computes parts: this process, or with ``--ray`` a cluster, which is joined when the first part needs it."""
    if options.ray is None:
        yield here
        return
    from embed.fleet.cluster import Fleet  # noqa: PLC0415 - an extra

    with Fleet(options.ray, joined=terminal.say) as fleet:
        yield fleet
