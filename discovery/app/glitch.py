"""One glitch for the page: its views, metadata, every label with its source, and its nearest neighbours from the stored graph."""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.app.queue import when
from embed.errors import InputError
from embed.study.reviews import find_facts, given_labels, ids_of, label_events
from embed.vectors.standing import latest_store
from embed.vectors.store import MARK, chosen_store

if TYPE_CHECKING:
    from pathlib import Path

    from embed.study.study import Study
    from embed.vectors.graph import NeighbourGraph

NEIGHBOURS = 12
"""Nearest glitches shown at most."""


def glitch_facts(study: Study, glitch: int, nearest: Nearest) -> dict[str, Any]:
    """Return what the study holds of a glitch as JSON values.

    Parameters
    ----------
    study : Study
    glitch : int
        Row number.
    nearest : Nearest
        Of the same study.

    Raises
    ------
    InputError
        When there is no such glitch.
    """
    found = find_facts(study, glitch)
    if found is None:
        raise InputError(f"the study has no glitch {glitch}; load the page again")
    identifier, ifo, gps, metadata = found
    return {
        "glitch": glitch,
        "id": identifier,
        "ifo": ifo,
        "gps": gps,
        "when": when(gps),
        "metadata": {name: value if isinstance(value, int | float) else str(value) for name, value in metadata.items()},
        "views": [{"duration": view.duration, "plain": view.kind == "image"} for view in study.views([glitch])],
        "labels": [label._asdict() for label in label_events(study, glitch)],
        "neighbours": nearest.of(study, glitch),
    }


class Nearest:
    """The nearest glitches in the graph of the vectors that were made last; the graph is read once, and again when it was made anew.

    Parameters
    ----------
    folder : Path
        The study's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._read = lru_cache(1)(self._read_nearest)

    def of(self, study: Study, glitch: int) -> list[dict[str, Any]]:
        """Return the nearest first, as JSON values; none where the glitch has no vector."""
        store = latest_store(study)
        if store is None:
            return []
        row = int(store.rows(np.array([glitch]))[0])
        if row < 0:
            return []
        with self._lock:  # the arrays are large: two requests do not read them twice
            graph = self._read(store.name, (store.folder / MARK).stat().st_mtime_ns)
        numbers = store.glitches[graph.neighbours[row]].tolist()
        labels, names = given_labels(study, numbers), ids_of(study, numbers)
        return [
            {
                "glitch": number,
                "id": names[number],
                "label": labels[number].label if number in labels else "",
                "similarity": round(float(similarity), 4),
            }
            for number, similarity in zip(numbers, graph.similarities[row], strict=True)
        ]

    def _read_nearest(self, name: str, _: int) -> NeighbourGraph:
        store = chosen_store(self._folder, name)
        assert store is not None
        return store.graph.nearest(NEIGHBOURS)
