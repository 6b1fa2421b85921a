"""Why a label is doubted, in plain sentences; they are cells of ``audit.csv``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.evidence.scores import AGREEMENT_NEIGHBOURS, RARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.result import AuditResult
    from embed.types import Rows

UNLIKELY = 0.5
"""Probability of being wrong, below which a label that every test disputes is explained."""


def reasons(result: AuditResult, rows: Rows, ids: Sequence[str]) -> list[str]:
    """Explain the doubt about some labels.

    Parameters
    ----------
    result : AuditResult
        Of N glitches.
    rows : ndarray of int64, shape (n,)
    ids : sequence of str, length N
        For the near-duplicates.

    Returns
    -------
    list of str, length n
        A few sentences each: the classifiers' verdict, the labels of the neighbours, and what weakens the verdict.
    """
    sizes = np.bincount(result.labels, minlength=len(result.classes))
    return [_reason(result, int(row), ids, int(sizes[result.labels[row]])) for row in rows]


def _reason(result: AuditResult, row: int, ids: Sequence[str], members: int) -> str:
    own, other = result.classes[result.labels[row]], result.classes[result.suggested[row]]
    if not result.times_tested[row]:
        return f"Not tested: nothing else labelled {own} is there to compare it with."
    sentences = [_heads(result, row, own, other), _neighbours(result, row, own, other), _twin(result, row, ids)]
    if result.times_wrong[row] == result.times_tested[row] and result.p_wrong[row] < UNLIKELY:
        sentences.append(
            f"Few labels here seem to be wrong, about {result.total.expected:.0f} of {len(result.labels):,}: an odd {own} is likelier than a wrong label."
        )
    if members <= RARE:
        sentences.append(f"Only {members} are labelled {own}, so this rests on little.")
    return " ".join(sentence for sentence in sentences if sentence)


def _heads(result: AuditResult, row: int, own: str, other: str) -> str:
    tested, wrong = int(result.times_tested[row]), int(result.times_wrong[row])
    shares = result.probabilities[row, [result.suggested[row], result.labels[row]]]
    if result.settings["splits asked"] == 1:
        return f"The given probabilities: {other} {shares[0]:.2f}, {own} {shares[1]:.2f}."
    if not wrong:
        return f"In all {tested} tests without its own label it was taken for {own}."
    times = f"all {tested}" if wrong == tested else f"{wrong} of {tested}"
    return f"In {times} tests without its own label it was not taken for {own}; {other} fits best."


def _neighbours(result: AuditResult, row: int, own: str, other: str) -> str:
    if result.graph is None or not result.graph.k:
        return ""
    near = result.labels[result.graph.neighbours[row, :AGREEMENT_NEIGHBOURS]]
    same, suggested = int((near == result.labels[row]).sum()), int((near == result.suggested[row]).sum())
    return f"Of the {len(near)} most like it {suggested} are labelled {other} and {same} {own}."


def _twin(result: AuditResult, row: int, ids: Sequence[str]) -> str:
    twin = int(result.duplicate_of[row])
    if twin < 0:
        return ""
    label = result.classes[result.labels[twin]]
    return f"Its near-duplicate {ids[twin]} is labelled {label}{' too' if label == result.classes[result.labels[row]] else ''}."
