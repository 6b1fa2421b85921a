"""The study's clusterings for the page: each cluster with its certificate and members, and the name that a person gives it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from discovery.candidates.folders import report_folder
from discovery.candidates.naming import Chosen, name_cluster
from discovery.candidates.representatives import spread_sample
from discovery.clustering.result import NOISE
from embed.csvfile import CsvFile, restored
from embed.errors import InputError
from embed.study.clusterings import finished_clusterings, latest_clustering
from embed.study.reviews import facts_of, given_labels, last_event

if TYPE_CHECKING:
    from pathlib import Path

    from embed.study.clusterings import StoredClustering
    from embed.study.study import Study

LABELS = 4
"""Labels of a cluster's members that are listed."""
FIRST = 60
"""Members that come first on the sheet: spread over detectors and time, so that they show what the cluster is like."""


def list_clusterings(study: Study) -> list[dict[str, Any]]:
    """Return the latest clustering of each label by each method, the latest first; ``latest`` is that of its label."""
    found: dict[tuple[str, str, bool], dict[str, Any]] = {}
    labels: set[str] = set()
    for run, arguments in finished_clusterings(study):
        label, method = str(arguments.get("label", "")), str(arguments.get("method", ""))
        predicted = bool(arguments.get("predicted"))
        one = {"run": run, "label": label, "method": method, "predicted": predicted, "k": arguments.get("k")}
        found.setdefault((label, method, predicted), one | {"latest": label not in labels})
        labels.add(label)
    return list(found.values())


def read_clustering(study: Study, run: int) -> dict[str, Any]:
    """Return the clusters of a run: sizes, certificates, labels that their members have now.

    Raises
    ------
    InputError
        When the study has no such clustering.
    """
    event = last_event(study)
    stored = latest_clustering(study, run=run)
    labels = given_labels(study, stored.table.index.tolist())
    certificates = _certificates(study.folder, stored)
    clusters = []
    numbers = stored.table["cluster"].to_numpy()
    for number in np.unique(numbers).tolist():
        members = stored.table.index[numbers == number]
        names = Counter(labels[g].label if g in labels else "" for g in members.tolist())
        clusters.append(
            {
                "cluster": number,
                "size": len(members),
                "certificate": certificates.get(number),
                "labels": [{"name": name, "size": size} for name, size in names.most_common(LABELS)],
            }
        )
    return {"run": run, "label": stored.label, "event": event, "clusters": clusters}


def read_members(study: Study, run: int, cluster: int) -> dict[str, Any]:
    """Return the members of a cluster (-1 is noise) in the order of the sheet, and the durations of their views.

    Raises
    ------
    InputError
        When the study has no such clustering or cluster.
    """
    event = last_event(study)
    stored = latest_clustering(study, run=run).table
    own = stored[stored["cluster"] == cluster]
    if own.empty:
        raise InputError(f"the clustering of run {run} has no cluster {cluster}; load the page again")
    numbers = own.index.tolist()
    facts = facts_of(study, numbers)
    labels = given_labels(study, numbers)
    table = pd.DataFrame({"ifo": [row[2] for row in facts], "gps": np.array([row[3] for row in facts], float)})
    first = spread_sample(table, np.arange(len(table)), min(FIRST, len(table)))
    by_time = np.argsort(table["gps"].to_numpy(), kind="stable")
    order = [*first, *by_time[~np.isin(by_time, first)].tolist()]
    probability = own["probability"].to_numpy()
    return {
        "event": event,
        "durations": sorted({view.duration for view in study.views(numbers)}),
        "members": [
            {
                "glitch": glitch,
                "id": identifier,
                "ifo": ifo,
                "gps": gps,
                "label": labels[glitch].label if glitch in labels else "",
                "probability": round(float(probability[row]), 3),
                "snr": snr,
            }
            for row, (glitch, identifier, ifo, gps, snr) in ((row, facts[row]) for row in order)
        ],
    }


def give_name(study: Study, cluster: int, name: str, chosen: Chosen, *, dry_run: bool) -> dict[str, Any]:
    """Name a cluster, see `discovery.candidates.naming.name_cluster`; returns what was done and the labels' last event."""
    named = name_cluster(study, cluster, name, chosen=chosen, dry_run=dry_run)
    return {
        "glitches": len(named.glitches),
        "added": named.added,
        "warning": named.warning,
        "name": named.name,
        "event": last_event(study),
    }


def _certificates(folder: Path, stored: StoredClustering) -> dict[int, dict[str, str]]:
    """Read the certificates beside the label's report; empty where the report is of another clustering, or elsewhere."""
    path = report_folder(folder, stored.label, stored.arguments["method"]) / "certificates.csv"
    if not path.is_file():
        return {}
    rows = [{name: restored(cell) for name, cell in row.cells.items()} for row in CsvFile(path).rows()]
    sizes = Counter(number for number in stored.table["cluster"].tolist() if number != NOISE)
    if {row["cluster"]: row["size"] for row in rows} != {str(number): str(size) for number, size in sizes.items()}:
        return {}
    return {int(row["cluster"]): row for row in rows}
