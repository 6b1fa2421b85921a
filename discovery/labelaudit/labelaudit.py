"""The label audit of a study: read it once, audit its labels, then write the list, the volunteers' folder and the page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from audit import audit, audit_probabilities, check_leak
from audit.heldout.probabilities import External, read_probabilities
from audit.heldout.refit import refit_network
from audit.options import DEFAULTS, AuditOptions
from audit.review.comparisons import find_class_neighbours
from audit.review.heldout import HELD_OUT, write_held_out
from audit.review.ledger import Verdict, remember
from audit.review.manifest import ReviewManifest, write_manifest
from audit.review.table import write_audit
from discovery.labelaudit.facts import audit_facts, cautions, printed_facts, printed_options
from discovery.labelaudit.gallery import Exhibits, load_exhibits
from discovery.labelaudit.glitches import StudyGlitches, read_glitches
from discovery.labelaudit.page import audit_html, headline, shown_rows
from embed.errors import InputError
from embed.fleet.spread import here
from embed.notebook import html_summary
from embed.storage import canonical_json, digest, write_text
from embed.study.moments import circumstances
from embed.study.reports import add_report
from embed.vectors.duplicates import duplicate_similarity
from embed.vectors.graph import subgraph

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from audit.heldout.refitting import Refitting
    from audit.result import AuditResult
    from embed.fleet.spread import Spread
    from embed.study.study import Study
    from embed.types import Step
    from embed.vectors.store import VectorStore


@dataclass(frozen=True)
class LabelAudit:
    """An audit and what it wrote.

    Attributes
    ----------
    result : AuditResult
        Of N glitches.
    glitches : DataFrame, N rows
        In the result's order; see `discovery.labelaudit.glitches.StudyGlitches.audited`.
    passport : str
        Names the audit: a hash of `facts`.
    facts : dict
        See `discovery.labelaudit.facts.audit_facts`.
    left_out : dict of str to int
        Glitches that were not audited, by reason.
    manifest : ReviewManifest or None
        What was written for volunteers.
    files : dict of str to Path
        By name.
    """

    result: AuditResult
    glitches: pd.DataFrame
    passport: str
    facts: dict[str, Any]
    left_out: dict[str, int]
    manifest: ReviewManifest | None
    files: dict[str, Path]

    @property
    def folder(self) -> Path:
        """Where everything was written."""
        return self.files["audit.csv"].parent

    def _repr_html_(self) -> str:
        files = {name: str(path) for name, path in self.files.items() if "/" not in name}
        return self.result._repr_html_() + html_summary(self.passport, files)


@dataclass(frozen=True)
class _Judged:
    """Judged labels, before anything is written; `vectors` is (N, D), None where they were judged by probabilities."""

    result: AuditResult
    glitches: pd.DataFrame
    left_out: dict[str, int]
    vectors: np.ndarray | None = None


def audit_study(
    study: Study,
    store: VectorStore | None,
    options: AuditOptions = DEFAULTS,
    *,
    probabilities: Path | None = None,
    refit: Refitting | None = None,
    trust_vectors: bool = False,
    out: Path | None = None,
    command: str = "",
    step: Step = lambda _: None,
    spread: Spread = here,
) -> LabelAudit:
    """Audit the labels of a study and write the results.

    Parameters
    ----------
    study : Study
        Written to: it keeps the audit, so that answers can be matched to it.
    store : VectorStore or None
        The vectors; None with `probabilities`.
    options : AuditOptions
    probabilities : Path, optional
        A CSV of another classifier's probabilities instead of vectors; see `audit.heldout.probabilities`.
    refit : Refitting, optional
        Fine-tune the network for every split instead of fitting heads to its vectors.
    trust_vectors : bool
        See `audit.check_leak`.
    out : Path, optional
        Folder of the results; by default one of the study's reports.
    command : str
        The command line that repeats this audit, for the page.
    step : callable
        Receives the name of each step that begins.
    spread : Spread
        Where `refit` trains the splits: in this process, or on an `embed.fleet.cluster.Fleet`.

    Returns
    -------
    LabelAudit

    Raises
    ------
    InputError
        When no glitch is labelled, labelled glitches have neither vectors nor probabilities, the vectors may have memorised the labels, or
        `audit.audit` refuses them.
    """
    folder = out if out is not None else study.folder / "reports" / "audit"
    origin = _origin(store, probabilities, refit, trust_vectors=trust_vectors)
    arguments = {
        **_logged(options),
        "trust_vectors": trust_vectors,
        "refit": None if refit is None else vars(refit),
        "store": store.name if store else "",
        "probabilities": "" if probabilities is None else str(probabilities.absolute()),
        "command": command,
    } | circumstances(study)
    with study.run("audit", arguments) as run:
        known = read_glitches(study)
        if store is not None:
            if options.duplicate_similarity is None:
                options = replace(options, duplicate_similarity=duplicate_similarity(store))
            judged = _judge_by_vectors(study, known, store, options, refit=refit, step=step, spread=spread)
        else:
            assert probabilities is not None
            judged = _judge_by_probabilities(known, read_probabilities(probabilities), options)
        result, glitches = judged.result, judged.glitches
        facts = audit_facts(store, options, result, glitches, origin)
        passport = f"audit-{digest(facts)[:12]}"
        step("pictures")
        exhibits = _load_exhibits(study, store, known, judged)
        step("volunteers")
        manifest = write_manifest(folder / "volunteers", result, glitches, known.views, passport, seed=options.seed)
        subjects = manifest.subjects if manifest else ()
        remember(study, run, passport, facts, verdicts=_verdicts(result, glitches), subjects=subjects)
        step("write")
        files = {name: folder / name for name in ("audit.csv", "audit.html", "ranking.csv", HELD_OUT, "passport.json")}
        if manifest is not None:
            files |= {f"volunteers/{path.name}": path for path in manifest.files}
        found = LabelAudit(result, glitches, passport, facts, judged.left_out, manifest, files)
        _write(found, exhibits, options, origin, command or "discover audit")
        add_report(study, run, files["audit.html"], "Label audit", headline(result))
    return found


def _origin(
    store: VectorStore | None, probabilities: Path | None, refit: Refitting | None, *, trust_vectors: bool
) -> str:
    """Where the evidence comes from; part of the passport, so its words stay as they are."""
    if store is None:
        if probabilities is None:
            raise InputError("an audit needs vectors or a CSV of probabilities; give one")
        return f"probabilities of {probabilities.name}"
    origin = check_leak(store.passport, trust_vectors=trust_vectors)
    if refit is None:
        return origin
    return (
        f"{refit.backbone} fine-tuned for each split from {refit.weights} weights, and asked about what it had not seen"
    )


def _logged(options: AuditOptions) -> dict[str, Any]:
    """The options in the study's log of runs, under the names of earlier versions."""
    logged = {name: getattr(options, name) for name in ("splits", "split", "rate", "seed", "device")}
    return logged | {"all_splits": not options.stop_early}


def _judge_by_vectors(
    study: Study,
    known: StudyGlitches,
    store: VectorStore,
    options: AuditOptions,
    *,
    refit: Refitting | None,
    step: Step,
    spread: Spread,
) -> _Judged:
    labelled = known.labelled()
    rows = store.rows(labelled)
    lacking = int((rows < 0).sum())
    if lacking == len(rows):
        raise InputError(f"none of the {len(rows)} labelled glitches has {store.having}")
    numbers, rows = labelled[rows >= 0], rows[rows >= 0]
    whole = len(rows) == len(store.glitches)
    vectors = store.vectors if whole else np.asarray(store.vectors[rows])
    glitches = known.audited(numbers)
    step("neighbours")
    result = audit(
        vectors,
        glitches["label"].to_numpy(),
        times=glitches["gps"].to_numpy() if options.split == "time" else None,
        ids=glitches["id"].tolist(),
        graph=store.graph if whole else subgraph(vectors, np.arange(len(rows)), seed=options.seed),
        options=options,
        refit=None
        if refit is None
        else partial(refit_network, study, numbers, refitting=refit, step=step, spread=spread),
        step=step,
    )
    unlabelled = len(known.table) - len(labelled)
    return _Judged(result, glitches, {"no label": unlabelled, "no vector": lacking}, vectors)


def _judge_by_probabilities(known: StudyGlitches, given: External, options: AuditOptions) -> _Judged:
    labelled = known.labelled()
    row_of = known.rows_in(given)
    numbers = np.array([glitch for glitch in labelled.tolist() if glitch in row_of], np.int64)
    if not len(numbers):
        raise InputError(
            f"none of the {len(given.ids)} ids of the probabilities, the first {given.ids[0][:80]!r}, is a labelled glitch of {known.folder}; give the study they belong to with --study"
        )
    glitches = known.audited(numbers)
    rows = np.array([row_of[glitch] for glitch in numbers.tolist()])
    result = audit_probabilities(
        given.probabilities[rows],
        given.classes,
        glitches["label"].to_numpy(),
        ids=glitches["id"].tolist(),
        options=options,
    )
    left_out = {
        "no label": len(known.table) - len(labelled),
        "no probabilities": len(labelled) - len(numbers),
        "probabilities, but not a labelled glitch here": len(given.ids) - len(numbers),
    }
    return _Judged(result, glitches, left_out)


def _verdicts(result: AuditResult, glitches: pd.DataFrame) -> list[Verdict]:
    numbers, tested = glitches["glitch"].to_numpy(), result.testable
    return [
        Verdict(
            int(numbers[row]),
            rank,
            result.classes[result.labels[row]],
            result.classes[result.suggested[row]],
            float(result.p_wrong[row]) if tested[row] else None,
        )
        for rank, row in enumerate(result.order, start=1)
    ]


def _load_exhibits(study: Study, store: VectorStore | None, known: StudyGlitches, judged: _Judged) -> Exhibits:
    result, rows = judged.result, shown_rows(judged.result)
    class_neighbours = None
    if judged.vectors is not None:
        class_neighbours = find_class_neighbours(judged.vectors, result.labels, rows, result.suggested[rows])
    return load_exhibits(study, store, judged.glitches, rows, class_neighbours, views=known.views)


def _write(found: LabelAudit, exhibits: Exhibits, options: AuditOptions, origin: str, command: str) -> None:
    """Write the tables, the passport and the page."""
    result, glitches, passport, files = found.result, found.glitches, found.passport, found.files
    write_audit(files["audit.csv"], result, glitches, passport, first=result.listed)
    write_audit(files["ranking.csv"], result, glitches, passport)
    write_held_out(files[HELD_OUT], result, glitches, passport)
    write_text(files["passport.json"], canonical_json({"passport": passport, **found.facts}) + "\n")
    page = audit_html(
        result,
        glitches,
        exhibits,
        title="Label audit",
        asked=printed_options(options, result, origin),
        command=command,
        passport={"audit": passport, **printed_facts(found.facts)},
        cautions=cautions(result, found.left_out, found.manifest),
        beside=("audit.csv", "ranking.csv"),
    )
    write_text(files["audit.html"], page)
