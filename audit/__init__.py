"""From vectors and labels to the labels that are probably wrong."""

from typing import TYPE_CHECKING

from embed.lazy import lazy_names

if TYPE_CHECKING:
    from audit.auditor import audit, audit_probabilities
    from audit.heldout.leak import check_leak
    from audit.options import AuditOptions
    from audit.ranking import find_wrong_labels, rank_labels
    from audit.result import AuditResult

_HOMES = {
    "audit": "audit.auditor",
    "audit_probabilities": "audit.auditor",
    "AuditOptions": "audit.options",
    "AuditResult": "audit.result",
    "check_leak": "audit.heldout.leak",
    "find_wrong_labels": "audit.ranking",
    "rank_labels": "audit.ranking",
}

__all__ = [
    "AuditOptions",
    "AuditResult",
    "audit",
    "audit_probabilities",
    "check_leak",
    "find_wrong_labels",
    "rank_labels",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
