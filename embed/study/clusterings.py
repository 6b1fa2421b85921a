"""The clusterings that a study holds, each stored under the run that made it, and the branches within their clusters.

The table of branches is made with the first one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from embed.errors import InputError
from embed.study.reading import read_object, read_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from embed.study.study import Study
    from embed.types import Codes, Floats, Rows


_BRANCHES = """CREATE TABLE IF NOT EXISTS branches ( -- the finest branch within its cluster that a glitch is in
    run INTEGER NOT NULL REFERENCES runs,
    glitch INTEGER NOT NULL REFERENCES glitches,
    branch TEXT NOT NULL,      -- as in clusters.csv: 1.0 is the larger part of cluster 1
    PRIMARY KEY (run, glitch)
) WITHOUT ROWID"""


class StoredClustering(NamedTuple):
    """One clustering.

    Attributes
    ----------
    run : int
    arguments : dict
        What the run was given: ``label``, ``method``, ``store`` and more.
    table : DataFrame
        ``cluster`` (-1 is noise) and ``probability``, index ``glitch``.
    """

    run: int
    arguments: dict[str, Any]
    table: pd.DataFrame

    @property
    def label(self) -> str:
        """The label that was clustered."""
        return str(self.arguments["label"])


def save_clusters(study: Study, run: int, glitches: Rows, clusters: Codes, probabilities: Floats) -> None:
    """Store a clustering of `glitches` under its run."""
    rows = zip([run] * len(glitches), glitches.tolist(), clusters.tolist(), probabilities.tolist(), strict=True)
    with study.transaction():
        study.connection.executemany(
            "INSERT INTO clusters (run, glitch, cluster, probability) VALUES (?, ?, ?, ?)", rows
        )


def save_branches(study: Study, run: int, branches: Iterable[tuple[int, str]]) -> None:
    """Store the finest branch of each glitch (its row number) that is in one within its cluster, under the clustering's run."""
    rows = [(run, glitch, branch) for glitch, branch in branches]
    if rows:
        with study.transaction():
            study.connection.execute(_BRANCHES)
            study.connection.executemany("INSERT INTO branches (run, glitch, branch) VALUES (?, ?, ?)", rows)


def read_branches(study: Study, run: int) -> dict[int, str]:
    """Return what `save_branches` stored of a clustering's run; empty where it has no branches, or is of an earlier version."""
    there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'branches'"
    if study.connection.execute(there).fetchone() is None:
        return {}
    rows = study.connection.execute("SELECT glitch, branch FROM branches WHERE run = ? ORDER BY glitch", (run,))
    return {int(glitch): str(branch) for glitch, branch in rows}


def latest_clusters(study: Study) -> pd.DataFrame:
    """The latest cluster of each glitch (index ``glitch``; columns ``cluster``, ``probability``, ``run``); a killed run's do not count."""
    return read_table(
        study.connection,
        "SELECT glitch, cluster, probability, max(run) AS run FROM clusters WHERE run IN (SELECT run FROM runs WHERE outcome = 'done') GROUP BY glitch ORDER BY glitch",
        index="glitch",
    )


def latest_clustering(study: Study, label: str | None = None, *, run: int | None = None) -> StoredClustering:
    """Read the latest finished clustering of a study.

    Parameters
    ----------
    study : Study
    label : str, optional
        Of this label; by default of any.
    run : int, optional
        Not the latest one, but that of this run.

    Raises
    ------
    InputError
        There is none.
    """
    for number, arguments in finished_clusterings(study):
        if run in {None, number} and (label is None or arguments.get("label") == label):
            query = "SELECT glitch, cluster, probability FROM clusters WHERE run = :run ORDER BY glitch"
            table = read_table(study.connection, query, index="glitch", run=str(number))
            return StoredClustering(number, arguments, table)
    asked = "" if label is None else f" of {label!r}"
    asked += "" if run is None else f" of run {run}"
    raise InputError(f"the study has no clustering{asked}; run `discover cluster {label or 'LABEL'}` first")


def finished_clusterings(study: Study) -> list[tuple[int, dict[str, Any]]]:
    """Run and arguments of each finished clustering, the latest first."""
    rows = study.connection.execute(
        "SELECT run, arguments FROM runs WHERE command = 'cluster' AND outcome = 'done' ORDER BY run DESC"
    ).fetchall()
    return [(int(run), read_object(study.database, text, f"what run {run} was given")) for run, text in rows]
