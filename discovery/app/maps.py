"""The study's maps for the page: coordinates that `discover project` wrote as bytes, and the columns that colour and filter the points."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from discovery.candidates.mapcolumns import map_columns
from discovery.candidates.maps import AXES, NAMES
from discovery.pages.columns import column_for_page
from discovery.pages.gpstime import LEAP_SECONDS
from discovery.pages.page import base64_array, showable
from embed.csvfile import restored
from embed.errors import InputError
from embed.study.reviews import last_event
from embed.study.study import Study

if TYPE_CHECKING:
    from pathlib import Path


class Maps:
    """Reads the maps of one study; what did not change is kept.

    Parameters
    ----------
    folder : Path
        The study's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._table = lru_cache(2)(_read_coordinates)
        self._page = lru_cache(2)(self._columns)

    def list(self) -> list[dict[str, Any]]:
        """Return the maps in the study's reports, the latest first."""
        paths = list((self._folder / "reports").glob("map-*/coordinates.csv"))
        paths.sort(key=lambda path: (-path.stat().st_mtime_ns, path))
        return [{"name": path.parent.name, **_described(path)} for path in paths]

    def coordinates(self, name: str) -> bytes:
        """Return the positions of the map's glitches that the study has: float32, little-endian, all x, then all y, then z."""
        table, _ = self._known(name)
        axes = [axis for axis in AXES if axis in table.columns]
        return table[axes].to_numpy(np.float32).T.astype("<f4").tobytes()

    def columns(self, name: str) -> dict[str, Any]:
        """Return ids, numbers and columns of the map's glitches as JSON values, as the study holds them now."""
        _, key = self._known(name)
        with Study(self._folder) as study:
            return self._page(name, key, last_event(study), study.count("runs"))

    def _known(self, name: str) -> tuple[pd.DataFrame, int]:
        """Return a map's table, rows by glitch, and what changes when the map does.

        Raises
        ------
        InputError
            When the study has no such map.
        """
        if name not in {known["name"] for known in self.list()}:
            raise InputError(f"the study has no map {name[:60]!r}; load the page again")
        path = self._folder / "reports" / name / "coordinates.csv"
        key = path.stat().st_mtime_ns
        return self._table(self._folder, path, key), key

    def _columns(self, name: str, key: int, _event: int, _runs: int) -> dict[str, Any]:
        path = self._folder / "reports" / name / "coordinates.csv"
        table = self._table(self._folder, path, key)
        with Study(self._folder) as study:
            shown = map_columns(study, table.index.to_numpy(np.int64))
            ids = pd.Series(study.ids()).loc[table.index]
        return {
            "n": len(table),
            **_described(path),
            "ids": [showable(text) for text in ids],
            "glitches": base64_array(table.index.to_numpy(np.int32)),
            "columns": [column_for_page(column, shown[column]) for column in shown.columns],
            "leapSeconds": list(LEAP_SECONDS),
        }


def _described(path: Path) -> dict[str, Any]:
    """Say from a map's name what it is."""
    method, _, dims = path.parent.name.rpartition("-")
    method = method.rpartition("-")[2]
    of = path.parent.name.removeprefix("map-").removesuffix(f"-{dims}").removesuffix(method).strip("-")
    return {"method": NAMES.get(method, method), "dims": 2 if dims == "2d" else 3, "of": of or "all glitches"}


def _read_coordinates(folder: Path, path: Path, _key: int) -> pd.DataFrame:
    """Read a map's positions by glitch, without glitches that the study does not have."""
    table = pd.read_csv(path, usecols=lambda name: name in {"id", *AXES}, dtype={"id": str}, keep_default_na=False)
    with Study(folder) as study:
        numbers = {identifier: glitch for glitch, identifier in study.ids().items()}
    glitches = np.array([numbers.get(restored(text), -1) for text in table["id"]], np.int64)
    table = table.drop(columns="id").set_index(pd.Index(glitches, name="glitch"))
    return table[table.index >= 0].sort_index()
