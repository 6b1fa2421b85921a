"""From vectors and labels to the labels that are probably wrong."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.auditor import audit, audit_probabilities
    from audit.heldout.leak import check_leak
    from audit.result import AuditResult

_HOMES = {
    "AuditResult": "audit.result",
    "audit": "audit.auditor",
    "audit_probabilities": "audit.auditor",
    "check_leak": "audit.heldout.leak",
}

__all__ = ["AuditResult", "audit", "audit_probabilities", "check_leak"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import a public name when it is first used, so that ``discover --help`` does not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'audit' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
