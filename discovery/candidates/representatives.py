"""Which glitches represent each cluster in a figure: the medoid and a sample spread over detectors and time; of noise, an even sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.pages.columns import Group, classes
from discovery.pages.palette import NOISE_MARK
from embed.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd


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


def cluster_rows(table: pd.DataFrame, per_row: int, *, spread: bool = True) -> list[ClusterRow]:
    """Choose the representatives of each cluster.

    Parameters
    ----------
    table : DataFrame, N rows
        Columns ``cluster`` (integers, -1 is noise) and, where present, ``probability``, ``medoid`` (bool), ``ifo`` and ``gps``.
    per_row : int
        Most members of a row.
    spread : bool
        False takes the first members of the table, whose order says what matters.

    Returns
    -------
    list of ClusterRow
        By cluster number, noise last. The medoid comes first, then a sample of the members whose probability is not below
        the median, taken in turn from each detector and evenly over time. Noise has no typical member: its row is taken evenly from the table.

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
        first = int(members[medoid[members]][0]) if medoid[members].any() else None
        mean = float(np.nanmean(probability[members])) if "probability" in table.columns else None
        sure = np.nan_to_num(probability[members], nan=-1.0)
        others = members[(sure >= np.median(sure)) & (members != first)]
        if len(others) < per_row:
            others = members[members != first]
        lead = [] if first is None else [first]
        rest = spread_sample(table, others, per_row - len(lead)) if spread else members[members != first].tolist()
        chosen = (lead + rest)[:per_row]
        rows.append(ClusterRow(value, group, tuple(chosen), first, mean))
    return rows


def spread_sample(table: pd.DataFrame, members: npt.NDArray[np.int64], count: int) -> list[int]:
    """Choose some of the members, in turn from each detector and evenly over time.

    Parameters
    ----------
    table : DataFrame
        Where present, ``ifo`` and ``gps`` are looked at.
    members : ndarray of int64
        Rows of the table.
    count : int
        Most of them that are chosen.
    """
    ifo = table["ifo"].astype(object).to_numpy()[members] if "ifo" in table.columns else np.full(len(members), "")
    gps = table["gps"].to_numpy(dtype=float)[members] if "gps" in table.columns else np.zeros(len(members))
    names = np.array([str(name) for name in ifo], dtype=object)
    queues = []
    for name in sorted(set(names.tolist())):
        own = members[names == name]
        own = own[np.lexsort((own, gps[names == name]))]
        queues.append(own)
    wanted = min(count, len(members))
    shares = [0] * len(queues)
    while sum(shares) < wanted:  # one more from each detector in turn
        for place, queue in enumerate(queues):
            if shares[place] < len(queue) and sum(shares) < wanted:
                shares[place] += 1
    picked = [
        queue[((np.arange(share) + 0.5) * len(queue) / share).astype(int)].tolist()
        for queue, share in zip(queues, shares, strict=True)
        if share
    ]
    longest = max((len(own) for own in picked), default=0)
    return [own[turn] for turn in range(longest) for own in picked if turn < len(own)]
