"""What a study knows of each glitch of a map: the columns that colour and filter it, and the glitches that no sample may leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from discovery.candidates.folders import report_folder
from discovery.clustering.methods import CLUSTER_METHODS
from discovery.pages.columns import column_kind
from embed.csvfile import restored
from embed.gravityspy import ERAS, NUMBERS
from embed.study.audits import has_audits, latest_audit, select_verdicts
from embed.study.clusterings import finished_clusterings, latest_clusters
from embed.study.reports import latest_reports

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from embed.study.study import Study
    from embed.types import Rows

FLAGGED = 0.5
"""Probability of a wrong label from which a glitch counts as flagged."""


def map_columns(study: Study, glitches: Rows) -> pd.DataFrame:
    """Read the columns of a map, each only where the study has it.

    Parameters
    ----------
    study : Study
    glitches : ndarray of int64, shape (N,)
        Row numbers.

    Returns
    -------
    DataFrame, N rows
        Index `glitches`: ``label``, ``predicted`` (None where there is none), ``ifo``, ``gps``, ``run`` (observing run),
        ``cluster`` (Int64, of the latest clustering), ``p_wrong`` (latest audit), ``novelty`` (N where one known glitch in N is as
        odd, of all that `discover novel` compared), and the metadata that are numbers or classes.
    """
    known = known_columns(study.glitches().loc[glitches], study.metadata())
    first = [name for name in ("label", "predicted", "ifo", "gps", "run") if name in known.columns]
    table = known[first].copy()
    clusters = latest_clusters(study)["cluster"]
    if len(clusters.index.intersection(table.index)):
        table["cluster"] = clusters.reindex(table.index).astype("Int64")
    table["p_wrong"] = _doubts(study).reindex(table.index)
    table["novelty"] = (
        pd.Series(study.ids())
        .reindex(table.index)
        .map(pd.Series(_oddness(study, "novelty.csv") or _oddness(study, "novel.csv"), dtype=float))
    )
    rest = [name for name in known.columns if name not in table.columns]
    return table.join(known[rest]).dropna(axis="columns", how="all")


def known_columns(table: pd.DataFrame, metadata: pd.DataFrame) -> pd.DataFrame:
    """Return what was known of glitches before any was clustered or audited.

    Parameters
    ----------
    table : DataFrame, N rows
        ``label``, ``predicted``, ``ifo`` and ``gps``, index ``glitch``.
    metadata : DataFrame
        Of the study, index ``glitch``.

    Returns
    -------
    DataFrame, N rows
        These, ``run``, and the metadata that are numbers or classes; columns that are all empty are left out.
    """
    found = table[["label", "predicted", "ifo", "gps"]].copy()
    for name in ("label", "predicted", "ifo"):
        found[name] = found[name].replace("", None)
    found["run"] = observing_runs(found["gps"].to_numpy(float))
    own = metadata.reindex(found.index)
    first = [name for name in NUMBERS if name in own.columns]
    for name in [*first, *(name for name in own.columns if name not in first)]:
        if name not in found.columns and name != "id" and column_kind(name, own[name]) != "text":
            found[name] = own[name]
    return found.dropna(axis="columns", how="all")


def observing_runs(gps: NDArray[np.float64]) -> NDArray[np.object_]:
    """Name the observing run of each GPS time, None between the runs that `embed.gravityspy.ERAS` lists.

    Examples
    --------
    >>> observing_runs(np.array([1128000000.0, 0.0])).tolist()
    ['O1', None]
    """
    found = np.full(len(gps), None, object)
    for name, (first, last) in ERAS.items():
        found[(gps >= first) & (gps < last)] = name
    return found


def kept_glitches(study: Study, table: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the glitches that no sample of a map may leave out.

    Parameters
    ----------
    study : Study
    table : DataFrame, N rows
        Of `map_columns`.

    Returns
    -------
    ndarray of bool, shape (N,)
        Medoids of the latest clustering of each label, glitches whose label is wrong with a probability of `FLAGGED` or more,
        and those that `discover novel` listed.
    """
    keep = np.zeros(len(table), bool)
    if "p_wrong" in table.columns:
        keep |= table["p_wrong"].to_numpy(float) >= FLAGGED
    named = set(_oddness(study, "novel.csv"))
    seen: set[str] = set()
    for _, arguments in finished_clusterings(study):
        label = str(arguments.get("label", ""))
        if label not in seen:
            seen.add(label)
            folder = report_folder(study.folder, label, arguments.get("method", CLUSTER_METHODS[0]))
            named |= _medoids(folder / "clusters.csv")
    return keep | pd.Series(study.ids()).reindex(table.index).isin(named).to_numpy()


def audit_passport(study: Study) -> str:
    """Return the passport of the latest audit, empty where there is none."""
    audit = latest_audit(study) if has_audits(study) else None
    return "" if audit is None else audit[1]


def _doubts(study: Study) -> pd.Series:
    """Return the probability of a wrong label by glitch, of the latest audit."""
    audit = latest_audit(study) if has_audits(study) else None
    verdicts = [] if audit is None else select_verdicts(study, audit[0])
    return pd.Series({glitch: p_wrong for _, glitch, _, _, _, p_wrong in verdicts}, dtype=float)


def _oddness(study: Study, name: str) -> dict[str, float]:
    """Return ``one_in`` by id of a table of the last `discover novel`: ``novelty.csv`` has all glitches, ``novel.csv`` those that are listed; empty where there is none."""
    pages = [report.path for report in latest_reports(study) if report.path.name == "novel.png"]
    path = next((path for page in pages if (path := page.with_name(name)).is_file()), None)
    if path is None:
        return {}
    table = pd.read_csv(path, usecols=["id", "one_in"], dtype={"id": str}, keep_default_na=False)
    return {restored(identifier): float(value) for identifier, value in zip(table["id"], table["one_in"], strict=True)}


def _medoids(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    table = pd.read_csv(path, usecols=["id", "medoid"], dtype={"id": str}, keep_default_na=False)
    return {restored(identifier) for identifier in table.loc[table["medoid"] == 1, "id"]}
