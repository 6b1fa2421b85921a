"""A network on strain with fresh weights: it judges at random, which is enough for all that is not about what it learned."""

from embed.detector.model import save_detector
from embed.detector.networks import make_network
from embed.detector.options import SourceOptions


def fresh_detector(folder, source=None, seed=0):
    """A detector's folder, returned."""
    source = source or SourceOptions()
    network = make_network("gabbard", len(source.ifos), source.samples, classes=len(source.classes), seed=seed)
    card = {"network": "gabbard", "classes": list(source.classes), "source": source.facts(), "waveform": "IMRPhenomD"}
    folder.mkdir(parents=True, exist_ok=True)
    save_detector(folder, network.state_dict(), card)
    return folder
