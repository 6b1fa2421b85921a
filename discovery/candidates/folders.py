"""Where the reports of clusterings are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.storage import file_name

if TYPE_CHECKING:
    from pathlib import Path

    from discovery.clustering.methods import ClusterMethod


def report_folder(study: Path, label: str, method: ClusterMethod) -> Path:
    """Return the folder in which a study keeps the report of a label's clustering, unless another is given."""
    return study / "reports" / f"cluster-{file_name(label)}-{method}"
