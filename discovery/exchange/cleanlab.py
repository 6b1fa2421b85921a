"""An export for cleanlab: labels, held-out probabilities, ids and classes, from the study's audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from audit.review.heldout import HELD_OUT, read_held_out
from embed.csvfile import write_csv
from embed.errors import InputError
from embed.storage import write_array, write_text
from embed.study.audits import select_audit

if TYPE_CHECKING:
    from pathlib import Path

    from embed.study.study import Study


class CleanlabExport(NamedTuple):
    """What was written.

    Attributes
    ----------
    glitches, classes : int
        N and K.
    audit : str
        The audit's passport.
    origin : str
        What made the probabilities.
    relabelled : int
        Glitches whose label has changed since the audit; the label that was audited is written.
    """

    glitches: int
    classes: int
    audit: str
    origin: str
    relabelled: int


def export_cleanlab(study: Study, folder: Path, audit: Path | None = None) -> CleanlabExport:
    """Write `labels.npy` (N,) int64, `pred_probs.npy` (N, K) float64, `ids.csv` and `classes.txt`.

    Every row of `pred_probs` is of heads that had not seen the glitch, and sums to one: what cleanlab asks for.

    Parameters
    ----------
    study : Study
    folder : Path
        New or empty.
    audit : Path, optional
        Folder of the audit's results; by default the study's report.

    Raises
    ------
    InputError
        When there is no audit, or it is another study's.
    StorageError
        When the folder cannot be written.
    """
    held_out = read_held_out((audit if audit is not None else study.folder / "reports" / "audit") / HELD_OUT)
    known = select_audit(study, held_out.passport)
    if known is None:
        raise InputError(
            f"the audit {held_out.passport} is none of the study {study.folder}; give the study it came from with --study"
        )
    ids, now = study.ids(), dict(study.latest_labels(predicted=False))
    labels = [held_out.classes[code] for code in held_out.labels.tolist()]
    numbers = held_out.glitches.tolist()
    probabilities = held_out.probabilities.astype(np.float64)
    write_array(folder / "labels.npy", held_out.labels)
    write_array(folder / "pred_probs.npy", probabilities / probabilities.sum(1, keepdims=True))
    write_csv(folder / "ids.csv", ("id", "label"), zip([ids[number] for number in numbers], labels, strict=True))
    write_text(folder / "classes.txt", "".join(f"{name}\n" for name in held_out.classes))
    relabelled = sum(now[number] != label for number, label in zip(numbers, labels, strict=True))
    return CleanlabExport(
        len(numbers), len(held_out.classes), held_out.passport, str(known[1].get("origin", "")), relabelled
    )
