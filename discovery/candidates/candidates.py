"""Candidate new classes: the clusters of one label's glitches, with the evidence that a person judges them by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.candidates.folders import report_folder
from discovery.candidates.insiders import with_insiders
from discovery.candidates.known import absent_classes, evidence_beside, known_glitches
from discovery.candidates.options import ClusterOptions
from discovery.candidates.outputs import COLUMNS, MAP_METHOD, Results, write_results
from discovery.certificates.certificate import NEW, Certificate, certify
from discovery.clustering.branches import branch_paths, nested_branches
from discovery.clustering.clustering import cluster
from discovery.clustering.placement import lay_out
from discovery.clustering.result import NOISE, Clustering
from discovery.pages.pictures import load_thumbnails
from discovery.pages.views import longest_views
from embed.digits import counted
from embed.errors import InputError
from embed.notebook import html_summary
from embed.study.clusterings import save_branches, save_clusters
from embed.study.moments import circumstances
from embed.study.nouns import nouns
from embed.study.reports import add_report
from embed.vectors.graph import subgraph

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from embed.detector.model import Detector
    from embed.study.records import View
    from embed.study.study import Study
    from embed.types import Progress, Rows, Step, Vectors
    from embed.vectors.store import VectorStore


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
    certificates : list of Certificate
        What speaks for and against each cluster, in the order of their numbers.
    coordinates : ndarray of float32, shape (N, 3)
        Of the 3-D view.
    measures : DataFrame, N rows
        Numbers of the metadata, such as ``snr``, as far as the study has them.
    files : dict
        Name -> path of what was written.
    """

    table: pd.DataFrame
    glitches: Rows
    clustering: Clustering
    left_out: list[tuple[str, str]]
    certificates: list[Certificate]
    coordinates: Vectors
    measures: pd.DataFrame
    files: dict[str, Path]

    @property
    def folder(self) -> Path:
        """Where everything was written."""
        return self.files["clusters.csv"].parent

    def _repr_html_(self) -> str:
        found = self.clustering
        facts = {
            "glitches": f"{len(self.table):,}",
            "method": found.method,
            "noise": f"{100 * found.noise_share:.1f} %",
        }
        facts |= {name: str(path) for name, path in self.files.items()}
        rows = [
            (own.cluster, own.in_words, f"{own.size:,}", self.table["id"].iloc[found.medoids[own.cluster]])
            for own in self.certificates
        ]
        return html_summary("Candidate classes", facts, ("cluster", "verdict", "size", "medoid"), rows)


def find_candidates(
    study: Study,
    store: VectorStore,
    label: str,
    options: ClusterOptions | None = None,
    *,
    out: Path | None = None,
    command: str = "",
    step: Step = lambda _: None,
    progress: Progress = lambda *_: None,
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
    step, progress : callable
        Receive the name of each step as it begins, and how much of it is done, of how much.

    Raises
    ------
    InputError
        When no glitch has the label, none of them has a vector, or `k` does not fit.
    """
    options = options or ClusterOptions()
    members = _read(study, store, label, predicted=options.predicted)
    folder = out if out is not None else report_folder(study.folder, label, options.method)
    arguments: dict[str, Any] = {
        "label": label,
        "predicted": options.predicted,
        "method": options.method,
        "k": options.k,
        "seed": options.seed,
        "store": store.name,
        "command": command,
    }
    arguments |= options.judging | circumstances(study)
    detector = None if options.detector is None else _load_detector(options.detector)
    with study.run("cluster", arguments) as run:
        step("cluster")
        vectors = np.asarray(store.vectors[members.rows])
        graph = subgraph(vectors, np.arange(len(vectors)), seed=options.seed)
        known = known_glitches(members.study, store, label, options.seed)
        around = known.vectors[known.background]
        clustering = cluster(vectors, graph, method=options.method, k=options.k, seed=options.seed, background=around)
        table = _table(members, clustering)
        evidence = evidence_beside(vectors, known, table, graph, seed=options.seed)
        certificates = with_insiders(
            certify(clustering, evidence, k=options.k, seed=options.seed, step=step, progress=progress),
            clustering.labels,
            members.glitches,
            known=known,
            table=members.study,
            store=store,
        )
        if any(own.verdict == NEW for own in certificates) and (absent := absent_classes(known.classes)):
            clustering = replace(clustering, notes=(*clustering.notes, absent))
        remarks: list[str] = []
        if detector is not None:
            from discovery.candidates.signals import with_signals  # noqa: PLC0415 - the detector's libraries

            certificates, remarks = with_signals(
                certificates,
                study,
                options,
                clustering.labels,
                members.glitches,
                known=known,
                table=members.study,
                detector=detector,
                step=step,
                progress=progress,
            )
        step("map")
        (coordinates, flat), _ = lay_out(vectors, graph, (3, 2), method=MAP_METHOD, seed=options.seed, step=step)
        step("pictures")
        thumbnails = load_thumbnails(study, store, members.glitches, members.views)
        step("write")
        results = Results(
            study=study,
            label=label,
            options=options,
            store=store,
            table=table,
            clustering=clustering,
            coordinates=coordinates,
            flat=flat,
            graph=graph,
            thumbnails=thumbnails,
            left_out=members.left_out,
            certificates=certificates,
            metadata=study.metadata(),
            glitches=members.glitches,
            known=known,
            times=members.study["gps"].to_numpy(float),
            remarks=tuple(remarks),
        )
        files = write_results(results, folder, command)
        add_report(
            study, run, files["report.html"], f"Clusters of {label}", _answer(certificates, clustering, nouns(study))
        )
        save_clusters(study, run, members.glitches, clustering.labels, clustering.probability)
        save_branches(study, run, inner_branches(members.glitches, clustering))
    return Candidates(
        table,
        members.glitches,
        clustering,
        members.left_out,
        certificates,
        coordinates,
        results.carried(members.glitches),
        files,
    )


def inner_branches(glitches: Rows, clustering: Clustering) -> list[tuple[int, str]]:
    """Return the finest branch of each glitch that is in one within its cluster, not only in the cluster's own."""
    if clustering.tree is None:
        return []
    paths = branch_paths(clustering.labels, nested_branches(clustering.labels, clustering.tree))
    return [(glitch, path) for glitch, path in zip(glitches.tolist(), paths, strict=True) if "." in path]


def _answer(certificates: list[Certificate], clustering: Clustering, things: tuple[str, str]) -> str:
    """Say in a line what was found."""
    counts = Counter(own.verdict for own in certificates)
    noise = int((clustering.labels == NOISE).sum())
    verdicts = ", ".join(f"{verdict} ({count})" for verdict, count in counts.items())
    clusters = counted(len(certificates), "cluster", "clusters")
    return f"{clusters}: {verdicts}; {noise:,} of {counted(len(clustering.labels), *things)} fit no cluster."


@dataclass(frozen=True)
class _Members:
    """What the study holds of the glitches with one label that have a vector, N of them.

    `study` is the whole table of glitches; `table` has their ``id``, ``ifo``, ``gps``, ``label`` and ``predicted``, `glitches` their row numbers in the study and
    `rows` those in the store; `left_out` are the label's other glitches.
    """

    study: pd.DataFrame
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
        raise InputError(f"none of the {len(members)} glitches labelled {label!r} has {store.having}")
    reasons = {item.glitch: item.reason for item in store.left_out} if len(lacking) else {}
    left_out = [(str(table.loc[glitch, "id"]), reasons.get(int(glitch), "no vector")) for glitch in lacking]
    chosen = table.loc[glitches, ["id", "ifo", "gps", "label", "predicted"]].reset_index(drop=True)
    return _Members(table, chosen, glitches, rows, study.views(glitches), left_out)


def _load_detector(folder: Path) -> Detector:
    from embed.detector.model import load_detector  # noqa: PLC0415 - its libraries, where one is named

    return load_detector(folder)


def _table(members: _Members, clustering: Clustering) -> pd.DataFrame:
    medoids = np.zeros(len(members.glitches), bool)
    medoids[list(clustering.medoids.values())] = True
    return members.table.assign(
        cluster=clustering.labels,
        probability=clustering.probability,
        medoid=medoids,
        image=longest_views(members.glitches, members.views),
    )[list(COLUMNS)]


def summary(candidates: Candidates) -> dict[str, Any]:
    """Return the outcome as JSON values: clusters with their sizes, noise with its share."""
    clustering, count = candidates.clustering, len(candidates.table)
    noise = int((clustering.labels == NOISE).sum())
    ids = candidates.table["id"].tolist()
    return {
        "glitches": count,
        "clusters": [own.row(ids) | {"reasons": own.reasons} for own in candidates.certificates],
        "noise": noise,
        "noise_share": noise / count,
        "left_out": len(candidates.left_out),
        "method": clustering.method,
        "parameters": clustering.parameters,
        "notes": list(clustering.notes),
        "files": {name: str(path) for name, path in candidates.files.items()},
    }
