"""What made an audit: the facts that its passport is a hash of, and the lines of the page that say how it was made."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.digits import counted

if TYPE_CHECKING:
    import pandas as pd

    from audit.options import AuditOptions
    from audit.result import AuditResult
    from audit.review.manifest import ReviewManifest
    from embed.vectors.store import VectorStore

FEW_PLANTED = 50
"""Planted errors below which the page warns that probabilities are rough."""


def audit_facts(
    store: VectorStore | None, options: AuditOptions, result: AuditResult, glitches: pd.DataFrame, origin: str
) -> dict[str, Any]:
    """Options, settings and origin of the evidence, and hashes of the inputs and the results.

    The passport is a hash of these facts: names and texts of earlier audits stay as they are.

    Parameters
    ----------
    store : VectorStore or None
    options : AuditOptions
    result : AuditResult
        Of N glitches.
    glitches : DataFrame, N rows
        ``id`` and ``label``.
    origin : str
        Where the evidence comes from.
    """
    labels = "\n".join(f"{name}\t{label}" for name, label in zip(glitches["id"], glitches["label"], strict=True))
    outcome = result.order.tobytes() + np.nan_to_num(result.p_wrong, nan=-1).tobytes()
    return {
        "glitches": len(result),
        "classes": len(result.classes),
        "listed": result.listed,
        "rate": options.rate,
        "origin": origin,
        "vectors": store.name if store is not None else "",
        "vectors asked": store.passport["asked"] if store is not None else "",
        "labels sha256": hashlib.sha256(labels.encode()).hexdigest(),
        "outcome sha256": hashlib.sha256(outcome).hexdigest(),
        **{name: value.item() if isinstance(value, np.generic) else value for name, value in result.settings.items()},
    }


def printed_facts(facts: dict[str, Any]) -> dict[str, object]:
    """The facts that are not empty, with six digits."""
    return {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in facts.items() if value != ""}


def printed_options(options: AuditOptions, result: AuditResult, origin: str) -> dict[str, object]:
    """The page's lines on what was audited, and how."""
    ran = f"{result.settings['splits']} of {options.splits} splits" + (
        ", then the ranking had settled" if result.settings["splits"] < options.splits else ""
    )
    how = {
        "grouped": "near-duplicates together",
        "random": "plain random",
        "time": "by blocks of time, with a gap around each tested glitch",
    }
    return {
        "glitches": f"{len(result):,} labelled, in {len(result.classes)} classes",
        "evidence from": origin,
        **({"splits": f"{ran}, {how[options.split]}, stratified by class"} if result.settings["split"] in how else {}),
        "list": f"at most {100 * options.rate:.0f} % of it right labels (--rate {options.rate:g})",
        "seed": options.seed,
    }


def cautions(result: AuditResult, left_out: dict[str, int], manifest: ReviewManifest | None) -> list[str]:
    """What the reader of the page must know first."""
    lines = list(result.notes)
    planted = result.planted_errors
    if planted < FEW_PLANTED:
        lines.append(
            f"the probabilities are rough: they rest on {counted(planted, 'planted error', 'planted errors')}, as hardly any label seems to be wrong"
        )
    lines += [
        f"{counted(count, 'glitch was', 'glitches were')} left out: {reason}"
        for reason, count in left_out.items()
        if count
    ]
    if manifest is None:
        lines.append("nothing was written for volunteers: the list is empty, or its glitches have no pictures")
    elif manifest.without_pictures:
        lines.append(
            f"{counted(manifest.without_pictures, 'row of the list is', 'rows of the list are')} not in volunteers/, for want of a view that the others have"
        )
    return lines
