"""A report made again in another folder, from a copy of its study and what its run was given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from audit.heldout.refitting import Refitting
from audit.options import AuditOptions
from discovery.candidates.options import ClusterOptions, MapOptions
from discovery.candidates.storedmap import FILE, load_map
from embed.errors import InputError
from embed.vectors.store import stores

if TYPE_CHECKING:
    from discovery.verification.reports import StoredReport
    from embed.study.study import Study
    from embed.types import Step
    from embed.vectors.store import VectorStore


def make_again(copy: Study, report: StoredReport, out: Path, step: Step) -> None:
    """Make a report again.

    Parameters
    ----------
    copy : Study
        A copy of the report's study: written to.
    report : StoredReport
    out : Path
        An empty folder.
    step : callable
        Receives the name of each step as it begins.

    Raises
    ------
    InputError
        When the vectors, or another input, are gone.
    """
    {"clusters": _clusters, "audit": _audit, "map": _map}[report.kind](copy, report, out, step)


def _store(copy: Study, report: StoredReport) -> VectorStore:
    name = report.arguments["store"]
    store = next((own for own in stores(copy.folder) if own.name == name), None)
    if store is None:
        raise InputError(f"the vectors {name} of run {report.run} are gone; make them again with `discover embed`")
    return store


def _clusters(copy: Study, report: StoredReport, out: Path, step: Step) -> None:
    from discovery.candidates.candidates import find_candidates  # noqa: PLC0415 - the libraries of one kind of report

    kept = report.arguments
    options = ClusterOptions(
        predicted=kept["predicted"],
        method=kept["method"],
        k=kept["k"],
        seed=kept["seed"],
        detector=Path(kept["detector"]) if "detector" in kept else None,
        strain=tuple(map(Path, kept.get("strain", ()))),
    )
    store = _store(copy, report)
    find_candidates(copy, store, kept["label"], options, out=out, command=kept.get("command", ""), step=step)


def _audit(copy: Study, report: StoredReport, out: Path, step: Step) -> None:
    from discovery.labelaudit.labelaudit import audit_study  # noqa: PLC0415 - as above
    from embed.network.devices import choose_device  # noqa: PLC0415

    kept = report.arguments
    probabilities = Path(kept["probabilities"]) if kept["probabilities"] else None
    if probabilities is not None and not probabilities.is_file():
        raise InputError(
            f"the probabilities {probabilities} of run {report.run} are not there; put the table back, or run `discover audit` with another"
        )
    refit = Refitting(**kept["refit"]) if kept["refit"] else None
    choose_device(kept["device"] if refit is None else refit.device)  # refuses one that is not here
    audit_study(
        copy,
        _store(copy, report) if probabilities is None else None,
        AuditOptions(
            splits=kept["splits"],
            split=kept["split"],
            rate=kept["rate"],
            stop_early=not kept["all_splits"],
            seed=kept["seed"],
            device=kept["device"],
        ),
        probabilities=probabilities,
        refit=refit,
        trust_vectors=kept["trust_vectors"],
        out=out,
        command=kept.get("command", ""),
        step=step,
    )


def _map(copy: Study, report: StoredReport, out: Path, step: Step) -> None:
    """Draw the map: where it was extended, first what was laid out, then the glitches that were placed among it."""
    from discovery.candidates.maps import draw_map  # noqa: PLC0415 - as above

    kept, stored = report.arguments, load_map(report.folder)
    if stored is None:
        raise InputError(f"{report.folder} holds no {FILE}; draw the map again with `discover project`")
    usual = MapOptions()
    options = MapOptions(
        kept["method"],
        kept["dims"],
        kept.get("color", usual.color),
        kept["seed"],
        landmarks=kept.get("landmarks", usual.landmarks),
    )
    store, laid_out = _store(copy, report), stored.glitches[~stored.placed]
    sampled = len(laid_out) == options.landmarks
    for glitches in (stored.glitches,) if sampled or not stored.placed.any() else (laid_out, stored.glitches):
        draw_map(copy, store, kept["labels"], options, only=glitches, out=out, step=step)
