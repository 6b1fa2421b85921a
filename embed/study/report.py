"""What an ingest reports: rows added, rows skipped and why, warnings."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from embed.notebook import html_summary

Item = TypeVar("Item")


@dataclass(frozen=True)
class Skip:
    """A file, or a row of a table, that was not added, and why."""

    path: str
    reason: str


@dataclass
class IngestReport:
    """What an ingest did.

    Attributes
    ----------
    glitches, views, labels : int
        Rows added to the study.
    completed : int
        Table rows that gave a known glitch a time, a detector or metadata that the study had not.
    unchanged : int
        Files or table rows that are in the study already.
    repeated, relabelled : int
        Glitches that got a label event with the label that they had, and with another one.
    skipped : list of Skip
        What was not added, each with the reason.
    warnings : list of str
        What was added but is probably a mistake: labels with a typo.
    """

    glitches: int = 0
    views: int = 0
    labels: int = 0
    completed: int = 0
    unchanged: int = 0
    repeated: int = 0
    relabelled: int = 0
    skipped: list[Skip] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def _repr_html_(self) -> str:
        facts = {"glitches": self.glitches, "views": self.views, "labels": self.labels, "unchanged": self.unchanged}
        return html_summary(
            "Ingested", facts, ("skipped", "reason"), [(skip.path, skip.reason) for skip in self.skipped]
        )

    def skip(self, path: object, reason: str) -> None:
        """List something that was not added."""
        self.skipped.append(Skip(str(path), reason))


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
