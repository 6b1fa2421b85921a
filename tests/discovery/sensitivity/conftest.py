"""A detector with fresh weights: it judges at random, which is enough for all that is not about what it learned."""

import pytest

from embed.detector.model import save_detector
from embed.detector.networks import make_network
from embed.detector.options import SourceOptions


def fresh_detector(folder, source=None, seed=0):
    source = source or SourceOptions()
    network = make_network("gabbard", len(source.ifos), source.samples, classes=len(source.classes), seed=seed)
    card = {"network": "gabbard", "classes": list(source.classes), "source": source.facts(), "waveform": "IMRPhenomD"}
    folder.mkdir(parents=True)
    save_detector(folder, network.state_dict(), card)
    return folder


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    return fresh_detector(tmp_path_factory.mktemp("detectors") / "fresh")


@pytest.fixture(scope="module")
def fresh_with_glitches(tmp_path_factory):
    return fresh_detector(tmp_path_factory.mktemp("detectors") / "third", SourceOptions(glitches=True), seed=1)
