"""The oddest glitches of a study: a list with how rare each is among known ones, and a sheet of their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.candidates.contactsheet import contact_sheet
from discovery.novelty.options import LISTED, UNKNOWN
from discovery.novelty.scores import Novelty, leaders, measure_novelty
from discovery.pages.columns import shown_columns
from discovery.pages.pictures import load_thumbnails
from discovery.pages.views import longest_views
from embed.csvfile import write_csv
from embed.dataset.dataset import find_groups, labelled_glitches
from embed.digits import counted
from embed.errors import InputError
from embed.notebook import html_summary
from embed.storage import file_name, write_bytes
from embed.study.nouns import nouns
from embed.study.reports import add_report
from embed.views.encoding import stored_encoding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from embed.study.study import Study
    from embed.types import Floats, Progress, Rows, Step
    from embed.vectors.store import VectorStore

COLUMNS = ("rank", "id", "ifo", "gps", "label", "one_in", "distance", "nearest_class", "class_one_in", "alike", "image")
"""Columns of ``novel.csv``: see `find_novel`."""
SCORE_COLUMNS = ("id", "one_in", "distance", "nearest_class", "class_one_in")
"""Columns of ``novelty.csv``, which has a row for each glitch with a vector, in the study's order."""
PER_ROW = 8
"""Pictures of a row of the sheet: the glitch and those that are like it."""


@dataclass(frozen=True)
class Novel:
    """The oddest glitches.

    Attributes
    ----------
    table : DataFrame
        A row a glitch, columns `COLUMNS`.
    known : int
        Glitches with which all were compared: of a large class a sample (`discovery.novelty.scores.MOST_OF_A_CLASS`).
    files : dict
        Name -> path of what was written.
    """

    table: pd.DataFrame
    known: int
    files: dict[str, Path]

    @property
    def folder(self) -> Path:
        """Where everything was written."""
        return self.files["novel.csv"].parent

    def _repr_html_(self) -> str:
        facts = {"known glitches": f"{self.known:,}"} | {name: str(path) for name, path in self.files.items()}
        shown = ("rank", "id", "label", "one_in", "nearest_class", "alike")
        return html_summary("Odd glitches", facts, shown, self.table[list(shown)].to_numpy().tolist())


def find_novel(
    study: Study,
    store: VectorStore,
    labels: Sequence[str] = (),
    *,
    count: int = LISTED,
    out: Path | None = None,
    step: Step = lambda _: None,
    progress: Progress | None = None,
) -> Novel:
    """List the oddest glitches of a study, those that differ from each other first.

    Known glitches are those that people labelled with a class; None_of_the_Above is none.

    Parameters
    ----------
    study : Study
    store : VectorStore
    labels : sequence of str
        List only glitches of these labels; by default of any label, or of none.
    count : int
        Glitches at most.
    out : Path, optional
        Folder of ``novel.csv``, ``novelty.csv`` and ``novel.png``; by default one of the study's reports.
    step, progress : callable, optional
        Receive the name of each step as it begins, and (rows done, rows in all).

    Returns
    -------
    Novel
        Columns: ``one_in`` is N where one known glitch in N is as far from all others (at most their number plus one), ``distance`` the
        mean cosine distance to the nearest known glitches, ``nearest_class`` the class to which it is least odd,
        ``class_one_in`` N where one glitch in N of that class is as odd in it, and ``alike`` the glitches that are left out of the
        list because they are like this one.

    Raises
    ------
    InputError
        When no glitch has one of the labels or a vector, or too few are known.
    """
    wanted = [glitch for label in labels for glitch in study.members(label)]
    table = study.glitches().loc[store.glitches].reset_index(drop=True)
    names = table["label"].where(table["label"] != UNKNOWN, "").tolist()
    listed = np.isin(store.glitches, wanted) if labels else np.ones(len(table), bool)
    if not listed.any():
        raise InputError(f"no glitch labelled {', '.join(labels)} has {store.having}")
    folder = out if out is not None else study.folder / "reports" / "-".join(["novel", *map(file_name, labels)])
    with study.run("novel", {"labels": list(labels), "count": count, "store": store.name}) as run:
        step("compare")
        vectors = np.asarray(store.vectors)
        scores = measure_novelty(vectors, names, _groups(study, store), progress)
        order = scores.order
        chosen = leaders(vectors, order[listed[order]], scores.typical, count)
        step("pictures")
        views = study.views(store.glitches[list(chosen)])
        images = longest_views(store.glitches[list(chosen)], views)
        found = _table(table, scores, chosen, images)
        step("write")
        files = {name: folder / name for name in ("novel.csv", "novelty.csv", "novel.png")}
        write_csv(files["novel.csv"], COLUMNS, found.itertuples(index=False))
        write_csv(files["novelty.csv"], SCORE_COLUMNS, _scores(table["id"].tolist(), scores))
        write_bytes(files["novel.png"], _sheet(study, store, table, chosen, found))
        first = found.iloc[0]
        one, many = nouns(study)
        answer = f"{counted(len(found), f'odd {one}', f'odd {many}')}; the oddest is {first['id']}: 1 in {first['one_in']:,} known ones is as odd."
        add_report(study, run, files["novel.png"], f"Odd {many}{' of ' if labels else ''}{', '.join(labels)}", answer)
    return Novel(found, scores.compared, files)


def _scores(ids: list[str], scores: Novelty) -> Iterator[tuple[object, ...]]:
    """Yield what is known of each glitch's oddness, one after the other: there may be very many."""
    columns = (_one_in(scores.share), scores.distance.round(4), scores.nearest, _one_in(scores.class_share))
    return zip(ids, *columns, strict=True)


def _one_in(share: Floats) -> Rows:
    return np.floor(1.0 / share).astype(np.int64)


def _groups(study: Study, store: VectorStore) -> np.ndarray:
    """Number sets of copies: same files, or one detector within half a second; others are each their own set."""
    groups = -1 - np.arange(len(store.glitches))
    labelled = labelled_glitches(study, stored_encoding(store.passport["views"])).only(store.glitches)
    groups[store.rows(labelled.glitches)] = find_groups(labelled, store)
    return groups


def _table(table: pd.DataFrame, scores: Novelty, chosen: dict[int, list[int]], images: list[str]) -> pd.DataFrame:
    rows = list(chosen)
    found = table.loc[rows, ["id", "ifo", "gps", "label"]].reset_index(drop=True)
    return found.assign(
        rank=np.arange(1, len(rows) + 1),
        one_in=_one_in(scores.share[rows]),
        distance=scores.distance[rows].round(4),
        nearest_class=[scores.nearest[row] for row in rows],
        class_one_in=_one_in(scores.class_share[rows]),
        alike=[len(alike) for alike in chosen.values()],
        image=images,
    )[list(COLUMNS)]


def _sheet(
    study: Study, store: VectorStore, table: pd.DataFrame, chosen: dict[int, list[int]], found: pd.DataFrame
) -> bytes:
    """A row for each odd glitch: itself, then those that are like it, the most similar first."""
    places = [
        (rank, row) for rank, (lead, alike) in enumerate(chosen.items(), 1) for row in (lead, *alike[: PER_ROW - 1])
    ]
    rows = [row for _, row in places]
    shown = table.loc[rows, ["id", "ifo", "gps", "label", "predicted"]].reset_index(drop=True)
    shown = shown.assign(cluster=[rank for rank, _ in places])
    thumbnails = load_thumbnails(study, store, store.glitches[rows], study.views(store.glitches[rows]))
    facts = found[["rank", "one_in", "nearest_class", "class_one_in", "alike"]].itertuples(index=False, name=None)
    headings = {
        rank: (str(rank), f"1 in {one_in:,} known ones", f"{nearest}: 1 in {class_one_in:,}", f"{alike:,} more like it")
        for rank, one_in, nearest, class_one_in, alike in facts
    }
    counts = f"the {len(found):,} oddest, each with those that are most like it"
    return contact_sheet(
        shown_columns(shown), thumbnails, title="Odd glitches", per_row=PER_ROW, headings=headings, counts=counts
    )
