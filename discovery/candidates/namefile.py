"""Names that were typed on a clustering's report, and saved there as a CSV: which clustering they are of, and whose members get them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from discovery.candidates.naming import Chosen, name_cluster
from embed.csvfile import CsvFile, restored
from embed.errors import InputError
from embed.study.clusterings import finished_clusterings, latest_clustering

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from discovery.candidates.naming import Named
    from embed.csvfile import Row
    from embed.study.study import Study

COLUMNS = ("cluster", "name", "clustering")
EXPECTED = f"the CSV that a report's page saves, with columns {', '.join(COLUMNS)}"


def clustering_passport(ids: Iterable[str], clusters: Iterable[int]) -> str:
    """Return what tells a clustering from every other: a hash of the ids with their clusters, in any order.

    Examples
    --------
    >>> clustering_passport(["a", "b"], [0, -1]) == clustering_passport(["b", "a"], [-1, 0]) != clustering_passport(["a", "b"], [0, 0])
    True
    """
    lines = sorted(f"{name}\t{number}\n" for name, number in zip(ids, clusters, strict=True))
    return f"clusters-{hashlib.sha256(''.join(lines).encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class FileNames:
    """The names of a file, read and checked.

    Attributes
    ----------
    run : int
        The run of the clustering that they are of.
    is_latest : bool
        Whether no later clustering of the same label is stored.
    names : dict of int to str
        By cluster.
    """

    run: int
    is_latest: bool
    names: dict[int, str]


def read_names(study: Study, path: Path, label: str | None = None) -> FileNames:
    """Read names, and find the clustering that they are of.

    Parameters
    ----------
    study : Study
    path : Path
    label : str, optional
        Only a clustering of this label will do.

    Raises
    ------
    InputError
        Naming the line, where the file is no such CSV, a name cannot be one, a cluster stands there twice or does not exist,
        or the clustering is none of the study's.
    """
    file = CsvFile(path, EXPECTED)
    lacking = [name for name in COLUMNS if name not in file.columns]
    if lacking:
        raise InputError(f"{path} has no column {lacking[0]!r}; give {EXPECTED}")
    rows = list(file.rows())
    if not rows:
        raise InputError(f"{path} has no names; type some on the report's page and save it again")
    passports = {row.cells["clustering"]: row.where for row in reversed(rows)}
    if len(passports) > 1:
        raise InputError(f"{path.name} holds names for {len(passports)} clusterings; give one file for each")
    names: dict[int, str] = {}
    for row in rows:
        number, name = _cluster(row), restored(row.cells["name"]).strip()
        if number in names:
            raise InputError(f"{row.where}: cluster {number} is named above already; keep one of the two lines")
        names[number] = name
    passport, where = next(iter(passports.items()))
    run, is_latest = _clustering(study, passport, label, where)
    found = FileNames(run, is_latest, names)
    for number, name in names.items():
        name_cluster(study, number, name, chosen=Chosen(run), dry_run=True)
    return found


def name_clusters(study: Study, found: FileNames, *, dry_run: bool = False) -> dict[int, Named]:
    """Label the members of each cluster that the file names; what is labelled so already stays, so that a second try adds nothing.

    Parameters
    ----------
    study : Study
    found : FileNames
    dry_run : bool
        Write nothing.
    """
    chosen = Chosen(found.run)
    return {
        number: name_cluster(study, number, name, chosen=chosen, dry_run=dry_run)
        for number, name in found.names.items()
    }


def _cluster(row: Row) -> int:
    text = row.cells["cluster"].strip()
    if not text.isdecimal():
        raise InputError(f"{row.where}: {text!r} is not the number of a cluster; give one of clusters.csv")
    return int(text)


def _clustering(study: Study, passport: str, label: str | None, where: str) -> tuple[int, bool]:
    """Return the run of the clustering with this passport, the latest such one, and whether it is its label's latest."""
    ids = study.ids()
    seen: set[object] = set()
    for run, arguments in finished_clusterings(study):
        own = arguments.get("label")
        if label in {None, own}:
            table = latest_clustering(study, run=run).table
            if (
                clustering_passport([ids[glitch] for glitch in table.index.tolist()], table["cluster"].tolist())
                == passport
            ):
                return run, own not in seen
        seen.add(own)
    of = "" if label is None else f" of {label!r}"
    raise InputError(
        f"{where}: {passport[:40]!r} is no clustering{of} of {study.folder}: the names are of another report; name the study that it is of with --study, or type them again on the report of the latest `discover cluster`"
    )
