"""The points of a map that was drawn, kept beside its page: what a later map with new glitches starts from.

``map.npz`` in the map's folder holds the glitches' row numbers, their points (of a map in 3-D also those of its flat companion), whether each was placed on a map that was drawn before,
the hashes of the files that its vector was made from, and as JSON the settings: labels, method, dimensions, seed and vectors.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.clustering.placement import place
from discovery.clustering.projection import LEAST_ROWS
from embed.digits import counted
from embed.errors import StudyError
from embed.storage import canonical_json, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from discovery.clustering.methods import MapMethod
    from embed.types import Rows, Vectors
    from embed.vectors.store import VectorStore

FILE = "map.npz"


@dataclass(frozen=True)
class StoredMap:
    """A map that was drawn.

    Attributes
    ----------
    settings : dict
        ``labels``, ``method``, ``dims``, ``seed`` and ``store``.
    glitches : ndarray of int64, shape (N,)
        Row numbers in the study.
    points : ndarray of float32, shape (N, dims)
    placed : ndarray of bool, shape (N,)
        Placed among the others later, instead of laid out with them.
    inputs : ndarray of uint8, shape (N, 32)
        As in `embed.vectors.store.StoreRows`.
    flat : ndarray of float32, shape (N, 2) or (0, 2)
        The points of the flat map by the same method; none where `points` are flat themselves, or the map is an older one.
    """

    settings: dict[str, Any]
    glitches: Rows
    points: Vectors
    placed: NDArray[np.bool_]
    inputs: NDArray[np.uint8]
    flat: Vectors


@dataclass(frozen=True)
class Layout:
    """The points of a map of N glitches.

    Attributes
    ----------
    points : ndarray of float32, shape (N, dims)
    placed : ndarray of bool, shape (N,)
    added, far : int
        Points that were placed now, and how many of them are far from all that were laid out: see `discovery.clustering.placement.place`.
    note : str
        Why a stored map was not kept; empty where it was, or there was none.
    flat : ndarray of float32, shape (N, 2) or (0, 2)
        As in `StoredMap`.
    sampled : int
        Points that were placed now among landmarks, which were laid out in the same run.
    """

    points: Vectors
    placed: NDArray[np.bool_]
    flat: Vectors
    added: int = 0
    far: int = 0
    note: str = ""
    sampled: int = 0


def save_map(folder: Path, stored: StoredMap) -> None:
    """Write ``map.npz``, atomically; the same map gives the same bytes."""
    arrays: dict[str, Any] = {
        **{name: getattr(stored, name) for name in ("glitches", "points", "placed", "inputs", "flat")},
        "settings": np.str_(canonical_json(stored.settings)),
    }
    write_atomic(folder / FILE, lambda file: np.savez(file, **arrays))


def load_map(folder: Path) -> StoredMap | None:
    """Read ``map.npz``; None where there is none.

    Raises
    ------
    StudyError
        The file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            stored = StoredMap(
                settings=json.loads(str(held["settings"])),
                glitches=held["glitches"],
                points=held["points"],
                placed=held["placed"],
                inputs=held["inputs"],
                flat=held["flat"] if "flat" in held else np.zeros((0, 2), np.float32),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise StudyError(f"the map {path} cannot be read; delete it, or lay out afresh with --anew") from error
    lengths = {len(part) for part in (stored.glitches, stored.points, stored.placed, stored.inputs)}
    flat_fits = stored.flat.shape in {(len(stored.glitches), 2), (0, 2)} and np.isfinite(stored.flat).all()
    if len(lengths) > 1 or stored.points.ndim != 2 or not np.isfinite(stored.points).all() or not flat_fits:
        raise StudyError(f"the map {path} is damaged; delete it, or lay out afresh with --anew")
    return stored


def extended(stored: StoredMap, store: VectorStore, glitches: Rows, settings: dict[str, Any]) -> Layout | str:
    """Keep the points of a stored map and place the glitches that it lacks; returns why not where it cannot be kept.

    Parameters
    ----------
    stored : StoredMap
    store : VectorStore
        The vectors.
    glitches : ndarray of int64, shape (N,)
        Of the new map, ascending; those of the stored map that are not among them are left out.
    settings : dict
        As in `StoredMap`.
    """
    if stored.settings != settings:
        other = [
            f"{name} {stored.settings.get(name)!r}" for name in settings if stored.settings.get(name) != settings[name]
        ]
        return f"the map that was there has {', '.join(other)}"
    order = np.argsort(stored.glitches)
    where = np.searchsorted(stored.glitches[order], glitches)
    where = order[np.minimum(where, len(order) - 1)]
    kept = stored.glitches[where] == glitches
    rows = store.rows(glitches)
    changed = (np.asarray(store.inputs)[rows[kept]] != stored.inputs[where[kept]]).any(axis=1).sum()
    if changed:
        return f"{counted(changed, 'glitch of the map that was there has', 'glitches of the map that was there have')} other pictures now"
    laid_out = kept & ~stored.placed[where]
    if laid_out.sum() < LEAST_ROWS or not stored.points[where[laid_out]].any():
        return f"the map that was there has {laid_out.sum()} of these glitches, too few to place others among them"
    points, flat = stored.points[where], stored.flat[where] if len(stored.flat) else stored.flat
    method: MapMethod = settings["method"]
    if kept.all():
        return Layout(points, stored.placed[where], flat)
    new, old = (np.asarray(store.vectors[rows[chosen]]) for chosen in (~kept, laid_out))
    points[~kept], far = place(new, old, points[laid_out], method=method, seed=settings["seed"])
    if len(flat):
        flat[~kept], _ = place(new, old, flat[laid_out], method=method, seed=settings["seed"])
    return Layout(points, ~kept | stored.placed[where], flat, int((~kept).sum()), int(far.sum()))
