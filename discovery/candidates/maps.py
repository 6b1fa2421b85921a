"""Maps of glitches: coordinates in two or three dimensions, as CSV and as an interactive page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from discovery.candidates.checks import check_color
from discovery.candidates.folders import map_folder
from discovery.candidates.mapcolumns import audit_passport, kept_glitches, map_columns
from discovery.candidates.options import MapOptions
from discovery.candidates.storedmap import FILE, Layout, StoredMap, extended, load_map, save_map
from discovery.clustering.placement import lay_out
from discovery.explorer.explorer import BesideMap, embedding_html
from discovery.pages.pictures import load_thumbnails
from embed.csvfile import write_csv
from embed.errors import InputError
from embed.storage import write_text
from embed.study.clusterings import latest_clusters
from embed.study.moments import circumstances
from embed.study.nouns import nouns_of
from embed.study.reports import add_report
from embed.study.study import Study
from embed.types import Rows, Step, Vectors
from embed.vectors.graph import NeighbourGraph, neighbour_graph
from embed.vectors.store import VectorStore

NAMES = {"tsne": "t-SNE", "umap": "UMAP"}
"""Methods as people write them."""
AXES = ("x", "y", "z")
"""Columns of a map's points; the first two of a flat one."""
FLAT_AXES = ("flat_x", "flat_y")
"""Columns of the flat companion of a map in 3-D."""
_NO_FLAT = np.zeros((0, 2), np.float32)


@dataclass(frozen=True)
class GlitchMap:
    """A map and what was written of it.

    Attributes
    ----------
    table : DataFrame
        One row for each glitch: ``id``, ``ifo``, ``gps``, ``label``, ``predicted``, ``cluster`` where there are clusters, ``placed``
        (1 for a point that was placed on the map that was there) where there are such, the axes, and of a map in 3-D the axes of the flat
        map by the same method.
    layout : Layout
        The points, and which of them were placed on the map that was there.
    files : dict
        Name -> path of what was written.
    plain : bool
        Whether the glitches are plain pictures.
    """

    table: pd.DataFrame
    layout: Layout
    files: dict[str, Path]
    plain: bool

    @property
    def folder(self) -> Path:
        """Where everything was written."""
        return self.files["coordinates.csv"].parent

    @property
    def coordinates(self) -> Vectors:
        """The axes alone, ndarray of float32, shape (N, 2) or (N, 3)."""
        return self.layout.points


def draw_map(
    study: Study,
    store: VectorStore,
    labels: Sequence[str] = (),
    options: MapOptions | None = None,
    *,
    only: Rows | None = None,
    out: Path | None = None,
    step: Step = lambda _: None,
) -> GlitchMap:
    """Lay out the glitches of some labels (all when none is named) and write ``coordinates.csv``, ``embedding.html`` and ``map.npz``.

    Of more than ``options.landmarks`` glitches so many are laid out and the others placed among them. A map in 3-D is laid out in 2-D as well, by the same method: the page switches between them. That costs t-SNE half as much again for few glitches
    and a sixth for many, UMAP twice the time.

    Where the folder holds a map of the same settings its points stay as they are, byte for byte, and glitches that came since are
    placed among them (`discovery.clustering.placement`).

    Parameters
    ----------
    study : Study
        Written to: the run is logged.
    store : VectorStore
        The vectors.
    labels : sequence of str
        Given labels.
    options : MapOptions, optional
    only : ndarray of int64, optional
        Row numbers: no other glitches, whatever their labels are.
    out : Path, optional
        Folder of the results; by default one of the study's reports.
    step : callable
        Receives the name of each step as it begins.

    Raises
    ------
    InputError
        When no glitch has a label, none has a vector, or there is no such column.
    """
    options = options or MapOptions()
    chosen = np.unique(np.concatenate([study.members(label) for label in labels])) if labels else store.glitches
    if only is not None:
        chosen = np.intersect1d(chosen, only)
    rows = store.rows(chosen)
    glitches, rows = chosen[rows >= 0], rows[rows >= 0]
    if not len(rows):
        raise InputError(f"none of the {len(chosen)} glitches labelled {', '.join(labels)} has {store.having}")
    table = _table(study, glitches, options.color)
    views = study.views(glitches)
    folder = out if out is not None else map_folder(study.folder, labels, options.method, options.dims)
    settings = {
        "labels": list(labels),
        "method": options.method,
        "dims": options.dims,
        "seed": options.seed,
        "store": store.name,
    }
    stored = None if options.anew else load_map(folder)
    given = settings | {"color": options.color, "landmarks": options.landmarks} | circumstances(study)
    with study.run("project", given) as run:
        step("map")
        layout, graph = _layout(store, glitches, settings, stored, landmarks=options.landmarks, step=step)
        coordinates = layout.points
        if layout.placed.any():
            table["placed"] = layout.placed.astype(int)
        axes = [pd.DataFrame(coordinates, columns=list(AXES[: options.dims]))]
        if len(layout.flat):
            axes.append(pd.DataFrame(layout.flat, columns=list(FLAT_AXES)))
        drawn = pd.concat([table, *axes], axis=1)
        step("pictures")
        thumbnails = load_thumbnails(study, store, glitches, views)
        step("write")
        files = {name: folder / name for name in ("coordinates.csv", "embedding.html", FILE)}
        write_csv(files["coordinates.csv"], list(drawn.columns), drawn.itertuples(index=False))
        things = nouns_of(plain=thumbnails.plain)[1]
        method, of = NAMES[options.method], ", ".join(labels)
        whole = of or f"all {things}"
        facts = {"method": method, "seed": options.seed, "vectors": store.name, "labels": of or "all"}
        if layout.placed.any():
            what = "placed among those laid out" if layout.sampled else "placed on the map that was there"
            facts[what] = f"{layout.placed.sum():,} of {len(rows):,} {things}"
        shown = map_columns(study, glitches)
        page = embedding_html(
            _page_table(table, shown, options.color),
            coordinates,
            thumbnails,
            color=options.color,
            title=f"{method} of {whole}",
            dims=options.dims,
            method=method,
            facts=facts,
            beside=BesideMap(
                flat=layout.flat if len(layout.flat) else None,
                neighbours=graph,
                keep=kept_glitches(study, shown),
                audit=audit_passport(study),
            ),
        )
        write_text(files["embedding.html"], page)
        answer = f"{len(rows):,} {things}, {method} in {options.dims} dimensions."
        add_report(study, run, files["embedding.html"], f"Map of {whole}", answer)
        save_map(
            folder,
            StoredMap(settings, glitches, coordinates, layout.placed, np.asarray(store.inputs)[rows], layout.flat),
        )
    return GlitchMap(drawn, layout, files, thumbnails.plain)


def _layout(
    store: VectorStore,
    glitches: Rows,
    settings: dict[str, Any],
    stored: StoredMap | None,
    *,
    landmarks: int,
    step: Step,
) -> tuple[Layout, NeighbourGraph]:
    """Extend the stored map, or lay all glitches out; also returns their neighbour graph."""
    rows, seed, dims = store.rows(glitches), settings["seed"], settings["dims"]
    whole = len(rows) == len(store.glitches)
    vectors = store.vectors if whole else np.asarray(store.vectors[rows])
    graph = store.graph if whole else neighbour_graph(vectors, seed=seed)
    found = "" if stored is None else extended(stored, store, glitches, settings)
    drawn = partial(lay_out, vectors, graph, method=settings["method"], landmarks=landmarks, seed=seed, step=step)
    if isinstance(found, str):
        maps, placed = drawn((3, 2) if dims == 3 else (2,))
        return Layout(maps[0], placed, maps[1] if dims == 3 else _NO_FLAT, note=found, sampled=int(placed.sum())), graph
    if dims == 3 and not len(found.flat):
        found = replace(found, flat=drawn((2,))[0][0])
    return found, graph


def _page_table(table: pd.DataFrame, shown: pd.DataFrame, color: str) -> pd.DataFrame:
    """Put the ids and the columns of the page together; the column that colours is there also where it is all empty."""
    own = [name for name in table.columns if name in {"placed", color} and name not in shown.columns]
    return pd.concat([table[["id"]], shown.reset_index(drop=True), table[own]], axis=1)


def _table(study: Study, glitches: Rows, color: str) -> pd.DataFrame:
    table = study.glitches().loc[glitches, ["id", "ifo", "gps", "label", "predicted"]]
    clusters = latest_clusters(study)
    if len(clusters.index.intersection(table.index)):
        table["cluster"] = clusters["cluster"].reindex(table.index).astype("Int64")
    if color not in table.columns:
        check_color(study, color, table.columns[1:])
        table[color] = study.metadata()[color].reindex(table.index)
    return table.reset_index(drop=True)
