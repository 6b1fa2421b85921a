"""Which reports of a study are verified: the run that wrote each, what it was given, and the report's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from discovery.candidates.folders import map_folder, report_folder
from embed.errors import InputError
from embed.study.clusterings import finished_clusterings
from embed.study.moments import latest_run, run_arguments
from embed.study.reports import latest_reports, page_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from embed.study.study import Study

Kind = Literal["clusters", "audit", "map"]
"""Kinds of reports that can be made again."""
TABLES: dict[Kind, str] = {"clusters": "clusters.csv", "audit": "audit.csv", "map": "coordinates.csv"}
"""Kind -> the table that its folder holds."""
COMMANDS: dict[Kind, str] = {"clusters": "cluster", "audit": "audit", "map": "project"}
"""Kind -> the command that writes it."""


class StoredReport(NamedTuple):
    """A report of a study.

    Attributes
    ----------
    kind : {"clusters", "audit", "map"}
    run : int
        That wrote it.
    arguments : dict
        What the run was given.
    folder : Path
        Where it is.
    """

    kind: Kind
    run: int
    arguments: dict[str, Any]
    folder: Path


def choose_reports(
    study: Study, kinds: Collection[Kind] = (), *, label: str | None = None, folder: Path | None = None
) -> list[StoredReport]:
    """Return the latest report of each kind.

    Parameters
    ----------
    study : Study
    kinds : collection of str
        Of these kinds; by default of all, as far as the study has them.
    label : str, optional
        Clusters of this label.
    folder : Path, optional
        Instead: the report in this folder, by the run that wrote it, else as one of the latest run.

    Raises
    ------
    InputError
        When the study has no such report, its folder is not there, or the folder holds none.
    """
    if folder is not None:
        return [_report_in(study, folder, label)]
    found = [one for kind in TABLES if (not kinds or kind in kinds) and (one := _latest(study, kind, label))]
    lacking = [kind for kind in kinds if kind not in {one.kind for one in found}]
    if "clusters" in lacking:
        asked = "" if label is None else f" of {label!r}"
        raise InputError(f"the study has no clustering{asked}; run `discover cluster {label or 'LABEL'}` first")
    if lacking:
        raise InputError(f"the study has no {lacking[0]}; run `discover {COMMANDS[lacking[0]]}` first")
    if not found:
        raise InputError(
            "the study has nothing to verify; run `discover cluster LABEL`, `discover audit` or `discover project` first"
        )
    there = [one for one in found if one.folder.is_dir()]
    gone = next((one for one in found if one not in there), None)
    if gone is not None and (kinds or not there):
        raise InputError(
            f"there is no report in {gone.folder}; name its folder with --report, or make it with `discover {COMMANDS[gone.kind]}`"
        )
    return there


def _latest(study: Study, kind: Kind, label: str | None = None, run: int | None = None) -> StoredReport | None:
    """Return the report of the latest run of a kind, or of one run; an update of clusters has no report of its own."""
    if kind == "clusters":
        runs = [
            (number, arguments)
            for number, arguments in finished_clusterings(study)
            if "update_of" not in arguments and run in {None, number} and label in {None, arguments.get("label")}
        ]
        if not runs:
            return None
        number, arguments = runs[0]
        usual = report_folder(study.folder, str(arguments["label"]), arguments["method"])
    else:
        latest = latest_run(study, COMMANDS[kind]) if run is None else run
        if latest is None:
            return None
        number, arguments = latest, run_arguments(study, latest)
        usual = study.folder / "reports" / "audit"
        if kind == "map":
            usual = map_folder(study.folder, arguments["labels"], arguments["method"], arguments["dims"])
    page = page_of(study, number)
    return StoredReport(kind, number, arguments, usual if page is None else page.parent)


def _report_in(study: Study, folder: Path, label: str | None) -> StoredReport:
    """Return the report in a folder.

    Raises
    ------
    InputError
        When the folder is not there or holds none, or the study has no run that could have written it.
    """
    if not folder.is_dir():
        raise InputError(
            f"there is no report in {folder}: --report names the folder of clusters, of an audit or of a map"
        )
    kind = next((kind for kind, name in TABLES.items() if (folder / name).is_file()), None)
    if kind is None:
        raise InputError(
            f"{folder} holds none of {', '.join(TABLES.values())}: name a report of `discover cluster`, `audit` or `project`"
        )
    writers = {one.run for one in latest_reports(study) if one.path.parent.resolve() == folder.resolve()}
    wrote = latest_run(study, COMMANDS[kind], writers)
    found = (_latest(study, kind, label, wrote) if wrote is not None else None) or _latest(study, kind, label)
    if found is None:
        raise InputError(f"no run of the study could have written {folder}; name the study that it is of with --study")
    return found._replace(folder=folder)
