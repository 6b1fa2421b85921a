"""Detectors with fresh weights."""

import pytest
from support.detectors import fresh_detector

from embed.detector.options import SourceOptions


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    return fresh_detector(tmp_path_factory.mktemp("detectors") / "fresh")


@pytest.fixture(scope="module")
def fresh_with_glitches(tmp_path_factory):
    return fresh_detector(
        tmp_path_factory.mktemp("detectors") / "third",
        SourceOptions(glitches=True, without=("Blip", "Koi_Fish")),
        seed=1,
    )
