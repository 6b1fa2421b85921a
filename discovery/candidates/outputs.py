"""The files of a clustering: tables, report, contact sheet, the sheets of all members and the 3-D view."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.candidates.contactsheet import contact_sheet
from discovery.candidates.dossier import EXAMPLES, Dossier, as_uri, branch_tree, members_png, strip_png
from discovery.candidates.mapcolumns import known_columns
from discovery.candidates.measures import charts_png
from discovery.candidates.namefile import clustering_passport
from discovery.candidates.report import report_html
from discovery.certificates.certificate import NAMED
from discovery.clustering.branches import branch_paths, nested_branches
from discovery.explorer.explorer import BesideMap, embedding_html
from discovery.onset.history import history_of
from discovery.onset.livetime import livetime_of
from discovery.pages.columns import shown_columns
from discovery.pages.pictures import load_thumbnails
from embed.csvfile import write_csv
from embed.digits import counted
from embed.gravityspy import NUMBERS
from embed.storage import write_bytes, write_text
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from discovery.candidates.known import Known
    from discovery.candidates.options import ClusterOptions
    from discovery.certificates.certificate import Certificate
    from discovery.clustering.branches import NestedBranch
    from discovery.clustering.methods import MapMethod
    from discovery.clustering.result import Clustering
    from discovery.onset.history import History
    from discovery.onset.livetime import Livetime
    from discovery.pages.thumbnails import Thumbnails
    from embed.study.study import Study
    from embed.types import Floats, Rows
    from embed.vectors.graph import NeighbourGraph
    from embed.vectors.store import VectorStore

COLUMNS = ("id", "ifo", "gps", "label", "predicted", "cluster", "probability", "medoid", "image")
"""Columns of ``clusters.csv`` before those of the metadata and ``branch``: ``cluster`` -1 is noise, ``medoid`` is 1 for a cluster's most
typical glitch, ``image`` its longest view. ``branch`` is the finest branch of the density tree that the glitch is in: see
`discovery.clustering.branches.NestedBranch`."""
DISTANCES = ("cluster", "class", "distance", "glitches")
"""Columns of ``distances.csv``: every cluster beside every known class, nearest first, with the class's known glitches that have a vector;
a class with fewer than `discovery.certificates.divergence.LEAST_CLASS` of them is not compared with, and has no distance."""
MAP_METHOD: MapMethod = "umap"
"""Of the 3-D view."""
MOST_DOSSIERS = 60
"""Clusters that have a dossier: the likeliest new ones first; the table names all."""


@dataclass(frozen=True)
class Results:
    """Everything that the files hold; `times` are the GPS seconds of all glitches of the study, `remarks` what is said beside the clustering's notes."""

    study: Study
    label: str
    options: ClusterOptions
    store: VectorStore
    table: pd.DataFrame
    clustering: Clustering
    coordinates: np.ndarray
    flat: np.ndarray
    graph: NeighbourGraph
    thumbnails: Thumbnails
    left_out: list[tuple[str, str]]
    certificates: list[Certificate]
    metadata: pd.DataFrame
    glitches: Rows
    known: Known
    times: Floats
    remarks: tuple[str, ...] = ()

    def carried(self, glitches: Rows) -> pd.DataFrame:
        """Return the metadata that is carried along, of some glitches."""
        names = [name for name in NUMBERS if name in self.metadata.columns]
        return self.metadata.reindex(glitches)[names].reset_index(drop=True)


def write_results(results: Results, folder: Path, command: str) -> dict[str, Path]:
    """Write the files; returns name -> path."""
    clustering, options, store = results.clustering, results.options, results.store
    names = ("clusters.csv", "certificates.csv", "distances.csv", "report.html", "contact-sheet.png", "embedding.html")
    files = {name: folder / name for name in names}
    carried = results.carried(results.glitches)
    nested = nested_branches(clustering.labels, clustering.tree) if clustering.tree else []
    whole = results.table.join(carried).assign(branch=branch_paths(clustering.labels, nested))
    write_csv(
        files["clusters.csv"],
        (*COLUMNS, *carried.columns, "branch"),
        whole.assign(medoid=whole["medoid"].astype(int))
        .astype(object)
        .where(whole.notna(), None)
        .itertuples(index=False),
    )
    ids = whole["id"].tolist()
    certificates = [own.row(ids) for own in results.certificates]
    write_csv(files["certificates.csv"], tuple(certificates[0]), (tuple(row.values()) for row in certificates))
    write_csv(files["distances.csv"], DISTANCES, _distances(results))
    shown = shown_columns(whole)
    title = f"Clusters of {results.label}"
    sheet = contact_sheet(shown, results.thumbnails, title=title)
    write_bytes(files["contact-sheet.png"], sheet)
    facts = {"method": clustering.method, **clustering.parameters, "vectors": store.name}
    view = embedding_html(
        _explorer_table(results, whole),
        results.coordinates,
        results.thumbnails,
        color="cluster",
        title=title,
        dims=3,
        method=MAP_METHOD.upper(),
        facts=facts,
        beside=BesideMap(
            flat=results.flat,
            neighbours=results.graph,
            keep=whole["medoid"].to_numpy(bool),
        ),
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
    cautions = [*clustering.notes, *results.remarks]
    if results.left_out:
        cautions.append(
            f"{counted(len(results.left_out), 'glitch of this label was', 'glitches of this label were')} left out for want of a vector"
        )
    times = np.unique(results.times[np.isfinite(results.times)])
    live = livetime_of(times) if len(times) > 1 else None  # one time is no interval
    if live is not None and live.caution:
        cautions.append(live.caution)
    dossiers = _dossiers(results, whole, nested, live)
    for old in folder.glob("members-*.png"):
        old.unlink()
    for own in dossiers:
        number = own.certificate.cluster
        if own.pictures is None:
            continue
        sheet_name = f"members-{number}.png"
        files[sheet_name] = folder / sheet_name
        members = np.flatnonzero(clustering.labels == number)
        write_bytes(files[sheet_name], members_png(whole, results.thumbnails, members))
    passport = clustering_passport(results.table["id"], clustering.labels.tolist())
    report = report_html(
        shown,
        results.thumbnails,
        title=title,
        asked=asked,
        sweep=clustering.tried if len(clustering.tried) else None,
        sheet=sheet,
        command=command
        or f"discover cluster {shlex.quote(results.label)} --method {options.method} --seed {options.seed}",
        passport={"clustering": passport} | facts | {f"vectors: {key}": value for key, value in store.passport.items()},
        cautions=cautions,
        dossiers=dossiers,
        clustering=passport,
        classes=list(results.known.classes),
        beside=("embedding.html", "clusters.csv", "certificates.csv", "distances.csv"),
    )
    write_text(files["report.html"], report)
    return files


def _distances(results: Results) -> Iterator[tuple[int, str, float | None, int]]:
    sizes = {name: len(rows) for name, rows in sorted(results.known.classes.items())}
    for own in results.certificates:
        apart = dict(own.nearest)
        for name in [*apart, *(name for name in sizes if name not in apart)]:
            yield own.cluster, name, round(apart[name], 4) if name in apart else None, sizes[name]


def _explorer_table(results: Results, whole: pd.DataFrame) -> pd.DataFrame:
    """Join what was known of the glitches to the clusters; not what is found later, so that `discover verify` finds the same page."""
    known = known_columns(whole.set_index(results.glitches), results.metadata).reset_index(drop=True)
    own = whole[["id", "cluster", "probability", "medoid", "branch"]]
    return own.join(known[[name for name in known.columns if name not in own.columns]])


def _dossiers(
    results: Results, whole: pd.DataFrame, nested: list[NestedBranch], live: Livetime | None
) -> list[Dossier]:
    """Gather what is shown of each cluster, the likeliest new class first."""
    ordered = sorted(
        results.certificates,
        key=lambda own: (-(own.probability or 0.0), -(own.separation or 0.0), own.cluster),
    )[:MOST_DOSSIERS]
    examples = _examples(results, ordered)
    tables = {
        name: results.carried(results.known.glitches[results.known.classes[name]])
        for name in set().union(*examples.values())
    }
    used = np.unique(
        np.concatenate([np.empty(0, np.int64), *(rows for own in examples.values() for rows in own.values())])
    )
    pictures = None
    if used.size:
        glitches = results.known.glitches[used]
        pictures = load_thumbnails(results.study, results.store, glitches, results.study.views(glitches))
    found = []
    for own in ordered:
        members = np.flatnonzero(results.clustering.labels == own.cluster)
        beside = {name: tables[name] for name in examples[own.cluster]}
        places = {name: np.searchsorted(used, rows) for name, rows in examples[own.cluster].items()}
        history = _history(whole.iloc[members], live)
        found.append(
            Dossier(
                certificate=own,
                pictures=as_uri(strip_png(whole, results.thumbnails, members, pictures, places)),
                charts=as_uri(charts_png(whole.iloc[members], beside, title=f"cluster {own.cluster}", history=history)),
                branches=branch_tree(
                    [branch for branch in nested if branch.cluster == own.cluster], own.parts, results.thumbnails
                ),
                history=[] if history is None else history.sentences(),
            )
        )
    return found


def _history(own: pd.DataFrame, live: Livetime | None) -> History | None:
    return None if live is None else history_of(own["gps"].to_numpy(float), own["ifo"].to_numpy(object), live)


def _examples(results: Results, certificates: list[Certificate]) -> dict[int, dict[str, Rows]]:
    """Return for each cluster the glitches of its nearest known classes that are most like its medoid, as rows of the known ones."""
    medoids = [results.clustering.medoids[own.cluster] for own in certificates]
    if not medoids:
        return {}
    unit = normalise(np.asarray(results.store.vectors[results.store.rows(results.glitches[medoids])]))
    found = {own.cluster: {name: np.empty(0, np.int64) for name, _ in own.nearest[:NAMED]} for own in certificates}
    for name in set().union(*found.values()):  # each class is read once: it may be large
        members = results.known.classes[name]
        known = normalise(results.known.vectors[members])
        for own, medoid in zip(certificates, unit, strict=True):
            if name in found[own.cluster]:
                alike = (known @ medoid).round(6)
                found[own.cluster][name] = members[np.argsort(-alike, kind="stable")[:EXAMPLES]]
    return found
