"""A generator that makes the right thing is told from one that does not, and from one that copies."""

import numpy as np
import pytest
import torch
from support.generators import Stripes, make_study

from embed import Study
from embed.errors import InputError, WeightsError
from embed.generator.examples import read_examples
from embed.generator.features import make_features
from embed.generator.judgement import judge

SIDE = 20


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = make_study(tmp_path_factory.mktemp("judged"), {"Blip": 40, "Koi_Fish": 40})
    with Study(folder) as study:
        return read_examples(study, (), SIDE)


def pixels(levels):
    """Mean levels of blocks: a stand-in for a network."""
    return levels.reshape(len(levels), 3, 5, SIDE // 5, 5, SIDE // 5).mean(axis=(3, 5)).reshape(len(levels), -1)


class Real(Stripes):
    """Gives back the real glitches that were learned from."""

    def __init__(self, examples):
        self.examples = examples

    def sample(self, label, count, _):
        rows = np.flatnonzero((self.examples.labels == label) & (self.examples.part == 0))
        return self.examples.levels[np.resize(rows, count)]


class Swapped(Stripes):
    """Makes the other class."""

    def sample(self, label, count, seed):
        return super().sample({"Blip": "Koi_Fish", "Koi_Fish": "Blip"}[label], count, seed)


def test_a_good_generator_is_near_and_of_the_right_class(examples):
    found = judge(Stripes(), examples, pixels, count=30)
    assert [row.label for row in found.classes] == ["Blip", "Koi_Fish"]
    for row in found.classes:
        assert (row.generated, row.learned, row.held_out) == (30, 28, 12)
        assert row.fid_floor < row.fid < row.fid_ceiling
        assert row.kid < row.kid_ceiling
        assert row.copied == 0
        assert row.given_class == row.real_given_class == row.found_by_generated == 1
    assert found.summary["real_accuracy"] == found.summary["generated_accuracy"] == 1
    assert found.made["Blip"].shape == (30, 3, SIDE, SIDE)


def test_a_generator_that_makes_the_other_class(examples):
    found = judge(Swapped(), examples, pixels, count=30)
    for row in found.classes:
        assert row.given_class == row.found_by_generated == 0
        assert row.fid > 0.5 * row.fid_ceiling
    assert found.summary["generated_given_class"] == 0


def test_copies_are_counted(examples):
    found = judge(Real(examples), examples, pixels, count=30)
    assert all(row.copied == 1 for row in found.classes)
    assert all(flags.all() for flags in found.copied.values())


def test_what_cannot_be_judged_is_refused(examples):
    class Other(Stripes):
        classes = ("Whistle",)

    with pytest.raises(InputError, match="stripes and the study share 0 classes with 24 held-out glitches"):
        judge(Other(), examples, pixels, count=3)


def test_networks_for_features():
    features = make_features("glitch", torch.device("cpu"))
    levels = np.random.default_rng(1).integers(0, 256, (2, 3, 16, 16), dtype=np.uint8)
    vectors = features(levels)
    assert vectors.shape[0] == 2
    assert np.isfinite(vectors).all()
    assert not np.allclose(vectors[0], vectors[1])
    with pytest.raises(WeightsError, match="no features 'vgg'; give glitch, bundled, inception"):
        make_features("vgg", torch.device("cpu"))


def test_inception_is_not_downloaded(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(
        WeightsError,
        match=r"the weights of Inception v3 are not on this machine: put https://.* or give --features bundled",
    ):
        make_features("inception", torch.device("cpu"))
