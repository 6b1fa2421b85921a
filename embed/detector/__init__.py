"""Networks on strain: binary black holes told from noise, and from glitches, in one or two detectors.

>>> from embed.detector import Examples, SourceOptions
>>> examples = Examples(SourceOptions(noise=("design",), waveform="bundled"), seed=1)
>>> examples.batch(range(4)).strain.shape
(4, 2, 2048)
"""

from typing import TYPE_CHECKING

from embed.lazy import lazy_names

if TYPE_CHECKING:
    from embed.detector.examples import Batch, Examples
    from embed.detector.geometry import SITES, Site, antenna_response, arrival_delay
    from embed.detector.model import Detector, load_detector
    from embed.detector.noise import NoiseSource, WhitenedBlock
    from embed.detector.options import DetectorOptions, SourceOptions
    from embed.detector.segments import Segments, whitened_segments
    from embed.detector.signals import Binary, SignalSource
    from embed.detector.trainer import train_detector

_HOMES = {
    "Batch": "embed.detector.examples",
    "Binary": "embed.detector.signals",
    "Detector": "embed.detector.model",
    "DetectorOptions": "embed.detector.options",
    "Examples": "embed.detector.examples",
    "NoiseSource": "embed.detector.noise",
    "SITES": "embed.detector.geometry",
    "Segments": "embed.detector.segments",
    "SignalSource": "embed.detector.signals",
    "Site": "embed.detector.geometry",
    "SourceOptions": "embed.detector.options",
    "WhitenedBlock": "embed.detector.noise",
    "antenna_response": "embed.detector.geometry",
    "arrival_delay": "embed.detector.geometry",
    "load_detector": "embed.detector.model",
    "train_detector": "embed.detector.trainer",
    "whitened_segments": "embed.detector.segments",
}

__all__ = [
    "SITES",
    "Batch",
    "Binary",
    "Detector",
    "DetectorOptions",
    "Examples",
    "NoiseSource",
    "Segments",
    "SignalSource",
    "Site",
    "SourceOptions",
    "WhitenedBlock",
    "antenna_response",
    "arrival_delay",
    "load_detector",
    "train_detector",
    "whitened_segments",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
