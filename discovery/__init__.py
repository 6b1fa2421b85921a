"""From vectors and the neighbour graph to clusters, maps, evidence and the ``discover`` command."""

from typing import TYPE_CHECKING

from embed.lazy import lazy_names

if TYPE_CHECKING:
    from discovery.candidates.candidates import find_candidates
    from discovery.candidates.maps import draw_map
    from discovery.candidates.options import ClusterOptions, MapOptions
    from discovery.candidates.search import nearest
    from discovery.clustering.clustering import cluster
    from discovery.clustering.projection import project
    from discovery.clustering.result import Clustering
    from discovery.evaluation.evaluation import assess
    from discovery.evaluation.options import EvaluationOptions
    from discovery.labelaudit.labelaudit import audit_study
    from discovery.novelty.novelty import find_novel
    from discovery.novelty.scores import measure_novelty

_HOMES = {
    "assess": "discovery.evaluation.evaluation",
    "audit_study": "discovery.labelaudit.labelaudit",
    "cluster": "discovery.clustering.clustering",
    "Clustering": "discovery.clustering.result",
    "ClusterOptions": "discovery.candidates.options",
    "draw_map": "discovery.candidates.maps",
    "EvaluationOptions": "discovery.evaluation.options",
    "find_candidates": "discovery.candidates.candidates",
    "find_novel": "discovery.novelty.novelty",
    "MapOptions": "discovery.candidates.options",
    "measure_novelty": "discovery.novelty.scores",
    "nearest": "discovery.candidates.search",
    "project": "discovery.clustering.projection",
}

__all__ = [
    "ClusterOptions",
    "Clustering",
    "EvaluationOptions",
    "MapOptions",
    "assess",
    "audit_study",
    "cluster",
    "draw_map",
    "find_candidates",
    "find_novel",
    "measure_novelty",
    "nearest",
    "project",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
