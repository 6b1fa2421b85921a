"""From images and strain to one vector a glitch, a FAISS index and a neighbour graph."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embed.errors import DiscoverError
    from embed.ingest.folders import ingest_folder
    from embed.ingest.strain import ingest_strain
    from embed.ingest.tables import ingest_labels, ingest_table
    from embed.ingest.trainingset import ingest_training_set
    from embed.study.report import IngestReport
    from embed.study.study import Study
    from embed.vectors.embedding import embed
    from embed.vectors.options import EmbeddingOptions
    from embed.vectors.store import VectorStore

_HOMES = {
    "DiscoverError": "embed.errors",
    "IngestReport": "embed.study.report",
    "EmbeddingOptions": "embed.vectors.options",
    "Study": "embed.study.study",
    "VectorStore": "embed.vectors.store",
    "embed": "embed.vectors.embedding",
    "ingest_folder": "embed.ingest.folders",
    "ingest_labels": "embed.ingest.tables",
    "ingest_strain": "embed.ingest.strain",
    "ingest_table": "embed.ingest.tables",
    "ingest_training_set": "embed.ingest.trainingset",
}

__all__ = [
    "DiscoverError",
    "EmbeddingOptions",
    "IngestReport",
    "Study",
    "VectorStore",
    "embed",
    "ingest_folder",
    "ingest_labels",
    "ingest_strain",
    "ingest_table",
    "ingest_training_set",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import a public name when it is first used, so that ``discover --help`` does not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'embed' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
