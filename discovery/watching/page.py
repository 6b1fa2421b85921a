"""`watch.html`: what changed in the study since the last run, and what waits for a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from os.path import relpath
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np

from discovery.candidates.contactsheet import contact_sheet
from discovery.candidates.representatives import spread_sample
from discovery.pages.gpstime import utc
from discovery.pages.page import PageShell, rendered
from discovery.pages.pictures import load_thumbnails
from discovery.pages.thumbnails import data_uri
from discovery.updating.pastupdates import past_updates
from embed.digits import counted
from embed.vectors.standing import latest_store

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from markupsafe import Markup

    from embed.study.report import Skip
    from embed.study.study import Study

PAGE = "watch.html"
PER_ROW = 8
"""New glitches of a class that are shown."""
MOST_ROWS = 24
"""Classes whose new glitches are shown, the most frequent ones."""
MOST_LEFT = 50
"""Files left out that are listed."""


@dataclass(frozen=True)
class Changes:
    """What the page says beside what it reads from the study.

    Attributes
    ----------
    since_run, since_glitch, since_event : int
        The number of the last run, and the last glitch and the last label event that it saw.
    left : tuple of Skip
        Files that are left for the next run.
    notes : tuple of str
    far : int
        Glitches that are none of the model's classes.
    finds : str
        What share of a hidden class is found so; empty where that was not asked.
    audited : str
        What the audit found; empty where there was none.
    """

    since_run: int
    since_glitch: int
    since_event: int
    left: tuple[Skip, ...]
    notes: tuple[str, ...]
    far: int
    finds: str
    audited: str


@dataclass(frozen=True)
class _Line:
    """A line of the table of classes."""

    name: str
    new: int
    predicted: int
    whole: int


def watch_html(study: Study, changes: Changes, *, command: str) -> tuple[Markup, str]:
    """Write the page.

    Parameters
    ----------
    study : Study
    changes : Changes
    command : str
        The command line that was typed.

    Returns
    -------
    page : Markup
    answer : str
        In a line, for the list of reports.
    """
    table = study.glitches()
    new = table[table.index > changes.since_glitch]
    events = study.connection.execute(
        "SELECT by, count(*) FROM labels WHERE event > ? GROUP BY by ORDER BY by", (changes.since_event,)
    ).fetchall()
    given, predicted = (Counter(new[name]) for name in ("label", "predicted"))
    totals = Counter(table["label"])
    names = sorted((set(given) | set(predicted)) - {""}, key=lambda name: (-given[name] - predicted[name], name))
    lines = [_Line(name, given[name], predicted[name], totals[name]) for name in names]
    nameless = int(((new["label"] == "") & (new["predicted"] == "")).sum())
    times = new["gps"].dropna()
    updates = past_updates(study, changes.since_run)
    births = sum(len(update.births) for update in updates)
    answer = f"{counted(len(new), 'new glitch', 'new glitches')}, {counted(births, 'new cluster', 'new clusters')}, {counted(len(changes.left), 'file', 'files')} left for the next run."
    page = rendered(
        "watching/watch.html",
        shell=PageShell("What changed", command=command),
        new=len(new),
        whole=len(table),
        first=len(new) == len(table),
        between=(utc(float(times.min())), utc(float(times.max()))) if len(times) else None,
        events=[(by, count) for by, count in events],
        lines=lines,
        nameless=nameless,
        predicted=any(line.predicted for line in lines),
        births=births,
        updates=[(update, _address(study.folder, update.page)) for update in updates],
        changes=changes,
        left=changes.left[:MOST_LEFT],
        sheet=_sheet(study, new),
        most=PER_ROW,
    )
    return page, answer


def _address(folder: Path, page: Path | None) -> str:
    """Return the address of another page of the study on this one; an empty string where it is not there."""
    return quote(relpath(page, folder / "reports" / "watch")) if page is not None else ""


def _sheet(study: Study, new: pd.DataFrame) -> Markup | None:
    """Draw new glitches of each class; None where there is no picture."""
    store = latest_store(study)
    if store is None or not len(new):
        return None
    names = new["label"].where(new["label"] != "", new["predicted"]).where(lambda own: own != "", "no label yet")
    classes = names.value_counts().index[:MOST_ROWS].tolist()
    shown: list[int] = []
    places: list[int] = []
    for place, name in enumerate(classes):
        chosen = spread_sample(new, np.flatnonzero(names == name), PER_ROW)
        shown, places = shown + chosen, places + [place] * len(chosen)
    glitches = new.index.to_numpy(np.int64)[shown]
    views = study.views(glitches)
    if not views:
        return None
    table = new.iloc[shown].reset_index(drop=True).assign(cluster=places)
    headings = {place: (name, f"{int((names == name).sum()):,} new") for place, name in enumerate(classes)}
    thumbnails = load_thumbnails(study, store, glitches, views)
    counts = f"up to {PER_ROW} of each class, in turn from each detector and evenly over time"
    return data_uri(
        "png", contact_sheet(table, thumbnails, title="New glitches", headings=headings, counts=counts, per_row=PER_ROW)
    )
