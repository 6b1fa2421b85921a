"""Candidate new classes: the clusters of one label's glitches, with the evidence that a person judges them by."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.candidates.contactsheet import contact_sheet
from discovery.candidates.options import ClusterOptions
from discovery.candidates.report import report_html
from discovery.clustering.clustering import cluster
from discovery.clustering.projection import project
from discovery.clustering.result import NOISE, Clustering
from discovery.explorer.explorer import embedding_html
from discovery.pages.columns import shown_columns
from discovery.pages.pictures import load_thumbnails, longest_views
from embed.csvfile import write_csv
from embed.errors import InputError
from embed.notebook import html_summary
from embed.storage import file_name, write_bytes, write_text
from embed.vectors.graph import subgraph

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from discovery.clustering.methods import MapMethod
    from discovery.pages.thumbnails import Thumbnails
    from embed.study.records import View
    from embed.study.study import Study
    from embed.types import Rows, Step
    from embed.vectors.store import VectorStore

COLUMNS = ("id", "ifo", "gps", "label", "predicted", "cluster", "probability", "medoid", "image")
"""Columns of ``clusters.csv``: ``cluster`` -1 is noise, ``medoid`` is 1 for a cluster's most typical glitch, ``image`` its longest view."""

MAP_METHOD: MapMethod = "umap"
"""Of the 3-D view."""


@dataclass(frozen=True)
class Candidates:
    """The clusters of one label.

    Attributes
    ----------
    table : DataFrame
        One row for each glitch, columns `COLUMNS`, in the study's order.
    glitches : ndarray of int64, shape (N,)
        The same glitches' row numbers in the study.
    clustering : Clustering
        The clusters and how they were found.
    left_out : list of (id, reason)
        Glitches of the label without a vector.
    files : dict
        Name -> path of what was written.
    """

    table: pd.DataFrame
    glitches: Rows
    clustering: Clustering
    left_out: list[tuple[str, str]]
    files: dict[str, Path]

    def _repr_html_(self) -> str:
        found = self.clustering
        facts = {"glitches": f"{len(self.table):,}", "method": found.method, "noise": f"{found.noise_share:.1%}"}
        facts |= {name: str(path) for name, path in self.files.items()}
        sizes = self.table.groupby("cluster").size()
        rows = [(number, f"{sizes[number]:,}", self.table["id"].iloc[row]) for number, row in found.medoids.items()]
        return html_summary("Candidate classes", facts, ("cluster", "size", "medoid"), rows)


def find_candidates(
    study: Study,
    store: VectorStore,
    label: str,
    options: ClusterOptions | None = None,
    *,
    out: Path | None = None,
    command: str = "",
    step: Step = lambda _: None,
) -> Candidates:
    """Cluster the glitches of one label and write table, report, contact sheet and 3-D view.

    Parameters
    ----------
    study : Study
        Read once, and written to at the end: the clusters are stored as a run.
    store : VectorStore
        The vectors.
    label : str
        For instance ``None_of_the_Above``.
    options : ClusterOptions, optional
    out : Path, optional
        Folder of the results; by default one of the study's reports.
    command : str
        The command line that makes this again, for the report.
    step : callable
        Receives the name of each step as it begins.

    Raises
    ------
    InputError
        When no glitch has the label, none of them has a vector, or `k` does not fit.
    """
    options = options or ClusterOptions()
    members = _read(study, store, label, predicted=options.predicted)
    folder = out if out is not None else study.folder / "reports" / f"cluster-{file_name(label)}-{options.method}"
    arguments = {
        "label": label,
        "predicted": options.predicted,
        "method": options.method,
        "k": options.k,
        "seed": options.seed,
        "store": store.name,
    }
    with study.run("cluster", arguments) as run:
        step("cluster")
        vectors = np.asarray(store.vectors[members.rows])
        graph = subgraph(vectors, np.arange(len(vectors)), seed=options.seed)
        clustering = cluster(vectors, graph, method=options.method, k=options.k, seed=options.seed)
        table = _table(members, clustering)
        step("map")
        coordinates = project(vectors, graph, method=MAP_METHOD, dims=3, seed=options.seed)
        step("pictures")
        thumbnails = load_thumbnails(study, store, members.glitches, members.views)
        step("write")
        results = _Results(
            label=label,
            options=options,
            store=store,
            table=table,
            clustering=clustering,
            coordinates=coordinates,
            thumbnails=thumbnails,
            left_out=members.left_out,
        )
        files = _write(results, folder, command)
        study.save_clusters(run, members.glitches, clustering.labels, clustering.probability)
    return Candidates(table, members.glitches, clustering, members.left_out, files)


@dataclass(frozen=True)
class _Members:
    """What the study holds of the glitches with one label that have a vector, N of them.

    `table` has their ``id``, ``ifo``, ``gps``, ``label`` and ``predicted``, `glitches` their row numbers in the study and
    `rows` those in the store; `left_out` are the label's other glitches.
    """

    table: pd.DataFrame
    glitches: Rows
    rows: Rows
    views: list[View]
    left_out: list[tuple[str, str]]


def _read(study: Study, store: VectorStore, label: str, *, predicted: bool) -> _Members:
    """Read everything that is needed from the study, once.

    Raises
    ------
    InputError
        When no glitch has the label, or none of them has a vector.
    """
    table = study.glitches()
    members = table.index[table["predicted" if predicted else "label"] == label].to_numpy(np.int64)
    if not len(members):
        study.members(label, predicted=predicted)  # raises, and names the labels of the study
    rows = store.rows(members)
    glitches, rows, lacking = members[rows >= 0], rows[rows >= 0], members[rows < 0]
    if not len(rows):
        raise InputError(
            f"none of the {len(members)} glitches labelled {label!r} has a vector with the views {store.passport['views']}; choose others with --views"
        )
    reasons = {item.glitch: item.reason for item in store.left_out} if len(lacking) else {}
    left_out = [(str(table.loc[glitch, "id"]), reasons.get(int(glitch), "no vector")) for glitch in lacking]
    chosen = table.loc[glitches, ["id", "ifo", "gps", "label", "predicted"]].reset_index(drop=True)
    return _Members(chosen, glitches, rows, study.views(glitches), left_out)


def _table(members: _Members, clustering: Clustering) -> pd.DataFrame:
    medoids = np.zeros(len(members.glitches), bool)
    medoids[list(clustering.medoids.values())] = True
    return members.table.assign(
        cluster=clustering.labels,
        probability=clustering.probability,
        medoid=medoids,
        image=longest_views(members.glitches, members.views),
    )[list(COLUMNS)]


@dataclass(frozen=True)
class _Results:
    """Everything that the files hold."""

    label: str
    options: ClusterOptions
    store: VectorStore
    table: pd.DataFrame
    clustering: Clustering
    coordinates: np.ndarray
    thumbnails: Thumbnails
    left_out: list[tuple[str, str]]


def _write(results: _Results, folder: Path, command: str) -> dict[str, Path]:
    """Write the four files; returns name -> path."""
    clustering, options, store = results.clustering, results.options, results.store
    files = {name: folder / name for name in ("clusters.csv", "report.html", "contact-sheet.png", "embedding.html")}
    rows = results.table.assign(medoid=results.table["medoid"].astype(int)).itertuples(index=False)
    write_csv(files["clusters.csv"], COLUMNS, rows)
    shown = shown_columns(results.table)
    title = f"Clusters of {results.label}"
    sheet = contact_sheet(shown, results.thumbnails, title=title)
    write_bytes(files["contact-sheet.png"], sheet)
    facts = {"method": clustering.method, **clustering.parameters, "vectors": store.name}
    view = embedding_html(
        shown,
        results.coordinates,
        results.thumbnails,
        color="cluster",
        title=title,
        dims=3,
        method=MAP_METHOD.upper(),
        facts=facts,
    )
    write_text(files["embedding.html"], view)
    asked = {
        "label": results.label,
        "labelled by": "a model" if options.predicted else "people",
        "glitches": len(results.table),
        "method": options.method,
        "number of clusters": "chosen automatically" if options.k is None else options.k,
        "seed": options.seed,
    }
    cautions = [*clustering.notes]
    if results.left_out:
        cautions.append(f"{len(results.left_out)} glitches of this label were left out: they have no vector")
    report = report_html(
        shown,
        results.thumbnails,
        title=title,
        asked=asked,
        sweep=clustering.tried if len(clustering.tried) else None,
        sheet=sheet,
        command=command
        or f"discover cluster {shlex.quote(results.label)} --method {options.method} --seed {options.seed}",
        passport=facts | {f"vectors: {key}": value for key, value in store.passport.items()},
        cautions=cautions,
        beside=("embedding.html", "clusters.csv"),
    )
    write_text(files["report.html"], report)
    return files


def summary(candidates: Candidates) -> dict[str, Any]:
    """Return the outcome as JSON values: clusters with their sizes, noise with its share."""
    clustering, count = candidates.clustering, len(candidates.table)
    sizes = dict(zip(*(part.tolist() for part in np.unique(clustering.labels, return_counts=True)), strict=True))
    noise = sizes.pop(NOISE, 0)
    medoids = {number: str(candidates.table["id"].iloc[row]) for number, row in clustering.medoids.items()}
    return {
        "glitches": count,
        "clusters": [{"cluster": number, "size": sizes[number], "medoid": medoids[number]} for number in sorted(sizes)],
        "noise": noise,
        "noise_share": noise / count,
        "left_out": len(candidates.left_out),
        "method": clustering.method,
        "parameters": clustering.parameters,
        "notes": list(clustering.notes),
        "files": {name: str(path) for name, path in candidates.files.items()},
    }
