"""The points of a map page: checked, sampled where they are too many, with their flat map and their neighbours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from discovery.pages.columns import classes, column_kind
from discovery.pages.page import base64_array
from discovery.pages.thumbnails import even_sample
from embed.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from embed.types import Codes, Rows, Vectors
    from embed.vectors.graph import NeighbourGraph

MAX_POINTS = 600_000
"""Glitches a page carries at most: a browser still turns and filters them."""
MAX_NEIGHBOURS = 20
"""Neighbours a glitch that a page carries at most."""
MAX_LINKS = 2_000_000
"""Neighbours of all glitches together: 13 MB once in base64."""
LEAST_NEIGHBOURS = 5
"""A page that has no room for as many carries none."""
NONE = -1
"""In place of a neighbour that the page does not have."""


@dataclass(frozen=True)
class Served:
    """What a page has that the review app shows: the app's own pictures instead of sheets, and the numbers of the glitches.

    Attributes
    ----------
    glitches : ndarray of int64, shape (N,)
        Row numbers in the study.
    durations : tuple of float
        Seconds, one for each of the V views, ascending; 0 for plain pictures.
    present : ndarray of bool, shape (N, V)
        Which views the study has.
    plain : bool
        Whether these are plain colour pictures rather than spectrograms.
    event : int
        The study's last label event when the labels were read: what was labelled since is a conflict.
    """

    glitches: Rows
    durations: tuple[float, ...]
    present: npt.NDArray[np.bool_]
    plain: bool
    event: int

    def only(self, rows: Rows) -> Self:
        """Return the same of some rows."""
        return replace(self, glitches=self.glitches[rows], present=self.present[rows])

    def for_page(self) -> dict[str, Any]:
        """Return what the page's script must know of pictures, numbers and the last event; 0 stands for a picture, -1 for none."""
        pictures = {
            "durations": list(self.durations),
            "plain": self.plain,
            "slots": base64_array(self.present.astype(np.int32) - 1),
        }
        return {
            "pictures": pictures if self.present.any() else None,
            "served": {"glitches": base64_array(self.glitches.astype(np.int32)), "event": self.event},
        }


@dataclass(frozen=True)
class BesideMap:
    """What a map page holds beside points and columns; all of it is optional.

    Attributes
    ----------
    flat : ndarray of float32, shape (N, 2), or None
        The flat map by the same method as the one in 3-D.
    neighbours : NeighbourGraph or None
        The nearest neighbours of the vectors, of the same N rows.
    keep : ndarray of bool, shape (N,), or None
        Glitches that no sample leaves out: medoids, flagged and odd ones.
    audit : str
        Passport of the latest audit, for answers to it; empty where there is none.
    served : Served or None
        For a page of the review app.
    """

    flat: npt.NDArray[np.floating] | None = None
    neighbours: NeighbourGraph | None = None
    keep: npt.NDArray[np.bool_] | None = None
    audit: str = ""
    served: Served | None = None

    def checked(self, count: int) -> Self:
        """Return the same.

        Raises
        ------
        InputError
            When a part is not of `count` rows.
        """
        if self.flat is not None:
            checked_points(self.flat, count, 2)
        if self.neighbours is not None and len(self.neighbours.neighbours) != count:
            raise InputError(f"the neighbour graph has {len(self.neighbours.neighbours)} rows and the table {count}")
        if self.keep is not None and self.keep.shape != (count,):
            raise InputError(f"the rows to keep have shape {self.keep.shape}: give {(count,)}")
        if self.served is not None and not len(self.served.glitches) == len(self.served.present) == count:
            raise InputError(
                f"{len(self.served.glitches)} numbers of glitches are given and the table has {count} rows"
            )
        return self

    def only(self, rows: Rows) -> Self:
        """Return the same of some rows, ascending; neighbours that are not among them become `NONE`."""
        graph = self.neighbours
        if graph is not None:
            place = np.full(len(graph.neighbours), NONE)
            place[rows] = np.arange(len(rows))
            graph = replace(graph, neighbours=place[graph.neighbours[rows]], similarities=graph.similarities[rows])
        return replace(
            self,
            flat=None if self.flat is None else self.flat[rows],
            neighbours=graph,
            keep=None if self.keep is None else self.keep[rows],
            served=None if self.served is None else self.served.only(rows),
        )


def checked_points(coordinates: npt.NDArray[np.floating], count: int, dims: int) -> Vectors:
    """Return the points as float32.

    Raises
    ------
    InputError
        When they are not (count, dims) of 2 or 3 dimensions, or not finite.
    """
    if dims not in {2, 3}:
        raise InputError(f"dims is {dims}: give 2 or 3")
    if coordinates.shape != (count, dims):
        raise InputError(
            f"coordinates have shape {coordinates.shape}: {count} glitches in {dims}-D need {(count, dims)}"
        )
    finite = np.isfinite(coordinates).all(axis=1)
    if not finite.all():
        raise InputError(
            f"the coordinates of row {int(np.flatnonzero(~finite)[0])} are not finite: leave such rows out"
        )
    return coordinates.astype(np.float32)


def class_codes(column: pd.Series) -> Codes:
    """Return the class of each row, int64 (N,): zeros where the column is no class."""
    kind = column_kind(column.name, column)
    return classes(column.name, column).codes if kind == "class" else np.zeros(len(column), np.int64)


def chosen_rows(column: pd.Series, keep: npt.NDArray[np.bool_] | None, limit: int) -> Rows | None:
    """Choose at most `limit` rows, spread evenly over the classes of a column, after those to keep; None where all fit."""
    return even_sample(class_codes(column), limit, keep) if len(column) > limit else None


def flat_map(points: Vectors, flat: npt.NDArray[np.floating] | None, method: str) -> tuple[Vectors, str]:
    """Return the flat map of points in 3-D, float32 (N, 2), and what it is; flat points are returned as they are.

    Without a `flat` of its own it is the plane in which the points spread most: their two leading principal components.
    """
    if points.shape[1] == 2:
        return points, ""
    if flat is not None:
        return (
            flat.astype(np.float32),
            f"laid out by {method or 'the same method'} on its own in 2 dimensions, not a view of the map in 3-D: groups lie elsewhere",
        )
    centred = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    values, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, :0:-1]
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    share = 100 * values[1:].sum() / values.sum() if values.sum() > 0 else 100.0
    return (
        (centred @ axes).astype(np.float32),
        f"the map in 3-D seen from the side where it is widest, with {share:.0f} % of its spread: groups that lie behind each other overlap",
    )


def packed_neighbours(graph: NeighbourGraph | None) -> dict[str, Any] | None:
    """Write the nearest neighbours as the page's script reads them; None where there are none, or no room for enough.

    Returns
    -------
    dict or None
        ``k``, ``rows`` (base64 int32, N times k, `NONE` where the page lacks the neighbour), ``cosines`` (base64 uint8, in 255ths).
    """
    if graph is None or not len(graph.neighbours):
        return None
    k = min(graph.neighbours.shape[1], MAX_NEIGHBOURS, MAX_LINKS // len(graph.neighbours))
    if k < min(LEAST_NEIGHBOURS, graph.neighbours.shape[1]) or k < 1:
        return None
    cosines = np.rint(255 * graph.similarities[:, :k].clip(0, 1)).astype(np.uint8)
    return {"k": k, "rows": base64_array(graph.neighbours[:, :k].astype(np.int32)), "cosines": base64_array(cosines)}
