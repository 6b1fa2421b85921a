"""The study's maps for the page: the explorer page of each, made anew from its coordinates and from what the study holds now."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from discovery.candidates.mapcolumns import kept_glitches, map_columns
from discovery.candidates.maps import AXES, FLAT_AXES, NAMES
from discovery.explorer.explorer import embedding_html
from discovery.explorer.mapdata import MAX_NEIGHBOURS, BesideMap, Served
from discovery.pages.columns import column_kind
from embed.csvfile import restored
from embed.errors import InputError
from embed.study.reviews import last_event
from embed.study.study import Study
from embed.study.views import each_view
from embed.vectors.standing import latest_store

if TYPE_CHECKING:
    from pathlib import Path

    from embed.types import Rows
    from embed.vectors.graph import NeighbourGraph

COLOUR = "label"
"""What a map is coloured by at first, where the study has it."""


class Maps:
    """Makes the pages of one study's maps; what did not change is kept.

    Parameters
    ----------
    folder : Path
        The study's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._table = lru_cache(2)(_read_coordinates)
        self._page = lru_cache(2)(self._made)
        self._making = Lock()

    def list(self) -> list[dict[str, Any]]:
        """Return the maps in the study's reports, the latest first."""
        paths = list((self._folder / "reports").glob("map-*/coordinates.csv"))
        paths.sort(key=lambda path: (-path.stat().st_mtime_ns, path))
        return [{"name": path.parent.name, **_described(path)} for path in paths]

    def page(self, name: str) -> str:
        """Return the explorer page of a map, with the labels of now and the app's own pictures.

        Raises
        ------
        InputError
            When the study has no such map, or it holds none of the study's glitches.
        """
        if name not in {known["name"] for known in self.list()}:
            raise InputError(f"the study has no map {name[:60]!r}; load the page again")
        key = (self._folder / "reports" / name / "coordinates.csv").stat().st_mtime_ns
        with Study(self._folder) as study:
            runs = int(study.runs()[["started", "finished"]].count().sum())  # what a run found counts when it has ended
            state = last_event(study), runs
        with self._making:  # one page at a time: who asks for the same one waits for it
            return self._page(name, key, *state)

    def _made(self, name: str, key: int, _event: int, _runs: int) -> str:
        path = self._folder / "reports" / name / "coordinates.csv"
        table = self._table(self._folder, path, key)
        if table.empty:
            raise InputError(f"none of the glitches of the map {name[:60]!r} is in the study; make another map")
        glitches, about = table.index.to_numpy(np.int64), _described(path)
        axes, flat = AXES[: about["dims"]], list(FLAT_AXES)
        with Study(self._folder) as study:
            served = _served(study, glitches)
            columns = map_columns(study, glitches)
            colour = next((one for one in columns if column_kind(one, columns[one]) != "text"), COLOUR)
            if colour not in columns:
                columns[colour] = None
            columns.insert(0, "id", pd.Series(study.ids()))
            return embedding_html(
                columns.reset_index(drop=True),
                table[list(axes)].to_numpy(np.float32),
                None,
                color=COLOUR if COLOUR in columns else str(colour),
                title=f"{about['method']} of {about['of']}",
                dims=about["dims"],
                method=about["method"],
                beside=BesideMap(
                    flat=table[flat].to_numpy(np.float32) if set(flat) <= set(table.columns) else None,
                    keep=kept_glitches(study, columns),
                    served=served,
                    neighbours=_neighbours(study, glitches),
                ),
            )


def _neighbours(study: Study, glitches: Rows) -> NeighbourGraph | None:
    """Return the nearest neighbours in the vectors that were made last; None where a glitch has no vector."""
    store = latest_store(study)
    if store is None:
        return None
    rows = store.rows(glitches)
    return None if (rows < 0).any() else BesideMap(neighbours=store.graph.nearest(MAX_NEIGHBOURS)).only(rows).neighbours


def _served(study: Study, glitches: Rows) -> Served:
    """Say which pictures the study has of these glitches."""
    event = last_event(study)
    place = {glitch: row for row, glitch in enumerate(glitches.tolist())}
    rows: defaultdict[tuple[bool, float], list[int]] = defaultdict(list)
    for view in each_view(study):
        if view.glitch in place:
            rows[view.kind == "image", view.duration].append(place[view.glitch])
    plain = any(image for image, _ in rows)
    durations = tuple(sorted(duration for image, duration in rows if image == plain))
    present = np.zeros((len(glitches), len(durations)), bool)
    for column, duration in enumerate(durations):
        present[rows[plain, duration], column] = True
    return Served(glitches, durations, present, plain, event)


def _described(path: Path) -> dict[str, Any]:
    """Say from a map's name what it is."""
    method, _, dims = path.parent.name.rpartition("-")
    method = method.rpartition("-")[2]
    of = path.parent.name.removeprefix("map-").removesuffix(f"-{dims}").removesuffix(method).strip("-")
    return {"method": NAMES.get(method, method), "dims": 2 if dims == "2d" else 3, "of": of or "all glitches"}


def _read_coordinates(folder: Path, path: Path, _key: int) -> pd.DataFrame:
    """Read a map's positions by glitch, without glitches that the study does not have."""
    wanted = {"id", *AXES, *FLAT_AXES}
    table = pd.read_csv(path, usecols=lambda name: name in wanted, dtype={"id": str}, keep_default_na=False)
    with Study(folder) as study:
        numbers = {identifier: glitch for glitch, identifier in study.ids().items()}
    glitches = np.array([numbers.get(restored(text), -1) for text in table["id"]], np.int64)
    table = table.drop(columns="id").set_index(pd.Index(glitches, name="glitch"))
    return table[table.index >= 0].sort_index()
