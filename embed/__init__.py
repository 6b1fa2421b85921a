"""From images and strain to one vector a glitch, a FAISS index and a neighbour graph."""

from typing import TYPE_CHECKING

from embed.lazy import lazy_names

if TYPE_CHECKING:
    from embed.errors import DiscoverError
    from embed.ingest.fetch import fetch
    from embed.ingest.folders import ingest_folder
    from embed.ingest.strain import ingest_strain
    from embed.ingest.tables import ingest_labels, ingest_table
    from embed.ingest.trainingset import ingest_training_set
    from embed.metrics.evaluation import evaluate
    from embed.network.model import load_model
    from embed.simulator.folder import simulate
    from embed.strain.scan import scan
    from embed.study.report import IngestReport
    from embed.study.study import Study
    from embed.training.options import TrainingOptions
    from embed.training.prediction import predict
    from embed.training.trainer import train
    from embed.vectors.embedding import embed
    from embed.vectors.graph import neighbour_graph
    from embed.vectors.importing import ingest_vectors
    from embed.vectors.index import build_index, search
    from embed.vectors.options import EmbeddingOptions
    from embed.vectors.store import VectorStore

_HOMES = {
    "build_index": "embed.vectors.index",
    "DiscoverError": "embed.errors",
    "embed": "embed.vectors.embedding",
    "EmbeddingOptions": "embed.vectors.options",
    "evaluate": "embed.metrics.evaluation",
    "fetch": "embed.ingest.fetch",
    "ingest_folder": "embed.ingest.folders",
    "ingest_labels": "embed.ingest.tables",
    "ingest_strain": "embed.ingest.strain",
    "ingest_table": "embed.ingest.tables",
    "ingest_training_set": "embed.ingest.trainingset",
    "ingest_vectors": "embed.vectors.importing",
    "IngestReport": "embed.study.report",
    "load_model": "embed.network.model",
    "neighbour_graph": "embed.vectors.graph",
    "predict": "embed.training.prediction",
    "scan": "embed.strain.scan",
    "search": "embed.vectors.index",
    "simulate": "embed.simulator.folder",
    "Study": "embed.study.study",
    "train": "embed.training.trainer",
    "TrainingOptions": "embed.training.options",
    "VectorStore": "embed.vectors.store",
}

__all__ = [
    "DiscoverError",
    "EmbeddingOptions",
    "IngestReport",
    "Study",
    "TrainingOptions",
    "VectorStore",
    "build_index",
    "embed",
    "evaluate",
    "fetch",
    "ingest_folder",
    "ingest_labels",
    "ingest_strain",
    "ingest_table",
    "ingest_training_set",
    "ingest_vectors",
    "load_model",
    "neighbour_graph",
    "predict",
    "scan",
    "search",
    "simulate",
    "train",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
