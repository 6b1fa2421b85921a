"""One run of a daily routine: what is new is ingested, embedded, predicted, given to the clusters and audited; one page says what changed.

Every step adds only what is missing. A killed run is therefore finished by the next one, and the page is written from what the study
holds, compared with what the last finished run remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audit.options import AuditOptions
from discovery.candidates.options import ClusterOptions
from discovery.labelaudit.labelaudit import audit_study
from discovery.labelaudit.page import headline
from discovery.updating.update import came_after, update_clusters
from discovery.watching.arrivals import COMMAND, Arrivals, seen_name, status_of
from discovery.watching.page import PAGE, Changes, watch_html
from embed.errors import InputError
from embed.ingest.folders import ingest_folder
from embed.ingest.tables import ingest_table
from embed.network.model import load_model
from embed.network.sources import model_folder
from embed.storage import write_text
from embed.study.clusterings import finished_clusterings, latest_clustering
from embed.study.origins import unpredicted
from embed.study.report import IngestReport
from embed.study.reports import add_report
from embed.study.views import count_viewed
from embed.training.abstention import find_far, known_glitches
from embed.training.prediction import add_predictions, model_source, predict
from embed.vectors.embedding import embed

if TYPE_CHECKING:
    from pathlib import Path

    from discovery.labelaudit.labelaudit import LabelAudit
    from discovery.updating.update import Update
    from embed.study.report import Skip
    from embed.study.study import Study
    from embed.training.abstention import Abstention
    from embed.types import Step
    from embed.vectors.options import EmbeddingOptions
    from embed.vectors.store import VectorStore


@dataclass
class Watched:
    """What one run did.

    Attributes
    ----------
    report : IngestReport
        Of all folders and tables together.
    left : list of Skip
        Files that are left for the next run, and why.
    predicted, far : int
        Label events that were added, and glitches that are none of the model's classes.
    abstention : Abstention or None
        By which that was told.
    updates : list of Update
    audit : LabelAudit or None
    notes : list of str
        What was not done, and why.
    page : Path or None
    """

    report: IngestReport = field(default_factory=IngestReport)
    left: list[Skip] = field(default_factory=list)
    predicted: int = 0
    far: int = 0
    abstention: Abstention | None = None
    updates: list[Update] = field(default_factory=list)
    audit: LabelAudit | None = None
    notes: list[str] = field(default_factory=list)
    page: Path | None = None

    @property
    def finds(self) -> str:
        """What abstaining finds of hidden classes, in words; empty where nothing was predicted or compared."""
        return self.abstention.hidden.in_words() if self.abstention and self.abstention.hidden else ""


def watch(
    study: Study,
    arrivals: Arrivals,
    options: EmbeddingOptions,
    *,
    asked: dict[str, Any],
    command: str = "discover watch",
    step: Step = lambda _: None,
) -> Watched:
    """Take in what is new, and do what follows from it.

    Parameters
    ----------
    study : Study
        Written to, by one run for each step.
    arrivals : Arrivals
    options : EmbeddingOptions
        Of the vectors for clusters and audit.
    asked : dict
        ``model`` (a name or None), ``label`` (or None for every label that was clustered) and ``audit`` (bool).
    command : str
        The command line, for the page.
    step : callable
        Receives the name of each step as it begins.

    Returns
    -------
    Watched

    Raises
    ------
    InputError, WeightsError, StudyError, StorageError
        As the single commands; what was done before is kept, and the next run goes on.
    """
    done = Watched(left=list(arrivals.left))
    step("ingest")
    _ingest(study, arrivals, done)
    if count_viewed(study):
        step("embed")
        store = embed(study, options)
        if asked["model"]:
            step("predict")
            _predict(study, asked["model"], options, done)
        step("update")
        _update(study, store, asked["label"], done, seed=options.seed, command=command)
        if asked["audit"]:
            step("audit")
            done.audit = _audit(study, store, done, seed=options.seed, command=command)
    else:
        done.notes.append(
            "No glitch has a picture yet: `discover fetch --all --out pictures` downloads those of a table."
        )
    step("page")
    _finish(study, arrivals, asked, command, done)
    return done


def _ingest(study: Study, arrivals: Arrivals, done: Watched) -> None:
    if arrivals.is_empty:
        return
    with study.run("ingest", {"path": ", ".join(str(path) for path in (*arrivals.files, *arrivals.tables))}):
        for folder, paths in arrivals.files.items():
            _join(done, ingest_folder(study, folder, paths=paths))
        for path in arrivals.tables:
            _join(done, ingest_table(study, path))
    done.left += done.report.skipped


def _join(done: Watched, more: IngestReport) -> None:
    for name in ("glitches", "views", "labels", "unchanged"):
        setattr(done.report, name, getattr(done.report, name) + getattr(more, name))
    done.report.skipped += more.skipped
    done.report.warnings += more.warnings


def _predict(study: Study, name: str, options: EmbeddingOptions, done: Watched) -> None:
    model = load_model(model_folder(study.folder, name))
    rows = unpredicted(study, model_source(model))
    if not len(rows):
        return
    table = study.glitches()
    prediction = predict(study, model, rows, beside=known_glitches(model, table).glitches, options=options)
    far = find_far(prediction, model, table)
    with study.run("predict", {"model": prediction.source, "glitches": len(prediction.glitches)}):
        done.predicted = add_predictions(study, prediction, far.far)
    done.far, done.abstention = int(far.far.sum()), far


def _update(study: Study, store: VectorStore, label: str | None, done: Watched, *, seed: int, command: str) -> None:
    labels = dict.fromkeys(str(arguments.get("label")) for _, arguments in finished_clusterings(study))
    for name in labels if label is None else (label,):
        stored = latest_clustering(study, name)
        if stored.arguments.get("store") != store.name:
            done.notes.append(
                f"The clusters of {name} were made from other vectors ({stored.arguments.get('store')}): `discover cluster {name}` makes new ones."
            )
        elif len(came_after(stored, study.glitches(), store)):
            done.updates.append(update_clusters(study, store, name, options=ClusterOptions(seed=seed), command=command))


def _audit(study: Study, store: VectorStore, done: Watched, *, seed: int, command: str) -> LabelAudit | None:
    try:
        return audit_study(study, store, AuditOptions(seed=seed), command=command)
    except InputError as error:
        done.notes.append(f"Not audited: {error}.")
        return None


def _finish(study: Study, arrivals: Arrivals, asked: dict[str, Any], command: str, done: Watched) -> None:
    """Write the page of what changed since the last run, and remember what was seen."""
    execute = study.connection.execute
    (glitch,) = execute("SELECT coalesce(max(glitch), 0) FROM glitches").fetchone()
    (event,) = execute("SELECT coalesce(max(event), 0) FROM labels").fetchone()
    seen = dict(arrivals.seen)
    seen |= {seen_name(path): status_of(path) for path in arrivals.tables}
    for paths in arrivals.files.values():
        refused = {skip.path for skip in done.report.skipped}
        seen |= {seen_name(path): status_of(path) for path in paths if str(path) in refused}
    memory = {"asked": asked, "seen": seen, "glitch": glitch, "event": event}
    changes = Changes(
        since_run=int(arrivals.last.get("run", 0)),
        since_glitch=int(arrivals.last.get("glitch", 0)),
        since_event=int(arrivals.last.get("event", 0)),
        left=tuple(done.left),
        notes=tuple(done.notes),
        far=done.far,
        finds=done.finds,
        audited=headline(done.audit.result) if done.audit else "",
    )
    with study.run(COMMAND, memory) as run:
        page, answer = watch_html(study, changes, command=command)
        done.page = study.folder / "reports" / "watch" / PAGE
        write_text(done.page, page)
        add_report(study, run, done.page, "What changed", answer)
