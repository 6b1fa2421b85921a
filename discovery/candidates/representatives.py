"""Which glitches represent each cluster in a figure: the medoid and the surest members; of noise, an even sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.pages.columns import Group, classes
from discovery.pages.palette import NOISE_MARK
from embed.errors import InputError
from embed.views.viridis import colours_of_levels

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from discovery.pages.thumbnails import Thumbnails


@dataclass(frozen=True)
class ClusterRow:
    """The representatives of one cluster.

    Attributes
    ----------
    number : int
        Of the cluster; -1 is noise.
    group : Group
        Name, mark and size, as in the explorer's legend.
    members : tuple of int
        Table rows, in the order shown.
    medoid : int or None
        The table row that is the medoid.
    probability : float or None
        Mean membership probability.
    """

    number: int
    group: Group
    members: tuple[int, ...]
    medoid: int | None
    probability: float | None

    @property
    def is_noise(self) -> bool:
        """Whether these are the glitches in no cluster."""
        return self.group.mark is NOISE_MARK


def cluster_rows(table: pd.DataFrame, per_row: int) -> list[ClusterRow]:
    """Choose the representatives of each cluster.

    Parameters
    ----------
    table : DataFrame, N rows
        Columns ``cluster`` (integers, -1 is noise) and, where present, ``probability`` and ``medoid`` (bool).
    per_row : int
        Most members of a row.

    Returns
    -------
    list of ClusterRow
        By cluster number, noise last. The medoid comes first, then the members of highest probability, ties by table
        row. Noise has no typical member: its row is taken evenly from the table.

    Raises
    ------
    InputError
        If there is no column of cluster numbers, or `per_row` is not positive.
    """
    if "cluster" not in table.columns or table["cluster"].dtype.kind not in "iu":
        raise InputError(
            "the table has no column 'cluster' of integers, in which -1 is noise: cluster the glitches first"
        )
    if per_row < 1:
        raise InputError(f"a row of {per_row} pictures is empty: give 1 or more")
    number = table["cluster"].to_numpy()
    probability = table["probability"].to_numpy(dtype=float) if "probability" in table.columns else np.ones(len(table))
    medoid = table["medoid"].to_numpy(dtype=bool) if "medoid" in table.columns else np.zeros(len(table), bool)
    coded = classes("cluster", table["cluster"])
    rows = []
    for place, value in enumerate([*sorted(set(number.tolist()) - {-1}), *([-1] if (number == -1).any() else [])]):
        members = np.flatnonzero(number == value)
        group = coded.groups[coded.group_of[place]]
        # A class that shares the last mark with others still has its own name and size here.
        group = Group(coded.names[place], group.mark, len(members))
        if value == -1:
            shown = members[(np.arange(min(per_row, len(members))) * len(members)) // min(per_row, len(members))]
            rows.append(ClusterRow(value, group, tuple(shown.tolist()), None, None))
            continue
        order = members[np.lexsort((members, -np.nan_to_num(probability[members], nan=-1.0), ~medoid[members]))]
        first = int(order[0]) if medoid[order[0]] else None
        mean = float(np.nanmean(probability[members])) if "probability" in table.columns else None
        rows.append(ClusterRow(value, group, tuple(order[:per_row].tolist()), first, mean))
    return rows


def chosen_view(thumbnails: Thumbnails, duration: float | None) -> int:
    """Find a view by its duration, or the one most glitches have, of equals the longest.

    Raises
    ------
    InputError
        If no view has that duration.
    """
    if duration is None:
        have = thumbnails.present.sum(axis=0)
        return int(np.flatnonzero(have == have.max())[-1])
    if duration not in thumbnails.durations:
        raise InputError(
            f"no view of {duration} s among the pictures, only {thumbnails.durations}: choose one of these"
        )
    return thumbnails.durations.index(duration)


def picture(thumbnails: Thumbnails, row: int, view: int) -> npt.NDArray[np.uint8] | None:
    """Return one picture in colours, uint8 (h, w, 3), or None where there is none."""
    if not thumbnails.present[row, view]:
        return None
    levels = np.asarray(thumbnails.levels[row, view])
    return levels if thumbnails.plain else colours_of_levels(levels)
