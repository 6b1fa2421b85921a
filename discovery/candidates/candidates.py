"""Candidate new classes: the clusters of one label's glitches, with the evidence that a person judges them by."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from discovery.candidates.checks import check_k
from discovery.candidates.contactsheet import contact_sheet
from discovery.candidates.report import report_html
from discovery.clustering.clustering import NOISE, Clustering, hdbscan_clusters, spectral_clusters
from discovery.clustering.projection import Method, project
from discovery.explorer.explorer import embedding_html
from discovery.pages.columns import shown_columns
from discovery.pages.pictures import load_thumbnails, longest_views
from embed.csvfile import write_csv
from embed.errors import InputError
from embed.storage import file_name, write_bytes, write_text
from embed.study.study import Study
from embed.vectors.graph import subgraph
from embed.vectors.store import VectorStore

COLUMNS = ("id", "ifo", "gps", "label", "predicted", "cluster", "probability", "medoid", "image")
"""Columns of ``clusters.csv``: ``cluster`` -1 is noise, ``medoid`` is 1 for a cluster's most typical glitch, ``image`` its longest view."""

MAP_METHOD: Method = "umap"


@dataclass(frozen=True)
class Candidates:
    """The clusters of one label.

    Attributes
    ----------
    table : DataFrame
        One glitch a row, columns `COLUMNS`, in the study's order.
    glitches : int64 (N,)
        The same glitches' row numbers in the study.
    clustering : Clustering
        How the clusters were come by.
    left_out : list of (id, reason)
        Glitches of the label without a vector.
    files : dict
        Name -> path of what was written.
    """

    table: pd.DataFrame
    glitches: np.ndarray
    clustering: Clustering
    left_out: list[tuple[str, str]]
    files: dict[str, Path]


def find_candidates(
    study: Study,
    store: VectorStore,
    label: str,
    *,
    predicted: bool = False,
    method: str = "hdbscan",
    k: int | None = None,
    seed: int = 0,
    out: Path | None = None,
    command: str = "",
    step: Callable[[str], None] = lambda _: None,
) -> Candidates:
    """Cluster the glitches of one label and write table, report, contact sheet and 3-D view.

    Parameters
    ----------
    study : Study
        Written to: the clusters are stored as a run.
    store : VectorStore
        The vectors.
    label : str
        Such as ``None_of_the_Above``.
    predicted : bool
        Take a model's label rather than the given one.
    method : {"hdbscan", "spectral"}
        See `discovery.clustering.clustering`.
    k : int, optional
        Number of clusters, for the spectral method.
    seed : int
        Same seed, same files.
    out : Path, optional
        Folder of the results; by default one of the study's reports.
    command : str
        The command line that gives this again, for the report.
    step : callable
        Told what is being done.

    Raises
    ------
    InputError
        When no glitch has the label, none of them has a vector, or `k` does not fit.
    """
    check_k(method, k)
    members = study.members(label, predicted=predicted)
    rows = store.rows(members)
    glitches, rows, lacking = members[rows >= 0], rows[rows >= 0], members[rows < 0]
    if not len(rows):
        raise InputError(
            f"none of the {len(members)} glitches labelled {label!r} has a vector with the views {store.passport['views']}; choose others with --views"
        )
    frame = study.glitches()
    reasons = {item.glitch: item.reason for item in store.left_out}
    left_out = [(str(frame.loc[glitch, "id"]), reasons.get(int(glitch), "no vector")) for glitch in lacking]
    folder = out if out is not None else study.folder / "reports" / f"cluster-{file_name(label)}-{method}"
    with study.run(
        "cluster", {"label": label, "predicted": predicted, "method": method, "k": k, "seed": seed, "store": store.name}
    ) as run:
        step("cluster")
        vectors = np.asarray(store.vectors[rows])
        graph = subgraph(vectors, np.arange(len(rows)), seed=seed)
        clustering = (
            hdbscan_clusters(vectors, graph, seed=seed)
            if method == "hdbscan"
            else spectral_clusters(vectors, graph, k=k, seed=seed)
        )
        study.save_clusters(run, glitches, clustering.labels, clustering.probability)
        table = _table(study, frame, glitches, clustering)
        step("map")
        coordinates = project(vectors, graph, method=MAP_METHOD, dims=3, seed=seed)
        step("pictures")
        thumbnails = load_thumbnails(study, glitches, store)
        step("write")
        shown = shown_columns(table)
        facts = {"method": clustering.method, **clustering.parameters, "vectors": store.name}
        files = {name: folder / name for name in ("clusters.csv", "report.html", "contact-sheet.png", "embedding.html")}
        write_csv(
            files["clusters.csv"], COLUMNS, table.assign(medoid=table["medoid"].astype(int)).itertuples(index=False)
        )
        title = f"Clusters of {label}"
        sheet = contact_sheet(shown, thumbnails, title=title)
        write_bytes(files["contact-sheet.png"], sheet)
        view = embedding_html(
            shown, coordinates, thumbnails, color="cluster", title=title, dims=3, method=MAP_METHOD.upper(), facts=facts
        )
        write_text(files["embedding.html"], view)
        asked = {
            "label": label,
            "labelled by": "a model" if predicted else "people",
            "glitches": len(glitches),
            "method": method,
            "k": "by itself" if k is None else k,
            "seed": seed,
        }
        cautions = [
            *clustering.notes,
            *([f"{len(left_out)} glitches of this label were left out: they have no vector"] if left_out else []),
        ]
        report = report_html(
            shown,
            thumbnails,
            title=title,
            asked=asked,
            sweep=clustering.tried if len(clustering.tried) else None,
            sheet=sheet,
            command=command or f"discover cluster {shlex.quote(label)} --method {method} --seed {seed}",
            passport=facts | {f"vectors: {key}": value for key, value in store.passport.items()},
            cautions=cautions,
            beside=("embedding.html", "clusters.csv"),
        )
        write_text(files["report.html"], report)
    return Candidates(table, glitches, clustering, left_out, files)


def _table(study: Study, frame: pd.DataFrame, glitches: np.ndarray, clustering: Clustering) -> pd.DataFrame:
    table = frame.loc[glitches, ["id", "ifo", "gps", "label", "predicted"]].reset_index(drop=True)
    medoids = np.zeros(len(glitches), bool)
    medoids[list(clustering.medoids.values())] = True
    return table.assign(
        cluster=clustering.labels,
        probability=clustering.probability,
        medoid=medoids,
        image=longest_views(study, glitches),
    )[list(COLUMNS)]


def summary(candidates: Candidates) -> dict[str, Any]:
    """What came out, as JSON: clusters with their sizes, noise with its share."""
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
