"""New glitches in a study that was clustered: known clusters keep their numbers, what fits none of them is looked through for births.

Old members stay where they are. What a clustering of all glitches would change is listed beside: see `discovery.updating.changes`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from discovery.candidates.known import Known, known_glitches
from discovery.candidates.options import COMPARED_BELOW, COMPARED_SHARE, ClusterOptions
from discovery.clustering.hierarchy import LEAST_ROWS
from discovery.clustering.result import NOISE
from discovery.updating.births import Clustered, find_births, judged, without
from discovery.updating.changes import COLUMNS as CHANGE_COLUMNS
from discovery.updating.changes import Members, Proposal, cluster_afresh, compare, ended
from discovery.updating.joining import join
from discovery.updating.pastupdates import report_title, update_facts
from discovery.updating.updatepage import Outcome, update_html
from embed.csvfile import write_csv
from embed.digits import counted
from embed.errors import InputError
from embed.storage import file_name, write_text
from embed.study.clusterings import latest_clustering, read_branches, save_branches, save_clusters
from embed.study.moments import circumstances
from embed.study.reports import add_report
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import ArrayLike

    from discovery.certificates.certificate import Certificate
    from embed.study.clusterings import StoredClustering
    from embed.study.study import Study
    from embed.types import Rows, Step, Vectors
    from embed.vectors.store import VectorStore

COLUMNS = ("id", "ifo", "gps", "cluster", "how", "neighbours", "distance", "probability")
"""Columns of ``update.csv``, a row for each new glitch: ``how`` is joined, born or none; ``neighbours`` is the share of its ten nearest old
glitches in the old cluster that most of them are in, ``distance`` the mean cosine distance to the five nearest of that cluster, and
``probability`` what the study keeps: that share for one that joined, what the clustering of the rest gives for one that was born."""
MEMBER_COLUMNS = ("change", "part", "id", "cluster")
"""Columns of ``change-members.csv``, a row for each glitch of a proposal: the line of ``changes.csv``, the part, and today's cluster."""
PAGE = "update.html"


@dataclass(frozen=True)
class Update:
    """What became of the new glitches.

    Attributes
    ----------
    run, of : int
        The run of this update and of the clustering before it.
    label : str
    table : DataFrame
        A row for each new glitch, columns `COLUMNS`.
    joined : dict of int to int
        New members of each old cluster.
    births : list of Certificate
        New clusters, with the numbers that they have in the study.
    changes : list of Proposal
        Proposed splits and merges, emerged groups and clusters that ended; no glitch was moved for them.
    waiting : int
        Glitches that came since all were last clustered together; 0 where this update did so. Otherwise `changes` are ended clusters only.
    files : dict
        Name -> path.
    remarks : sequence of str
        How a detector judged the new clusters, and what it could not.
    """

    run: int
    of: int
    label: str
    table: pd.DataFrame
    joined: dict[int, int]
    births: list[Certificate]
    changes: list[Proposal]
    waiting: int
    files: dict[str, Path]
    remarks: Sequence[str] = ()


def update_clusters(
    study: Study,
    store: VectorStore,
    label: str | None = None,
    *,
    out: Path | None = None,
    compare_all: bool = False,
    options: ClusterOptions | None = None,
    command: str = "discover update",
    step: Step = lambda _: None,
) -> Update:
    """Give the glitches that came after a clustering to its clusters, and look for new ones among the rest.

    Parameters
    ----------
    study : Study
        Old members keep their clusters, whatever label they have got since.
    store : VectorStore
        The vectors of the clustering, with the new glitches.
    label : str, optional
        Of the clustering; by default the latest.
    out : Path, optional
        Folder of ``update.csv``, ``changes.csv``, ``change-members.csv`` and ``update.html``; by default one of the study's reports.
    compare_all : bool
        Look for splits, merges and emerged groups however few glitches are new: see `discovery.candidates.options.COMPARED_SHARE`.
    options : ClusterOptions, optional
        Of which the seed, and the detector with its strain, which judges the new clusters, are used.
    command : str
        The command line, for the page.
    step : callable, optional
        Receives the name of each step as it begins.

    Raises
    ------
    InputError
        Nothing was clustered, the vectors are others, or no glitch of the label is new.
    """
    options = options or ClusterOptions()
    seed = options.seed
    stored, table, fresh = _new_glitches(study, store, label)
    step("join")
    old = stored.table
    members = old.index.to_numpy(np.int64)
    kept = old[store.rows(members) >= 0]
    before = Clustered(kept.index.to_numpy(np.int64), _vectors(store, kept.index), kept["cluster"].to_numpy(np.int64))
    new = _vectors(store, fresh)
    labels, share, distance = join(new, before.vectors, before.numbers)
    step("births")
    known = without(known_glitches(table, store, stored.label, seed), members)
    residue = np.flatnonzero(labels == NOISE)
    how = np.where(labels == NOISE, "none", "joined").astype(object)
    probability = np.where(labels == NOISE, 0.0, share)
    births = []
    first = int(old["cluster"].max()) + 1
    born = find_births(new[residue], before, known, table.loc[fresh[residue]], store, seed=seed)
    for number, (own, rows, firmly) in enumerate(born, first):
        births.append(replace(own, cluster=number))
        labels[residue[rows]], how[residue[rows]], probability[residue[rows]] = number, "born", firmly
    step("changes")
    glitches = table.loc[np.concatenate([before.glitches, fresh]), ["id", "ifo", "gps"]]
    after = Members(
        labels=np.concatenate([before.numbers, labels]),
        is_new=np.arange(len(glitches)) >= len(kept),
        gps=glitches["gps"].to_numpy(float),
    )
    births, remarks = judged(births, study, options, after, glitches.index, known=known, table=table, step=step)
    changes = ended(after, table["gps"].to_numpy(float))
    waiting = int(stored.arguments.get("waiting", 0)) + len(fresh)
    if compare_all or len(glitches) < COMPARED_BELOW or waiting >= COMPARED_SHARE * len(glitches):
        changes, waiting = _changes(after, np.concatenate([before.vectors, new]), known, seed) + changes, 0
    found = glitches[after.is_new].assign(
        cluster=labels, how=how, neighbours=share.round(4), distance=distance.round(6), probability=probability.round(6)
    )
    folder = out if out is not None else study.folder / "reports" / f"update-{file_name(stored.label)}"
    facts = update_facts(stored.run, len(found), births, changes, waiting)
    with study.run("cluster", stored.arguments | options.judging | facts | circumstances(study)) as run:
        step("write")
        outcome = Outcome(stored.label, after, glitches, births, changes, waiting, remarks)
        files = _write(folder, found, outcome)
        passport = {"clustering": f"run {stored.run}", "vectors": store.name, "seed": seed}
        page = update_html(outcome, study, store, command=command, beside=tuple(files), passport=passport)
        write_text(folder / PAGE, page)
        answer = f"{counted(len(found), 'new glitch', 'new glitches')}: {int((how == 'joined').sum()):,} joined a cluster; {counted(len(births), 'new cluster', 'new clusters')}; {counted(len(changes), 'proposed change', 'proposed changes')}."
        add_report(study, run, folder / PAGE, report_title(stored.label), answer)
        save_clusters(
            study,
            run,
            np.concatenate([members, fresh]),
            np.concatenate([old["cluster"].to_numpy(np.int64), labels]),
            np.concatenate([old["probability"].to_numpy(float), probability]),
        )
        save_branches(study, run, read_branches(study, stored.run).items())
    counts = {int(own): int((labels == own).sum()) for own in np.unique(before.numbers[before.numbers != NOISE])}
    table = found.reset_index(drop=True)
    files[PAGE] = folder / PAGE
    return Update(run, stored.run, stored.label, table, counts, births, changes, waiting, files, remarks)


def _new_glitches(study: Study, store: VectorStore, label: str | None) -> tuple[StoredClustering, pd.DataFrame, Rows]:
    """Return the clustering, all glitches of the study, and those of the label with a vector that came after it."""
    stored = latest_clustering(study, label)
    if stored.arguments.get("store") != store.name:
        raise InputError(
            f"the clustering of run {stored.run} was made from the vectors {stored.arguments.get('store')}, not {store.name}; give the same --backbone, --weights and --views"
        )
    table = study.glitches()
    fresh = came_after(stored, table, store)
    if not len(fresh):
        raise InputError(
            f"no glitch labelled {stored.label!r} came after the clustering of run {stored.run}: nothing to update"
        )
    return stored, table, fresh


def came_after(stored: StoredClustering, table: pd.DataFrame, store: VectorStore) -> Rows:
    """Return the glitches of a clustering's label that have a vector and came after it: row numbers, ascending.

    Parameters
    ----------
    stored : StoredClustering
    table : DataFrame
        `embed.study.study.Study.glitches`.
    store : VectorStore
    """
    column = "predicted" if stored.arguments.get("predicted") else "label"
    labelled = table.index[table[column] == stored.label].to_numpy(np.int64)
    fresh = np.setdiff1d(labelled, stored.table.index.to_numpy(np.int64))
    return fresh[store.rows(fresh) >= 0]


def _vectors(store: VectorStore, glitches: ArrayLike) -> Vectors:
    return normalise(np.asarray(store.vectors[store.rows(np.asarray(glitches, np.int64))]))


def _changes(after: Members, unit: Vectors, known: Known, seed: int) -> list[Proposal]:
    if len(unit) < LEAST_ROWS:
        return []
    around = known.vectors[known.background]
    background = normalise(around) if len(around) else unit[:0]
    return compare(after, cluster_afresh(unit, background, seed=seed))


def _write(folder: Path, table: pd.DataFrame, found: Outcome) -> dict[str, Path]:
    files = {name: folder / name for name in ("update.csv", "changes.csv", "change-members.csv")}
    write_csv(files["update.csv"], COLUMNS, table[list(COLUMNS)].itertuples(index=False))
    rows = [change.row() for change in found.changes]
    write_csv(files["changes.csv"], CHANGE_COLUMNS, ([row[name] for name in CHANGE_COLUMNS] for row in rows))
    ids, labels = found.glitches["id"].tolist(), found.members.labels
    members = (
        (number, part, ids[row], labels[row])
        for number, change in enumerate(found.changes, 1)
        for part, group in enumerate(change.groups, 1)
        for row in group.tolist()
    )
    write_csv(files["change-members.csv"], MEMBER_COLUMNS, members)
    return files
