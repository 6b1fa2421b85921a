"""Maps of glitches: coordinates in two or three dimensions, as CSV and as an interactive page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from discovery.candidates.checks import check_color
from discovery.clustering.projection import Method, project
from discovery.explorer.explorer import embedding_html
from discovery.pages.columns import shown_columns
from discovery.pages.pictures import load_thumbnails
from embed.csvfile import write_csv
from embed.errors import InputError
from embed.storage import file_name, write_text
from embed.study.study import Study
from embed.vectors.graph import neighbour_graph
from embed.vectors.store import VectorStore

NAMES = {"tsne": "t-SNE", "umap": "UMAP"}
_AXES = ("x", "y", "z")


@dataclass(frozen=True)
class GlitchMap:
    """A map.

    Attributes
    ----------
    table : DataFrame
        One glitch a row: ``id``, ``ifo``, ``gps``, ``label``, ``predicted``, ``cluster`` where there is one, and the axes.
    coordinates : float32 (N, 2 or 3)
        The axes alone.
    files : dict
        Name -> path of what was written.
    """

    table: pd.DataFrame
    coordinates: np.ndarray
    files: dict[str, Path]


def draw_map(
    study: Study,
    store: VectorStore,
    labels: Sequence[str] = (),
    *,
    method: Method = "tsne",
    dims: int = 3,
    color: str = "label",
    seed: int = 0,
    out: Path | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> GlitchMap:
    """Project the glitches of some labels (all when none is named) and write ``coordinates.csv`` and ``embedding.html``.

    Parameters
    ----------
    study : Study
        Written to: the run is logged.
    store : VectorStore
        The vectors.
    labels : sequence of str
        Given labels.
    method : {"tsne", "umap"}
        See `discovery.clustering.projection`.
    dims : {2, 3}
        Dimensions.
    color : str
        Column that gives the colours: ``label``, ``predicted``, ``cluster``, ``ifo``, ``gps`` or a column of the metadata.
    seed : int
        Same seed, same files.
    out : Path, optional
        Folder of the results; by default one of the study's reports.
    step : callable
        Told what is being done.

    Raises
    ------
    InputError
        When no glitch has a label, none has a vector, or there is no such column.
    """
    chosen = np.unique(np.concatenate([study.members(label) for label in labels])) if labels else store.glitches
    rows = store.rows(chosen)
    glitches, rows = chosen[rows >= 0], rows[rows >= 0]
    if not len(rows):
        raise InputError(
            f"none of the {len(chosen)} glitches labelled {', '.join(labels)} has a vector with the views {store.passport['views']}; choose others with --views"
        )
    table = _table(study, glitches, color)
    name = "-".join([*(file_name(label) for label in labels[:4]), method, f"{dims}d"])
    folder = out if out is not None else study.folder / "reports" / f"map-{name}"
    with study.run(
        "project", {"labels": list(labels), "method": method, "dims": dims, "seed": seed, "store": store.name}
    ):
        step("map")
        vectors = store.vectors if len(rows) == len(store.glitches) else np.asarray(store.vectors[rows])
        graph = store.graph if len(rows) == len(store.glitches) else neighbour_graph(vectors, seed=seed)
        coordinates = project(vectors, graph, method=method, dims=dims, seed=seed)
        step("pictures")
        thumbnails = load_thumbnails(study, glitches, store)
        step("write")
        files = {name: folder / name for name in ("coordinates.csv", "embedding.html")}
        whole = pd.concat([table, pd.DataFrame(coordinates, columns=list(_AXES[:dims]))], axis=1)
        write_csv(files["coordinates.csv"], list(whole.columns), whole.itertuples(index=False))
        facts = {"method": NAMES[method], "seed": seed, "vectors": store.name, "labels": ", ".join(labels) or "all"}
        title = f"{NAMES[method]} of {', '.join(labels) or 'all glitches'}"
        write_text(
            files["embedding.html"],
            embedding_html(
                shown_columns(table),
                coordinates,
                thumbnails,
                color=color,
                title=title,
                dims=dims,
                method=NAMES[method],
                facts=facts,
            ),
        )
    return GlitchMap(whole, coordinates, files)


def _table(study: Study, glitches: np.ndarray, color: str) -> pd.DataFrame:
    table = study.glitches().loc[glitches, ["id", "ifo", "gps", "label", "predicted"]]
    clusters = study.latest_clusters()
    if len(clusters.index.intersection(table.index)):
        table["cluster"] = clusters["cluster"].reindex(table.index).astype("Int64")
    if color not in table.columns:
        check_color(study, color, table.columns[1:])
        table[color] = study.metadata()[color].reindex(table.index)
    return table.reset_index(drop=True)
