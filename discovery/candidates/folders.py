"""Where the reports of clusterings and maps are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.storage import file_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from discovery.clustering.methods import ClusterMethod


def report_folder(study: Path, label: str, method: ClusterMethod) -> Path:
    """Return the folder in which a study keeps the report of a label's clustering, unless another is given."""
    return study / "reports" / f"cluster-{file_name(label)}-{method}"


def map_folder(study: Path, labels: Sequence[str], method: str, dims: int) -> Path:
    """Return the folder in which a study keeps a map of some labels, or of all, unless another is given."""
    name = "-".join([*(file_name(label) for label in labels[:4]), method, f"{dims}d"])
    return study / "reports" / f"map-{name}"
