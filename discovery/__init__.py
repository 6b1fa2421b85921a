"""From vectors and the neighbour graph to clusters, maps, evidence and the ``discover`` command."""

from typing import TYPE_CHECKING

from embed.lazy import lazy_names

if TYPE_CHECKING:
    from discovery.candidates.candidates import find_candidates
    from discovery.candidates.maps import draw_map
    from discovery.candidates.naming import name_cluster
    from discovery.candidates.options import ClusterOptions, MapOptions
    from discovery.candidates.search import nearest
    from discovery.certificates.certificate import Certificate, certify
    from discovery.certificates.evidence import Evidence
    from discovery.clustering.clustering import cluster
    from discovery.clustering.projection import project
    from discovery.clustering.result import Clustering
    from discovery.evaluation.evaluation import assess
    from discovery.evaluation.options import EvaluationOptions
    from discovery.guide.guide import make_guide
    from discovery.labelaudit.labelaudit import audit_study
    from discovery.novelty.novelty import find_novel
    from discovery.novelty.scores import measure_novelty
    from discovery.onset.onset import find_onsets
    from discovery.scorecard.scorecard import score
    from discovery.sensitivity.evaluation import evaluate_detector
    from discovery.sensitivity.options import SensitivityOptions
    from discovery.sensitivity.scan import scan_strain

_HOMES = {
    "assess": "discovery.evaluation.evaluation",
    "audit_study": "discovery.labelaudit.labelaudit",
    "Certificate": "discovery.certificates.certificate",
    "certify": "discovery.certificates.certificate",
    "cluster": "discovery.clustering.clustering",
    "Clustering": "discovery.clustering.result",
    "ClusterOptions": "discovery.candidates.options",
    "draw_map": "discovery.candidates.maps",
    "evaluate_detector": "discovery.sensitivity.evaluation",
    "EvaluationOptions": "discovery.evaluation.options",
    "Evidence": "discovery.certificates.evidence",
    "find_candidates": "discovery.candidates.candidates",
    "find_novel": "discovery.novelty.novelty",
    "find_onsets": "discovery.onset.onset",
    "make_guide": "discovery.guide.guide",
    "MapOptions": "discovery.candidates.options",
    "measure_novelty": "discovery.novelty.scores",
    "name_cluster": "discovery.candidates.naming",
    "nearest": "discovery.candidates.search",
    "project": "discovery.clustering.projection",
    "scan_strain": "discovery.sensitivity.scan",
    "score": "discovery.scorecard.scorecard",
    "SensitivityOptions": "discovery.sensitivity.options",
}

__all__ = [
    "Certificate",
    "ClusterOptions",
    "Clustering",
    "EvaluationOptions",
    "Evidence",
    "MapOptions",
    "SensitivityOptions",
    "assess",
    "audit_study",
    "certify",
    "cluster",
    "draw_map",
    "evaluate_detector",
    "find_candidates",
    "find_novel",
    "find_onsets",
    "make_guide",
    "measure_novelty",
    "name_cluster",
    "nearest",
    "project",
    "scan_strain",
    "score",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
