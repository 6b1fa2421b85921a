"""A draft of a class's page in the field guide: what it looks like, what it is confused with, its measures, when and where it occurs."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.candidates.known import known_glitches
from discovery.candidates.measures import MEASURES, measures_chart
from discovery.candidates.representatives import spread_sample
from discovery.certificates.occurrence import occurrence
from discovery.clustering.result import by_typicality
from discovery.guide.contrasts import contrast, nearest_classes, ranges
from discovery.guide.page import AUTHORS, CHARTS, TYPICAL, VARIETY, Beside, Draft, guide_html, guide_markdown
from discovery.guide.pictures import views_png
from discovery.guide.subject import find_subject
from discovery.onset.history import history_of
from discovery.onset.livetime import DAY, livetime_of
from discovery.pages.drawing import chart_png
from discovery.pages.page import showable
from discovery.pages.pictures import load_thumbnails
from embed.digits import counted, significant
from embed.errors import InputError
from embed.storage import file_name, write_bytes, write_text
from embed.study.origins import label_origins
from embed.study.reports import add_report
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from discovery.candidates.known import Known
    from discovery.guide.subject import Subject
    from discovery.onset.history import History
    from discovery.onset.livetime import Livetime
    from discovery.pages.thumbnails import Thumbnails
    from embed.study.study import Study
    from embed.types import Floats, Rows, Step, Vectors
    from embed.vectors.store import VectorStore

SHOWN = 4
"""Most typical glitches, and glitches that show the variety."""
KEPT = 0.75
"""Share of the glitches, the most typical first, that the variety is drawn from: a wrong label is seldom among them."""
CONFUSED = 3
"""Nearest known classes."""


@dataclass(frozen=True)
class Guide:
    """What was written.

    Attributes
    ----------
    draft : Draft
        What the page says.
    files : dict
        Name -> path.
    """

    draft: Draft
    files: dict[str, Path]


@dataclass(frozen=True)
class _Evidence:
    """What the draft is made from: the subject, all glitches' table and metadata, and the glitches with a vector."""

    study: Study
    store: VectorStore
    subject: Subject
    table: pd.DataFrame
    metadata: pd.DataFrame
    glitches: Rows
    unit: Vectors
    known: Known

    def captions(self, glitches: Rows) -> list[str]:
        """Name some glitches."""
        return [showable(name) for name in self.table.loc[glitches, "id"]]

    def measures(self, glitches: Rows) -> pd.DataFrame:
        """Return the table and the metadata of some glitches."""
        names = [column for column in MEASURES.values() if column in self.metadata.columns]
        return self.table.loc[glitches, ["ifo", "gps"]].join(self.metadata[names]).reset_index(drop=True)

    def thumbnails(self, glitches: Rows) -> Thumbnails:
        """Read the pictures of some glitches."""
        return load_thumbnails(self.study, self.store, glitches, self.study.views(glitches))


def make_guide(
    study: Study,
    store: VectorStore,
    name: str,
    *,
    label: str | None = None,
    out: Path | None = None,
    command: str = "",
    seed: int = 0,
    step: Step = lambda _: None,
) -> Guide:
    """Write ``guide.html``, ``guide.md`` and their pictures.

    Parameters
    ----------
    study : Study
    store : VectorStore
    name : str
        A given label, or the number of a cluster: see `discovery.guide.subject.find_subject`.
    label : str, optional
        Of the clustering whose cluster is meant.
    out : Path, optional
        By default a folder of the study's ``reports/guide``.
    command : str
        The command line that makes this again, for the page.
    seed : int
        Of the samples of large classes.
    step : callable
        Receives the name of each step as it begins.

    Raises
    ------
    InputError
        There is no such class or cluster, or none of its glitches has a vector.
    """
    subject = find_subject(study, name, label)
    rows = store.rows(subject.glitches)
    glitches = subject.glitches[rows >= 0]
    if not len(glitches):
        raise InputError(
            f"none of the {len(subject.glitches)} glitches of {subject.title} has a vector with the views {store.passport['views']}; choose others with --views"
        )
    table = study.glitches()
    # A cluster that was named is no known class beside itself.
    others = table.assign(label=table["label"].where(~table.index.isin(subject.glitches), ""))
    known = known_glitches(others, store, subject.label, seed)
    unit = normalise(np.concatenate([np.asarray(store.vectors[rows[rows >= 0]]), known.vectors]))
    evidence = _Evidence(study, store, subject, table, study.metadata(), glitches, unit, known)
    folder = study.folder / "reports" / "guide" / subject.folder if out is None else out
    with study.run("guide", {"name": name, "label": label, "store": store.name, "seed": seed}) as run:
        draft = _draft(evidence, command or f"discover guide {shlex.quote(name)}", seed, step)
        step("write")
        files = _write(draft, folder)
        answer = f"The draft of its page: {counted(draft.glitches, 'glitch', 'glitches')}."
        add_report(study, run, files["guide.html"], f"Field guide: {draft.title}", answer)
    return Guide(draft, files)


def _write(draft: Draft, folder: Path) -> dict[str, Path]:
    files = {name: folder / name for name in ("guide.html", "guide.md", *draft.pictures)}
    for old in folder.glob("beside-*.png"):
        old.unlink()
    for name, png in draft.pictures.items():
        write_bytes(files[name], png)
    write_text(files["guide.md"], guide_markdown(draft))
    write_text(files["guide.html"], guide_html(draft, ("guide.md",)))
    return files


def _draft(evidence: _Evidence, command: str, seed: int, step: Step) -> Draft:
    subject, known = evidence.subject, evidence.known
    count = len(evidence.glitches)
    step("compare")
    order = by_typicality(evidence.unit, np.arange(count))
    classes = {name: count + rows for name, rows in known.classes.items()}
    nearest = nearest_classes(evidence.unit, np.arange(count), classes, count=CONFUSED, seed=seed)
    own = evidence.measures(subject.glitches)
    beside_measures = {name: evidence.measures(known.glitches[known.classes[name]]) for name in nearest}
    step("pictures")
    pictures = _own_pictures(evidence, order)
    beside = []
    for place, name in enumerate(nearest, 1):
        file = f"beside-{place}-{file_name(name)}.png"
        pictures[file] = _class_picture(evidence, classes[name], order[0])
        beside.append(Beside(name, contrast(own, beside_measures[name]), file))
    live, history = _history(own, evidence.table["gps"].to_numpy(float))
    chart = measures_chart(own, beside_measures, title=subject.title, history=history)
    if chart is not None:
        pictures[CHARTS] = chart_png(chart)
    measures = ranges(own)
    unknown = [name.partition(" (")[0] for name in MEASURES if name not in measures]
    unknown += [] if nearest else ["a known class to compare with"]
    return Draft(
        title=subject.title,
        glitches=len(subject.glitches),
        pictures=pictures,
        beside=beside,
        measures=[
            (name, *(significant(value) for value in values), f"{known_of:,}")
            for name, (known_of, values) in measures.items()
        ],
        occurrence=_when_and_where(own, live, history, unknown),
        origins=[
            (given, AUTHORS.get(by, by), source, f"{number:,}")
            for given, by, source, number in label_origins(evidence.study, subject.glitches)
        ],
        unknown=unknown,
        command=command,
        passport={"vectors": evidence.store.name, "glitches with a vector": count, "seed": seed},
        chart=chart,
    )


def _own_pictures(evidence: _Evidence, order: Rows) -> dict[str, bytes]:
    """Draw the most typical glitches, and of the others a sample spread over detectors and time."""
    typical, rest = order[:SHOWN], order[SHOWN : max(SHOWN, int(KEPT * len(order)))]
    table = evidence.table.loc[evidence.glitches].reset_index(drop=True)
    spread = np.array(spread_sample(table, np.sort(rest), SHOWN), np.int64)
    shown = evidence.glitches[np.concatenate([typical, spread])]
    thumbnails = evidence.thumbnails(shown)
    captions = evidence.captions(shown)
    captions[0] = f"medoid: {captions[0]}"
    lines = list(zip(captions, range(len(shown)), strict=True))
    parts = {TYPICAL: lines[: len(typical)], VARIETY: lines[len(typical) :]}
    return {name: views_png(thumbnails, part) for name, part in parts.items() if part}


def _class_picture(evidence: _Evidence, rows: Rows, medoid: int) -> bytes:
    """Draw the medoid of a known class, and of its other glitches the one that is most like the subject's own medoid."""
    first, *rest = by_typicality(evidence.unit, rows).tolist()
    alike = rest[(evidence.unit[rest] @ evidence.unit[medoid]).round(6).argmax()]
    shown = evidence.known.glitches[np.array([first, alike]) - len(evidence.glitches)]
    typical, similar = evidence.captions(shown)
    captions = (f"medoid: {typical}", f"most like {evidence.subject.title}: {similar}")
    return views_png(evidence.thumbnails(shown), list(zip(captions, range(2), strict=True)))


def _history(own: pd.DataFrame, times: Floats) -> tuple[Livetime | None, History | None]:
    """Estimate the live time from the times of all glitches, and describe when these occurred; None where that is not known."""
    if len(np.unique(times[np.isfinite(times)])) < 2:  # one time is no interval
        return None, None
    live = livetime_of(times)
    return live, history_of(own["gps"], own["ifo"], live)


def _when_and_where(own: pd.DataFrame, live: Livetime | None, history: History | None, unknown: list[str]) -> list[str]:
    """Write sentences on detectors, runs, days, rate and changes; what is not known is added to `unknown`."""
    found = occurrence(own["ifo"], own["gps"], np.arange(len(own)))
    said = []
    if found.detectors:
        said.append(f"Detectors: {found.text('detectors')}.")
    else:
        unknown.append("detectors")
    if found.runs:
        said.append(f"Observing runs: {found.text('runs')}.")
    if not found.times:
        unknown.append("times")
        return said
    if found.busiest_share is not None:
        said.append(
            f"Seen on {counted(found.days, 'day', 'days')}, most on {found.busiest_day} ({100 * found.busiest_share:.0f} %)."
        )
    if live is not None:
        rate = f"{significant(found.times / (live.seconds / DAY), 2)} glitches a live day; live time is estimated from the times of all glitches"
        said.append(f"{live.caution or rate}.")
        said += [] if history is None else history.sentences()
    return said
