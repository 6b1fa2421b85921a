"""The clusterings that a study holds, each stored under the run that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from embed.errors import InputError
from embed.study.reading import read_object, read_table

if TYPE_CHECKING:
    import pandas as pd

    from embed.study.study import Study


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


def latest_clustering(study: Study, label: str | None = None) -> StoredClustering:
    """Read the latest finished clustering of a study.

    Parameters
    ----------
    study : Study
    label : str, optional
        Of this label; by default of any.

    Raises
    ------
    InputError
        There is none.
    """
    rows = study.connection.execute(
        "SELECT run, arguments FROM runs WHERE command = 'cluster' AND outcome = 'done' ORDER BY run DESC"
    )
    for run, text in rows:
        arguments = read_object(study.database, text, f"what run {run} was given")
        if label is None or arguments.get("label") == label:
            query = "SELECT glitch, cluster, probability FROM clusters WHERE run = :run ORDER BY glitch"
            return StoredClustering(int(run), arguments, read_table(study.connection, query, index="glitch", run=run))
    asked = "" if label is None else f" of {label!r}"
    raise InputError(f"the study has no clustering{asked}; run `discover cluster {label or 'LABEL'}` first")
