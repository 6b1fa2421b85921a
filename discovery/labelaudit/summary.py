"""The outcome of a study's audit as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from discovery.labelaudit.labelaudit import LabelAudit

_LEAST_EXPECTED = 0.5
"""Expected wrong labels below which a pair of classes is left out."""


def summary(found: LabelAudit) -> dict[str, Any]:
    """Numbers, class pairs, notes and files of an audit, ready for JSON."""
    result = found.result
    pairs = result.expected_pairs()
    places = np.argwhere(pairs >= _LEAST_EXPECTED)
    top = sorted(((float(pairs[a, b]), int(a), int(b)) for a, b in places), reverse=True)
    manifest = found.manifest
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
        "volunteers": {"subjects": len(manifest.subjects), "controls": manifest.controls} if manifest else None,
        "notes": list(result.notes),
        "files": {name: str(path) for name, path in found.files.items()},
    }
