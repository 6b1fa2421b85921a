"""The labels that a generator's critic finds improbable, beside those that the latest audit lists: ``anomalies.csv``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.generation.real import real_glitches, report_folder
from embed.csvfile import write_csv
from embed.digits import counted
from embed.generator.anomalies import find_anomalies
from embed.generator.learned import read_learned
from embed.generator.model import load_generator
from embed.generator.place import check_critic, generator_folder
from embed.study.audits import latest_audit, select_verdicts
from embed.study.reviews import DOUBTED

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from embed.study.study import Study
    from embed.types import Progress

COLUMNS = ("rank", "id", "label", "suggested", "margin", "learned", "audit_rank", "audit_p_wrong")


@dataclass(frozen=True)
class Opinion:
    """What a critic says of the labels.

    Attributes
    ----------
    rows : list of dict
        `COLUMNS` -> value, the most improbable label first; empty where no audit knows the glitch with this label.
    agreement : str
        In words, how many of the audit's are among the critic's; nothing where the study has no audit.
    """

    rows: list[dict[str, Any]]
    agreement: str


def list_anomalies(
    study: Study, name: str, *, device: torch.device, out: Path | None = None, progress: Progress | None = None
) -> tuple[Opinion, Path]:
    """Score the study's labels by the critic of a generator, and write the table.

    Parameters
    ----------
    study : Study
    name : str
        Of the generator.
    device : torch.device
    out : Path, optional
        By default ``reports/generator-<name>`` of the study.
    progress : callable, optional
        Called with (glitches scored, glitches in all).

    Raises
    ------
    InputError
        When the name is the simulator's, which has no critic, or the study has no two glitches of a class; see also
        `embed.generator.anomalies.find_anomalies`.
    StudyError, StorageError
        When the generator is damaged; when the disk is full.
    """
    check_critic(name)
    model = load_generator(generator_folder(study.folder, name))
    side, seed = int(model.card["resolution"]), int(model.card["seed"])
    examples, _ = real_glitches(study, model, side, seed=seed, learned=read_learned(model))
    found = find_anomalies(model, examples, device, progress)
    audited = _audited(study)
    rows = []
    for rank, row in enumerate(found.order.tolist(), 1):
        label = str(examples.labels[row])
        place, p_wrong = audited.get((examples.ids[row], label), ("", ""))
        margin, learned = round(float(found.margin[row]), 4), "yes" if found.learned[row] else "no"
        values = (rank, examples.ids[row], label, str(found.suggested[row]), margin, learned, place, p_wrong)
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    path = report_folder(study, name, out) / "anomalies.csv"
    write_csv(path, COLUMNS, [list(row.values()) for row in rows])
    return Opinion(rows, _agreement(rows) if audited else ""), path


def _audited(study: Study) -> dict[tuple[str, str], tuple[int, float | str]]:
    """Rank and probability of each glitch and label of the latest audit."""
    audit = latest_audit(study)
    verdicts = select_verdicts(study, audit[0]) if audit else ()
    return {
        (identifier, label): (rank, "" if p_wrong is None else round(p_wrong, 6))
        for identifier, _, rank, label, _, p_wrong in verdicts
    }


def _agreement(rows: list[dict[str, Any]]) -> str:
    """Say how many of the labels that the audit doubts are among as many of the critic's, and how many would be by chance."""
    known = [row for row in rows if row["audit_p_wrong"] != ""]
    doubted = np.array([row["audit_p_wrong"] >= DOUBTED for row in known], bool)
    listed = int(doubted.sum())
    if not listed:
        return "the latest audit finds none of these labels more likely wrong than not"
    both = int(doubted[:listed].sum())
    return (
        f"of the {counted(listed, 'label', 'labels')} that the latest audit finds more likely wrong than not, {both:,} are among the critic's first {listed:,}; "
        f"by chance {listed**2 / len(known):.1f} would be"
    )
