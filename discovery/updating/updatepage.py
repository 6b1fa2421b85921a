"""`update.html`: what became of the new glitches, what is proposed, and pictures of both, on one page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.candidates.options import COMPARED_SHARE
from discovery.candidates.representatives import spread_sample
from discovery.clustering.result import NOISE
from discovery.pages.page import PageShell, rendered
from discovery.updating.changes import ENDED, MERGE
from embed.digits import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from markupsafe import Markup

    from discovery.certificates.certificate import Certificate
    from discovery.updating.changes import Members, Proposal
    from embed.study.study import Study
    from embed.types import Rows
    from embed.vectors.store import VectorStore

PER_ROW = 8
"""Glitches of a cluster, or of a part of a proposal, that are shown."""


@dataclass(frozen=True)
class Outcome:
    """What an update found.

    Attributes
    ----------
    label : str
    members : Members
        Of the N glitches of the label.
    glitches : DataFrame, N rows
        Their ``id``, ``ifo`` and ``gps``, index ``glitch``.
    births : list of Certificate
    changes : list of Proposal
    waiting : int
    remarks : sequence of str
        See `discovery.updating.update.Update`.
    """

    label: str
    members: Members
    glitches: pd.DataFrame
    births: Sequence[Certificate]
    changes: Sequence[Proposal]
    waiting: int
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class _Line:
    """A line of the table of clusters."""

    name: str
    old: int
    new: int
    what: str


def update_html(
    found: Outcome,
    study: Study,
    store: VectorStore,
    *,
    command: str,
    beside: Sequence[str] = (),
    passport: Mapping[str, object],
) -> str:
    """Write the page.

    Parameters
    ----------
    found : Outcome
    study : Study
        Where the pictures are.
    store : VectorStore
        Whose views are shown.
    command : str
        The command line that was typed.
    beside : sequence of str
        Files in the same folder to link to.
    passport : mapping of str to object
        What the update was made from.
    """
    labels, new = found.members.labels, found.members.is_new
    kinds = {int(own.cluster): f"born: {own.verdict}" for own in found.births}
    ended = {number for change in found.changes if change.kind == ENDED for number in change.clusters}
    lines = [
        _Line(
            f"cluster {number}" if number != NOISE else "in no cluster",
            int(((labels == number) & ~new).sum()),
            int(((labels == number) & new).sum()),
            kinds.get(number, "perhaps ended" if number in ended else ""),
        )
        for number in [*np.unique(labels[labels != NOISE]).tolist(), NOISE]
    ]
    joined = int((new & (labels != NOISE)).sum()) - sum(own.size for own in found.births)
    return rendered(
        "updating/update.html",
        shell=PageShell(f"Update of {found.label}", tuple(beside), tuple(found.remarks), {}, command, passport),
        new=int(new.sum()),
        joined=joined,
        born=sum(own.size for own in found.births),
        alone=int((new & (labels == NOISE)).sum()),
        births=found.births,
        changes=found.changes,
        waiting=found.waiting,
        share=f"{100 * COMPARED_SHARE:g} %",
        glitches=len(found.glitches),
        lines=lines,
        proposed=_sheet(found, _parts(found.changes), study, store, title="Proposals"),
        sheet=_sheet(found, _clusters(found), study, store, title=f"New glitches of {found.label}"),
        most=PER_ROW,
    )


def _clusters(found: Outcome) -> list[tuple[tuple[str, ...], Rows]]:
    """Return the new glitches of each cluster, with its heading."""
    labels, new = found.members.labels, found.members.is_new
    born = {own.cluster for own in found.births}
    rows = [
        ((f"cluster {number}", "born" if number in born else "joined"), np.flatnonzero(new & (labels == number)))
        for number in np.unique(labels[new & (labels != NOISE)]).tolist()
    ]
    return [*rows, (("in no cluster",), np.flatnonzero(new & (labels == NOISE)))]


def _parts(changes: Sequence[Proposal]) -> list[tuple[tuple[str, ...], Rows]]:
    found: list[tuple[tuple[str, ...], Rows]] = []
    for change in changes:
        for place, rows in enumerate(change.groups):
            of = f"cluster {change.clusters[place]}" if change.kind == MERGE else f"part {place + 1}"
            name = f"{change.kind} {', '.join(map(str, change.clusters))}".strip()
            found.append(((name, of if len(change.groups) > 1 else "", counted(len(rows), "glitch", "glitches")), rows))
    return found


def _sheet(
    found: Outcome, groups: Sequence[tuple[tuple[str, ...], Rows]], study: Study, store: VectorStore, *, title: str
) -> Markup | None:
    """Draw a row of pictures for each group; a glitch is shown once. None where there is nothing to show."""
    shown: list[int] = []
    places: list[int] = []
    for place, (_, rows) in enumerate(groups):
        rest = rows[~np.isin(rows, shown)]
        chosen = spread_sample(found.glitches, rest, PER_ROW)
        shown, places = shown + chosen, places + [place] * len(chosen)
    glitches = found.glitches.index.to_numpy(np.int64)[shown]
    views = study.views(glitches)
    if not views:
        return None
    from discovery.candidates.contactsheet import contact_sheet  # noqa: PLC0415 - matplotlib, where there is a picture to draw
    from discovery.pages.pictures import load_thumbnails  # noqa: PLC0415
    from discovery.pages.thumbnails import data_uri  # noqa: PLC0415

    table = found.glitches.iloc[shown].reset_index(drop=True).assign(cluster=places)
    headings = {place: tuple(part for part in heading if part) for place, (heading, _) in enumerate(groups)}
    counts = f"up to {PER_ROW} of each, in turn from each detector and evenly over time"
    thumbnails = load_thumbnails(study, store, glitches, views)
    return data_uri("png", contact_sheet(table, thumbnails, title=title, headings=headings, counts=counts, per_row=PER_ROW))  # fmt: skip
