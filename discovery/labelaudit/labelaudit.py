"""The label audit of a study: vectors or somebody's probabilities in, the list, the volunteers' folder and the page out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from audit import audit, audit_probabilities, check_leak
from audit.heldout.probabilities import External, read_probabilities
from audit.heldout.refit import Refitting, refit_network
from audit.review.comparisons import find_class_neighbours
from audit.review.ledger import Verdict, remember
from audit.review.manifest import ReviewManifest, write_manifest
from audit.review.table import audit_csv
from discovery.labelaudit.gallery import load_exhibits
from discovery.labelaudit.glitches import audited_glitches, labelled_glitches, rows_by_glitch
from discovery.labelaudit.page import audit_html, shown_rows
from embed.errors import InputError
from embed.storage import canonical_json, digest, write_text
from embed.vectors.graph import subgraph

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from audit.heldout.splits import Kind
    from audit.result import AuditResult
    from embed.study.study import Study
    from embed.vectors.store import VectorStore


@dataclass(frozen=True)
class AuditOptions:
    """What is asked of an audit.

    Attributes
    ----------
    splits : int
    split : {"grouped", "random", "time"}
    rate : float
        Share of right labels that the list may hold.
    all_splits : bool
        Run all the splits even when the ranking has settled.
    trust_vectors : bool
        See `audit.check_leak`.
    refit : Refitting or None
        Fine-tune the network for every split instead of fitting heads to its vectors.
    seed : int
    device : str
    """

    splits: int = 100
    split: Kind = "grouped"
    rate: float = 0.1
    all_splits: bool = False
    trust_vectors: bool = False
    refit: Refitting | None = None
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class LabelAudit:
    """An audit and what it wrote.

    Attributes
    ----------
    result : AuditResult
        Of N glitches.
    glitches : DataFrame, N rows
        In the result's order; see `discovery.labelaudit.glitches.audited_glitches`.
    passport : str
        Names the audit: a hash of its outcome and of what made it.
    facts : dict
        What made it.
    left_out : dict of str to int
        Glitches that were not audited, by reason.
    pack : ReviewManifest or None
        What was written for volunteers.
    files : dict
        Name -> path.
    """

    result: AuditResult
    glitches: pd.DataFrame
    passport: str
    facts: dict[str, Any]
    left_out: dict[str, int]
    pack: ReviewManifest | None
    files: dict[str, Path]


def audit_study(
    study: Study,
    store: VectorStore | None,
    asked: AuditOptions,
    *,
    probabilities: Path | None = None,
    out: Path | None = None,
    command: str = "",
    step: Callable[[str], None] = lambda _: None,
) -> LabelAudit:
    """Audit the labels of a study and write what comes of it.

    Parameters
    ----------
    study : Study
        Written to: the audit is remembered, so that answers find their way back.
    store : VectorStore or None
        The vectors; None with `probabilities`.
    asked : AuditOptions
    probabilities : Path, optional
        A CSV of somebody's class probabilities instead of vectors; see `audit.heldout.probabilities`.
    out : Path, optional
        Folder of the results; by default one of the study's reports.
    command : str
        The command line that gives this again, for the page.
    step : callable
        Told what is being done.

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
    if store is not None:
        origin = check_leak(store.passport, trust_vectors=asked.trust_vectors)
        if asked.refit is not None:
            origin = f"{asked.refit.backbone} fine-tuned for each split from {asked.refit.weights} weights, and asked about what it had not seen"
    told = vars(asked) | {"refit": None if asked.refit is None else vars(asked.refit)}
    with study.run(
        "audit", {**told, "store": store.name if store else "", "probabilities": str(probabilities or "")}
    ) as run:
        if store is not None:
            result, glitches, left_out, vectors = _from_vectors(study, store, asked, step)
        elif probabilities is not None:
            result, glitches, left_out = _from_probabilities(study, read_probabilities(probabilities), asked)
            origin, vectors = f"probabilities of {probabilities.name}", None
        else:
            raise InputError("an audit needs vectors or a CSV of probabilities; give one")
        facts = _facts(store, asked, result, glitches, origin)
        passport = f"audit-{digest(facts)[:12]}"
        step("volunteers")
        pack = write_manifest(folder / "volunteers", result, glitches, study, passport, seed=asked.seed)
        remember(study, run, passport, facts, _verdicts(result, glitches), pack.subjects if pack else ())
        step("pictures")
        rows = shown_rows(result)
        witnesses = (
            None if vectors is None else find_class_neighbours(vectors, result.labels, rows, result.suggested[rows])
        )
        exhibits = load_exhibits(study, store, glitches, rows, witnesses)
        step("write")
        files = {name: folder / name for name in ("audit.csv", "audit.html", "ranking.csv", "passport.json")}
        write_text(files["audit.csv"], audit_csv(result, glitches, passport, first=result.listed))
        write_text(files["ranking.csv"], audit_csv(result, glitches, passport))
        write_text(files["passport.json"], canonical_json({"passport": passport, **facts}) + "\n")
        if pack is not None:
            files |= {f"volunteers/{path.name}": path for path in pack.files}
        page = audit_html(
            result,
            glitches,
            exhibits,
            title="Label audit",
            asked=_asked(asked, result, origin),
            command=command or "discover audit",
            passport={"audit": passport, **_printed(facts)},
            cautions=_cautions(result, left_out, pack),
            beside=("audit.csv", "ranking.csv"),
        )
        write_text(files["audit.html"], page)
    return LabelAudit(result, glitches, passport, facts, left_out, pack, files)


def _from_vectors(
    study: Study, store: VectorStore, asked: AuditOptions, step: Callable[[str], None]
) -> tuple[AuditResult, pd.DataFrame, dict[str, int], np.ndarray]:
    labelled, unlabelled = labelled_glitches(study)
    numbers = labelled.index.to_numpy(np.int64)
    rows = store.rows(numbers)
    lacking = int((rows < 0).sum())
    if lacking == len(rows):
        raise InputError(
            f"none of the {len(rows)} labelled glitches has a vector with the views {store.passport['views']}; ingest their images, or choose others with --views"
        )
    numbers, rows = numbers[rows >= 0], rows[rows >= 0]
    whole = len(rows) == len(store.glitches)
    vectors = store.vectors if whole else np.asarray(store.vectors[rows])
    glitches = audited_glitches(study, numbers)
    refit = None if asked.refit is None else partial(refit_network, study, numbers, refitting=asked.refit, step=step)
    step("neighbours")
    result = audit(
        vectors,
        glitches["label"].to_numpy(),
        times=glitches["gps"].to_numpy() if asked.split == "time" else None,
        ids=glitches["id"].tolist(),
        splits=asked.splits,
        split=asked.split,
        stop_early=not asked.all_splits,
        false_discovery_rate=asked.rate,
        graph=store.graph if whole else subgraph(vectors, np.arange(len(rows)), seed=asked.seed),
        refit=refit,
        seed=asked.seed,
        device=asked.device,
        step=step,
    )
    return result, glitches, {"no label": unlabelled, "no vector": lacking}, vectors


def _from_probabilities(
    study: Study, given: External, asked: AuditOptions
) -> tuple[AuditResult, pd.DataFrame, dict[str, int]]:
    labelled, unlabelled = labelled_glitches(study)
    row_of = rows_by_glitch(study, given)
    numbers = np.array([glitch for glitch in labelled.index if glitch in row_of], np.int64)
    if not len(numbers):
        raise InputError(
            f"none of the {len(given.ids)} ids of the probabilities, the first {given.ids[0][:80]!r}, is a labelled glitch of {study.folder}; give the study they belong to with --study"
        )
    glitches = audited_glitches(study, numbers)
    rows = np.array([row_of[int(glitch)] for glitch in numbers])
    result = audit_probabilities(
        given.probabilities[rows],
        given.classes,
        glitches["label"].to_numpy(),
        ids=glitches["id"].tolist(),
        false_discovery_rate=asked.rate,
        seed=asked.seed,
    )
    left_out = {
        "no label": unlabelled,
        "no probabilities": len(labelled) - len(numbers),
        "probabilities, but not a labelled glitch here": len(given.ids) - len(numbers),
    }
    return result, glitches, left_out


def _facts(
    store: VectorStore | None, asked: AuditOptions, result: AuditResult, glitches: pd.DataFrame, origin: str
) -> dict[str, Any]:
    """What made the audit, and hashes of what went in and came out."""
    labels = "\n".join(f"{name}\t{label}" for name, label in zip(glitches["id"], glitches["label"], strict=True))
    outcome = result.order.tobytes() + np.nan_to_num(result.p_wrong, nan=-1).tobytes()
    return {
        "glitches": len(result),
        "classes": len(result.classes),
        "listed": result.listed,
        "rate": asked.rate,
        "origin": origin,
        "vectors": store.name if store is not None else "",
        "vectors asked": store.passport["asked"] if store is not None else "",
        "labels sha256": hashlib.sha256(labels.encode()).hexdigest(),
        "outcome sha256": hashlib.sha256(outcome).hexdigest(),
        **{name: _plain(value) for name, value in result.settings.items()},
    }


def _plain(value: object) -> object:
    """A setting as JSON holds it."""
    return value.item() if isinstance(value, np.generic) else value


def _verdicts(result: AuditResult, glitches: pd.DataFrame) -> list[Verdict]:
    numbers = glitches["glitch"].to_numpy()
    return [
        Verdict(
            int(numbers[row]),
            rank,
            result.classes[result.labels[row]],
            result.classes[result.suggested[row]],
            float(result.p_wrong[row]) if result.testable[row] else None,
        )
        for rank, row in enumerate(result.order, start=1)
    ]


def _asked(asked: AuditOptions, result: AuditResult, origin: str) -> dict[str, object]:
    ran = f"{result.settings['splits']} of {asked.splits} splits" + (
        ", then the ranking had settled" if result.settings["splits"] < asked.splits else ""
    )
    how = {
        "grouped": "near-duplicates together",
        "random": "plain random",
        "time": "by blocks of time, with a gap around each tested glitch",
    }
    return {
        "glitches": f"{len(result):,} labelled, in {len(result.classes)} classes",
        "evidence from": origin,
        **({"splits": f"{ran}, {how[asked.split]}, stratified by class"} if result.settings["split"] in how else {}),
        "list": f"at most {asked.rate:.0%} of it right labels (--rate {asked.rate:g})",
        "seed": asked.seed,
    }


def _cautions(result: AuditResult, left_out: dict[str, int], pack: ReviewManifest | None) -> list[str]:
    cautions = list(result.notes)
    cautions += [f"{count:,} glitches were left out: {reason}" for reason, count in left_out.items() if count]
    if pack is None:
        cautions.append("nothing was written for volunteers: the list is empty, or its glitches have no pictures")
    elif pack.without_pictures:
        cautions.append(
            f"{pack.without_pictures} rows of the list are not in volunteers/: they lack a view that the others have"
        )
    return cautions


def _printed(facts: dict[str, Any]) -> dict[str, object]:
    return {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in facts.items() if value != ""}


def summary(found: LabelAudit) -> dict[str, Any]:
    """What came out, as JSON."""
    result = found.result
    pairs = result.expected_pairs()
    top = sorted(((float(pairs[a, b]), int(a), int(b)) for a, b in np.argwhere(pairs >= 0.5)), reverse=True)
    return {
        "audit": found.passport,
        "glitches": len(result),
        "classes": len(result.classes),
        "listed": result.listed,
        "wrong_in_list": vars(result.in_list),
        "wrong_in_study": vars(result.total),
        "false_discovery_rate": result.false_discovery_rate,
        "splits": result.settings["splits"],
        "error": result.error,
        "random_error": result.random_error,
        "evidence": result.evidence,
        "pairs": [
            {"label": result.classes[a], "suggested_label": result.classes[b], "expected": expected}
            for expected, a, b in top
        ],
        "left_out": found.left_out,
        "volunteers": {"subjects": len(found.pack.subjects), "controls": found.pack.controls} if found.pack else None,
        "notes": list(result.notes),
        "files": {name: str(path) for name, path in found.files.items()},
    }
