"""A study with wrong labels planted, whose vectors and probabilities were made up: audits of it take seconds."""

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np

from audit import AuditOptions
from audit.review.ledger import ASKED, Audit, Subject, Verdict, find_audit, remember
from discovery.labelaudit.labelaudit import audit_study
from embed import Study, ingest_folder
from embed.study.records import Label
from embed.vectors.passport import Passport
from embed.vectors.store import StoreRows, VectorStore, stores, write_store
from embed.views.png import levels_to_png
from support.gallery import view_name, write

CLASSES = ("Blip", "Koi_Fish", "None_of_the_Above", "Whistle")
DURATIONS = (0.5, 1.0, 2.0, 4.0)


def make_study(folder: Path, count: int = 120, wrong: int = 12, seed: int = 0) -> tuple[Path, dict[str, str]]:
    """Ingest made-up glitches, `wrong` of them under a wrong label, and store their vectors; returns study and truth by id."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(CLASSES), count)
    labels = truth.copy()
    rows = rng.choice(count, wrong, replace=False)
    labels[rows] = (truth[rows] + rng.integers(1, len(CLASSES), wrong)) % len(CLASSES)
    for number, label in enumerate(labels):
        levels = rng.integers(0, 60, (4, 48, 57)).astype(np.uint8)
        levels[:, 10 * truth[number] : 10 * truth[number] + 8] = 220
        for duration, view in zip(DURATIONS, levels, strict=True):
            name = view_name(f"g{number:09d}", duration)
            write(folder / "data" / CLASSES[label] / name, levels_to_png(view))
    with Study(folder / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, folder / "data")
            with study.transaction():
                study.connection.execute("UPDATE glitches SET gps = 1130000000 + 97.25 * glitch")
        table = study.glitches()
        number = table["gravityspy_id"].str[1:].astype(int).to_numpy()
        vectors = np.eye(len(CLASSES), 24)[truth[number]] + 0.25 * rng.normal(size=(count, 24))
        store_vectors(study, table.index.to_numpy(np.int64), vectors.astype(np.float32))
        scores = np.exp(6 * vectors[:, : len(CLASSES)])
        scores /= scores.sum(1, keepdims=True)
        rows = [
            {"id": name, **{kind: f"{p:.6f}" for kind, p in zip(CLASSES, own, strict=True)}}
            for name, own in zip(table["id"], scores, strict=True)
        ]
    write_csv(folder / "study" / "probabilities.csv", rows)
    return folder / "study", {f"H1_g{n:09d}": CLASSES[kind] for n, kind in enumerate(truth)}


def store_vectors(study: Study, glitches: np.ndarray, vectors: np.ndarray, weights: str = "bundled") -> VectorStore:
    passport = Passport(
        "made_up", "none", weights, "0" * 64, "1.0,2.0,4.0", 1, 48, (0.5,) * 3, (0.5,) * 3, "none", "cpu", {}
    )
    names = study.glitches().loc[glitches, "id"].tolist()
    inputs = np.zeros((len(glitches), 32), np.uint8)
    folder = study.folder / "vectors" / passport.name
    return write_store(
        folder, passport, StoreRows(glitches, inputs, names), [vectors], left_out=[], asked="made up", k=15
    )


def run_audit(folder: Path, out: Path | None = None, *, vectors: bool = False, **options):
    """Audit by the probabilities, which is quick, or by the vectors."""
    with Study(folder) as study:
        store = stores(study.folder)[0] if vectors else None
        given = None if vectors else folder / "probabilities.csv"
        return audit_study(study, store, AuditOptions(**{"splits": 10, **options}), probabilities=given, out=out)


def copy_study(folder: Path, to: Path) -> Path:
    """A copy to write to, without the pictures."""
    return Path(shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*.png")))


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_csv(path: Path, rows: list[dict[str, str]], separator: str = ",") -> Path:
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys(), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8")
    return path


def classification(number: int, user: str, subject: dict[str, str], answer: object, survey: bool = False, **other: str):
    """One row of Zooniverse's export, as the help on its data exports describes it."""
    value = [{"choice": answer, "answers": {}, "filters": {}}] if survey else answer
    return {
        "classification_id": str(number),
        "user_name": user,
        "user_id": "" if user.startswith("not-logged-in") else str(int.from_bytes(user.encode())),
        "workflow_id": "77",
        "created_at": f"2026-01-01 00:{number // 60 % 60:02d}:{number % 60:02d} UTC",
        "annotations": json.dumps([{"task": "T0", "task_label": "What is this?", "value": value}]),
        "subject_data": json.dumps({str(1000 + number): {"retired": None, **subject}}),
        "subject_ids": str(1000 + number),
        **other,
    }


def make_reviewed(folder: Path, labels: dict[str, str], *, suggested: str = "Whistle") -> tuple[Study, Audit]:
    """An open study without pictures, its glitches (id -> label) audited and each shown to volunteers under the key of its id."""
    study = Study(folder, create=True)
    with study.run("audit") as run:
        with study.transaction():
            numbers = [study.add_glitch(name, None, None)[0] for name in labels]
            for number, label in zip(numbers, labels.values(), strict=True):
                study.add_label(number, Label(label, "folder", "test"))
        verdicts = [
            Verdict(n, rank, label, suggested, 0.5)
            for rank, (n, label) in enumerate(zip(numbers, labels.values(), strict=True), 1)
        ]
        subjects = [Subject(name, n, label, ASKED) for n, (name, label) in zip(numbers, labels.items(), strict=True)]
        remember(study, run, "audit-test", {}, verdicts=verdicts, subjects=subjects)
    audit = find_audit(study, "audit-test")
    assert audit is not None
    return study, audit
