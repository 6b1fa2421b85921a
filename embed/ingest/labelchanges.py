"""What an ingest did to the labels: which are as they were, which are others now, and which are new and probably a typo."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from embed.digits import counted
from embed.ingest.typos import typos
from embed.study.reviews import authors_until, labelled_since, labelled_twice, last_event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embed.study.report import IngestReport
    from embed.study.study import Study

_PAIRS = 5
"""Changes of a label that are told, the commonest first."""
_DECIDED = ("person", "volunteers", "audit")
"""Authors of labels that people decided."""


@contextmanager
def compare_labels(study: Study, report: IngestReport) -> Iterator[None]:
    """Compare the study's labels after the block with those before, and report which are as they were, other ones, or new and probably a typo."""
    before, event = dict(study.latest_labels(predicted=False)), last_event(study)
    yield
    after = dict(study.latest_labels(predicted=False))
    counts = Counter(after.values())
    report.warnings += typos(set(before.values()), dict(sorted(counts.items())))
    twice = labelled_twice(study, event)
    if twice:
        first, labels = next(iter(twice.items()))
        report.warnings.append(
            f"{counted(len(twice), 'glitch has', 'glitches have')} more than one label here, of which the last applies; the first is {first} ({labels.replace(',', ', ')})"
        )
    # a glitch that the block marked as generated has no label any more
    had = {
        glitch: before[glitch]
        for glitch in sorted(labelled_since(study, event))
        if before.get(glitch) and glitch in after
    }
    changes = {glitch: (label, after[glitch]) for glitch, label in had.items() if after[glitch] != label}
    report.repeated += len(had) - len(changes)
    report.relabelled += len(changes)
    if changes:
        by = authors_until(study, changes, event).values()
        report.warnings.append(_changes_sentence(list(changes.values()), sum(author in _DECIDED for author in by)))


def _changes_sentence(changes: list[tuple[str, str]], decided: int) -> str:
    """Say how many glitches have another label now, from which to which, and how many of the earlier ones were decisions."""
    commonest = Counter(changes).most_common()
    pairs = ", ".join(f"{old} to {new} ({count:,})" for (old, new), count in commonest[:_PAIRS])
    more = f" and {len(commonest) - _PAIRS} other changes" if len(commonest) > _PAIRS else ""
    people = (
        f"; {decided:,} of the earlier labels {'was' if decided == 1 else 'were'} given by people" if decided else ""
    )
    return f"{counted(len(changes), 'glitch has', 'glitches have')} another label now than before: {pairs}{more}{people}. The earlier labels stay on record"
