"""From images and strain to one vector a glitch, a FAISS index and a neighbour graph."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embed.embedding import embed
    from embed.errors import DiscoverError
    from embed.ingest import IngestReport, ingest_folder
    from embed.plan import Settings
    from embed.study import Study
    from embed.tables import ingest_labels, ingest_table
    from embed.trainingset import ingest_training_set
    from embed.vectors import VectorStore

_HOMES = {
    "DiscoverError": "embed.errors",
    "IngestReport": "embed.ingest",
    "Settings": "embed.plan",
    "Study": "embed.study",
    "VectorStore": "embed.vectors",
    "embed": "embed.embedding",
    "ingest_folder": "embed.ingest",
    "ingest_labels": "embed.tables",
    "ingest_table": "embed.tables",
    "ingest_training_set": "embed.trainingset",
}

__all__ = [
    "DiscoverError",
    "IngestReport",
    "Settings",
    "Study",
    "VectorStore",
    "embed",
    "ingest_folder",
    "ingest_labels",
    "ingest_table",
    "ingest_training_set",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import a public name when it is first asked for: ``discover --help`` need not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'embed' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
