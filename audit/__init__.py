"""From vectors and labels to the labels that are probably wrong."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public object of the package
    """Import a public name on first use, so that ``discover --help`` does not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'audit' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
