"""Generated glitches: a GAN trained on a study's labelled glitches, and the simulator behind the same interface."""

from typing import TYPE_CHECKING

from embed.lazy import lazy_names

if TYPE_CHECKING:
    from embed.generator.anomalies import Anomalies, find_anomalies
    from embed.generator.fidelity import frechet_distance, kernel_distance, precision_recall
    from embed.generator.folder import write_generated
    from embed.generator.judgement import Judgement, judge
    from embed.generator.model import GeneratorModel, load_generator
    from embed.generator.networks import Architecture, Critic, Generator
    from embed.generator.options import GeneratorOptions
    from embed.generator.source import SimulatorSource, Source, open_source
    from embed.generator.trainer import train_generator

_HOMES = {
    "Anomalies": "embed.generator.anomalies",
    "Architecture": "embed.generator.networks",
    "Critic": "embed.generator.networks",
    "Generator": "embed.generator.networks",
    "GeneratorModel": "embed.generator.model",
    "GeneratorOptions": "embed.generator.options",
    "Judgement": "embed.generator.judgement",
    "SimulatorSource": "embed.generator.source",
    "Source": "embed.generator.source",
    "find_anomalies": "embed.generator.anomalies",
    "frechet_distance": "embed.generator.fidelity",
    "judge": "embed.generator.judgement",
    "kernel_distance": "embed.generator.fidelity",
    "load_generator": "embed.generator.model",
    "open_source": "embed.generator.source",
    "precision_recall": "embed.generator.fidelity",
    "train_generator": "embed.generator.trainer",
    "write_generated": "embed.generator.folder",
}

__all__ = [
    "Anomalies",
    "Architecture",
    "Critic",
    "Generator",
    "GeneratorModel",
    "GeneratorOptions",
    "Judgement",
    "SimulatorSource",
    "Source",
    "find_anomalies",
    "frechet_distance",
    "judge",
    "kernel_distance",
    "load_generator",
    "open_source",
    "precision_recall",
    "train_generator",
    "write_generated",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
