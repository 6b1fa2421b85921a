"""What a study holds: counts, models, audits, clusterings, reports, and what to do next."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embed.generator.place import generator_names
from embed.gravityspy import NONE_OF_THE_ABOVE
from embed.network.sources import models
from embed.study.audits import count_audits, count_decisions
from embed.study.nouns import nouns
from embed.study.reports import latest_reports
from embed.vectors.passport import describe_vectors
from embed.vectors.store import stores

if TYPE_CHECKING:
    from embed.study.reports import Report
    from embed.study.study import Study


@dataclass(frozen=True)
class Contents:
    """What a study holds.

    Attributes
    ----------
    nouns : tuple of str
        What one object is called, and several: see `embed.study.nouns`.
    glitches, views, events : int
        Numbers of rows; an event is a label that somebody or a model gave.
    labels, predicted : dict of str to int
        Glitches by their given and by their predicted label; those without one under the empty string.
    vectors : dict of str to str
        Name of each vector store -> what it is.
    models : list of str
        Names.
    generated : int
        Generated glitches, which are not among the others.
    generators : list of str
        Names.
    audits, clusterings : int
        Done.
    judged : int
        Clusters that were named, and answers to an audit.
    reports : list of Report
        The newest first.
    """

    nouns: tuple[str, str]
    glitches: int
    views: int
    events: int
    labels: dict[str, int]
    predicted: dict[str, int]
    vectors: dict[str, str]
    models: list[str]
    generated: int
    generators: list[str]
    audits: int
    clusterings: int
    judged: int
    reports: list[Report]

    @property
    def classes(self) -> int:
        """Given labels, None_of_the_Above among them."""
        return len([name for name in self.labels if name])

    def next_step(self) -> tuple[str, str]:
        """Return the next command of a study's life, and what it does."""
        named = sorted((name for name in self.labels if name), key=lambda name: (-self.labels[name], name))
        label = NONE_OF_THE_ABOVE if NONE_OF_THE_ABOVE in named else next(iter(named), "")
        steps = (
            (not self.glitches, "discover ingest PATH", "adds images"),
            (not (self.views or self.vectors), "discover fetch --all --out pictures", "downloads a table's pictures"),
            (not self.vectors, "discover embed", "makes the vectors that all else needs"),
            (
                not label,
                "discover ingest PATH --labels CSV",
                "labels them: clusters, audits and trainings need labels",
            ),
            (label and not self.clusterings, f"discover cluster {shlex.quote(label)}", "looks for new classes"),
            (len(named) > 1 and not self.audits, "discover audit", "looks for wrong labels"),
            (
                label and not self.judged,
                "discover explore",
                "shows the clusters, to be named, and the labels, to be judged",
            ),
            (len(named) > 1 and not self.models, "discover train", "fine-tunes a network on the labels"),
            (True, "discover update", f"gives {self.nouns[1]} that came later to the clusters"),
        )
        return next((command, purpose) for due, command, purpose in steps if due)


def read_contents(study: Study) -> Contents:
    """Read what a study holds."""
    runs = dict(study.connection.execute("SELECT command, count(*) FROM runs WHERE outcome = 'done' GROUP BY command"))
    given, predicted = (study.counts_by_label(predicted=by_model) for by_model in (False, True))
    return Contents(
        nouns=nouns(study),
        glitches=study.count("glitches"),
        views=study.count("views"),
        events=study.count("labels"),
        labels={str(name): int(count) for name, count in given.items()},
        predicted={str(name): int(count) for name, count in predicted.items()},
        vectors={store.name: describe_vectors(store.passport) for store in stores(study.folder)},
        models=models(study.folder),
        generated=len(study.generated_ids()),
        generators=generator_names(study.folder),
        audits=count_audits(study),
        clusterings=runs.get("cluster", 0),
        judged=runs.get("name", 0) + count_decisions(study),
        reports=latest_reports(study),
    )
