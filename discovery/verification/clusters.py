"""Whether clusters come out the same when they are made again, and where they do not, what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from discovery.clustering.result import NOISE
from discovery.verification.comparison import Comparison, by_id, same_files
from discovery.verification.reports import TABLES
from embed.digits import counted
from embed.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

CLUSTERS = TABLES["clusters"]
SAME = "same clusters"


def compare_clusters(report: Path, again: Path) -> Comparison:
    """Compare two folders of `discover cluster`.

    Parameters
    ----------
    report, again : Path
        The report as it is, and the one that was made again.

    Raises
    ------
    InputError
        The report has no ``clusters.csv``, or it cannot be read.
    """
    if not (report / CLUSTERS).is_file():
        raise InputError(f"{report} holds no {CLUSTERS}: name a report of `discover cluster`")
    files = same_files(report, again)
    if files[CLUSTERS]:
        return Comparison(files, SAME, [])
    is_same, differences = _differences(report / CLUSTERS, again / CLUSTERS)
    return Comparison(files, SAME if is_same else "other clusters", differences)


def _differences(first: Path, second: Path) -> tuple[bool, list[str]]:
    """Say whether the glitches of both are in the same clusters, and what differs."""
    try:
        before, after = (by_id(pd.read_csv(path, dtype={"id": str, "cluster": int})) for path in (first, second))
        gone, come = before.index.difference(after.index), after.index.difference(before.index)
        both = before.index.intersection(after.index)
        old, new = before.loc[both, "cluster"], after.loc[both, "cluster"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{first} cannot be read ({error}); make the report again with `discover cluster`") from error
    said = []
    if len(gone) or len(come):
        said.append(
            f"of the report's {len(before):,} glitches {counted(len(gone), 'no longer has', 'no longer have')} the label, and {counted(len(come), 'other has', 'others have')} it now"
        )
    moved = _moved(old, new)
    if moved:
        agreement = adjusted_rand_score(old, new)
        said.append(
            f"{moved:,} of {counted(len(both), 'glitch', 'glitches')} {'is' if moved == 1 else 'are'} in another cluster (adjusted Rand index {agreement:.3f})"
        )
    elif said or (old != new).any():
        numbers = ", which have other numbers" if (old != new).any() else ""
        said.append(f"{'the other' if said else 'all'} {len(both)} glitches are in the same clusters{numbers}")
    else:
        said.append("the clusters are the same; other columns of the table differ, such as predictions or paths")
    return not moved and not len(gone) and not len(come), said


def _moved(old: pd.Series, new: pd.Series) -> int:
    """Count glitches that leave their cluster, whatever its number: clusters are matched so that most glitches stay; noise is matched with noise."""
    overlap = pd.crosstab(old[old != NOISE], new[new != NOISE]).to_numpy()
    staying = overlap[linear_sum_assignment(overlap, maximize=True)].sum() + ((old == NOISE) & (new == NOISE)).sum()
    return int(len(old) - staying)
