"""How far a map that was made again is from the one that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from discovery.candidates.maps import AXES
from discovery.verification.comparison import Comparison, by_id, same_files
from discovery.verification.reports import TABLES
from embed.digits import counted, percent
from embed.errors import InputError
from embed.vectors.index import recall_of

if TYPE_CHECKING:
    from pathlib import Path

    from embed.types import Floats

POINTS = TABLES["map"]
NEIGHBOURS = 15
"""Nearest neighbours on the map that are compared."""


class Drift(NamedTuple):
    """How far N points of a map are from those of another.

    Attributes
    ----------
    moved : float
        Root-mean-square displacement after the best shift, turn and mirroring, as a share of the first map's own spread: the root-mean-square
        distance of its points from their centre.
    kept : float
        Share of each point's `NEIGHBOURS` nearest that are among them on the other map too, the mean of all.
    """

    moved: float
    kept: float


def measure_drift(before: Floats, after: Floats) -> Drift:
    """Measure how far a map has drifted.

    Parameters
    ----------
    before, after : ndarray, shape (N, dims)
        Points of the same glitches.

    Examples
    --------
    >>> points = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    >>> [round(share, 6) for share in measure_drift(points, points[:, ::-1] + 5)]  # mirrored and shifted
    [0.0, 1.0]
    """
    if np.array_equal(before, after):
        return Drift(0.0, 1.0)
    old, new = (points - points.mean(axis=0) for points in (before, after))
    left, _, right = np.linalg.svd(new.T @ old)
    spread = float(np.sqrt((old**2).sum(axis=1).mean()))
    moved = float(np.sqrt(((old - new @ left @ right) ** 2).sum(axis=1).mean()))
    return Drift(moved / spread if spread else float(moved > 0), _kept(before, after))


def _kept(before: Floats, after: Floats) -> float:
    count = min(NEIGHBOURS, len(before) - 1)
    if count < 1:
        return 1.0
    first, second = (
        NearestNeighbors(n_neighbors=count).fit(points).kneighbors(return_distance=False) for points in (before, after)
    )
    return recall_of(second, first)


def compare_maps(report: Path, again: Path) -> Comparison:
    """Compare two folders of `discover project`; figures are not made again.

    Parameters
    ----------
    report, again : Path
        The map as it is, and the one that was made again.

    Raises
    ------
    InputError
        The coordinates cannot be read.
    """
    files = same_files(report, again)
    if files[POINTS]:
        return Comparison(files, "map drift 0", [], Drift(0.0, 1.0)._asdict())
    before, after = _points(report), _points(again)
    both = before.index.intersection(after.index)
    gone, come = len(before) - len(both), len(after) - len(both)
    said = (
        [
            f"of the map's {len(before):,} glitches {counted(gone, 'is', 'are')} not on it, and {counted(come, 'other is', 'others are')}"
        ]
        if gone or come
        else []
    )
    if before.shape[1] != after.shape[1]:
        raise InputError(f"{report / POINTS} has {before.shape[1]} axes, the run that wrote it {after.shape[1]}")
    if not len(both):
        return Comparison(files, "no glitch is on both maps", said)
    old, new = before.loc[both].to_numpy(), after.loc[both].to_numpy()
    drift = measure_drift(old, new)
    if np.array_equal(old, new):
        said.append("the points are the same; other columns of the table differ, such as labels")
        return Comparison(files, "map drift 0", said, drift._asdict())
    answer = f"map drift {100 * drift.moved:.3g} % of its spread, {percent(drift.kept)} of {NEIGHBOURS} nearest neighbours kept"
    return Comparison(files, answer, said, drift._asdict())


def _points(folder: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(folder / POINTS, dtype={"id": str}, keep_default_na=False)
        table = by_id(table)
        return table[[name for name in AXES if name in table.columns]].astype(float)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{folder / POINTS} cannot be read ({error}); draw the map again with `discover project`"
        ) from error
